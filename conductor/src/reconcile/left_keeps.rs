//! Removes the snapshots that a restore left of what it wrote over. Its own steps remove them; what
//! those could not, because a storage refused or a conductor did not know its cluster, goes here.
//!
//! Only snapshots of the restore's own name are removed, on disks that its journal says it kept, and
//! only when it has ended: until then they are what its undo needs.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use firn_core::{ErrorKind, RestoreId, RestoreState, RestoreTarget, chain};
use firn_db::{
    Database, DbError, Direction, JobStep, Page, Restore, RestoreFilter, RestoreSort, Scope,
};
use firn_driver_sdk::{Driver, DriverError, Location};
use serde::Deserialize;

use super::storages::Storages;
use crate::services::Services;
use crate::stop::Stop;
use crate::worker::protocol::TargetDisk;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(60);
/// Restores that ended longer ago are not looked at.
const WINDOW: TimeDelta = TimeDelta::days(7);
/// A conductor that lost the restore may still have been taking a snapshot for that long.
const GRACE: TimeDelta = TimeDelta::minutes(10);
/// Restores that are read at once.
const BATCH: u32 = 100;

/// What the snapshots of a restore are called.
pub(crate) fn snapshot(restore: RestoreId) -> String {
    format!("firn-restore-{restore}")
}

/// What follows for a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    /// It keeps nothing, or still needs it, or ended long ago.
    Leave,
    /// There may be something.
    Look,
    /// The same, and where nothing is found nothing comes any more.
    LookOnce,
}

fn decide(
    target: &RestoreTarget,
    state: RestoreState,
    finished_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Decision {
    let keeps = match target {
        RestoreTarget::Original => true,
        RestoreTarget::Volume(wish) => wish.volume_id.is_some(),
        RestoreTarget::NewInstance(_) | RestoreTarget::File { .. } => false,
    };
    match (keeps, state, finished_at.map(|at| now - at)) {
        (false, ..) | (_, RestoreState::Restoring, _) | (.., None) => Decision::Leave,
        (.., Some(age)) if age > WINDOW => Decision::Leave,
        (.., Some(age)) if age > GRACE => Decision::LookOnce,
        _ => Decision::Look,
    }
}

/// The disks of which a restore has kept what they held, as its journal has them: found by its plan
/// where it is in place, else when it had them attached.
pub(crate) fn disks(steps: &[JobStep]) -> Result<Vec<TargetDisk>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Plan {
        original: Option<Original>,
    }
    #[derive(Deserialize)]
    struct Original {
        disks: Vec<TargetDisk>,
    }
    let output = |name| steps.iter().find(|step| step.name == name)?.output.clone();
    if !steps.iter().any(|step| step.name == "keep") {
        return Ok(Vec::new());
    }
    if let Some(plan) = output("plan")
        && let Some(original) = serde_json::from_value::<Plan>(plan)?.original
    {
        return Ok(original.disks);
    }
    output("attach").map_or_else(|| Ok(Vec::new()), serde_json::from_value)
}

/// Looks around until `shutdown`, where restores write over disks.
pub(super) async fn run(services: &Services, shutdown: &Stop) {
    if services.rebuild.is_none() {
        return;
    }
    let mut look = Look::new(&services.database, Storages::of(services));
    loop {
        if let Err(error) = look.turn(Utc::now()).await {
            tracing::warn!(error = chain(&error), "cannot look for snapshots that restores left");
        }
        if shutdown.within(INTERVAL).await {
            return;
        }
    }
}

/// What a look around needs, and what earlier ones found.
struct Look<'a> {
    database: &'a Database,
    storages: Storages,
    clean: HashSet<RestoreId>,
    refusals: HashMap<RestoreId, String>,
}

impl<'a> Look<'a> {
    fn new(database: &'a Database, storages: Storages) -> Self {
        Self { database, storages, clean: HashSet::new(), refusals: HashMap::new() }
    }

