//! Jobs as sagas: named steps, each with a do and an undo, journaled.
//!
//! The rules that make a saga survive a kill at any moment:
//! - a step's `run` may have been started before, by us or by a conductor that died, and its
//!   effect may be there wholly, partly or not at all: it must come to the same end;
//! - a step's `undo` may meet the same, and may itself be repeated: undoing what is absent
//!   succeeds;
//! - what a later step needs of an earlier one is in the earlier one's journaled output;
//! - a step that lets go of what undoing would need says so ([`Step::commits`]): from then on the job
//!   goes forward only.

mod base;
mod context;
mod create_point;
mod delete_point;
mod driver;
mod exclusive;
mod execute;
mod hand_over;
mod journal;
mod quiesce;
mod restore;
mod running;
mod snapshot;
mod step;
mod transfer;
mod user_data;
mod verify_point;

use std::sync::Arc;

use firn_core::JobKind;
use firn_db::JobEnd;

pub(crate) use context::JobContext;
pub(crate) use execute::{Ended, execute};
pub(crate) use journal::{DbJournal, Journal, JournalError, JournalState};
pub(crate) use restore::PARTIAL_PREFIX;
pub(crate) use running::RunningJob;
pub(crate) use snapshot::SnapshotBy;
pub(crate) use step::{JobError, Step, refused};
pub(crate) use transfer::in_repository;

/// The steps of a job.
///
/// # Errors
/// What the database answers, or why there is no way to do the job here.
pub(crate) async fn steps(job: &Arc<RunningJob>) -> Result<Vec<Box<dyn Step>>, JobError> {
    Ok(match job.kind {
        JobKind::CreatePoint => create_point::steps(job),
        JobKind::DeletePoint => delete_point::steps(job),
        JobKind::VerifyPoint => verify_point::steps(job),
        JobKind::Restore => restore::steps(job).await?,
    })
}

/// What the database is told when all of a job's steps are done.
pub(crate) fn end(job: &RunningJob, context: &JobContext) -> Result<JobEnd, JobError> {
    Ok(match job.kind {
        JobKind::CreatePoint => JobEnd::PointCreated(create_point::figures(context)?),
        JobKind::DeletePoint => JobEnd::PointDeleted,
        JobKind::VerifyPoint => verify_point::end(job)?,
        JobKind::Restore => JobEnd::Restored(restore::result(context)?),
    })
}
