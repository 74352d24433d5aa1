use firn_core::{NewInstance, NovaDisks};

use super::Findings;
use crate::openstack::compute::Flavor;
use crate::openstack::rebuild::facts::{Facts, StorageFacts};
use crate::openstack::rebuild::former::{Former, OldDisk};
use crate::openstack::rebuild::marks;
use crate::{FormerMachine, PlannedVolume};

/// The disks that Nova is to make.
#[derive(Debug, Default)]
pub(super) struct Recreated {
    pub(super) image_id: Option<String>,
    pub(super) ephemeral_gib: Vec<u64>,
}

/// The disks that Nova made, to be made anew by Nova.
pub(super) fn recreated(
    facts: &Facts,
    former: Former<'_>,
    flavor: Option<&Flavor>,
    found: &mut Findings,
) -> Recreated {
    let root = former.disks().find(|disk| disk.made_by_nova() && disk.is_root());
    let ephemerals = former.disks().filter(|disk| disk.made_by_nova() && !disk.is_root());
    let ephemeral_gib: Vec<_> = ephemerals.map(OldDisk::size_gib).collect();
    for disk in former.disks().filter(|disk| disk.made_by_nova() && disk.encrypted) {
        found.problem(format!(
            "{} was encrypted and is kept as it lay on the storage, so that nobody could read it \
             on a disk with another key: Nova cannot make it anew",
            disk.disk.device
        ));
    }
    if let Some(flavor) = flavor {
        if let Some(root) = root {
            check_root(former, root, flavor, found);
        }
        let needed = ephemeral_gib.iter().sum::<u64>();
        if needed > flavor.ephemeral_gib {
            found.problem(format!(
                "the ephemeral disks have {needed} GiB, and the flavor {} makes {} GiB: name \
                 another flavor, or restore them to volumes",
                flavor.name, flavor.ephemeral_gib
            ));
        }
    }
    let image_id = root.and_then(|_| image(facts, former, found));
    Recreated { image_id, ephemeral_gib }
}

fn image(facts: &Facts, former: Former<'_>, found: &mut Findings) -> Option<String> {
    let image = former.server.image.as_ref();
    if image.is_none() || !facts.image_active {
        let id = image.map(|image| image.id.as_str()).unwrap_or("that nobody knows");
        found.problem(format!(
            "the project cannot use the image {id}, so Nova cannot make the root disk: restore to \
             volumes with nova_disks"
        ));
    }
    image.map(|image| image.id.clone())
}

/// A flavor without a size makes a root disk that is as large as the image is.
fn check_root(former: Former<'_>, root: OldDisk<'_>, flavor: &Flavor, found: &mut Findings) {
    let as_before = || former.server.flavor.as_ref().is_some_and(|had| had.disk_gib == 0);
    let large_enough = match flavor.disk_gib {
        0 => as_before(),
        disk_gib => disk_gib >= root.size_gib(),
    };
    if !large_enough {
        found.problem(format!(
            "the root disk has {} GiB, and the flavor {} makes {} GiB: name another flavor, or \
             restore it to a volume",
            root.size_gib(),
            flavor.name,
            flavor.disk_gib
        ));
    }
}

/// A volume for each disk that Nova does not make.
pub(super) fn volumes(
    facts: &StorageFacts,
    former: Former<'_>,
    wish: &NewInstance,
    server_name: &str,
    flavor: Option<&Flavor>,
    found: &mut Findings,
) -> Vec<PlannedVolume> {
    for device in former.missing() {
        found.change(format!("{device} is not in the restore point: the new server lacks it"));
    }
    if !former.disks().any(OldDisk::is_root) {
        found
            .problem("the restore point has no root disk: restore its disks to volumes one by one");
    }
    let recreated = wish.nova_disks == NovaDisks::Recreated;
    let empty = flavor.filter(|flavor| flavor.ephemeral_gib > 0);
    if let Some(flavor) = empty.filter(|_| !recreated) {
        found.change(format!(
            "Nova makes an empty ephemeral disk of {} GiB beside the restored disks, because the \
             flavor {} says so",
            flavor.ephemeral_gib, flavor.name
        ));
    }
    former
        .to_volumes(wish)
        .map(|disk| {
            let volume_type = disk.volume_type(wish);
            let how = match disk.former_type() {
                Some(had) => format!("volume_types, for {had}"),
                None => "volume_type".to_owned(),
            };
            check_type(facts, &disk.disk.device, volume_type, &how, found);
            let name = format!("{server_name}-{}", disk.disk.device);
            PlannedVolume {
                volume_type: volume_type.map(str::to_owned),
                availability_zone: zone(facts, disk, None, found),
                boots: disk.is_root(),
                // Nova's disks do.
                delete_on_termination: disk.volume.is_none_or(|had| had.delete_on_termination),
                tag: disk.volume.and_then(|had| had.tag.clone()),
                ..planned(former.machine, disk, name, found)
            }
        })
        .collect()
}

