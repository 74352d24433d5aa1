"""Bar charts as SVG, by the standard library alone."""

from html import escape

COLOURS = {
    "firn": "#1f6feb",
    "firn-raw": "#79b8ff",
    "restic": "#d29922",
    "borg": "#8c6d46",
    "borg-default": "#c4a484",
    "rustic": "#bf5a36",
    "qemu-img": "#8b949e",
}
FONT = "font-family='system-ui, sans-serif'"
BAR, GAP, LABEL, WIDTH, HEAD = 16, 14, 110, 560, 44


def _bars(title: str, unit: str, groups: dict[str, dict[str, float]], left: int, top: int):
    """One panel of horizontal bars; returns its SVG and its height. Each group has its scale."""
    parts = [
        f"<text x='{left}' y='{top + 18}' {FONT} font-size='15' font-weight='600' "
        f"fill='#24292f'>{escape(title)}</text>"
    ]
    y = top + HEAD - 12
    for group, figures in groups.items():
        longest = max(figures.values()) or 1
        middle = y + len(figures) * BAR / 2 + 4
        parts.append(
            f"<text x='{left + LABEL - 10}' y='{middle:.0f}' {FONT} font-size='12' "
            f"text-anchor='end' fill='#57606a'>{escape(group)}</text>"
        )
        for name, value in figures.items():
            width = max((WIDTH - LABEL - 90) * value / longest, 1)
            parts.append(
                f"<rect x='{left + LABEL}' y='{y}' width='{width:.1f}' height='{BAR - 3}' "
                f"rx='2' fill='{COLOURS.get(name, '#57606a')}'/>"
                f"<text x='{left + LABEL + width + 6:.1f}' y='{y + BAR - 6}' {FONT} "
                f"font-size='10.5' fill='#24292f'>{value:,.1f} {unit}</text>"
            )
            y += BAR
        y += GAP
    return "\n".join(parts), y - top


def _legend(names: list[str], left: int, top: int) -> str:
    parts, x = [], left
    for name in names:
        parts.append(
            f"<rect x='{x}' y='{top}' width='12' height='12' rx='2' "
            f"fill='{COLOURS.get(name, '#57606a')}'/>"
            f"<text x='{x + 18}' y='{top + 11}' {FONT} font-size='12' fill='#24292f'>"
            f"{escape(name)}</text>"
        )
        x += 34 + 7 * len(name)
    return "\n".join(parts)


def _page(width: int, height: int, parts: list[str]) -> str:
    body = "\n".join(parts)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"width='{width}' height='{height}'>\n"
        f"<rect width='{width}' height='{height}' fill='#ffffff'/>\n{body}\n</svg>\n"
    )


def _groups(report: dict, operations, field: str, divisor: float) -> dict[str, dict[str, float]]:
    groups: dict[str, dict[str, float]] = {}
    for operation in operations:
        for name, contestant in report["contestants"].items():
            value = contestant["operations"].get(operation, {}).get(field)
            if value is not None:
                groups.setdefault(operation, {})[name] = value / divisor
    return groups


def report_svg(report: dict) -> str:
    """Times on the left; stored bytes and memory on the right. Shorter is better everywhere."""
    times = ("full", "second", "incremental", "unchanged", "restore", "verify", "sparse")
    stored = ("full", "second", "incremental", "sparse")
    legend = _legend(list(report["contestants"]), 24, 20)
    mib = 2**20
    left, left_height = _bars("Time", "s", _groups(report, times, "seconds", 1), 24, 48)
    upper, upper_height = _bars(
        "Stored", "MiB", _groups(report, stored, "stored_bytes", mib), 44 + WIDTH, 48
    )
    lower, lower_height = _bars(
        "Peak memory",
        "MiB",
        _groups(report, ("full", "restore"), "peak_rss_bytes", mib),
        44 + WIDTH,
        60 + upper_height,
    )
    height = 60 + max(left_height, upper_height + lower_height + 12)
    return _page(68 + 2 * WIDTH, int(height), [legend, left, upper, lower])


def chunks_svg(rows: list[dict]) -> str:
    """The chunk-size sweep: one bar a size."""

    def panel(title: str, unit: str, field: str, divisor: float, left: int):
        groups = {row["label"]: {"firn": row[field] / divisor} for row in rows}
        longest = max(g["firn"] for g in groups.values())
        # One scale for all sizes: pad each group with nothing, scale by the longest.
        return _scaled_bars(title, unit, groups, longest, left)

    parts, heights = [], []
    for number, (title, unit, field, divisor) in enumerate(
        (
            ("Full backup", "s", "full_seconds", 1),
            ("Incremental", "s", "incremental_seconds", 1),
            ("Restore", "s", "restore_seconds", 1),
            ("Stored by the full backup", "MiB", "full_stored_bytes", 2**20),
            ("Stored by all backups", "MiB", "all_stored_bytes", 2**20),
        )
    ):
        column, line = number % 3, number // 3
        svg, height = panel(title, unit, field, divisor, 24 + column * 400)
        parts.append(f"<g transform='translate(0 {line * (height + 10)})'>{svg}</g>")
        heights.append(height)
    return _page(24 + 3 * 400, 2 * (max(heights) + 10) + 10, parts)


def _scaled_bars(title, unit, groups, longest, left):
    parts = [
        f"<text x='{left}' y='30' {FONT} font-size='15' font-weight='600' "
        f"fill='#24292f'>{escape(title)}</text>"
    ]
    y = 44
    for group, figures in groups.items():
        width = max(200 * figures["firn"] / longest, 1)
        parts.append(
            f"<text x='{left + 66}' y='{y + 11}' {FONT} font-size='12' text-anchor='end' "
            f"fill='#57606a'>{escape(group)}</text>"
            f"<rect x='{left + 74}' y='{y}' width='{width:.1f}' height='14' rx='2' "
            f"fill='{COLOURS['firn']}'/>"
            f"<text x='{left + 80 + width:.1f}' y='{y + 11}' {FONT} font-size='10.5' "
            f"fill='#24292f'>{figures['firn']:,.2f} {unit}</text>"
        )
        y += 20
    return "\n".join(parts), y