    /// # Errors
    /// The database's. What a storage says is logged.
    async fn turn(&mut self, now: DateTime<Utc>) -> Result<(), DbError> {
        let mut ended = Vec::new();
        for state in [RestoreState::Available, RestoreState::Error] {
            ended.extend(self.ended(state, now).await?);
        }
        let known: HashSet<_> = ended.iter().map(|restore| restore.id).collect();
        self.clean.retain(|id| known.contains(id));
        self.refusals.retain(|id, _| known.contains(id));
        for restore in ended {
            let Restore { id, target, state, finished_at, .. } = &restore;
            let decision = decide(target, *state, *finished_at, now);
            if decision == Decision::Leave || self.clean.contains(id) {
                continue;
            }
            match self.clean_up(&restore).await? {
                Ok(()) if decision == Decision::LookOnce => {
                    self.clean.insert(*id);
                }
                Ok(()) => {}
                Err(refusal) => self.refused(*id, refusal),
            }
        }
        Ok(())
    }

    /// Those that ended within the window, the newest first.
    async fn ended(
        &self,
        state: RestoreState,
        now: DateTime<Utc>,
    ) -> Result<Vec<Restore>, DbError> {
        let filter = RestoreFilter { state: Some(state), ..RestoreFilter::default() };
        let list = move |conn: &mut _| {
            let mut ended = Vec::new();
            let mut page = Page {
                limit: BATCH,
                marker: None,
                sort: RestoreSort::UpdatedAt,
                direction: Direction::Descending,
            };
            loop {
                let rows = firn_db::restore_list(conn, &Scope::All, &filter, &page)?;
                // The row of one that has ended is not written any more.
                let recent = rows.iter().filter(|row| now - row.updated_at <= WINDOW);
                let before = ended.len();
                ended.extend(recent.cloned());
                if ended.len() - before < BATCH as usize {
                    return Ok(ended);
                }
                page.marker = ended.last().map(|row| row.id);
            }
        };
        self.database.run(list).await
    }

    /// The outer error is the database's, the inner one for people.
    async fn clean_up(&self, restore: &Restore) -> Result<Result<(), String>, DbError> {
        let job = restore.job_id;
        let steps = move |conn: &mut _| firn_db::job_step_list(conn, job);
        let disks = match disks(&self.database.run(steps).await?) {
            Ok(disks) => disks,
            Err(error) => return Ok(Err(format!("its journal cannot be read: {error}"))),
        };
        let mut done = Ok(());
        for disk in disks {
            let device = disk.device.clone();
            let (at, name) = (Location(disk.location), snapshot(restore.id));
            let remove = move |driver: &dyn Driver| remove(driver, &at, &name);
            let removed = match self.storages.ask(&disk.driver, remove).await {
                Ok(false) => Ok(()),
                Ok(true) => {
                    let restore_id = restore.id;
                    tracing::info!(%restore_id, device, "removed a snapshot that a restore left");
                    Ok(())
                }
                Err(error) => Err(format!("disk {device}: {error}")),
            };
            done = done.and(removed);
        }
        Ok(done)
    }

    /// Once for each reason.
    fn refused(&mut self, restore_id: RestoreId, error: String) {
        if self.refusals.get(&restore_id) != Some(&error) {
            tracing::warn!(%restore_id, error, "what a restore kept stays for now");
        }
        self.refusals.insert(restore_id, error);
    }
}

/// Whether there was something to remove.
fn remove(driver: &dyn Driver, at: &Location, name: &str) -> Result<bool, DriverError> {
    let names = match driver.snapshot_list(at) {
        // A restore that cannot keep anything has written nothing, and a disk takes its snapshots along.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::NotFound) => {
            return Ok(false);
        }
        names => names?,
    };
    if !names.iter().any(|one| one == name) {
        return Ok(false);
    }
    driver.snapshot_delete(at, name).map(|()| true)
}

#[cfg(test)]
#[path = "left_keeps_tests.rs"]
mod tests;
