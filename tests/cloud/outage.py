"""Kills a process of the cloud at some moment, and starts it again some seconds later."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from cloud.connection import STATE

HERE = Path(__file__).parent
# The processes to kill, and the service that starts each again.
VICTIMS = {
    "firn-conductor": "firn",
    "firn-agent": "firn",
    "ceph-osd": "ceph",
    "ceph-mon": "ceph",
    "cinder-volume": "cinder",
    "rabbitmq": "rabbitmq",
}
# A conductor's workers see that it has gone; until then they may do what they were at.
WORKERS_END = 10


def processes(name: str) -> list[int]:
    """The ids of all processes of a name: they bear its mark (lib/process.sh)."""
    mark = f"FIRN_CLOUD_PROCESS={STATE}:{name}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                # What is dead but not waited for has no environment any more.
                found.append(int(folder.name))
        except OSError:
            pass
    return found


def kill(name: str):
    """SIGKILL, as the kernel does it when memory ends: a process of Firn's without its children."""
    main = int((STATE / "run" / name).read_text())
    for process in [main] if name.startswith("firn-") else processes(name):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Outage(threading.Thread):
    """Kills `victim` after `moment` seconds and starts it again `absence` seconds later."""

    def __init__(self, victim: str, moment: float, absence: float):
        super().__init__(daemon=True)
        self.victim, self.moment, self.absence = victim, moment, absence
        self.error: BaseException | None = None

    def run(self):
        try:
            time.sleep(self.moment)
            kill(self.victim)
            time.sleep(self.absence)
            if self.victim == "firn-conductor" and self.absence > WORKERS_END:
                left = processes(self.victim)
                assert not left, f"workers outlive their conductor: {left}"
            self.repair()
        except BaseException as error:
            self.error = error

    def repair(self):
        subprocess.run([HERE / "service", VICTIMS[self.victim], "start"], check=True, timeout=400)

    def over(self):
        """Waits until the process runs again; raises what went wrong."""
        self.join(self.moment + self.absence + 500)
        if self.error:
            raise self.error
        assert not self.is_alive(), f"{self.victim} was not started again in time"
