//! Fills a restore point.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use firn_cloud::InstanceDetail;
use firn_core::{BackupMode, Consistency, DiskId, ErrorKind, PointId, chain};
use firn_db::{Database, PointDisk, PointFigures, ServiceKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::base::Release;
use super::quiesce::{Guest, hoped};
use super::snapshot::{SNAPSHOT, SnapshotBy, TakeSnapshots, Taken};
use super::transfer::{forget_session, in_repository, journaled};
use super::{JobContext, JobError, RunningJob, Step, user_data};
use crate::discover;
use crate::worker::Watch;
use crate::worker::protocol::{Backup, BackupDisk, BackupResult, Level, Work};

pub(super) const DISCOVER: &str = "discover";
const TRANSFER: &str = "transfer";

pub(super) fn steps(job: &Arc<RunningJob>) -> Vec<Box<dyn Step>> {
    vec![
        Box::new(Discover(Arc::clone(job))),
        Box::new(TakeSnapshots(Arc::clone(job))),
        Box::new(Transfer(Arc::clone(job))),
        Box::new(Release(Arc::clone(job))),
    ]
}

/// What a backup needs to know, found once and journaled: a resumed job reads the same disks on
/// top of the same parent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Discovered {
    pub(super) instance: InstanceDetail,
    /// The instance has user data, which is not kept here.
    #[serde(default)]
    user_data: bool,
    pub(super) disks: Vec<DiscoveredDisk>,
    /// What a point has whose snapshots do not say more.
    consistency: Consistency,
    parent_id: Option<PointId>,
    /// Devices that the request left out and that are there.
    #[serde(default)]
    excluded_disks: BTreeSet<String>,
}

/// A disk to read, and who takes the snapshot that is read.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct DiscoveredDisk {
    #[serde(flatten)]
    pub(super) disk: BackupDisk,
    #[serde(default)]
    pub(super) snapshot_by: SnapshotBy,
}

/// What the request demands beyond the point; a request by hand demands nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Spec {
    /// The least grade that the point must have.
    pub(super) consistency: Option<Consistency>,
    /// Devices that are not read.
    excluded_disks: BTreeSet<String>,
    /// How fast the disks may be read.
    bandwidth_bytes_per_second: Option<u64>,
    /// An incremental backup will come: a full one too keeps a base for it.
    pub(super) keep_base: bool,
}

struct Discover(Arc<RunningJob>);

#[async_trait]
impl Step for Discover {
    fn name(&self) -> &'static str {
        DISCOVER
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let services = &self.0.services;
        let point = self.0.point().await?;
        self.0.yield_to_restore(context.id, point.instance_id).await?;
        let spec: Spec = self.0.spec()?;
        let mut instance = discover::instance(services, point.instance_id).await?;
        if let Some(host) = &instance.host {
            demand_agent(&services.database, host).await?;
        }
        let user_data = user_data::take_out(&mut instance);
        // Before anything is read: a point below its demand is not wanted at all.
        let power_state = instance.instance.power_state;
        let guest = Guest::of(services.guests.as_deref(), &instance, context.id);
        check_grade(hoped(power_state, guest.as_ref()), spec.consistency)?;
        let consistency = hoped(power_state, None);
        let (wanted, excluded_disks) = choose(&instance, &spec.excluded_disks);
        for device in spec.excluded_disks.difference(&excluded_disks) {
            let text = format!("disk {device} is excluded, but the instance has none of that name");
            self.0.lease.message(Level::Warning, "excluded_disks", &text).await;
        }
        let probed = discover::probe(services, &instance, &wanted).await?;
        let disks = readable_disks(probed, &excluded_disks)?;
        let parent_id = match point.mode {
            BackupMode::Full => None,
            BackupMode::Incremental => self.0.newest_point(point.instance_id).await?,
        };
        journaled(&Discovered {
            instance,
            user_data,
            disks,
            consistency,
            parent_id,
            excluded_disks,
        })
    }
}

/// Fails where an operator has disabled the agent of a host: nothing new is begun there.
async fn demand_agent(database: &Database, host: &str) -> Result<(), JobError> {
    let asked = host.to_owned();
    let found = database
        .run(move |conn| firn_db::service_find(conn, ServiceKind::Agent, &asked))
        .await
        .map_err(|error| JobError::new(error.kind(), chain(&error)))?;
    let Some(agent) = found.filter(|agent| agent.disabled) else { return Ok(()) };
    let reason = agent.disabled_reason.unwrap_or_default();
    Err(JobError::new(
        ErrorKind::Conflict,
        format!("the agent on {host} is disabled ({reason}): enable it and try again"),
    ))
}

/// Fails where a grade is below the demand.
pub(super) fn check_grade(
    reached: Consistency,
    demanded: Option<Consistency>,
) -> Result<(), JobError> {
    let Some(demanded) = demanded.filter(|demanded| reached < *demanded) else { return Ok(()) };
    let word = |grade| match grade {
        Consistency::Crash => "crash",
        Consistency::Filesystem => "filesystem",
        Consistency::Application => "application",
    };
    let (reached, demanded) = (word(reached), word(demanded));
    Err(JobError::new(
        ErrorKind::Conflict,
        format!(
            "the plan demands {demanded} consistency and only {reached} consistency can be \
             reached now, so no restore point is kept: shut the instance off for the backup, for \
             filesystem consistency let its guest agent run, or demand less"
        ),
    ))
}

