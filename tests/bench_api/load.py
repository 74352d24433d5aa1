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
    # Microseconds of processor time a request took of the server and of its database, and the
    # kernel's share of the server's.
    server_us: float
    server_kernel_share: float
    database_us: float

    def as_dict(self) -> dict:
        return vars(self)


def drive(url: str, token: str, seconds: int, server: int, database: int) -> Load:
    """Asks `url` from CLIENTS connections, as fast as it answers; every answer must be 2xx.
    `server` and `database` are the processes that answer."""
    before = [processor_seconds(pid) for pid in (server, database)]
    report = run(
        ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--timeout", "90s", "--latency",
         "-H", f"X-Auth-Token: {token}", url],
        deadline=seconds + 120,
    )  # fmt: skip
    if failed := re.search(r"Non-2xx.*: (\d+)", report):
        raise GroundError(f"{url}: {failed[1]} answers were errors\n{report}")
    requests = int(_found(r"(\d+) requests in", report))
    (user, kernel), (its_user, its_kernel) = (
        (now - then for now, then in zip(processor_seconds(pid), was, strict=True))
        for pid, was in zip((server, database), before, strict=True)
    )
    return Load(
        requests_per_second=float(_found(r"Requests/sec:\s+([\d.]+)", report)),
        median_ms=_milliseconds("50%", report),
        p99_ms=_milliseconds("99%", report),
        server_us=(user + kernel) / requests * 1e6,
        server_kernel_share=kernel / (user + kernel),
        database_us=(its_user + its_kernel) / requests * 1e6,
    )


def _found(pattern: str, report: str) -> str:
    found = re.search(pattern, report)
    if not found:
        raise GroundError(f"wrk said something else:\n{report}")
    return found[1]


def _milliseconds(percentile: str, report: str) -> float:
    # Other percentages of the report have no time behind them.
    text = _found(rf"{percentile}\s+([\d.]+(?:us|ms|s|m))", report)
    number = text.rstrip("ums")
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[text[len(number):]]


def processor_seconds(pid: int) -> tuple[float, float]:
    """Time that a process and all below it have spent on a processor: their own, the kernel's."""
    user = kernel = 0
    for process in [pid, *descendants(pid)]:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        user += int(fields[11])
        kernel += int(fields[12])
    second = os.sysconf("SC_CLK_TCK")
    return user / second, kernel / second


def memory_bytes(pid: int) -> int:
    """Proportional memory of a process and all below it: shared pages count once."""
    total = 0
    for process in [pid, *descendants(pid)]:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total
