//! Jobs: their rows, leases and ends.

mod cancel;
mod claim;
mod finish;
mod list;
mod places;
mod request;
mod room;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::{ErrorKind, InstanceId, JobId, JobKind, JobState, ProjectId, RepositoryId};
use serde_json::Value;
use uuid::Uuid;

use crate::schema::jobs;
use crate::stored::{Name, Number, OptionalNumber, OptionalText, OptionalTime, Text, Time};
use crate::{Connection, DbError, Scope, microseconds};

pub use cancel::job_request_cancel;
pub(crate) use claim::job_fence;
pub use claim::{
    Claim, Claimed, Heartbeat, JobProgress, job_claim, job_claim_next, job_heartbeat,
    job_lease_expire, job_release,
};
pub use finish::{JobEnd, JobError, PointFigures, job_finish, job_unwind};
pub use list::{
    JobFilter, JobSort, job_list, jobs_claimable, jobs_unfinished_for_point,
    jobs_unfinished_of_instance,
};
pub use places::{job_claim_within, job_places_set, jobs_without_places};
pub(crate) use request::backup_request_create_from;
pub use request::{
    BackupRequest, PointRequest, RestoreRequest, backup_request_create, backup_under_way,
    point_delete_request, point_verify_request, restore_request_create,
};
pub use room::{JobLimits, JobPlaces};

pub(crate) const RESOURCE: &str = "job";

/// The states that a job can still leave.
pub(crate) const UNFINISHED: [JobState; 4] =
    [JobState::Queued, JobState::Running, JobState::Cancelling, JobState::Unwinding];

/// The work behind one request.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = jobs)]
pub struct Job {
    /// Its id.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub id: JobId,
    /// Who asked for it.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub project_id: ProjectId,
    /// What it does.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub kind: JobKind,
    /// Its state.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub state: JobState,
    /// What it works on: a restore point, or for `Restore` a restore.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub resource_id: Uuid,
    /// The repository it uses.
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    pub repository_id: Option<RepositoryId>,
    /// The instance it concerns.
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    pub instance_id: Option<InstanceId>,
    /// What its saga needs to know beyond the resource; made by the API, read by the conductor.
    #[diesel(serialize_as = Text, deserialize_as = Text)]
    pub spec: Value,
    /// Id of the request that asked for it, for the logs.
    pub request_id: String,
    /// How often it was claimed.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub attempts: u32,
    /// Fencing token: every claim makes it larger, and only the newest may write.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub generation: u64,
    /// Who holds it.
    pub lease_owner: Option<String>,
    /// Until when; afterwards anyone may claim it. Without an owner: not to be claimed before.
    #[diesel(serialize_as = OptionalTime, deserialize_as = OptionalTime)]
    pub lease_until: Option<DateTime<Utc>>,
    /// Bytes done, of `total_bytes`.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub done_bytes: u64,
    /// Bytes to do; 0 until known.
    #[diesel(serialize_as = Number, deserialize_as = Number)]
    pub total_bytes: u64,
    /// How fast it goes.
    #[diesel(serialize_as = OptionalNumber, deserialize_as = OptionalNumber)]
    pub rate_bytes_per_second: Option<u64>,
    /// How long it will still take.
    #[diesel(serialize_as = OptionalNumber, deserialize_as = OptionalNumber)]
    pub eta_seconds: Option<u64>,
    /// Why it failed; set as soon as it unwinds.
    #[diesel(serialize_as = OptionalText, deserialize_as = OptionalText)]
    pub error_kind: Option<ErrorKind>,
    /// The same for people.
    pub error_message: Option<String>,
    /// When it was asked for.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub created_at: DateTime<Utc>,
    /// When the row was last written.
    #[diesel(serialize_as = Time, deserialize_as = Time)]
    pub updated_at: DateTime<Utc>,
    /// When it was first claimed.
    #[diesel(serialize_as = OptionalTime, deserialize_as = OptionalTime)]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[diesel(serialize_as = OptionalTime, deserialize_as = OptionalTime)]
    pub finished_at: Option<DateTime<Utc>>,
}

/// What a new job is made from.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its id, chosen by the caller.
    pub id: JobId,
    /// Who asks for it.
    pub project_id: ProjectId,
    /// What it does.
    pub kind: JobKind,
    /// What it works on.
    pub resource_id: Uuid,
    /// The repository it uses.
    pub repository_id: Option<RepositoryId>,
    /// The instance it concerns.
    pub instance_id: Option<InstanceId>,
    /// What its saga needs to know beyond the resource.
    pub spec: Value,
    /// Id of the request that asks for it.
    pub request_id: String,
}

/// Makes a job, in state `Queued`. Normally called by one of the requests
/// ([`backup_request_create`] and its like), which make its resource too.
pub fn job_create(conn: &mut Connection, new: NewJob, now: DateTime<Utc>) -> Result<Job, DbError> {
    let now = microseconds(now);
    let job = Job {
        id: new.id,
        project_id: new.project_id,
        kind: new.kind,
        state: JobState::Queued,
        resource_id: new.resource_id,
        repository_id: new.repository_id,
        instance_id: new.instance_id,
        spec: new.spec,
        request_id: new.request_id,
        attempts: 0,
        generation: 0,
        lease_owner: None,
        lease_until: None,
        done_bytes: 0,
        total_bytes: 0,
        rate_bytes_per_second: None,
        eta_seconds: None,
        error_kind: None,
        error_message: None,
        created_at: now,
        updated_at: now,
        started_at: None,
        finished_at: None,
    };
    diesel::insert_into(jobs::table).values(job.clone()).execute(conn)?;
    Ok(job)
}

/// One job, if it is in scope.
pub fn job_get(conn: &mut Connection, scope: &Scope, id: JobId) -> Result<Job, DbError> {
    let mut query = jobs::table.find(id.to_string()).select(Job::as_select()).into_boxed();
    if let Some(project) = scope.project() {
        query = query.filter(jobs::project_id.eq(project.to_owned()));
    }
    query.first(conn).optional()?.ok_or_else(|| DbError::not_found(RESOURCE, id))
}

/// One job, if it is in scope, as it stays until the end of the transaction but for what this
/// one writes.
pub(crate) fn job_get_locked(
    conn: &mut Connection,
    scope: &Scope,
    id: JobId,
) -> Result<Job, DbError> {
    // A write that changes nothing locks the row in every database.
    let mine = jobs::id.eq(id.to_string());
    let touch = jobs::generation.eq(jobs::generation);
    match scope.project() {
        None => diesel::update(jobs::table.filter(mine)).set(touch).execute(conn)?,
        Some(project) => {
            let mine = mine.and(jobs::project_id.eq(project.to_owned()));
            diesel::update(jobs::table.filter(mine)).set(touch).execute(conn)?
        }
    };
    job_get(conn, scope, id)
}

/// The names of [`UNFINISHED`], for filters.
pub(crate) fn unfinished_names() -> [&'static str; 4] {
    UNFINISHED.map(Name::name)
}
