"""The demo's virtual machine: a bootable Debian disk and a data disk, and what changes them."""

import random
from dataclasses import dataclass
from pathlib import Path

from harness.ground import Ground
from images import cache, debian, disk, domain, guest

MIB = 1 << 20
NAME = "webserver"
UUID = "8f4bb1f2-66a6-4f5e-9d2b-6d3f7e1c9a10"
ROOT_BYTES = 2048 * MIB
DATA_BYTES = 512 * MIB

# The guest's own record of its files: checked again by the restored copy.
RECORD_FILES = """
find /usr /etc /opt /mnt -xdev -type f -print0 | sort -z | xargs -0 md5sum >/root/files.md5
wc -l </root/files.md5 | sed 's/^/files: /'
"""

# What a day of work may do to a server: new files, changed files, appended logs,
# deleted files, and blocks given back to the storage.
CHANGE = f"""
mount /dev/vdb /mnt
mkdir -p /opt/release
cp -a /usr/lib/python3.11 /opt/release/
head -c {12 * MIB} /dev/urandom >/opt/release/bundle.bin
for day in 1 2 3 4 5 6 7; do seq -f "day $day: request %g served" 20000; done >>/var/log/requests.log
echo 'welcome to the second day' >/etc/motd
rm -rf /usr/share/bash-completion
sed -i 's/^count=.*/count=2/' /mnt/settings
rm /mnt/photos/photo-3.jpg /mnt/photos/photo-4.jpg
head -c {3 * MIB} /dev/urandom >/mnt/photos/photo-new.jpg
dd if=/dev/urandom of=/mnt/database bs=4096 seek=1234 count=5 conv=notrunc status=none
sync
fstrim /mnt
{RECORD_FILES}
"""

CHECK = """
mount -o ro /dev/vdb /mnt
md5sum --quiet -c /root/files.md5
wc -l </root/files.md5 | sed 's/^/files: /'
grep second /etc/motd
"""


@dataclass(frozen=True)
class Machine:
    """The guest's disks and the folder with its domain XML."""

    drives: list[guest.Drive]
    domain_dir: Path


def _data_tree(folder: Path):
    """Seeded: logs that compress, photos that do not, a database file with a hole."""
    rng = random.Random("firn demo")
    (folder / "photos").mkdir(parents=True)
    for number in range(8):
        (folder / f"photos/photo-{number}.jpg").write_bytes(rng.randbytes(4 * MIB))
    with open(folder / "access.log", "w") as log:
        for number in range(400_000):
            path = rng.choice(("/", "/about", "/cart", "/item"))
            log.write(f"10.0.{number % 256}.{rng.randrange(256)} GET {path}?id={number}\n")
    with open(folder / "database", "wb") as database:
        for page in range(4000):
            database.write(page.to_bytes(8, "big") * 128 + rng.randbytes(3072))
        database.seek(16 * MIB, 1)
        database.write(b"end")
    (folder / "settings").write_text("name=webserver\ncount=1\n")


def make(ground: Ground) -> Machine:
    """Copies the cached disks into the ground: qcow2 with a dirty bitmap, raw without."""
    code = (_data_tree, disk)
    key = cache.recipe_key({"root": debian.root_key(), "size": [ROOT_BYTES, DATA_BYTES]}, *code)

    def build(folder: Path):
        with cache.scratch(folder) as scratch:
            disk.bootable_disk(debian.root_tar(), scratch / "root.raw", ROOT_BYTES, scratch)
            disk.qcow2(scratch / "root.raw", folder / "root.qcow2")
            _data_tree(scratch / "data")
            disk.ext4_disk(scratch / "data", folder / "data.raw", DATA_BYTES)

    images = cache.made("demo-machine", key, build)
    disks = ground.path / "disks"
    domains = ground.path / "domains"
    for folder in (disks, domains):
        folder.mkdir()
    for name in ("root.qcow2", "data.raw"):
        disk.copy(images / name, disks / name)
    disk.add_bitmap(disks / "root.qcow2", "backup0")
    drives = [
        guest.Drive(disks / "root.qcow2", "qcow2"),
        guest.Drive(disks / "data.raw", "raw"),
    ]
    domain.write(domains, NAME, UUID, drives)
    return Machine(drives, domains)


def flat_copies(machine: Machine, folder: Path) -> list[Path]:
    """What the disks hold now, copied by qemu-img: the truth that restores are compared with."""
    folder.mkdir()
    copies = []
    for number, drive in enumerate(machine.drives):
        copy = folder / f"vd{'ab'[number]}.raw"
        disk.to_raw(drive.path, copy)
        copies.append(copy)
    return copies
