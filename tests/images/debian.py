"""A Debian root tree as a tar archive, made by mmdebstrap from the machine's package source.

Everything in it is Debian's own: kernel, initramfs, GRUB; we add one init script that
runs what the host hands over (see `guest.py`).
"""

import os
import shutil
from pathlib import Path

from harness.ground import run
from images import cache

SUITE = "bookworm"

BASE_PACKAGES = (
    "linux-image-cloud-amd64",
    "grub-pc-bin",
    "grub-common",
    "busybox-static",
    "e2fsprogs",
    "python3",
    "procps",
)

# Only what a virtio disk needs: a small initramfs loads fast in software emulation.
ESSENTIAL_HOOK = """#!/bin/sh
set -e
mkdir -p "$1/etc/initramfs-tools/conf.d"
printf 'MODULES=list\\nCOMPRESS=gzip\\nBUSYBOX=y\\n' >"$1/etc/initramfs-tools/conf.d/small"
printf '%s\\n' virtio_pci virtio_blk ext4 crc32c_generic >"$1/etc/initramfs-tools/modules"
"""

# GRUB's core image finds its configuration on the first partition of the disk it was read from.
CUSTOMIZE_HOOK = """#!/bin/sh
set -e
chroot "$1" grub-mkimage -O i386-pc -o /boot/grub-core.img -p '(hd0,msdos1)/boot/grub' \\
    biosdisk part_msdos ext2 linux normal configfile echo
cp "$1/usr/lib/grub/i386-pc/boot.img" "$1/boot/grub-boot.img"
mkdir -p "$1/boot/grub"
cat >"$1/boot/grub/grub.cfg" <<'CFG'
set timeout=0
linux (hd0,msdos1)/vmlinuz root=/dev/vda1 rw quiet console=ttyS0 init=/sbin/guest-init
initrd (hd0,msdos1)/initrd.img
boot
CFG
echo guest >"$1/etc/hostname"
rm -f "$1/etc/resolv.conf" "$1/etc/machine-id"
"""

# The host's script is the content of the virtio disk with the serial "script".
GUEST_INIT = r"""#!/bin/sh
# First process: runs the script on the disk with the serial "script", then powers off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
for m in "proc /proc" "sysfs /sys" "devtmpfs /dev" "tmpfs /run"; do
    set -- $m
    mountpoint -q "$2" || mount -t "$1" "$1" "$2"
done
exec </dev/null >/dev/ttyS0 2>&1
echo "guest: up $(cut -d' ' -f1 /proc/uptime) s, $(uname -sr)"
script=
for disk in /sys/block/vd*; do
    [ "$(cat "$disk/serial" 2>/dev/null)" = script ] && script=/dev/${disk##*/}
done
if [ -n "$script" ]; then
    tr -d '\000' <"$script" >/run/script
    sh -eu /run/script
    echo "guest: script status $?"
else
    echo "guest: no script"
fi
umount -a -t ext4 -O no_netdev 2>/dev/null
sync
mount -o remount,ro /
echo "guest: off"
echo o >/proc/sysrq-trigger
sleep 60
"""


def root_key(extra_packages: tuple[str, ...] = ()) -> str:
    """Names the content of the archive that `root_tar` makes."""
    packages = (*BASE_PACKAGES, *extra_packages)
    texts = (ESSENTIAL_HOOK, CUSTOMIZE_HOOK, GUEST_INIT)
    return cache.recipe_key({"packages": packages, "suite": SUITE, "texts": texts})


def root_tar(name: str = "debian-base", extra_packages: tuple[str, ...] = ()) -> Path:
    """The cached archive of a root tree with the base packages and `extra_packages`."""
    packages = (*BASE_PACKAGES, *extra_packages)

    def build(folder: Path):
        for hook, text in (("essential", ESSENTIAL_HOOK), ("customize", CUSTOMIZE_HOOK)):
            (folder / hook).write_text(text)
            (folder / hook).chmod(0o755)
        init = folder / "guest-init"
        init.write_text(GUEST_INIT)
        options = [
            "--variant=minbase",
            "--aptopt=Apt::Install-Recommends \"false\"",
            "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*",
            f"--essential-hook={folder}/essential",
            f"--customize-hook=install -m 755 {init} \"$1/sbin/guest-init\"",
            f"--customize-hook={folder}/customize",
            f"--include={','.join(packages)}",
        ]
        make = ["mmdebstrap", "--quiet", *options, SUITE, folder / "root.tar"]
        (folder / "tmp").mkdir()
        environment = os.environ | {"TMPDIR": str(folder / "tmp")}
        run([*_namespaces(), *make], deadline=3600, env=environment)
        shutil.rmtree(folder / "tmp")

    return cache.made(name, root_key(extra_packages), build) / "root.tar"


def _namespaces() -> list[str]:
    """As root, mmdebstrap mounts /proc and /sys in the tree and starts helpers.

    In namespaces of its own they end and vanish with it, however it ends.
    """
    if os.geteuid() != 0:
        return []
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
