"""Boots a guest in QEMU without KVM, has it run a script, waits for its power-off."""

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from harness.ground import Ground, GroundError

STATUS = re.compile(rb"guest: script status (\d+)")
# What the guest says before it does anything, and the seconds that takes at the most.
UP = b"guest: up"
UP_DEADLINE = 90


@dataclass(frozen=True)
class Drive:
    """A disk of the guest: /dev/vda is the first one given, and so on."""

    path: Path
    format: str
    read_only: bool = False

    def argument(self, serial: str) -> list[str]:
        options = [
            f"file={self.path}",
            f"format={self.format}",
            "if=none",
            f"id={serial}",
            "cache=writeback",
            "discard=unmap",
            f"readonly={'on' if self.read_only else 'off'}",
        ]
        return [
            *("-drive", ",".join(options)),
            *("-device", f"virtio-blk-pci,drive={serial},serial={serial}"),
        ]


def run_script(
    ground: Ground, drives: list[Drive], script: str, deadline: float = 120, boots: int = 1
) -> str:
    """Boots from the first drive's own boot sector, runs the shell `script` in the guest.

    Returns what the guest wrote to its console. GroundError when it did not power
    off by the deadline (seconds) or the script failed; the message ends with the console.
    A guest that is not even up is booted `boots` times: only where the boot is not what is tested.
    """
    script_disk = ground.path / "guest-script"
    content = script.encode()
    script_disk.write_bytes(content + bytes(-len(content) % 4096))
    console = ground.path / "guest-console"
    argv = [
        *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max"),
        *("-m", "768", "-smp", "2", "-nodefaults", "-no-reboot", "-display", "none"),
        *("-serial", f"file:{console}"),
    ]
    for number, drive in enumerate(drives):
        argv += drive.argument(f"disk{number}")
    argv += Drive(script_disk, "raw", read_only=True).argument("script")
    log = ground.path / "qemu-log"
    machine = _started(ground, argv, console, log, boots)
    try:
        status = machine.wait(deadline)
    except subprocess.TimeoutExpired:
        message = f"the guest was still running after {deadline:.0f} s"
        raise GroundError(f"{message}\n{_tail(console)}") from None
    finally:
        ground.stop(machine)
    if status != 0:
        raise GroundError(f"QEMU ended with status {status}\n{_tail(log)}")
    found = STATUS.search(console.read_bytes())
    if not found or found[1] != b"0":
        raise GroundError(f"the guest's script failed\n{_tail(console)}")
    return console.read_text(errors="replace").replace("\r", "")


def _started(
    ground: Ground, argv: list[str], console: Path, log: Path, boots: int
) -> subprocess.Popen:
    """A machine whose guest has said that it is up, or that has ended."""
    for _ in range(boots):
        console.unlink(missing_ok=True)
        console.touch()
        machine = ground.start(argv, log)
        end = time.monotonic() + UP_DEADLINE
        while time.monotonic() < end:
            if machine.poll() is not None or UP in console.read_bytes():
                return machine
            time.sleep(0.1)
        ground.stop(machine)
    raise GroundError(f"the guest is not up after {boots} boots\n{_tail(console)}")


def _tail(path: Path, lines: int = 15) -> str:
    text = path.read_text(errors="replace").replace("\r", "")
    return "\n".join(text.splitlines()[-lines:])
