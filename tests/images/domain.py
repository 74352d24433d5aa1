"""libvirt domain XML of a guest, as `virsh dumpxml` of a shut-off one prints it."""

from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from images.guest import Drive


def write(folder: Path, name: str, uuid: str, drives: list[Drive]) -> Path:
    """Writes `<folder>/<name>.xml`; the drives are vda, vdb, …; an empty CD drive comes on top."""
    disks = "".join(
        f"""
    <disk type='file' device='disk'>
      <driver name='qemu' type={quoteattr(drive.format)} discard='unmap'/>
      <source file={quoteattr(str(drive.path))}/>
      <target dev='vd{"abcdefgh"[number]}' bus='virtio'/>
      <boot order='{number + 1}'/>
    </disk>"""
        for number, drive in enumerate(drives)
    )
    xml = f"""<domain type='qemu'>
  <name>{escape(name)}</name>
  <uuid>{uuid}</uuid>
  <memory unit='KiB'>786432</memory>
  <vcpu placement='static'>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>
  </os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>{disks}
    <disk type='file' device='cdrom'>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    <serial type='pty'>
      <target type='isa-serial' port='0'/>
    </serial>
  </devices>
</domain>
"""
    path = folder / f"{name}.xml"
    path.write_text(xml)
    return path
