"""Prints the demo as a short story: what was done, what came of it, how long it took."""

import time

from harness import text


class Story:
    """Numbered chapters; each is printed when it begins and finished with its result."""

    def __init__(self, title: str):
        self._number = 0
        self._began = time.monotonic()
        self._chapter_began = self._began
        print(f"\n{title}\n", flush=True)

    def chapter(self, title: str):
        """Begins a chapter; what is told until the next one belongs to it."""
        self._number += 1
        self._chapter_began = time.monotonic()
        print(f"{self._number:>3}. {title}", flush=True)

    @property
    def seconds(self) -> float:
        """Since the chapter began."""
        return time.monotonic() - self._chapter_began

    def tell(self, line: str):
        """One line of the chapter."""
        print(f"     {line}", flush=True)

    def end(self, line: str):
        """The last line, with the time of the whole."""
        print(f"\n{line} ({time.monotonic() - self._began:.0f} s)\n", flush=True)


def backup_line(point: dict, seconds: float) -> str:
    """Sizes, ratio and rate of a restore point's backup."""
    virtual, read, new, stored = (
        point[f"{field}_bytes"] for field in ("size", "read", "new", "stored")
    )
    line = f"{text.size(virtual)} of disks, {text.size(read)} read, {text.size(new)} new"
    if stored:
        line += f", stored as {text.size(stored)} ({text.ratio(new, stored)})"
    return f"{line}; {seconds:.1f} s, {text.rate(read, seconds)}"
