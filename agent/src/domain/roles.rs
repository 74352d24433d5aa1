//! What each disk device is to its machine.

use std::path::Path;

use firn_core::{Disk, DiskKind, DiskLocation, InstanceId, NovaServer};

use super::disk::{self, Class, Device};
use super::{DomainError, LeftOut, LeftOutReason};
use crate::xml::Element;

/// What Nova made a disk for, told by the name it gives to what it makes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NovaRole {
    Disk(DiskKind),
    Rescue,
}

/// Reads all disk devices and tells what they are.
pub(super) fn assign(
    root: &Element,
    id: InstanceId,
    nova: Option<&NovaServer>,
) -> Result<(Vec<Disk>, Vec<LeftOut>), DomainError> {
    let mut disks: Vec<Disk> = Vec::new();
    let mut left_out: Vec<LeftOut> = Vec::new();
    let elements = root.child("devices").into_iter().flat_map(|devices| devices.named("disk"));
    for (index, element) in elements.enumerate() {
        let device = disk::read(element, index + 1)?;
        let known = disks.iter().map(|disk| &disk.device);
        if known.chain(left_out.iter().map(|out| &out.device)).any(|known| *known == device.target)
        {
            return Err(DomainError::DuplicateTarget { device: device.target });
        }
        // Other machines may name their disks as they like, so there the names mean nothing.
        let role = nova.and(device.location.as_ref()).and_then(|place| nova_role(place, id));
        match (device, role) {
            (Device { target: device, .. }, Some(NovaRole::Rescue)) => {
                left_out.push(LeftOut { device, reason: LeftOutReason::Rescue });
            }
            (Device { target: device, class: Class::Cdrom, .. }, role)
                if role != Some(NovaRole::Disk(DiskKind::ConfigDrive)) =>
            {
                left_out.push(LeftOut { device, reason: LeftOutReason::Cdrom });
            }
            (Device { target: device, class: Class::Floppy, .. }, _) => {
                left_out.push(LeftOut { device, reason: LeftOutReason::Floppy });
            }
            // There is one root; a second disk that is named like it is a disk as others.
            (device, Some(NovaRole::Disk(kind))) if kind != DiskKind::Root || !rooted(&disks) => {
                disks.extend(described(device, kind));
            }
            (device, _) => disks.extend(described(device, DiskKind::Volume)),
        }
    }
    choose_root(root, &mut disks);
    Ok((disks, left_out))
}

fn rooted(disks: &[Disk]) -> bool {
    disks.iter().any(|disk| disk.kind == DiskKind::Root)
}

fn described(device: Device, kind: DiskKind) -> Option<Disk> {
    Some(Disk {
        location: device.location?,
        device: device.target,
        kind,
        bus: device.bus,
        serial: device.serial,
        boot_order: device.boot_order,
        read_only: device.read_only,
        shareable: device.shareable,
        encrypted: device.encrypted,
    })
}

/// The role of a disk that Nova's image backends made: `<uuid>_disk.eph0` on RBD and LVM,
/// `<uuid>/disk.eph0` as a file. Cinder's names never look so.
fn nova_role(location: &DiskLocation, id: InstanceId) -> Option<NovaRole> {
    let id = id.to_string();
    let suffix = match location {
        DiskLocation::Rbd { image, .. } => image.strip_prefix(&id)?.strip_prefix('_')?,
        DiskLocation::Block { path, .. } => {
            let name = path.file_name()?.to_str()?.strip_prefix(&id)?.strip_prefix('_')?;
            // The decrypted view of an encrypted logical volume.
            name.strip_suffix("-dmcrypt").unwrap_or(name)
        }
        DiskLocation::File { path, .. } => {
            let folder = path.parent().and_then(Path::file_name)?;
            path.file_name()?.to_str().filter(|_| folder == id.as_str())?
        }
        _ => return None,
    };
    let ephemeral = || {
        let number = suffix.strip_prefix("disk.eph")?;
        (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(())
    };
    match suffix {
        "disk" => Some(NovaRole::Disk(DiskKind::Root)),
        "disk.swap" => Some(NovaRole::Disk(DiskKind::Swap)),
        "disk.config" => Some(NovaRole::Disk(DiskKind::ConfigDrive)),
        "disk.local" => Some(NovaRole::Disk(DiskKind::Ephemeral)),
        "disk.rescue" | "disk.config.rescue" => Some(NovaRole::Rescue),
        _ => ephemeral().map(|()| NovaRole::Disk(DiskKind::Ephemeral)),
    }
}

/// Where Nova did not make the root disk, it is the one that the machine boots from.
fn choose_root(root: &Element, disks: &mut [Disk]) {
    if !rooted(disks)
        && let Some(index) = boot_disk(disks)
        && let Some(disk) = disks.get_mut(index)
    {
        disk.kind = DiskKind::Root;
    }
    let place = hard_disk_place(root);
    for disk in disks.iter_mut().filter(|disk| disk.kind == DiskKind::Root) {
        disk.boot_order = disk.boot_order.or(place);
    }
}

/// The place of the first hard disk in the boot order, where it is an order of classes of devices
/// (`<os><boot dev='hd'>`) and not of single ones. Without any order, libvirt boots from it.
fn hard_disk_place(root: &Element) -> Option<u32> {
    let classes = || root.child("os").into_iter().flat_map(|os| os.named("boot"));
    let mut devices = root.child("devices").into_iter().flat_map(|devices| &devices.children);
    if classes().next().is_none() {
        return (!devices.any(|device| device.child("boot").is_some())).then_some(1);
    }
    let place = classes().position(|boot| boot.attribute("dev") == Some("hd"))?;
    u32::try_from(place + 1).ok()
}

/// The first in the boot order; else the first writable disk in the order in which libvirt hands
/// them to the firmware: as written, but within a bus by device name.
fn boot_disk(disks: &[Disk]) -> Option<usize> {
    let candidates = || disks.iter().enumerate().filter(|(_, disk)| disk.kind == DiskKind::Volume);
    let ordered = candidates().filter_map(|(index, disk)| Some((disk.boot_order?, index))).min();
    if let Some((_, index)) = ordered {
        return Some(index);
    }
    let first = candidates().find(|(_, disk)| !disk.read_only).or_else(|| candidates().next())?.1;
    candidates()
        .filter(|(_, disk)| disk.bus == first.bus && disk.read_only == first.read_only)
        .min_by_key(|(_, disk)| (disk.device.len(), &disk.device))
        .map(|(index, _)| index)
}
