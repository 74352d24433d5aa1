//! Where on their storage the disks lie that are to be written to.

use std::collections::BTreeMap;

use async_trait::async_trait;
use firn_cloud::{FormerMachine, VolumePlan, VolumeUse};
use firn_core::{Disk, DiskKind, DiskLocation, ErrorKind, InstanceId, PowerState, chain};
use firn_driver_sdk::Probe;
use serde_json::{Value, json};

use super::make::{MadeVolumes, VOLUMES};
use super::plan::{CloudRestore, OriginalPlan, PLAN, Planned, refused};
use super::power::Power;
use crate::discover;
use crate::saga::transfer::journaled;
use crate::saga::{JobContext, JobError, RunningJob, Step};
use crate::worker::protocol::TargetDisk;

const ATTACH: &str = "attach";
const LOCATE: &str = "locate";

impl CloudRestore {
    /// The disks to write to, from whichever step found them.
    pub(super) fn targets(&self, context: &JobContext) -> Result<Vec<TargetDisk>, JobError> {
        if let Planned::Original(plan) = context.output(PLAN)? {
            return Ok(plan.disks);
        }
        let attached: Option<Vec<TargetDisk>> = context.output(ATTACH)?;
        match attached {
            Some(disks) => Ok(disks),
            None => context.output(LOCATE),
        }
    }

    /// The volumes that nobody has but the restore, by the devices of the disks that they are for.
    fn volumes(&self, context: &JobContext) -> Result<MadeVolumes, JobError> {
        match context.output(PLAN)? {
            Planned::Volume(VolumePlan { volume: VolumeUse::Replace { id, device }, .. }) => {
                Ok(BTreeMap::from([(device, id)]))
            }
            // None yet, where the step that makes them did not come to its end.
            _ => Ok(context.output::<Option<MadeVolumes>>(VOLUMES)?.unwrap_or_default()),
        }
    }
}

/// Has volumes given to this machine, and asks the drivers for them.
pub(super) struct Attach(pub(super) CloudRestore);

#[async_trait]
impl Step for Attach {
    fn name(&self) -> &'static str {
        ATTACH
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let CloudRestore { cloud, id, job, .. } = &self.0;
        let planned: Planned = context.output(PLAN)?;
        let mut disks = Vec::new();
        for (device, volume) in self.0.volumes(context)? {
            let location = cloud.volume_attach(*id, &volume).await;
            let location = location.map_err(refused("attaching a volume to this machine"))?;
            let blank = !planned.volumes().is_empty();
            let disk = probe(job, &device, location).await?;
            disks.push(TargetDisk { blank, ..disk });
        }
        journaled(&disks)
    }

    async fn undo(&self, context: &JobContext) -> Result<(), JobError> {
        detach(&self.0, context).await
    }
}

/// Gives the volumes back.
pub(super) struct Detach(pub(super) CloudRestore);

#[async_trait]
impl Step for Detach {
    fn name(&self) -> &'static str {
        "detach"
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        detach(&self.0, context).await?;
        Ok(json!({}))
    }
}

async fn detach(restore: &CloudRestore, context: &JobContext) -> Result<(), JobError> {
    for volume in restore.volumes(context)?.values() {
        let detached = restore.cloud.volume_detach(restore.id, volume).await;
        detached.map_err(refused("detaching a volume from this machine"))?;
    }
    Ok(())
}

/// Finds the disks of the new instance.
pub(super) struct LocateServer(pub(super) CloudRestore);

#[async_trait]
impl Step for LocateServer {
    fn name(&self) -> &'static str {
        LOCATE
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let job = &self.0.job;
        let id: InstanceId = self.0.server_id(Power::New, context).await?.parse().map_err(
            |error: uuid::Error| {
                JobError::from_chain(ErrorKind::Internal, "reading the instance's id", &error)
            },
        )?;
        let made = discover::instance(&job.services, id).await?;
        let volumes = self.0.volumes(context)?;
        let machine = self.0.machine().await?;
        let mut disks = Vec::new();
        for (device, found) in counterparts(&machine, &made.instance.disks, &volumes) {
            let found = found.ok_or_else(|| {
                let message = format!("the new instance has no disk for {device}");
                JobError::new(ErrorKind::Conflict, message)
            })?;
            check_plain(device, found)?;
            disks.push(probe(job, device, found.location.clone()).await?);
        }
        journaled(&disks)
    }
}

/// The disks of a new instance that stand for those of the point: volumes by their ids, those that
/// Nova made by kind and order.
fn counterparts<'a>(
    machine: &'a FormerMachine,
    disks: &'a [Disk],
    volumes: &MadeVolumes,
) -> Vec<(&'a str, Option<&'a Disk>)> {
    let mut unused: Vec<&Disk> = disks.iter().filter(|disk| disk.kind.protected()).collect();
    let mut take = |wanted: &dyn Fn(&Disk) -> bool| {
        let position = unused.iter().position(|disk| wanted(disk))?;
        Some(unused.remove(position))
    };
    let mut pairs = Vec::new();
    for former in &machine.disks {
        let found = match volumes.get(&former.device) {
            Some(id) => take(&|disk| disk.serial.as_ref() == Some(id)),
            None => take(&|disk| disk.kind == former.kind && disk.kind != DiskKind::Volume),
        };
        pairs.push((former.device.as_str(), found));
    }
    pairs
}

/// What is written to a new disk is what the guest saw: the plan refuses what was encrypted.
fn check_plain(device: &str, made: &Disk) -> Result<(), JobError> {
    if !made.encrypted {
        return Ok(());
    }
    let message = format!(
        "the new instance's disk for {device} is encrypted, and its key is not ours to write with: \
         restore to volumes of a type that does not encrypt, and with a flavor that does not"
    );
    Err(JobError::new(ErrorKind::Conflict, message))
}

