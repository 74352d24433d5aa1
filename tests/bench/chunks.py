"""How the chunk size moves time and stored bytes: the figures behind the default."""

from bench.dataset import Dataset
from bench.firn import Firn
from bench.runner import play
from harness import text
from harness.ground import Ground

KIB = 1024
SIZES = tuple(64 * KIB << step for step in range(7))
OPERATIONS = ["full", "second", "incremental", "restore"]


def sweep(dataset: Dataset, rounds: int) -> list[dict]:
    """One row a chunk size, the best time of the rounds."""
    rows = []
    for chunk_bytes in SIZES:
        kind = type("FirnChunks", (Firn,), {})
        kind.options = ("--repository-chunk-size", str(chunk_bytes))
        kind.name = f"{text.size(chunk_bytes).replace('.0', '')}"
        played = []
        for _ in range(rounds):
            with Ground("chunks") as ground:
                contestant = kind(ground, dataset, ground.path / "firn")
                try:
                    played.append(play(contestant, OPERATIONS))
                finally:
                    contestant.close()
        row = {"label": kind.name, "chunk_bytes": chunk_bytes}
        for operation in OPERATIONS:
            row[f"{operation}_seconds"] = min(p[operation].seconds for p in played)
            row[f"{operation}_peak_rss_bytes"] = max(p[operation].peak_rss_bytes for p in played)
            if played[0][operation].stored_bytes is not None:
                row[f"{operation}_stored_bytes"] = played[0][operation].stored_bytes
        row["all_stored_bytes"] = sum(v for k, v in row.items() if k.endswith("_stored_bytes"))
        rows.append(row)
    return rows


def as_text(rows: list[dict]) -> str:
    """The sweep for a terminal, also a Markdown table."""
    lines = [
        "| chunk | full, s | second, s | incremental, s | restore, s | full stored, MiB "
        "| second, MiB | incremental, MiB | all, MiB | peak, MiB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        times = [f"{row[f'{operation}_seconds']:.2f}" for operation in OPERATIONS]
        stored = [
            f"{row[f'{name}_stored_bytes'] / 2**20:.1f}"
            for name in ("full", "second", "incremental", "all")
        ]
        peak = f"{row['full_peak_rss_bytes'] / 2**20:.0f}"
        lines.append("| " + " | ".join([row["label"], *times, *stored, peak]) + " |")
    return "\n".join(lines)
