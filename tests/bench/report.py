"""The bench's figures as a table for people and as JSON."""

import datetime
import os
import platform
from pathlib import Path

from bench.dataset import Dataset
from bench.runner import BACKUPS, OPERATIONS, Results, median
from harness import text
from harness.firn import REPOSITORY
from harness.ground import GroundError, run

#: Peers that do the same job: deduplicate, encrypt, keep many points in time.
DEDUPLICATING = ("restic", "borg", "borg-default", "rustic")


def machine() -> dict:
    """What it ran on."""
    cpu = next(
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    file_system = run(["stat", "-f", "-c", "%T", REPOSITORY]).strip()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_bytes": memory,
        "kernel": platform.release(),
        "file_system": file_system,
        "system": _system(),
    }


def _system() -> str:
    release = platform.freedesktop_os_release()
    return release.get("PRETTY_NAME", "unknown")


def _commit() -> str:
    try:
        return run(["git", "-C", REPOSITORY, "describe", "--always", "--dirty"]).strip()
    except GroundError:
        return "unknown"


def build(results: Results, versions: dict, dataset: Dataset, size: str, rounds: int) -> dict:
    """The whole report as JSON; medians, and every single time."""
    contestants = {}
    for name, operations in results.items():
        contestants[name] = {
            "version": versions[name],
            "operations": {
                operation: median(measured).as_dict()
                | {"all_seconds": [round(m.seconds, 3) for m in measured]}
                for operation, measured in operations.items()
            },
        }
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "commit": _commit(),
        "size": size,
        "rounds": rounds,
        "machine": machine(),
        "data": dataset.facts,
        "contestants": contestants,
    }


def _figures(report: dict, operation: str, field: str) -> dict[str, float]:
    found = {}
    for name, contestant in report["contestants"].items():
        value = contestant["operations"].get(operation, {}).get(field)
        if value is not None:
            found[name] = value
    return found


def best_peer(figures: dict[str, float]) -> tuple[str, float] | None:
    """The lowest figure among the deduplicating peers."""
    peers = {name: value for name, value in figures.items() if name in DEDUPLICATING}
    return min(peers.items(), key=lambda item: item[1]) if peers else None


def _versus(figures: dict[str, float]) -> str:
    best = best_peer(figures)
    if not best or not figures.get("firn"):
        return "–"
    return f"{best[1] / figures['firn']:.2f}× {best[0]}"


TABLES = (
    ("Time, s", "seconds", lambda v: f"{v:.2f}", tuple(OPERATIONS)),
    ("CPU, s", "cpu_seconds", lambda v: f"{v:.2f}", tuple(OPERATIONS)),
    ("Peak memory, MiB", "peak_rss_bytes", lambda v: f"{v / 2**20:.0f}", tuple(OPERATIONS)),
    ("Stored, MiB", "stored_bytes", lambda v: f"{v / 2**20:.1f}", tuple(BACKUPS)),
)


def tables(report: dict) -> list[tuple[str, list[list[str]]]]:
    """Title and rows (the first is the head) of each table; the last column compares."""
    names = list(report["contestants"])
    made = []
    for title, field, show, operations in TABLES:
        rows = [["", *names, "best peer ÷ firn"]]
        for operation in operations:
            figures = _figures(report, operation, field)
            if figures:
                cells = [show(figures[n]) if n in figures else "–" for n in names]
                rows.append([operation, *cells, _versus(figures)])
        if field == "stored_bytes":
            rows.append(_total_row(report, names, show))
        made.append((title, rows))
    return made


def _total_row(report: dict, names: list[str], show) -> list[str]:
    """All that the servers' four backups left, for who can do all four."""
    servers = ("full", "second", "incremental", "unchanged")
    totals = {}
    for name in names:
        parts = [_figures(report, operation, "stored_bytes").get(name) for operation in servers]
        if None not in parts:
            totals[name] = sum(parts)
    cells = [show(totals[n]) if n in totals else "–" for n in names]
    return ["servers, all", *cells, _versus(totals)]


def as_text(report: dict) -> str:
    """The tables for a terminal."""
    lines = []
    for title, rows in tables(report):
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines.append(f"\n{title}")
        for row in rows:
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
            lines.append("  " + "  ".join(cells))
    return "\n".join(lines)


def as_markdown(report: dict) -> str:
    """The page `docs/bench/README.md`."""
    host = report["machine"]
    data = report["data"]
    lines = [
        "# Bench",
        "",
        "Made by `make bench`; do not edit. The figures are in [latest.json](latest.json).",
        "",
        "![Bench](latest.svg)",
        "",
        f"- Date {report['date']}, commit `{report['commit']}`, size `{report['size']}`, "
        f"median of {report['rounds']} (the sparse disk once).",
        f"- Machine: {host['cpu']}, {host['cores']} cores, {text.size(host['memory_bytes'])} "
        f"of memory, {host['system']}, kernel {host['kernel']}, {host['file_system']}.",
    ]
    for name, meaning in (
        ("base", "server"),
        ("changed", "the server a day later"),
        ("second", "second server"),
        ("sparse", "sparse disk"),
    ):
        facts = data[name]
        line = f"- {meaning.capitalize()}: {text.size(facts['size_bytes'])} virtual, "
        line += f"{text.size(facts['data_bytes'])} of data"
        if "changed_bytes" in facts:
            line += f", {text.size(facts['changed_bytes'])} in changed 64 KiB blocks"
        lines.append(line + ".")
    lines += [f"- {name}: {c['version']}." for name, c in report["contestants"].items()]
    lines += ["", "| operation | meaning |", "|---|---|"]
    lines += [f"| {operation} | {meaning} |" for operation, meaning in OPERATIONS.items()]
    for title, rows in tables(report):
        lines += ["", f"## {title}", "", "| " + " | ".join(rows[0]) + " |"]
        lines.append("|---" + "|---:" * (len(rows[0]) - 1) + "|")
        lines += ["| " + " | ".join(row) + " |" for row in rows[1:]]
    return "\n".join(lines) + "\n" + METHOD


METHOD = """
## Method

- One run, one machine, one file system, a fresh repository for each program and round; the
  order of the programs rotates from round to round.
- The source is read once before each backup, so that everybody starts from a warm page cache.
- A time ends when everything is written back (`sync`).
- CPU is user and system time of the program and its children; memory is the largest sum of
  resident memory of its processes, sampled forty times a second (shared pages count for each).
- Every restore is compared byte for byte with the source; a difference fails the bench.
- `firn` reads qcow2 as a hypervisor keeps it; the server of the incremental carries a dirty
  bitmap that QEMU kept while the guest worked. `firn-raw`, restic, borg and rustic read the
  same disk as a raw file. `qemu-img` makes a compressed copy: it neither deduplicates nor
  encrypts nor knows increments, and bounds what a plain copy costs.
- restic and borg skip a file whose time stamp did not change; that is what `unchanged` shows.
- The servers are Debian systems made of real packages, with a database file and logs on top;
  the day's work (database pages, logs, an upgrade, uploads) is done by the guest itself, seeded.
"""
