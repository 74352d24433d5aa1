"""Talks to the guest of a server over its serial console."""

import os
import re
import secrets
import subprocess
import sys
import time

from cloud.connection import STATE

LIBVIRT = f"qemu:///system?socket={STATE}/libvirt/run/libvirt-sock"


class GuestError(Exception):
    """The guest did not answer, or answered with an error."""


def virsh(*arguments: str) -> str:
    command = ["virsh", "-q", "-c", LIBVIRT, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise GuestError(done.stderr.strip())
    return done.stdout.strip()


class Guest:
    def __init__(self, server: str):
        self.server = server
        self.console = STATE / "nova/instances" / server / "console.log"

    def text(self) -> str:
        try:
            return self.console.read_text(errors="replace").replace("\r", "")
        except FileNotFoundError:
            return ""

    def _await(self, pattern: str, deadline: float, tty: int | None = None) -> re.Match:
        end = time.monotonic() + deadline
        while not (found := re.search(pattern, self.text(), re.MULTILINE)):
            if time.monotonic() > end:
                raise GuestError(f"no {pattern!r} in {deadline:.0f} s; {self.text()[-600:]}")
            if tty is not None:
                # Nobody else empties it, and the guest would stand still when it is full.
                try:
                    os.read(tty, 65536)
                except BlockingIOError:
                    pass
            time.sleep(0.1)
        return found

    def ready(self, deadline: float = 300) -> int:
        """Waits for the boot; how often its root disk has booted."""
        return int(self._await(r"^READY boots=(\d+)$", deadline)[1])

    def do(self, *words: object, deadline: float = 300) -> str:
        """The answer to a command."""
        self.ready(deadline)
        label = secrets.token_hex(4)
        line = " ".join([label, *map(str, words)])
        tty = os.open(virsh("ttyconsole", self.server), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            # QEMU looks once a second whether somebody opened the other end.
            time.sleep(1.2)
            os.write(tty, f"{line}\n".encode())
            found = self._await(rf"^{label}: (ok|error) ?(.*)$", deadline, tty)
        finally:
            os.close(tty)
        if found[1] == "error":
            raise GuestError(f"{line}: {found[2]}")
        return found[2]


def main(server: str, *words: str):
    guest = Guest(server)
    print(guest.ready() if words == ("ready",) else guest.do(*words))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except GuestError as error:
        sys.exit(f"guest: {error}")
