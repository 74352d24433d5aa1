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
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use firn_cloud::CloudError;
use firn_core::{InstanceId, ProjectId};
use firn_db::{Base, DbError};
use firn_driver_sdk::Location;
use serde_json::Value;

use crate::services::Services;
use crate::stop::Stop;
use crate::worker::chain;

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
pub(crate) async fn run(services: Arc<Services>, shutdown: Stop) {
    if services.volume_snapshots.is_none() {
        return;
    }
    loop {
        if let Err(error) = turn(&services).await {
            tracing::warn!(error = chain(&error), "cannot look for disks that were left");
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(INTERVAL_SECONDS.into())) => {}
            _ = shutdown.requested() => return,
        }
    }
}

async fn turn(services: &Services) -> Result<(), DbError> {
    let before = Utc::now() - interval();
    let due = move |conn: &mut _| firn_db::base_list_due(conn, before, BATCH);
    let mut projects: BTreeMap<ProjectId, Vec<Base>> = BTreeMap::new();
    for base in services.database.run(due).await? {
        projects.entry(base.project_id.clone()).or_default().push(base);
    }
    for (project, bases) in projects {
        let listed = match services.cloud.instance_list(&project).await {
            Ok(list) => Some(list.into_iter().map(|one| one.id).collect::<HashSet<_>>()),
            Err(error) => {
                warn(&error);
                None
            }
        };
        for base in bases {
            let server = look(services, listed.as_ref(), base.instance_id).await;
            let now = Utc::now();
            match decide(server, base.missing_since, now) {
                Decision::Leave => checked(services, &base, None, None).await?,
                Decision::Wait { missing_since } => {
                    checked(services, &base, Some(missing_since), base.refusal.clone()).await?;
                }
                Decision::Remove { missing_since } => {
                    remove(services, &base, missing_since).await?;
                }
            }
        }
    }
    Ok(())
}

/// `listed`: the servers of its project, where the cloud gave them.
async fn look(services: &Services, listed: Option<&HashSet<InstanceId>>, id: InstanceId) -> Server {
    match listed {
        None => return Server::Unknown,
        Some(listed) if listed.contains(&id) => return Server::There,
        Some(_) => {}
    }
    match services.cloud.power_state(id).await {
        Ok(_) => Server::There,
        Err(CloudError::NotFound { .. }) => Server::Gone,
        Err(error) => {
            warn(&error);
            Server::Unknown
        }
    }
}

fn warn(error: &CloudError) {
    tracing::warn!(error = chain(error), "the cloud does not say which servers are gone");
}

async fn remove(
    services: &Services,
    base: &Base,
    missing_since: DateTime<Utc>,
) -> Result<(), DbError> {
    let id = base.instance_id;
    let at_work = move |conn: &mut _| firn_db::jobs_unfinished_of_instance(conn, id);
    if services.database.run(at_work).await? {
        // A backup may still read what is there.
        return checked(services, base, Some(missing_since), base.refusal.clone()).await;
    }
    match ask_driver(services, base).await {
        Ok(()) => {
            tracing::info!(instance_id = %id, disk = %base.location, "removed a disk of a deleted server");
            let base = base.clone();
            services.database.run(move |conn| firn_db::base_delete(conn, &base)).await
        }
        Err(refusal) => {
            if base.refusal.as_ref() != Some(&refusal) {
                tracing::warn!(
                    instance_id = %id, disk = %base.location, error = refusal,
                    "a disk of a deleted server stays for now"
                );
            }
            checked(services, base, Some(missing_since), Some(refusal)).await
        }
    }
}

/// Away from the async threads: a large disk takes its time. The error is for people.
async fn ask_driver(services: &Services, base: &Base) -> Result<(), String> {
    if !is_of_server(&base.location, base.instance_id) {
        return Err("it is not called as a disk of that server".to_owned());
    }
    let driver = services.drivers.get(&base.driver).map_err(|error| chain(&error))?;
    let (location, ours) = (Location(base.location.clone()), base.snapshot_prefix.clone());
    let asked = tokio::task::spawn_blocking(move || driver.remove(&location, &ours)).await;
    match asked {
        Ok(removed) => removed.map_err(|error| chain(&error)),
        Err(error) => Err(chain(&error)),
    }
}

async fn checked(
    services: &Services,
    base: &Base,
    missing_since: Option<DateTime<Utc>>,
    refusal: Option<String>,
) -> Result<(), DbError> {
    let base = base.clone();
    let checked = move |conn: &mut _| {
        firn_db::base_checked(conn, &base, missing_since, refusal.as_deref(), Utc::now())
    };
    services.database.run(checked).await
}

#[cfg(test)]
#[path = "left_disks_tests.rs"]
mod tests;
