//! Removes the disks that a cloud left when it deleted their server. Nova does so with RBD images that
//! have snapshots, and ours may have been the only ones.
//!
//! A disk is asked to be removed only where
//! - a backup recorded it, and it is called as Nova calls the disks of that server;
//! - Nova listed the servers of its project and did not know the server, neither there nor by its id,
//!   in two looks a minute apart: the list is refused to a user that may not see all servers;
//! - no job works on the server.
//!
//! The driver refuses what is in use, has snapshots of others, or has clones.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use firn_cloud::{Cloud, CloudError};
use firn_core::{InstanceId, ProjectId, chain};
use firn_db::{Base, Database, DbError};
use firn_driver_sdk::Location;
use serde_json::Value;

use super::storages::Storages;
use crate::services::Services;
use crate::stop::Stop;

/// Between two looks at a server, in seconds.
const INTERVAL_SECONDS: u32 = 60;
/// Disks that are looked at in one turn.
const BATCH: u32 = 100;

/// What the cloud says of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    There,
    Gone,
    /// It cannot be told now.
    Unknown,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    /// The disk is none of our business.
    Leave,
    /// The server was not found since then, which is not long enough.
    Wait { missing_since: DateTime<Utc> },
    /// Two looks have not found it.
    Remove { missing_since: DateTime<Utc> },
}

fn decide(server: Server, missing_since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Decision {
    match (server, missing_since) {
        (Server::There | Server::Unknown, _) => Decision::Leave,
        (Server::Gone, None) => Decision::Wait { missing_since: now },
        (Server::Gone, Some(missing_since)) if now - missing_since < interval() => {
            Decision::Wait { missing_since }
        }
        (Server::Gone, Some(missing_since)) => Decision::Remove { missing_since },
    }
}

fn interval() -> TimeDelta {
    TimeDelta::seconds(INTERVAL_SECONDS.into())
}

/// Whether a disk is called as Nova calls those of a server on RBD: `<id>_disk`, `<id>_disk.eph0`.
/// Of no other disk it could be said that it goes with the server.
pub(crate) fn is_of_server(location: &Value, id: InstanceId) -> bool {
    let image = location.get("image").and_then(Value::as_str);
    let rest = image.and_then(|image| image.strip_prefix(&id.to_string()));
    let rest = rest.and_then(|rest| rest.strip_prefix("_disk"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Looks around every minute until `shutdown`, where the cloud can tell that a server is deleted: one
/// that only knows what runs on its hypervisors cannot.
pub(super) async fn run(services: &Services, shutdown: &Stop) {
    if services.volume_snapshots.is_none() {
        return;
    }
    let look = Look {
        database: &services.database,
        cloud: services.cloud.as_ref(),
        storages: Storages::of(services),
        now: Utc::now,
    };
    loop {
        if let Err(error) = look.turn().await {
            tracing::warn!(error = chain(&error), "cannot look for disks that were left");
        }
        if shutdown.within(Duration::from_secs(INTERVAL_SECONDS.into())).await {
            return;
        }
    }
}

/// What a look around needs.
struct Look<'a, N> {
    database: &'a Database,
    cloud: &'a dyn Cloud,
    storages: Storages,
    now: N,
}

impl<N: Fn() -> DateTime<Utc> + Send + Sync> Look<'_, N> {
    /// # Errors
    /// The database's. What the cloud and the storage say is logged.
    async fn turn(&self) -> Result<(), DbError> {
        let before = (self.now)() - interval();
        let due = move |conn: &mut _| firn_db::base_list_due(conn, before, BATCH);
        let mut projects: BTreeMap<ProjectId, Vec<Base>> = BTreeMap::new();
        for base in self.database.run(due).await? {
            projects.entry(base.project_id.clone()).or_default().push(base);
        }
        for (project, bases) in projects {
            let listed = self.listed(&project).await;
            for base in bases {
                let server = self.server(listed.as_ref(), base.instance_id).await;
                // A turn may take long, and others look too.
                let now = (self.now)();
                match decide(server, base.missing_since, now) {
                    Decision::Leave => self.checked(&base, None, None, now).await?,
                    Decision::Wait { missing_since } => {
                        self.wait(&base, missing_since, now).await?;
                    }
                    Decision::Remove { missing_since } => {
                        self.remove(&base, missing_since, now).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The servers of a project; `None` where the cloud does not say.
    async fn listed(&self, project: &ProjectId) -> Option<HashSet<InstanceId>> {
        match self.cloud.instance_list(project).await {
            Ok(list) => Some(list.into_iter().map(|one| one.id).collect()),
            Err(error) => {
                warn(&error);
                None
            }
        }
    }

    async fn server(&self, listed: Option<&HashSet<InstanceId>>, id: InstanceId) -> Server {
        match listed {
            None => return Server::Unknown,
            Some(listed) if listed.contains(&id) => return Server::There,
            Some(_) => {}
        }
        match self.cloud.power_state(id).await {
            Ok(_) => Server::There,
            Err(CloudError::NotFound { .. }) => Server::Gone,
            Err(error) => {
                warn(&error);
                Server::Unknown
            }
        }
    }

    async fn remove(
        &self,
        base: &Base,
        missing_since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), DbError> {
        let id = base.instance_id;
        let at_work = move |conn: &mut _| firn_db::jobs_unfinished_of_instance(conn, id);
        if !self.database.run(at_work).await?.is_empty() {
            // A backup may still read what is there.
            return self.wait(base, missing_since, now).await;
        }
        let (instance_id, disk) = (id, &base.location);
        match self.ask_driver(base).await {
            Ok(()) => {
                tracing::info!(%instance_id, %disk, "removed a disk of a deleted server");
                let base = base.clone();
                self.database.run(move |conn| firn_db::base_delete(conn, &base)).await
            }
            Err(refusal) => {
                if base.refusal.as_ref() != Some(&refusal) {
                    let error = &refusal;
                    tracing::warn!(
                        %instance_id, %disk, error, "a disk of a deleted server stays for now"
                    );
                }
                self.checked(base, Some(missing_since), Some(refusal), now).await
            }
        }
    }

    /// The error is for people.
    async fn ask_driver(&self, base: &Base) -> Result<(), String> {
        if !is_of_server(&base.location, base.instance_id) {
            return Err("it is not called as a disk of that server".to_owned());
        }
        let (location, ours) = (Location(base.location.clone()), base.snapshot_prefix.clone());
        self.storages.ask(&base.driver, move |driver| driver.remove(&location, &ours)).await
    }

    async fn wait(
        &self,
        base: &Base,
        missing_since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), DbError> {
        self.checked(base, Some(missing_since), base.refusal.clone(), now).await
    }

    async fn checked(
        &self,
        base: &Base,
        missing_since: Option<DateTime<Utc>>,
        refusal: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), DbError> {
        let base = base.clone();
        let checked = move |conn: &mut _| {
            firn_db::base_checked(conn, &base, missing_since, refusal.as_deref(), now)
        };
        self.database.run(checked).await
    }
}

fn warn(error: &CloudError) {
    tracing::warn!(error = chain(error), "the cloud does not say which servers are gone");
}

#[cfg(test)]
#[path = "left_disks_tests.rs"]
mod tests;