/// The disks to read, and the excluded ones that are there.
fn choose(
    instance: &InstanceDetail,
    excluded: &BTreeSet<String>,
) -> (Vec<firn_core::Disk>, BTreeSet<String>) {
    let protected = instance.instance.disks.iter().filter(|disk| disk.kind.protected());
    let wanted = protected.filter(|disk| !excluded.contains(&disk.device)).cloned().collect();
    let there = instance.instance.disks.iter().map(|disk| &disk.device);
    (wanted, there.filter(|device| excluded.contains(*device)).cloned().collect())
}

/// Every protected disk must be readable: a point without one of them would be a surprise on the
/// day it is needed.
fn readable_disks(
    disks: Vec<discover::ProbedDisk>,
    excluded: &BTreeSet<String>,
) -> Result<Vec<DiscoveredDisk>, JobError> {
    if disks.is_empty() {
        let message = match excluded.is_empty() {
            true => "the instance has no disk to protect",
            false => "every disk of the instance is excluded: there is nothing to protect",
        };
        return Err(JobError::new(ErrorKind::InvalidInput, message));
    }
    let readable = disks.into_iter().map(|probed| {
        let device = &probed.disk.device;
        let (driver, probe) = probed.probe.map_err(|error| {
            JobError::from_chain(error.kind(), &format!("probing disk {device}"), &error)
        })?;
        let snapshot_by = probed.snapshot_by;
        if probe.in_use && snapshot_by == SnapshotBy::Nobody {
            return Err(JobError::new(
                ErrorKind::Conflict,
                format!("disk {device} is in use by a running VM: shut the VM down and try again"),
            ));
        }
        let (location, size_bytes) = (probe.location.0, probe.size_bytes);
        let disk = BackupDisk { disk: probed.disk, driver, location, size_bytes, snapshot: None };
        Ok(DiscoveredDisk { disk, snapshot_by })
    });
    readable.collect()
}

/// The grade of a point: that of its snapshots, or what was `discovered` where they do not say.
fn grade(discovered: Consistency, taken: &[Taken]) -> Consistency {
    let grades = taken.iter().map(|one| one.consistency.unwrap_or(discovered));
    grades.min().unwrap_or(discovered)
}

struct Transfer(Arc<RunningJob>);

#[async_trait]
impl Step for Transfer {
    fn name(&self) -> &'static str {
        TRANSFER
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let point = self.0.point().await?;
        let Spec { bandwidth_bytes_per_second, .. } = self.0.spec()?;
        let Discovered { mut instance, user_data, disks, consistency, parent_id, excluded_disks } =
            context.output(DISCOVER)?;
        if user_data {
            user_data::put_back(&self.0.services, &mut instance).await?;
        }
        let taken: Vec<Taken> = context.output(SNAPSHOT)?;
        let consistency = grade(consistency, &taken);
        let disks = disks.into_iter().zip(taken);
        let disks = disks.map(|(found, taken)| BackupDisk { snapshot: taken.name, ..found.disk });
        let work = Work::Backup(Box::new(Backup {
            point_id: point.id,
            project_id: point.project_id,
            instance,
            disks: disks.collect(),
            mode: point.mode,
            consistency,
            parent_id,
            excluded_disks,
            bandwidth_bytes_per_second,
        }));
        self.0.work(work, context).await
    }

    /// Removes the record, if there is one, and what the worker's session left. Chunks that were
    /// stored stay until garbage collection: the next backup finds them.
    async fn undo(&self, context: &JobContext) -> Result<(), JobError> {
        let id = PointId(self.0.resource_id);
        in_repository(&self.0.services, move |repository| repository.delete_point(id)).await?;
        forget_session(&self.0.services, context.id).await
    }
}

/// What a finished backup writes into the point's row, from the journal.
pub(super) fn figures(context: &JobContext) -> Result<PointFigures, JobError> {
    let found: Discovered = context.output(DISCOVER)?;
    let taken: Vec<Taken> = context.output(SNAPSHOT)?;
    let result: BackupResult = context.output(TRANSFER)?;
    let disks = found.disks.into_iter().zip(result.disks).map(|(source, result)| PointDisk {
        id: DiskId::new(),
        device: result.device,
        kind: source.disk.disk.kind,
        driver: source.disk.driver,
        size_bytes: result.virtual_bytes,
        read_bytes: result.read_bytes,
        new_bytes: result.new_bytes,
        stored_bytes: result.stored_bytes,
    });
    Ok(PointFigures {
        consistency: grade(found.consistency, &taken),
        parent_id: found.parent_id,
        disks: disks.collect(),
    })
}

#[cfg(test)]
#[path = "create_point_tests.rs"]
pub(super) mod tests;