/// What an in-place restore would write to, and what stands against it.
pub(super) async fn original(
    restore: &CloudRestore,
    machine: &FormerMachine,
) -> Result<OriginalPlan, JobError> {
    let CloudRestore { job, cloud, .. } = restore;
    let mut plan = OriginalPlan::default();
    let id = machine.detail.instance.id;
    let status = cloud.server_obstacle(&id.to_string()).await;
    let status = status.map_err(refused("asking what the instance does"))?;
    let now = match discover::instance(&job.services, id).await {
        Ok(now) => now,
        // Such as one that is shelved, whose disks no hypervisor has.
        Err(error) if error.kind == ErrorKind::Conflict && status.is_some() => {
            plan.problems.extend(neither_on_nor_off(PowerState::Unknown, status.as_deref()));
            return Ok(plan);
        }
        Err(error) if error.kind == ErrorKind::NotFound => {
            plan.problems.push("the instance is gone: restore it as a new instance".to_owned());
            return Ok(plan);
        }
        Err(error) => return Err(error),
    };
    if now.instance.project_id != job.restore().await?.project_id {
        plan.problems.push("the instance belongs to another project now".to_owned());
        return Ok(plan);
    }
    plan.ran = now.instance.power_state != PowerState::ShutOff;
    plan.problems.extend(neither_on_nor_off(now.instance.power_state, status.as_deref()));
    let mut left: Vec<&Disk> = now.instance.disks.iter().collect();
    left.retain(|disk| disk.kind.protected());
    for former in &machine.disks {
        let device = &former.device;
        let was = machine.detail.instance.disks.iter().find(|disk| disk.device == *device);
        let Some(position) = left.iter().position(|disk| was.is_some_and(|was| same(was, disk)))
        else {
            plan.problems.push(format!(
                "the instance does not have the disk {device} any more: attach its volume again, \
                 or restore that disk as a volume"
            ));
            continue;
        };
        let disk = left.remove(position);
        plan.problems.extend(was.and_then(|was| other_encryption(was, disk)));
        plan.problems.extend(of_others_too(disk));
        let target = probe(job, device, disk.location.clone()).await?;
        if target.size_bytes < former.size_bytes {
            plan.problems.push(format!(
                "disk {device} has {} bytes now and had {}: extend it first",
                target.size_bytes, former.size_bytes
            ));
        }
        plan.disks.push(target);
    }
    for disk in left {
        plan.changes.push(format!("disk {} is not in the point and stays as it is", disk.device));
    }
    Ok(plan)
}

/// Whether two disks are one: volumes by their ids, others by their place.
fn same(was: &Disk, is: &Disk) -> bool {
    match (&was.serial, &is.serial) {
        (Some(was), Some(is)) => was == is,
        (None, None) => was.kind == is.kind && was.device == is.device,
        _ => false,
    }
}

/// Why an instance can be neither written to as it is nor shut off for it.
fn neither_on_nor_off(power: PowerState, status: Option<&str>) -> Option<String> {
    let is = match (status, power) {
        (Some(status), _) => format!("is {status}"),
        (None, PowerState::Unknown) => "neither runs nor is off".to_owned(),
        (None, PowerState::Running | PowerState::ShutOff) => return None,
    };
    Some(format!("the instance {is}: start it or shut it off first"))
}

/// Why a disk cannot be written to while its instance is off: others may have it open, and here
/// nobody knows which have.
fn of_others_too(disk: &Disk) -> Option<String> {
    disk.shareable.then(|| {
        format!(
            "disk {} is a volume that several instances may have at once, and the others would see \
             it change: detach it from all of them and restore it by itself, over that volume",
            disk.device
        )
    })
}

/// Why the bytes of a disk would be read with another key than they were written with. Retyping a
/// volume back gives it a new key, so it only helps where there was none.
fn other_encryption(was: &Disk, is: &Disk) -> Option<String> {
    let device = &is.device;
    match (was.encrypted, is.encrypted) {
        (false, true) => Some(format!(
            "disk {device} was not encrypted and is encrypted now, and its key is not ours to \
             write with: retype its volume back to a type that does not encrypt, or restore to a \
             new instance"
        )),
        (true, false) => Some(format!(
            "disk {device} was encrypted and is kept as it lay on the storage, and is not \
             encrypted now, so that nobody could read it there: restore to a file, which its \
             former key opens"
        )),
        _ => None,
    }
}

/// Asks the drivers for a disk.
async fn probe(
    job: &RunningJob,
    device: &str,
    location: DiskLocation,
) -> Result<TargetDisk, JobError> {
    let drivers = std::sync::Arc::clone(&job.services.drivers);
    let probing = tokio::task::spawn_blocking(move || drivers.probe(&location));
    let deadline = job.services.config.probe_deadline;
    match tokio::time::timeout(deadline, probing).await {
        Ok(Ok(Ok((driver, probe)))) => Ok(target(device, driver, probe)),
        Ok(Ok(Err(error))) => Err(JobError::new(error.kind(), chain(&error))),
        Ok(Err(error)) => Err(JobError::from_chain(ErrorKind::Internal, "probing a disk", &error)),
        Err(_) => Err(JobError::new(
            ErrorKind::Unavailable,
            format!("a storage driver did not answer within {} s", deadline.as_secs()),
        )),
    }
}

fn target(device: &str, driver: String, probe: Probe) -> TargetDisk {
    TargetDisk {
        device: device.to_owned(),
        driver,
        location: probe.location.0,
        size_bytes: probe.size_bytes,
        blank: false,
    }
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
