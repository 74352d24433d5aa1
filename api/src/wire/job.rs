use chrono::{DateTime, Utc};
use firn_core::{InstanceId, JobState, Progress, RepositoryId};
use firn_db::{Job, JobEventRow, JobSort, JobStep};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Filter, JobKind, JobStatus, Severity, StepStatus};
use crate::http::{Filters, Link, Listed, SortDir, SortKey, View, object};

/// An action on a job: exactly one field.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobActionBody {
    /// Stop the job and undo what it did.
    #[serde(deserialize_with = "object")]
    #[expect(dead_code, reason = "its presence is all it says")]
    pub(crate) cancel: CancelOptions,
}

/// There are none yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelOptions {}

/// One job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobBody {
    pub(crate) job: JobView,
}

/// A page of jobs.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is written row by row")]
pub(crate) struct JobListBody {
    pub(crate) jobs: Vec<JobSummary>,
    /// The next page, where there is one.
    #[schema(required = false)]
    pub(crate) jobs_links: Vec<Link>,
}

/// A job with its steps.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobView {
    #[serde(flatten)]
    pub(crate) job: JobSummary,
    /// The steps started so far, in order.
    pub(crate) steps: Vec<StepView>,
}

/// A job: the work behind one request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobSummary {
    pub(crate) id: Uuid,
    pub(crate) project_id: String,
    pub(crate) kind: JobKind,
    pub(crate) status: JobStatus,
    /// The restore point it works on; `null` for restores.
    pub(crate) restore_point_id: Option<Uuid>,
    /// The restore it does.
    pub(crate) restore_id: Option<Uuid>,
    pub(crate) instance_id: Option<Uuid>,
    pub(crate) repository_id: Option<Uuid>,
    /// Id of the request that asked for it.
    pub(crate) request_id: String,
    pub(crate) progress: JobProgressView,
    /// Why it fails or failed.
    pub(crate) error: Option<JobFailureView>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// Where it is; from 1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub(crate) links: Option<Vec<Link>>,
}

impl View for JobSummary {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "project_id",
        "kind",
        "status",
        "restore_point_id",
        "restore_id",
        "instance_id",
        "repository_id",
        "request_id",
        "progress",
        "error",
        "created_at",
        "updated_at",
        "started_at",
        "finished_at",
        "links",
    ];
}

impl View for JobView {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "project_id",
        "kind",
        "status",
        "restore_point_id",
        "restore_id",
        "instance_id",
        "repository_id",
        "request_id",
        "progress",
        "error",
        "created_at",
        "updated_at",
        "started_at",
        "finished_at",
        "links",
        "steps",
    ];
}

/// How far a job has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobProgressView {
    pub(crate) done_bytes: u64,
    /// 0 until known.
    pub(crate) total_bytes: u64,
    /// From 0 to 100.
    pub(crate) percent: f64,
    /// `null` while nothing moves.
    pub(crate) rate_bytes_per_second: Option<u64>,
    /// `null` while nothing moves.
    pub(crate) eta_seconds: Option<u64>,
}

/// Why a job failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobFailureView {
    /// A stable word for programs, such as `unavailable` or `integrity`.
    pub(crate) kind: String,
    /// For people.
    pub(crate) message: String,
}

/// A step of a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StepView {
    /// Its place, from 0.
    pub(crate) position: u32,
    pub(crate) name: String,
    pub(crate) status: StepStatus,
    pub(crate) started_at: DateTime<Utc>,
    /// When it was done, or undone.
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

impl JobView {
    pub(crate) fn new(job: Job, steps: Vec<JobStep>) -> Self {
        Self { job: job.into(), steps: steps.into_iter().map(StepView::from).collect() }
    }
}

impl From<JobStep> for StepView {
    fn from(step: JobStep) -> Self {
        Self {
            position: step.position,
            name: step.name,
            status: step.state.into(),
            started_at: step.started_at,
            finished_at: step.finished_at,
        }
    }
}

impl From<Job> for JobSummary {
    fn from(job: Job) -> Self {
        let restores = job.kind == firn_core::JobKind::Restore;
        Self {
            progress: JobProgressView::from(&job),
            error: failure(&job),
            id: job.id.0,
            project_id: job.project_id.0,
            kind: job.kind.into(),
            status: job.state.into(),
            restore_point_id: (!restores).then_some(job.resource_id),
            restore_id: restores.then_some(job.resource_id),
            instance_id: job.instance_id.map(|id| id.0),
            repository_id: job.repository_id.map(|id| id.0),
            request_id: job.request_id,
            created_at: job.created_at,
            updated_at: job.updated_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            links: None,
        }
    }
}

