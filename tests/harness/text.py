"""Numbers for people."""


def size(count: float) -> str:
    """Bytes as "1.2 GiB"."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(count) < 1024 or unit == "TiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")


def rate(count: float, seconds: float) -> str:
    """Bytes a second as "350 MiB/s"."""
    return f"{count / max(seconds, 1e-9) / (1 << 20):.0f} MiB/s"


def ratio(larger: float, smaller: float) -> str:
    """How many times smaller, as "3.2:1"."""
    return f"{larger / smaller:.1f}:1" if smaller else "all:0"
