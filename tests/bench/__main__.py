"""`python3 -m bench`: see --help. Exit status 0 when every operation of everybody was right."""

import argparse
import json
import sys
from pathlib import Path

from bench import chunks, dataset, plot, report, runner
from bench.borg import Borg, BorgDefault
from bench.firn import Firn, FirnRaw
from bench.qemu_img import QemuImg
from bench.restic import Restic
from bench.rustic import Rustic
from harness.firn import REPOSITORY
from harness.ground import GroundError, build_dir, exit_on_signals

CONTESTANTS = {
    kind.name: kind for kind in (Firn, FirnRaw, Restic, Rustic, Borg, BorgDefault, QemuImg)
}
# Peers that Debian packages; rustic takes part when it is there (cargo install rustic-rs --locked).
REQUIRED = ("firn", "firn-raw", "restic", "borg", "qemu-img")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--size", choices=dataset.SIZES, default="full")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="contestants, comma separated")
    parser.add_argument("--operations", help="operations, comma separated, in order")
    parser.add_argument("--chunk-sizes", action="store_true", help="Firn at each chunk size")
    parser.add_argument("--output", type=Path, help="folder (full size: docs/bench)")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> tuple[list, dict]:
    """Who takes part, and their versions; GroundError when a required one is missing."""
    names = options.only.split(",") if options.only else list(CONTESTANTS)
    if unknown := set(names) - set(CONTESTANTS):
        raise GroundError(f"no contestant {', '.join(unknown)}; there are {', '.join(CONTESTANTS)}")
    if options.size == "small" and not options.only:
        names.remove("borg-default")
    kinds, versions = [], {}
    for name in names:
        version = CONTESTANTS[name].version()
        if version:
            kinds.append(CONTESTANTS[name])
            versions[name] = version
        elif name in REQUIRED or options.only:
            raise GroundError(f"{name} is not installed (run `make deps`)")
        else:
            print(f"{name} is not installed and does not take part")
    return kinds, versions


def main() -> int:
    exit_on_signals()
    options = arguments()
    output = options.output
    if not output:
        whole = options.size == "full" and not options.only and not options.operations
        output = REPOSITORY / "docs/bench" if whole else build_dir() / "bench"
    output.mkdir(parents=True, exist_ok=True)
    data = dataset.make(options.size)
    if options.chunk_sizes:
        rows = chunks.sweep(data, options.rounds)
        (output / "chunks.json").write_text(json.dumps(rows, indent=1) + "\n")
        (output / "chunks.md").write_text(chunks.as_text(rows) + "\n")
        (output / "chunks.svg").write_text(plot.chunks_svg(rows))
        print(chunks.as_text(rows))
        return 0
    kinds, versions = chosen(options)
    operations = options.operations.split(",") if options.operations else list(runner.OPERATIONS)
    results = runner.run(kinds, data, options.rounds, operations)
    made = report.build(results, versions, data, options.size, options.rounds)
    (output / "latest.json").write_text(json.dumps(made, indent=1) + "\n")
    (output / "latest.svg").write_text(plot.report_svg(made))
    (output / "README.md").write_text(report.as_markdown(made))
    print(report.as_text(made))
    print(f"\nwritten to {output}")
    return 0


try:
    sys.exit(main())
except GroundError as problem:
    print(f"\nThe bench failed: {problem}", file=sys.stderr)
    sys.exit(1)
except KeyboardInterrupt:
    print("\nstopped; nothing is left behind", file=sys.stderr)
    sys.exit(130)
