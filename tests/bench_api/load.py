"""What a server answers to many clients, and the memory it takes."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from harness.ground import GroundError, descendants, run

CLIENTS = 8


@dataclass
class Load:
    """One figure of one server."""

    requests_per_second: float
    median_ms: float
    p99_ms: float
    # Microseconds of processor time a request took of the server and of its database.
    server_us: float
    database_us: float

    def as_dict(self) -> dict:
        return vars(self)


def drive(url: str, token: str, seconds: int, server: int, database: int) -> Load:
    """Asks `url` from CLIENTS connections, as fast as it answers; every answer must be 2xx.
    `server` and `database` are the processes that answer."""
    before = processor_seconds(server), processor_seconds(database)
    report = run(
        ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--timeout", "90s", "--latency",
         "-H", f"X-Auth-Token: {token}", url],
        deadline=seconds + 120,
    )  # fmt: skip
    if failed := re.search(r"Non-2xx.*: (\d+)", report):
        raise GroundError(f"{url}: {failed[1]} answers were errors\n{report}")
    requests = int(_found(r"(\d+) requests in", report))
    spent = [
        (processor_seconds(pid) - then) / requests * 1e6
        for pid, then in zip((server, database), before, strict=True)
    ]
    return Load(
        requests_per_second=float(_found(r"Requests/sec:\s+([\d.]+)", report)),
        median_ms=_milliseconds(r"50%\s+", report),
        p99_ms=_milliseconds(r"99%\s+", report),
        server_us=spent[0],
        database_us=spent[1],
    )


def _found(pattern: str, report: str) -> str:
    found = re.search(pattern, report)
    if not found:
        raise GroundError(f"wrk said something else:\n{report}")
    return found[1]


def _milliseconds(label: str, report: str) -> float:
    number, unit = re.fullmatch(
        r"([\d.]+)(us|ms|s|m)", _found(label + r"([\d.]+(?:us|ms|s|m))", report)
    ).groups()
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[unit]


def processor_seconds(pid: int) -> float:
    """Time that a process and all below it have spent on a processor."""
    ticks = 0
    for process in [pid, *descendants(pid)]:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid: int) -> int:
    """Proportional memory of a process and all below it: shared pages count once."""
    total = 0
    for process in [pid, *descendants(pid)]:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total
