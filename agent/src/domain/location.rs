//! Where a disk lies.

use std::path::PathBuf;

use firn_core::{BackingFile, DiskLocation, HostAddress, ImageFormat};

use super::{DomainError, value};
use crate::xml::Element;

/// The location of a disk device that has one. What libvirt knows and Firn does not is
/// [`DiskLocation::Unknown`]; what contradicts itself is an error.
pub(super) fn read(disk: &Element, place: &str) -> Result<DiskLocation, DomainError> {
    let missing = || DomainError::Missing { element: format!("{place}: <source>") };
    let source = disk.child("source").ok_or_else(missing)?;
    if source.child("slices").is_some() {
        return Ok(unknown("a slice of a larger image"));
    }
    let driver = disk.child("driver").and_then(|driver| driver.attribute("type"));
    // Libvirt never guesses a format from the content: without one, it is raw.
    let format = driver.map_or(ImageFormat::Raw, format);
    match disk.attribute("type").unwrap_or("file") {
        "file" => {
            let path = path(source, "file", place)?;
            Ok(match backing(disk, place)? {
                Chain::Files(backing) => DiskLocation::File { path, format, backing },
                Chain::Foreign(kind) => unknown(&format!(
                    "file {} over a backing image of type {kind:.40}",
                    path.display()
                )),
            })
        }
        "block" => Ok(DiskLocation::Block { path: path(source, "dev", place)?, format }),
        "volume" => Ok(DiskLocation::PoolVolume {
            pool: attribute(source, "pool", place)?,
            volume: attribute(source, "volume", place)?,
        }),
        "network" => network(source, place),
        other => Ok(unknown(&format!("a disk of type {other:.40}"))),
    }
}

fn network(source: &Element, place: &str) -> Result<DiskLocation, DomainError> {
    match value::required_attribute(source, "protocol", &format!("{place}: <source>"))? {
        "rbd" => rbd(source, place),
        "iscsi" => iscsi(source, place),
        "nbd" => nbd(source, place),
        other => Ok(unknown(&format!("a network disk over {other:.40}"))),
    }
}

fn rbd(source: &Element, place: &str) -> Result<DiskLocation, DomainError> {
    if source.child("snapshot").is_some() {
        return Ok(unknown("a snapshot of an RBD image"));
    }
    let name = attribute(source, "name", place)?;
    let parts: Vec<&str> = name.split('/').collect();
    let (pool, namespace, image) = match parts.as_slice() {
        [pool, image] => (*pool, None, *image),
        [pool, namespace, image] => (*pool, Some(*namespace), *image),
        _ => ("", None, ""),
    };
    if pool.is_empty() || image.is_empty() || namespace == Some("") || image.contains('@') {
        let reason = "an RBD image is named pool/image or pool/namespace/image";
        return Err(DomainError::invalid(format!("{place}: <source name>"), &name, reason));
    }
    let auth = source.child("auth").and_then(|auth| auth.attribute("username"));
    Ok(DiskLocation::Rbd {
        pool: pool.to_owned(),
        namespace: namespace.map(str::to_owned),
        image: image.to_owned(),
        monitors: hosts(source, place)?,
        user: auth.map(str::to_owned),
    })
}

fn iscsi(source: &Element, place: &str) -> Result<DiskLocation, DomainError> {
    let name = attribute(source, "name", place)?;
    let (target, lun) = match name.rsplit_once('/') {
        Some((target, lun)) => {
            (target, value::number(&format!("{place}: <source name>: the LUN"), lun)?)
        }
        None => (name.as_str(), 0),
    };
    Ok(DiskLocation::Iscsi { portal: first_host(source, place)?, target: target.to_owned(), lun })
}

fn nbd(source: &Element, place: &str) -> Result<DiskLocation, DomainError> {
    let socket = source.named("host").any(|host| host.attribute("transport") == Some("unix"));
    if socket {
        return Ok(unknown("an NBD export over a local socket"));
    }
    Ok(DiskLocation::Nbd {
        server: first_host(source, place)?,
        export: source.attribute("name").unwrap_or_default().to_owned(),
    })
}

fn first_host(source: &Element, place: &str) -> Result<HostAddress, DomainError> {
    let missing = || DomainError::Missing { element: format!("{place}: <source>: <host>") };
    hosts(source, place)?.into_iter().next().ok_or_else(missing)
}

fn hosts(source: &Element, place: &str) -> Result<Vec<HostAddress>, DomainError> {
    let host = |host: &Element| {
        let place = format!("{place}: <source>: <host>");
        let name = value::required_attribute(host, "name", &place)?;
        // IPv6 addresses stand in brackets in some versions.
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let port = host.attribute("port");
        Ok(HostAddress {
            host: value::name(&place, name)?,
            port: port.map(|port| value::number(&format!("{place} port"), port)).transpose()?,
        })
    };
    source.named("host").map(host).collect()
}

/// What a copy-on-write image rests on.
enum Chain {
    Files(Vec<BackingFile>),
    /// The type of an image in the chain that is neither file nor block device.
    Foreign(String),
}

fn backing(disk: &Element, place: &str) -> Result<Chain, DomainError> {
    let mut files = Vec::new();
    let mut below = disk.child("backingStore");
    while let Some(store) = below {
        // The chain ends with an empty element where libvirt has looked into the images.
        let Some(source) = store.child("source") else { break };
        let place = format!("{place}: <backingStore> {}", files.len() + 1);
        let path = match store.attribute("type").unwrap_or("file") {
            "file" => path(source, "file", &place)?,
            "block" => path(source, "dev", &place)?,
            other => return Ok(Chain::Foreign(other.to_owned())),
        };
        let format = store.child("format").and_then(|format| format.attribute("type")).map(format);
        let missing = || DomainError::Missing { element: format!("{place}: <format type>") };
        files.push(BackingFile { path, format: format.ok_or_else(missing)? });
        below = store.child("backingStore");
    }
    Ok(Chain::Files(files))
}

fn format(name: &str) -> ImageFormat {
    match name {
        "raw" => ImageFormat::Raw,
        "qcow2" => ImageFormat::Qcow2,
        _ => ImageFormat::Other,
    }
}

fn attribute(source: &Element, name: &str, place: &str) -> Result<String, DomainError> {
    let value = value::required_attribute(source, name, &format!("{place}: <source>"))?;
    value::name(&format!("{place}: <source {name}>"), value)
}

fn path(source: &Element, name: &str, place: &str) -> Result<PathBuf, DomainError> {
    let value = value::required_attribute(source, name, &format!("{place}: <source>"))?;
    value::path(&format!("{place}: <source {name}>"), value)
}

fn unknown(description: &str) -> DiskLocation {
    DiskLocation::Unknown { description: description.to_owned() }
}
