"""Plays the same operations with every contestant, several rounds, in rotated order."""

import shutil
import statistics
from pathlib import Path

from bench.contestant import Contestant
from bench.dataset import Dataset
from bench.measure import Measurement
from harness import text
from harness.compare import first_difference
from harness.ground import Ground, GroundError

#: Operation to what it means, for the report.
OPERATIONS = {
    "full": "first backup of a server into an empty repository",
    "second": "first backup of a second server, made from the same image",
    "incremental": "the first server again, a day later",
    "unchanged": "once more, nothing changed",
    "restore": "the newest backup of the first server, compared byte for byte",
    "verify": "all that is stored is read and checked",
    "sparse": "a large, nearly empty disk",
}
# source, content to put there, mode
BACKUPS = {
    "full": ("server", "base", "full"),
    "second": ("second", "second", "full"),
    "incremental": ("server", "changed", "incremental"),
    "unchanged": ("server", None, "incremental"),
    "sparse": ("sparse", "sparse", "full"),
}

Results = dict[str, dict[str, list[Measurement]]]


def _copy_is_right(dataset: Dataset, restored: Path, image: str):
    difference = first_difference(restored, dataset.image(image, "raw"))
    if difference:
        raise GroundError(f"wrong restore: {difference}")


def play(contestant: Contestant, operations: list[str]) -> dict[str, Measurement]:
    """All operations with one fresh repository."""
    done: dict[str, Measurement] = {}
    stored_image = {}
    for name in ("server", "second", "sparse"):
        contestant.put(name, "base" if name == "server" else name)
    contestant.create()
    for operation in operations:
        result = None
        if operation in BACKUPS:
            source, image, mode = BACKUPS[operation]
            if operation == "incremental":
                contestant.put(source, image)
            contestant.warm(source)
            before = contestant.stored_bytes()
            result = contestant.backup(source, mode)
            if result:
                stored = contestant.stored_bytes() - before
                result = Measurement(
                    result.seconds, result.cpu_seconds, result.peak_rss_bytes, stored
                )
                stored_image[source] = image or stored_image[source]
        elif operation == "restore":
            target = contestant.folder / "restored"
            result, restored = contestant.restore("server", target)
            _copy_is_right(contestant.dataset, restored, stored_image["server"])
            shutil.rmtree(target)
        else:
            result = contestant.verify()
        if result:
            done[operation] = result
            print(
                f"  {contestant.name:<13}{operation:<12}{result.seconds:8.2f} s"
                f"{result.cpu_seconds:8.2f} s CPU{text.size(result.peak_rss_bytes):>12}"
                + (f"{text.size(result.stored_bytes):>12}" if result.stored_bytes is not None else ""),
                flush=True,
            )
    return done


def run(
    contestants: list[type[Contestant]], dataset: Dataset, rounds: int, operations: list[str]
) -> Results:
    """Measurements by contestant and operation. The large sparse disk is played once."""
    results: Results = {kind.name: {} for kind in contestants}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", flush=True)
        shift = number % len(contestants)
        for kind in contestants[shift:] + contestants[:shift]:
            chosen = [o for o in operations if o != "sparse" or number == 0]
            with Ground("bench") as ground:
                contestant = kind(ground, dataset, ground.path / kind.name)
                try:
                    for operation, measured in play(contestant, chosen).items():
                        results[kind.name].setdefault(operation, []).append(measured)
                finally:
                    contestant.close()
    return results


def median(measurements: list[Measurement]) -> Measurement:
    """The median of each figure."""
    stored = [m.stored_bytes for m in measurements if m.stored_bytes is not None]
    return Measurement(
        statistics.median(m.seconds for m in measurements),
        statistics.median(m.cpu_seconds for m in measurements),
        int(statistics.median(m.peak_rss_bytes for m in measurements)),
        int(statistics.median(stored)) if stored else None,
    )
