"""Compares disk images byte for byte; holes cost nothing."""

import errno
import os
from pathlib import Path

STEP = 4 << 20


def data_ranges(descriptor: int, size: int) -> list[tuple[int, int]]:
    """Ranges [begin, end) of a file that are not holes."""
    ranges, position = [], 0
    while position < size:
        try:
            begin = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break
            raise
        position = os.lseek(descriptor, begin, os.SEEK_HOLE)
        ranges.append((begin, min(position, size)))
    return ranges


def _union(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[list[int]] = []
    for begin, end in sorted(ranges):
        if merged and begin <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([begin, end])
    return [(begin, end) for begin, end in merged]


def first_difference(left: Path, right: Path) -> str | None:
    """None when both files have the same bytes; else what differs, for people."""
    with open(left, "rb", buffering=0) as a, open(right, "rb", buffering=0) as b:
        sizes = os.fstat(a.fileno()).st_size, os.fstat(b.fileno()).st_size
        if sizes[0] != sizes[1]:
            return f"{left.name} has {sizes[0]} bytes, {right.name} has {sizes[1]}"
        both = data_ranges(a.fileno(), sizes[0]) + data_ranges(b.fileno(), sizes[0])
        for begin, end in _union(both):
            for offset in range(begin, end, STEP):
                length = min(STEP, end - offset)
                one = os.pread(a.fileno(), length, offset)
                two = os.pread(b.fileno(), length, offset)
                if one != two:
                    at = next(i for i, (x, y) in enumerate(zip(one, two)) if x != y)
                    return f"{left.name} and {right.name} differ first at byte {offset + at}"
    return None