fn failure(job: &Job) -> Option<JobFailureView> {
    let kind = serde_json::to_value(job.error_kind?).ok()?;
    Some(JobFailureView {
        kind: kind.as_str()?.to_owned(),
        message: job.error_message.clone().unwrap_or_default(),
    })
}

impl From<&Job> for JobProgressView {
    fn from(job: &Job) -> Self {
        let progress = Progress { done_bytes: job.done_bytes, total_bytes: job.total_bytes };
        // Nothing to do counts as all done only where the end says so.
        let percent = match (job.state, job.total_bytes) {
            (JobState::Succeeded, _) => 100.0,
            (_, 0) => 0.0,
            _ => progress.percent(),
        };
        let moves = job.state == JobState::Running;
        Self {
            done_bytes: job.done_bytes,
            total_bytes: job.total_bytes,
            percent: (percent * 100.0).round() / 100.0,
            rate_bytes_per_second: job.rate_bytes_per_second.filter(|_| !job.state.finished()),
            eta_seconds: job.eta_seconds.filter(|_| moves),
        }
    }
}

/// What a job told its user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventListBody {
    /// Oldest first.
    pub(crate) events: Vec<EventView>,
    /// The next page, where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) events_links: Vec<Link>,
}

impl From<Listed<EventView>> for EventListBody {
    fn from(listed: Listed<EventView>) -> Self {
        Self { events: listed.items, events_links: listed.links }
    }
}

/// One message of a job to its user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventView {
    /// Grows with time; a page's marker.
    pub(crate) id: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) severity: Severity,
    /// What was being done.
    pub(crate) action: String,
    /// What happened.
    pub(crate) detail: String,
}

impl From<JobEventRow> for EventView {
    fn from(event: JobEventRow) -> Self {
        Self {
            id: event.id,
            created_at: event.created_at,
            severity: event.level.into(),
            action: event.action,
            detail: event.detail,
        }
    }
}

/// Which events to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// At most that many.
    #[param(minimum = 1)]
    pub(crate) limit: Option<u32>,
    /// The id of the last one of the page before.
    pub(crate) marker: Option<i64>,
}

/// Which jobs to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobQuery {
    /// Doing this.
    #[param(inline)]
    pub(crate) kind: Option<JobKind>,
    /// In this state.
    #[param(inline)]
    pub(crate) status: Option<JobStatus>,
    /// Ended, or not.
    pub(crate) finished: Option<bool>,
    /// Working on this restore point. Restores have their own filter.
    pub(crate) restore_point_id: Option<Uuid>,
    /// Doing this restore.
    pub(crate) restore_id: Option<Uuid>,
    /// Concerning this instance.
    pub(crate) instance_id: Option<Uuid>,
    /// Using this repository.
    pub(crate) repository_id: Option<Uuid>,
    /// Asked for by the request of this id.
    #[param(value_type = Option<Filter>, inline)]
    pub(crate) request_id: Option<Filter>,
    /// Asked for at this time or later.
    pub(crate) created_since: Option<DateTime<Utc>>,
    /// Asked for before this time.
    pub(crate) created_until: Option<DateTime<Utc>>,
}

/// What jobs are sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JobSortKey {
    CreatedAt,
    UpdatedAt,
    Kind,
    Status,
}

impl SortKey for JobSortKey {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("created_at", Self::CreatedAt),
        ("updated_at", Self::UpdatedAt),
        ("kind", Self::Kind),
        ("status", Self::Status),
    ];
    const DIRECTION: SortDir = SortDir::Desc;
}

impl From<JobSortKey> for JobSort {
    fn from(key: JobSortKey) -> Self {
        match key {
            JobSortKey::CreatedAt => Self::CreatedAt,
            JobSortKey::UpdatedAt => Self::UpdatedAt,
            JobSortKey::Kind => Self::Kind,
            JobSortKey::Status => Self::State,
        }
    }
}

impl JobQuery {
    /// What it narrows the list to.
    pub(crate) fn filter(&self) -> firn_db::JobFilter {
        firn_db::JobFilter {
            kind: self.kind.map(Into::into),
            state: self.status.map(Into::into),
            finished: self.finished,
            resource_id: self.restore_point_id.or(self.restore_id),
            repository_id: self.repository_id.map(RepositoryId),
            instance_id: self.instance_id.map(InstanceId),
            request_id: self.request_id.as_ref().map(|id| id.0.clone()),
            created_since: self.created_since,
            created_until: self.created_until,
        }
    }
}

impl Filters for JobQuery {
    type View = JobSummary;
    type Key = JobSortKey;
    type Marker = Uuid;
}
