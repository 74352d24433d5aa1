"""The bench's disks: a Debian server, a day later, a second server, a large sparse disk.

Made once and cached. Servers exist as qcow2 (as a hypervisor keeps them) and raw (for
programs that can only read files); both hold the same bytes.
"""

import json
import random
from dataclasses import dataclass
from pathlib import Path

from bench import changes
from harness.compare import data_ranges
from harness.ground import Ground
from images import cache, debian, disk, guest

MIB = 1 << 20
GIB = 1 << 30
BITMAP = "backup0"

# A server that builds and serves things; real packages with their real files.
SERVER_PACKAGES = (
    *("build-essential", "git", "gdb", "vim", "python3-dev", "python3-scipy", "nodejs", "ruby"),
    *("openjdk-17-jdk-headless", "golang-go", "rustc", "cargo", "ghc", "php-cli", "docker.io"),
    *("mariadb-server", "postgresql", "redis-server", "nginx"),
    *("clang-14", "llvm-14-dev", "libboost1.74-dev"),
)


@dataclass(frozen=True)
class Size:
    """How large a data set is; bytes unless named otherwise."""

    packages: tuple[str, ...]
    server: int
    database: int
    sparse: int
    sparse_data: int
    changed_pages: int
    upgraded: int
    logged: int
    added: int


SIZES = {
    "small": Size((), 2 * GIB, 64 * MIB, 4 * GIB, 64 * MIB, 200, 2 * MIB, MIB, MIB),
    "full": Size(
        SERVER_PACKAGES, 8 * GIB, 256 * MIB, 100 * GIB, GIB, 1500, 24 * MIB, 8 * MIB, 12 * MIB
    ),
}


@dataclass(frozen=True)
class Dataset:
    """Paths of the images: `<name>.raw` and, of the servers, `<name>.qcow2`."""

    folder: Path
    facts: dict

    def image(self, name: str, form: str) -> Path:
        """`name`: base, changed, second or sparse; `form`: raw or qcow2."""
        return self.folder / f"{name}.{form}"


def make(size_name: str) -> Dataset:
    """The data set, from the cache or made now (minutes)."""
    size = SIZES[size_name]
    root = "debian-server" if size.packages else "debian-base"
    key = cache.recipe_key(
        {"root": f"{root}-{debian.root_key(size.packages)}", "size": repr(size)},
        *(_build, _overlay, _sparse, changes, disk),
    )

    def build(work: Path):
        _build(work, size, debian.root_tar(root, size.packages))

    folder = cache.made(f"bench-{size_name}", key, build)
    return Dataset(folder, json.loads((folder / "facts.json").read_text()))


def _build(folder: Path, size: Size, root_tar: Path):
    with cache.scratch(folder) as scratch:
        _overlay(scratch / "overlay", size)
        disk.bootable_disk(
            root_tar, folder / "base.raw", size.server, scratch, scratch / "overlay"
        )
    disk.qcow2(folder / "base.raw", folder / "base.qcow2")
    for name, seed, scale in (("changed", "a day", 1), ("second", "another server", 2)):
        image = folder / f"{name}.qcow2"
        disk.copy(folder / "base.qcow2", image)
        if name == "changed":
            disk.add_bitmap(image, BITMAP)
        day = changes.script(
            seed,
            size.changed_pages * scale,
            size.upgraded * scale,
            size.logged * scale,
            size.added * scale,
        )
        with Ground("dataset") as ground:
            drives = [guest.Drive(image, "qcow2")]
            guest.run_script(ground, drives, day, deadline=240, boots=2)
        disk.to_raw(image, folder / f"{name}.raw")
    # A backup of the base meets the bitmap too, still empty.
    disk.add_bitmap(folder / "base.qcow2", BITMAP)
    _sparse(folder / "sparse.raw", size, folder / "base.raw")
    facts = {
        name: _facts(folder / f"{name}.raw") for name in ("base", "changed", "second", "sparse")
    }
    facts["changed"]["changed_bytes"] = _changed_bytes(folder)
    (folder / "facts.json").write_text(json.dumps(facts, indent=1))


def _overlay(folder: Path, size: Size):
    """Files on top of Debian's: a database and a log."""
    rng = random.Random("firn bench")
    database = folder / changes.DATABASE.lstrip("/")
    database.parent.mkdir(parents=True)
    with open(database, "wb") as file:
        for page in range(size.database // changes.PAGE_BYTES):
            row = str(page).encode().ljust(16)
            file.write(rng.randbytes(changes.PAGE_BYTES // 2) + row * (changes.PAGE_BYTES // 32))
    log = folder / "var/log/requests.log"
    log.parent.mkdir(parents=True)
    with open(log, "w") as file:
        for _ in range(size.logged // 16):
            file.write(f"{rng.getrandbits(32):08x} GET /item/{rng.randrange(10**6)} 200\n")


def _sparse(path: Path, size: Size, base: Path):
    """Pieces of the server's disk and of noise, scattered over a large disk."""
    rng = random.Random("firn sparse")
    piece = 4 * MIB
    with open(path, "wb") as target, open(base, "rb") as source:
        target.truncate(size.sparse)
        for _ in range(size.sparse_data // piece):
            source.seek(rng.randrange(size.server // 8 // piece) * piece)
            content = source.read(piece) if rng.random() < 0.7 else rng.randbytes(piece)
            target.seek(rng.randrange(size.sparse // piece) * piece)
            target.write(content)


def _facts(raw: Path) -> dict:
    with open(raw, "rb") as file:
        size = raw.stat().st_size
        data = sum(end - begin for begin, end in data_ranges(file.fileno(), size))
    return {"size_bytes": size, "data_bytes": data}


def _changed_bytes(folder: Path, block: int = 65536) -> int:
    """Bytes of 64 KiB blocks that differ between base and changed."""
    changed = 0
    with open(folder / "base.raw", "rb") as one, open(folder / "changed.raw", "rb") as two:
        while (left := one.read(16 * block)) and (right := two.read(16 * block)):
            if left != right:
                for at in range(0, len(left), block):
                    if left[at : at + block] != right[at : at + block]:
                        changed += block
    return changed
