"""Wall time, CPU time and peak memory of a process tree."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.ground import Ground, GroundError

PAGE = os.sysconf("SC_PAGESIZE")
TICKS = os.sysconf("SC_CLK_TCK")
INTERVAL = 0.025


@dataclass(frozen=True)
class Measurement:
    """One operation. The time ends with everything written back to the disk."""

    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    stored_bytes: int | None = None

    def as_dict(self) -> dict:
        """For the JSON report."""
        return asdict(self)


def _children(pid: int) -> list[int]:
    """Direct children; each thread has its own list."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    except OSError:
        pass  # ended meanwhile
    return found


def tree(root: int) -> list[int]:
    """`root` and all processes below it."""
    pids = [root]
    for pid in pids:
        pids += _children(pid)
    return pids


def _rss(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of its children that have ended."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    fields = stat[stat.rindex(")") + 2 :].split()
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS


class MemorySampler:
    """The largest resident memory of a process tree while the block runs."""

    def __init__(self, root: int):
        self._root = root
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.peak = 0

    def _sample(self):
        while True:
            self.peak = max(self.peak, sum(_rss(pid) for pid in tree(self._root)))
            if self._stop.wait(INTERVAL):
                return

    def __enter__(self) -> "MemorySampler":
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def command(ground: Ground, argv: list, deadline: float, log: Path, **popen) -> Measurement:
    """Runs a command to its end; GroundError with its last output when it fails or is late."""
    before = os.times()
    begin = time.monotonic()
    process = ground.start(argv, log=log, **popen)
    with MemorySampler(process.pid) as memory:
        try:
            status = process.wait(deadline)
        except Exception:
            ground.stop(process)
            raise GroundError(f"{argv[0]} was still running after {deadline:.0f} s") from None
    os.sync()
    seconds = time.monotonic() - begin
    after = os.times()
    ground.stop(process)
    if status != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
        raise GroundError(f"{' '.join(map(str, argv))}: status {status}\n{tail}")
    cpu = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    return Measurement(seconds, cpu, memory.peak)


def service(pid: int, work: Callable[[], object]) -> Measurement:
    """Measures what a running service and its children do while `work` runs."""
    before = cpu_seconds(pid)
    begin = time.monotonic()
    with MemorySampler(pid) as memory:
        work()
    os.sync()
    seconds = time.monotonic() - begin
    return Measurement(seconds, cpu_seconds(pid) - before, memory.peak)
