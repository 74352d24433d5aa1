use firn_core::{ProjectId, VolumeTarget};

use super::{Findings, disks, quota};
use crate::openstack::block_storage::Volume;
use crate::openstack::rebuild::facts::StorageFacts;
use crate::openstack::rebuild::former::OldDisk;
use crate::{FormerMachine, PlannedVolume, VolumePlan, VolumeUse};

/// What a new volume for one disk would be.
pub(in crate::openstack::rebuild) fn new_volume(
    facts: &StorageFacts,
    machine: &FormerMachine,
    wish: &VolumeTarget,
) -> VolumePlan {
    let mut found = Findings::default();
    let Some(disk) = disk(machine, wish, &mut found) else {
        let volume = PlannedVolume { device: wish.device.clone(), ..PlannedVolume::default() };
        return plan(VolumeUse::Make(volume), found);
    };
    let default_name = format!("{}-{}", machine.detail.instance.name, wish.device);
    let mut volume = disks::planned(machine, disk, default_name, &mut found);
    let volume_type = disk.lone_volume_type(wish);
    disks::check_type(facts, &wish.device, volume_type, "volume_type", &mut found);
    volume.volume_type = volume_type.map(str::to_owned);
    if let Some(name) = &wish.name {
        volume.name.clone_from(name);
    }
    volume.availability_zone =
        disks::zone(facts, disk, wish.availability_zone.as_deref(), &mut found);
    quota::check_volumes(&facts.quota, std::slice::from_ref(&volume), &mut found);
    plan(VolumeUse::Make(volume), found)
}

/// Whether the content of a volume, where there is one, can be replaced by that of a disk.
pub(in crate::openstack::rebuild) fn replaced_volume(
    volume: Option<&Volume>,
    project: &ProjectId,
    machine: &FormerMachine,
    wish: &VolumeTarget,
    id: &str,
) -> VolumePlan {
    let mut found = Findings::default();
    let disk = disk(machine, wish, &mut found);
    // What is another project's is not told from what is not there.
    match volume.filter(|volume| volume.project_id.as_ref() == Some(&project.0)) {
        None => found.problem(format!("the project has no volume {id}: name one of its volumes")),
        Some(volume) => check_replaced(volume, disk, &mut found),
    }
    plan(VolumeUse::Replace { id: id.to_owned(), device: wish.device.clone() }, found)
}

fn check_replaced(volume: &Volume, disk: Option<OldDisk<'_>>, found: &mut Findings) {
    let Volume { id, status, size_gib, .. } = volume;
    found.change(format!("all that is on volume {id} is overwritten"));
    if status != "available" {
        found.problem(format!("volume {id} is {status}: detach it, so that it is available"));
    }
    if volume.encrypted {
        found.problem(format!(
            "volume {id} is encrypted, and its key is not ours to write with: name another one"
        ));
    }
    let Some(disk) = disk else { return };
    disks::check_readable(disk, found);
    if *size_gib < disk.size_gib() {
        found.problem(format!(
            "volume {id} has {size_gib} GiB, and {} has {}: extend it, or name another one",
            disk.disk.device,
            disk.size_gib()
        ));
    }
}

fn disk<'a>(
    machine: &'a FormerMachine,
    wish: &VolumeTarget,
    found: &mut Findings,
) -> Option<OldDisk<'a>> {
    let disk = machine.disks.iter().find(|disk| disk.device == wish.device);
    if disk.is_none() {
        let devices: Vec<_> = machine.disks.iter().map(|disk| disk.device.as_str()).collect();
        found.problem(format!(
            "the restore point has no disk {}: it has {}",
            wish.device,
            devices.join(", ")
        ));
    }
    disk.map(|disk| OldDisk::of(machine, disk))
}

fn plan(volume: VolumeUse, found: Findings) -> VolumePlan {
    VolumePlan { volume, changes: found.changes, problems: found.problems }
}
