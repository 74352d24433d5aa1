//! One disk device as it stands in the XML, before it is known what it is to the machine.

use firn_core::DiskLocation;

use super::{DomainError, location, value};
use crate::xml::Element;

/// What a disk device looks like to the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A hard disk, or a SCSI LUN that is passed through as one.
    Disk,
    Cdrom,
    Floppy,
}

/// A disk device.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) target: String,
    pub(super) class: Class,
    pub(super) bus: String,
    pub(super) serial: Option<String>,
    pub(super) boot_order: Option<u32>,
    pub(super) read_only: bool,
    pub(super) shareable: bool,
    pub(super) encrypted: bool,
    /// Always known for a hard disk; for a removable drive only where it holds something that
    /// can be named.
    pub(super) location: Option<DiskLocation>,
}

/// Reads the device that is number `position` (from 1) among the domain's.
pub(super) fn read(disk: &Element, position: usize) -> Result<Device, DomainError> {
    let numbered = format!("<disk> number {position}");
    let target = disk
        .child("target")
        .ok_or_else(|| DomainError::Missing { element: format!("{numbered}: <target>") })?;
    let device =
        target_device(value::required_attribute(target, "dev", &format!("{numbered}: <target>"))?)?;
    let place = format!("<disk> {device}");
    let class = match disk.attribute("device").unwrap_or("disk") {
        "disk" | "lun" => Class::Disk,
        "cdrom" => Class::Cdrom,
        "floppy" => Class::Floppy,
        other => {
            let reason = "libvirt knows disk, lun, cdrom and floppy";
            return Err(DomainError::invalid(format!("{place}: device"), other, reason));
        }
    };
    let location = match class {
        Class::Disk => Some(location::read(disk, &place)?),
        Class::Cdrom | Class::Floppy => location::read(disk, &place).ok(),
    };
    let boot = disk.child("boot").and_then(|boot| boot.attribute("order"));
    let serial = disk.child_text("serial");
    let serial = serial.map(|serial| value::name(&format!("{place}: <serial>"), serial));
    Ok(Device {
        class,
        bus: bus(target, &device, &place)?,
        serial: serial.transpose()?,
        boot_order: boot.map(|order| boot_order(order, &place)).transpose()?,
        read_only: class == Class::Cdrom || disk.child("readonly").is_some(),
        shareable: disk.child("shareable").is_some(),
        encrypted: disk.child("encryption").is_some()
            || disk.path(&["source", "encryption"]).is_some(),
        location,
        target: device,
    })
}

/// A device name becomes a file name, so it must be plain.
fn target_device(device: &str) -> Result<String, DomainError> {
    const MAX_LENGTH: usize = 32;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if device.len() <= MAX_LENGTH && device.bytes().all(plain) {
        return Ok(device.to_owned());
    }
    let reason = "a device name has up to 32 lower-case letters and digits";
    Err(DomainError::invalid("<disk>: <target dev>", device, reason))
}

/// The guest's bus; where it is not named, libvirt takes it from the device name.
fn bus(target: &Element, device: &str, place: &str) -> Result<String, DomainError> {
    let Some(bus) = target.attribute("bus") else {
        let known =
            [("vd", "virtio"), ("xvd", "xen"), ("sd", "scsi"), ("hd", "ide"), ("fd", "fdc")];
        let bus = known.iter().find(|(prefix, _)| device.starts_with(prefix));
        let element = || format!("{place}: <target>: the attribute bus");
        return bus
            .map(|(_, bus)| (*bus).to_owned())
            .ok_or_else(|| DomainError::Missing { element: element() });
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !bus.is_empty() && bus.len() <= 32 && bus.bytes().all(plain) {
        return Ok(bus.to_owned());
    }
    let reason = "a bus is one lower-case word";
    Err(DomainError::invalid(format!("{place}: <target bus>"), bus, reason))
}

fn boot_order(order: &str, place: &str) -> Result<u32, DomainError> {
    let element = format!("{place}: <boot order>");
    match value::number(&element, order)? {
        0 => Err(DomainError::invalid(element, order, "the boot order counts from 1")),
        order => Ok(order),
    }
}
