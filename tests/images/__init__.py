"""Makers of disk images: bootable Debian guests, data disks, domain XML.

No loop device, no mount, no KVM: trees become file systems by `mke2fs -d`,
guests run in software emulation.
"""
