"""Disk images from trees of files: ext4, a partition table, GRUB, qcow2."""

import struct
from pathlib import Path

from harness.ground import run

MIB = 1 << 20
SECTOR = 512
PARTITION_OFFSET = MIB

# Fixed ids: the same tree gives the same image.
UUID = "5f1c0c1e-0000-4000-8000-00000000f125"
HASH_SEED = "5f1c0c1e-0000-4000-8000-0000000005ed"


def _mke2fs(tree: Path, disk: Path, size_bytes: int, offset: int, label: str) -> list[str]:
    extended = f"offset={offset},hash_seed={HASH_SEED},lazy_itable_init=1,nodiscard"
    return [
        *("mke2fs", "-q", "-F", "-t", "ext4", "-U", UUID, "-L", label, "-E", extended),
        *("-d", str(tree), str(disk), f"{size_bytes // 1024}k"),
    ]


def ext4_disk(tree: Path, disk: Path, size_bytes: int, label: str = "data"):
    """A raw disk that is one ext4 file system with the content of `tree`; sparse."""
    run(_mke2fs(tree, disk, size_bytes, 0, label))


def bootable_disk(
    root_tar: Path, disk: Path, size_bytes: int, scratch: Path, overlay: Path | None = None
):
    """A raw disk that a PC's firmware boots: GRUB in the gap, one ext4 partition; sparse.

    The tree is the archive's with the files of the folder `overlay` on top, owned by root.
    """
    tree = scratch / "tree"
    tree.mkdir()
    # tar and mke2fs in one fakeroot session: owners and device nodes survive without root.
    command = " ".join(
        _mke2fs(tree, disk, size_bytes - PARTITION_OFFSET - MIB, PARTITION_OFFSET, "root")
    )
    unpack = f"tar -xf {root_tar} -C {tree}"
    if overlay:
        unpack += f"; cp -r {overlay}/. {tree}"
    run(["fakeroot", "sh", "-ec", f"{unpack}; {command}"], deadline=1800)
    with open(disk, "r+b") as image:
        image.truncate(size_bytes)
        boot = (tree / "boot/grub-boot.img").read_bytes()
        core = (tree / "boot/grub-core.img").read_bytes()
        image.write(_master_boot_record(boot, size_bytes) + core)


def _master_boot_record(boot: bytes, size_bytes: int) -> bytes:
    """GRUB's boot sector (it loads the core image from the next sectors) with one partition."""
    sectors = (size_bytes - PARTITION_OFFSET - MIB) // SECTOR
    linux, no_chs = 0x83, b"\xfe\xff\xff"
    first = PARTITION_OFFSET // SECTOR
    entry = struct.pack("<B3sB3sII", 0x80, no_chs, linux, no_chs, first, sectors)
    return boot[:440] + b"firn\0\0" + entry + bytes(48) + b"\x55\xaa"


def qcow2(raw: Path, target: Path, compressed: bool = False):
    """Converts a raw disk; `compressed` keeps a cached copy small."""
    options = ["-c", "-o", "compression_type=zstd"] if compressed else []
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, raw, target])


def to_raw(image: Path, target: Path):
    """An independent flat copy by qemu-img, to compare restored disks against."""
    run(["qemu-img", "convert", "-O", "raw", image, target])


def copy(source: Path, target: Path):
    """Copies an image; holes stay holes."""
    run(["cp", "--sparse=auto", "--reflink=auto", source, target])


def add_bitmap(image: Path, name: str):
    """From now on QEMU records in the qcow2 image which blocks it writes."""
    run(["qemu-img", "bitmap", "--add", "--enable", image, name])