/// Whether the owner may use a type, and Firn may write to its volumes: what is written is what the
/// guest saw, and in a volume that Cinder encrypts the guest would see it deciphered. `how` says
/// where another one is named.
pub(super) fn check_type(
    facts: &StorageFacts,
    device: &str,
    volume_type: Option<&str>,
    how: &str,
    found: &mut Findings,
) {
    if let Some(missing) = volume_type.filter(|name| !facts.volume_types.contains(*name)) {
        found.problem(format!(
            "the project may use no volume type {missing}, for {device}: name another one in {how}"
        ));
        return;
    }
    let (kind, used) = match volume_type {
        Some(named) => ("", Some(named)),
        None => ("default ", facts.default_type.as_deref()),
    };
    if let Some(encrypts) = used.filter(|name| facts.encrypted_types.contains(*name)) {
        found.problem(format!(
            "the {kind}volume type {encrypts}, for {device}, encrypts, and the keys of its volumes \
             are not ours to write with: name one that does not in {how}"
        ));
    }
}

/// The availability zone of a disk's volume: the one that is wished for, or the one it had. None is
/// Cinder's default.
pub(super) fn zone(
    facts: &StorageFacts,
    disk: OldDisk<'_>,
    wished: Option<&str>,
    found: &mut Findings,
) -> Option<String> {
    let device = &disk.disk.device;
    let exists = |zone: &str| facts.availability_zones.iter().any(|known| known == zone);
    if let Some(wished) = wished {
        if !exists(wished) {
            found.problem(format!(
                "no availability zone {wished} is up in Cinder, for {device}: name another one"
            ));
        }
        return Some(wished.to_owned());
    }
    let had = disk.volume?.availability_zone.as_deref()?;
    if exists(had) {
        return Some(had.to_owned());
    }
    found.change(format!(
        "no availability zone {had} is up in Cinder, for {device}: it chooses another one"
    ));
    None
}

/// What a volume for a disk is by itself: neither its type and zone, nor what it is to a server.
pub(super) fn planned(
    machine: &FormerMachine,
    disk: OldDisk<'_>,
    default_name: String,
    found: &mut Findings,
) -> PlannedVolume {
    let device = disk.disk.device.clone();
    check_readable(disk, found);
    let size_gib = disk.size_gib();
    let Some(had) = disk.volume else {
        let server = machine.detail.machine.openstack.as_ref().filter(|_| disk.is_root());
        let image = server.and_then(|server| server.image.as_ref());
        return PlannedVolume {
            device,
            name: default_name,
            size_gib,
            bootable: disk.is_root(),
            image_metadata: image.map(|image| image.properties.clone()).unwrap_or_default(),
            ..PlannedVolume::default()
        };
    };
    if had.multiattach {
        found.change(format!("several servers could have {device} at once: this one has its own"));
    }
    PlannedVolume {
        device,
        name: if had.name.is_empty() { default_name } else { had.name.clone() },
        size_gib,
        bootable: had.bootable || disk.is_root(),
        metadata: marks::without(&had.metadata),
        image_metadata: had.image_metadata.clone(),
        ..PlannedVolume::default()
    }
}

/// Whether the bytes that were backed up are those that the guest saw.
pub(super) fn check_readable(disk: OldDisk<'_>, found: &mut Findings) {
    if disk.encrypted {
        found.problem(format!(
            "{} was encrypted and is kept as it lay on the storage, so that nobody could read it \
             in a volume with another key: it cannot be restored to a volume",
            disk.disk.device
        ));
    }
}
