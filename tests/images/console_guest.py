"""A tiny guest that obeys its serial console: Debian's kernel, busybox, GRUB; 64 MiB, seconds to boot.

    python3 -m images.console_guest FILE       the raw disk, copied from the cache

Its system is its initramfs; the root disk's partition is mounted at /disk and counts its boots.
Where it has a channel for one, QEMU's guest agent runs. It prints `READY boots=N`. Then each line
`ID COMMAND ARGUMENT...` is answered by a line `ID: ok ...` or `ID: error ...`:

    write DEV OFFSET LENGTH SEED    pattern, durable when it answers (see pattern.c)
    check DEV OFFSET LENGTH SEED    the pattern is there
    sum DEV                         SHA-256 of the whole disk
    file NAME LENGTH SEED           a file on the root disk
    ticks DEV...                    counts in the first sectors, one disk after the other; no end
    disks                           NAME:SECTORS:SERIAL of each
    poweroff, reboot
"""

import os
import re
import sys
from pathlib import Path

from harness.ground import run
from images import cache, disk

SIZE = 64 << 20
MODULES = (
    "virtio_pci", "virtio_blk", "virtio_scsi", "virtio_console", "sd_mod", "ext4", "crc32c_generic",
)  # fmt: skip
PATTERN = Path(__file__).with_name("pattern.c")

GRUB_CONFIG = """set timeout=0
linux (hd0,msdos1)/vmlinuz quiet console=ttyS0 panic=1
initrd (hd0,msdos1)/initrd.img
boot
"""

INIT = r"""#!/bin/sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
exec </dev/ttyS0 >/dev/ttyS0 2>&1
stty -echo
until [ -b /dev/vda1 ]; do usleep 20000; done
mount -t ext4 /dev/vda1 /disk || echo "no root disk"
boots=$(($(cat /disk/boots 2>/dev/null || echo 0) + 1))
echo $boots >/disk/boots
sync
trap '' INT QUIT TSTP

# The channel appears a moment after its driver.
guest_agent() {
    for try in $(seq 50); do
        for port in /sys/class/virtio-ports/*; do
            [ "$(cat $port/name 2>/dev/null)" = org.qemu.guest_agent.0 ] || continue
            exec qemu-ga --method=virtio-serial --path=/dev/${port##*/} --statedir=/run
        done
        usleep 100000
    done
}
guest_agent >/dev/null 2>&1 &

disks() {
    for block in /sys/block/vd* /sys/block/sd*; do
        [ -e $block ] && printf '%s:%s:%s ' ${block##*/} $(cat $block/size) "$(cat $block/serial 2>/dev/null)"
    done
    return 0
}
obey() {
    command=$1
    shift
    case $command in
        write | check) pattern $command /dev/$1 $2 $3 $4 ;;
        sum) sha256sum </dev/$1 | cut -d' ' -f1 ;;
        file) : >/disk/$1 && pattern write /disk/$1 0 $2 $3 ;;
        ticks) for name; do set -- "$@" /dev/$name; shift; done; pattern ticks "$@" & ;;
        disks) disks ;;
        poweroff | reboot) umount /disk; $command -f ;;
        *) echo "no command $command"; return 1 ;;
    esac
}
echo "READY boots=$boots"
while :; do
    read -r id line || { usleep 100000; continue; }
    [ -n "$line" ] || continue
    if answer=$(obey $line 2>&1); then echo "$id: ok $answer"; else echo "$id: error $answer"; fi
done
"""


def _download(package: str, scratch: Path):
    # Without apt's sandbox: that user cannot write here.
    run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package], cwd=scratch)


def _kernel(scratch: Path) -> tuple[Path, list[Path]]:
    """Debian's newest cloud kernel and the modules that the guest needs, in their order."""
    text = run(["apt-cache", "depends", "linux-image-cloud-amd64"])
    package = re.search(r"Depends: (linux-image-\d\S+)", text)[1]
    _download(package, scratch)
    run(["dpkg", "-x", *scratch.glob("linux-image-*.deb"), scratch / "kernel"])
    version = os.listdir(scratch / "kernel/lib/modules")[0]
    run(["/sbin/depmod", "-b", scratch / "kernel", version])
    show = ["/sbin/modprobe", "-d", scratch / "kernel", "-S", version, "-a", "--show-depends"]
    lines = run([*show, *MODULES]).splitlines()
    modules = dict.fromkeys(line.split()[1] for line in lines if line.startswith("insmod "))
    return scratch / f"kernel/boot/vmlinuz-{version}", [Path(module) for module in modules]


def _guest_agent(scratch: Path, tree: Path):
    """Debian's, with the libraries of this machine, which has them for QEMU."""
    _download("qemu-guest-agent", scratch)
    run(["dpkg", "-x", *scratch.glob("qemu-guest-agent_*.deb"), scratch / "agent"])
    program = scratch / "agent/usr/sbin/qemu-ga"
    needed = run(["ldd", program])
    assert "not found" not in needed, f"libraries of qemu-ga are missing here:\n{needed}"
    run(["cp", program, tree / "bin/qemu-ga"])
    for library in re.findall(r"(/\S+) \(0x", needed):
        (tree / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        run(["cp", "-L", library, tree / library[1:]])


def _initramfs(scratch: Path, modules: list[Path], target: Path):
    tree = scratch / "initramfs"
    for folder in ("bin", "proc", "sys", "dev", "disk", "modules", "run"):
        (tree / folder).mkdir(parents=True)
    run(["cp", "/bin/busybox", tree / "bin/busybox"])
    (tree / "bin/sh").symlink_to("busybox")
    run(["gcc", "-O2", "-Wall", "-Werror", "-static", "-o", tree / "bin/pattern", PATTERN])
    run(["strip", tree / "bin/pattern"])
    _guest_agent(scratch, tree)
    for module in modules:
        run(["cp", module, tree / "modules"])
    (tree / "modules/order").write_text("".join(f"{module.name}\n" for module in modules))
    (tree / "init").write_text(INIT)
    (tree / "init").chmod(0o755)
    run(["sh", "-ec", f"find . | cpio -o -H newc -R 0:0 --quiet | gzip -1 >{target}"], cwd=tree)


def _boot_loader(boot: Path):
    """GRUB's boot sector, and its core image that finds its configuration on the first partition."""
    run([
        "grub-mkimage", "-O", "i386-pc", "-o", boot / "grub-core.img",
        "-p", "(hd0,msdos1)/boot/grub",
        "biosdisk", "part_msdos", "ext2", "linux", "normal", "configfile", "echo",
    ])  # fmt: skip
    run(["cp", "/usr/lib/grub/i386-pc/boot.img", boot / "grub-boot.img"])
    (boot / "grub").mkdir()
    (boot / "grub/grub.cfg").write_text(GRUB_CONFIG)


def _make(folder: Path):
    with cache.scratch(folder) as scratch:
        root = scratch / "root"
        (root / "boot").mkdir(parents=True)
        kernel, modules = _kernel(scratch)
        run(["cp", kernel, root / "vmlinuz"])
        _initramfs(scratch, modules, root / "initrd.img")
        _boot_loader(root / "boot")
        run(["tar", "-C", root, "--owner=0", "--group=0", "-cf", scratch / "root.tar", "."])
        disk.bootable_disk(scratch / "root.tar", folder / "disk.raw", SIZE, scratch)


def image() -> Path:
    texts = {"size": SIZE, "pattern": PATTERN.read_text()}
    return cache.made("console-guest", cache.recipe_key(texts, sys.modules[__name__], disk), _make) / "disk.raw"


if __name__ == "__main__":
    disk.copy(image(), Path(sys.argv[1]))
