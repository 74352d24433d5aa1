//! Firn's database: one row struct and its queries a table.
//!
//! The database row is the truth about every restore point, restore and job; messages only say
//! that there is something to look at.
//!
//! Invariants:
//! - a state changes only through its `next` function in the domain crate, by compare-and-set on
//!   the state and generation that were read; who comes too late gets a `Conflict`;
//! - a job's journal, progress and end can be written only under the newest [`Claim`];
//! - what belongs together (a job and its resource) is written in one transaction;
//! - every query about tenants' rows takes a [`Scope`], and rows outside it do not exist for it;
//! - time is an argument; no query looks at a clock. Times are kept in UTC with microseconds.
//!
//! Queries take a [`Connection`] and block: run them inside [`Database::run`]. They use only
//! what SQLite, MariaDB and PostgreSQL have in common (no upsert, no `RETURNING`), at the isolation
//! of committed reads: a decision that rests on reading locks the row first, compares and sets,
//! or takes a [`transaction_lock`].
//!
//! Transactions that a database breaks off are run again in one place, [`transaction()`].
//!
//! This crate must not know of HTTP, messages, drivers or the repository's format.

mod advice;
mod base;
mod cause;
mod config;
mod connection;
mod count;
mod database;
mod engine;
mod error;
mod job;
mod job_event;
mod job_step;
mod lease;
mod migration;
mod options;
mod page;
mod plan;
mod point;
mod point_disk;
mod pool;
mod purge;
mod quota;
mod repository;
mod restore;
mod schema;
mod schema_age;
mod service;
mod session;
mod stored;
mod transaction;
mod url;
mod usage;

pub use base::{
    Base, NewBase, base_any, base_checked, base_delete, base_list_due, base_list_of, base_record,
};
pub use config::DatabaseOptions;
pub use connection::AnyConnection;
pub use count::{job_counts, point_counts, point_sizes};
pub use database::Database;
pub use engine::Engine;
pub use error::DbError;
pub use job::{
    BackupRequest, Claim, Claimed, Heartbeat, Job, JobEnd, JobError, JobFilter, JobLimits,
    JobPlaces, JobProgress, JobSort, NewJob, PointFigures, PointRequest, RestoreRequest,
    backup_request_create, backup_under_way, job_claim, job_claim_next, job_claim_within,
    job_create, job_finish, job_get, job_heartbeat, job_lease_expire, job_list, job_places_set,
    job_release, job_request_cancel, job_unwind, jobs_claimable, jobs_unfinished_for_point,
    jobs_unfinished_of_instance, jobs_without_places, point_delete_request, point_verify_request,
    restore_request_create,
};
pub use job_event::{EventLevel, JobEventRow, job_event_add, job_event_list};
pub use job_step::{JobStep, job_step_done, job_step_list, job_step_start, job_step_undone};
pub use lease::{Lease, lease_acquire, lease_fence, lease_release, lease_renew};
pub use migration::{MigrationState, Phase};
pub use options::PoolOptions;
pub use page::{Direction, Page, Scope};
pub use plan::{
    NewPlan, PlanFilter, PlanRow, PlanRun, PlanRunEvent, PlanSort, PlannedBackup, RunEnd, RunNote,
    RunOrigin, RunOutcome, RunStart, plan_create, plan_delete, plan_due, plan_get, plan_list,
    plan_run_event_list, plan_run_finish, plan_run_get, plan_run_list, plan_run_request,
    plan_run_start, plan_run_tally, plan_runs_requested, plan_runs_running, plan_set_trust,
    plan_transition, plan_update, point_pin, points_of_plan,
};
pub use point::{
    NewPoint, Point, PointFilter, PointSort, PointUpdate, point_create, point_delete, point_each,
    point_get, point_list, point_transition, point_update, points_latest_available,
};
pub use point_disk::{PointDisk, PointDisks};
pub use purge::{Purged, purge_batch};
pub use quota::{
    QuotaDemand, QuotaLimits, QuotaOptions, QuotaResource, quota_check, quota_get, quota_reserve,
    quota_reset, quota_set, quotas_set,
};
pub use repository::{
    NewRepository, Repository, RepositorySort, RepositoryStatus, RepositoryUsage,
    repository_create, repository_find, repository_get, repository_list,
    repository_report_unavailable, repository_report_usage,
};
pub use restore::{
    NewRestore, Restore, RestoreFilter, RestoreSort, restore_create, restore_finish, restore_get,
    restore_list, restore_target_taken,
};
pub use service::{
    Service, ServiceKind, ServiceReport, ServiceState, service_delete, service_disable,
    service_find, service_get, service_heartbeat, service_list, service_list_of,
};
pub use stored::StoredValueError;
pub(crate) use stored::microseconds;
pub use transaction::{Connection, transaction, transaction_lock};
pub use usage::{ProjectUsage, usage_get, usage_list};
