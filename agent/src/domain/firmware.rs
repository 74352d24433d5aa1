//! What starts the guest.

use firn_core::Firmware;

use super::{DomainError, value};
use crate::xml::Element;

pub(super) fn read(root: &Element) -> Result<Firmware, DomainError> {
    let Some(os) = root.child("os") else { return Ok(Firmware::Bios) };
    let loader = os.child("loader");
    let nvram = os.child("nvram");
    let chosen_by_libvirt = os.attribute("firmware") == Some("efi");
    // A `pflash` loader is UEFI; a `rom` loader is some other BIOS.
    let flash = loader.is_some_and(|loader| loader.attribute("type") == Some("pflash"));
    if !chosen_by_libvirt && !flash && nvram.is_none() {
        return Ok(Firmware::Bios);
    }
    let path = |element: Option<&Element>, name: &str| {
        element.and_then(Element::text).map(|text| value::path(name, text)).transpose()
    };
    // The variable store is either named directly or a disk-like source.
    let nvram_file = nvram
        .and_then(|nvram| nvram.child("source"))
        .and_then(|source| source.attribute("file"))
        .map(|file| value::path("<nvram>: <source file>", file))
        .transpose()?;
    let nvram = nvram_file.map_or_else(|| path(nvram, "<nvram>"), |file| Ok(Some(file)))?;
    Ok(Firmware::Uefi { loader: path(loader, "<loader>")?, nvram, secure_boot: secure_boot(os) })
}

fn secure_boot(os: &Element) -> bool {
    let loader = os.child("loader").and_then(|loader| loader.attribute("secure"));
    let feature = os.child("firmware").is_some_and(|firmware| {
        firmware.named("feature").any(|feature| {
            feature.attribute("name") == Some("secure-boot")
                && feature.attribute("enabled") == Some("yes")
        })
    });
    loader == Some("yes") || feature
}
