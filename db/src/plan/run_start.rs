use chrono::{DateTime, Utc};
use diesel::prelude::*;
use firn_core::plan::{NextRun, PlanEvent, PlanStatus, RunState, RunTrigger};
use firn_core::{InstanceId, JobId, PlanId, PlanRunId};

use super::change::{lost, write};
use super::{PlanRow, PlanRun, plan_get, run_event};
use crate::job::{backup_request_create_from, backup_under_way};
use crate::lease::{Lease, lease_fence};
use crate::schema::plan_runs;
use crate::stored::{Name, Number, OptionalTime};
use crate::{
    BackupRequest, Connection, DbError, EventLevel, QuotaDemand, QuotaLimits, Scope, microseconds,
    quota_reserve, transaction,
};

/// Which run starts.
#[derive(Clone, Debug)]
pub enum RunOrigin {
    /// The plan's next one by its schedule.
    Scheduled {
        /// Id of the new run, chosen by the caller.
        run_id: PlanRunId,
        /// Its time.
        scheduled_at: DateTime<Utc>,
        /// How many before it were missed.
        missed: u32,
        /// The one after it.
        next: Option<NextRun>,
        /// Id for the logs.
        request_id: String,
    },
    /// One that was asked for.
    Requested(PlanRun),
}

/// One backup of a run.
#[derive(Clone, Debug)]
pub struct PlannedBackup {
    /// The point and the job to make.
    pub request: BackupRequest,
}

/// One message of a run to the plan's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunNote {
    /// How grave it is.
    pub level: EventLevel,
    /// The instance it concerns.
    pub instance_id: Option<InstanceId>,
    /// The job it concerns.
    pub job_id: Option<JobId>,
    /// What happened.
    pub detail: String,
}

/// What becomes of a run.
#[derive(Clone, Debug)]
pub enum RunOutcome {
    /// Its jobs are made.
    Start {
        /// One an instance.
        backups: Vec<PlannedBackup>,
        /// What there is to tell beforehand; each that is more than information is of an instance
        /// that gets no job.
        notes: Vec<RunNote>,
    },
    /// It is not made.
    Skip {
        /// Why.
        reason: String,
    },
    /// It cannot be made until the owner acts: the plan turns to `Error`.
    Fail {
        /// What the owner has to do.
        reason: String,
    },
}

/// A run that is to start, or not.
#[derive(Clone, Debug)]
pub struct RunStart {
    /// The plan, as it was read when this was decided.
    pub plan: PlanRow,
    /// Which run.
    pub origin: RunOrigin,
    /// What becomes of it.
    pub outcome: RunOutcome,
    /// What a project may have that has no limits of its own.
    pub quotas: QuotaLimits,
}

/// Writes a run, its points and jobs, and the plan's next time, in one transaction: all of it
/// appears, or nothing. An instance for which no job can be made is told in the run's events, and
/// the others go on.
///
/// `None`: someone else dealt with this run, or changed the plan since it was read; look again. A
/// lease that is not held any more is a `Conflict`.
pub fn plan_run_start(
    conn: &mut Connection,
    lease: &Lease,
    start: &RunStart,
    now: DateTime<Utc>,
) -> Result<Option<PlanRun>, DbError> {
    let now = microseconds(now);
    let made = transaction(conn, |conn| {
        lease_fence(conn, lease, now)?;
        let plan = match plan_get(conn, &Scope::All, start.plan.plan.id) {
            Ok(plan) if plan.revision == start.plan.revision => plan,
            Ok(_) | Err(DbError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut run = new_run(&plan, start, now);
        // First the plan: of two who are here at once, the second waits for this row and then
        // finds another revision.
        write(conn, &plan, after(&plan, start, &run, now), now)?;
        match &start.origin {
            RunOrigin::Scheduled { .. } => {
                diesel::insert_into(plan_runs::table).values(run.clone()).execute(conn)?;
            }
            RunOrigin::Requested(before) => update(conn, before, &run)?,
        }
        if let RunOutcome::Start { backups, notes } = &start.outcome {
            for note in notes {
                if note.level != EventLevel::Info {
                    run.refused += 1;
                }
                run_event::add(conn, run.id, note, now)?;
            }
            for backup in backups {
                match make(conn, &plan, &run, backup, &start.quotas, now)? {
                    None => run.instances += 1,
                    Some(note) => {
                        run.refused += 1;
                        run_event::add(conn, run.id, &note, now)?;
                    }
                }
            }
            diesel::update(plan_runs::table.find(run.id.to_string()))
                .set((
                    plan_runs::instances.eq(Number::from(run.instances)),
                    plan_runs::refused.eq(Number::from(run.refused)),
                ))
                .execute(conn)?;
        }
        Ok(Some(run))
    });
    match made {
        // The plan changed, or the run exists: the plan's row or the unique key says so.
        Err(DbError::Conflict { resource: super::RESOURCE | super::run::RUN, .. }) => Ok(None),
        Err(DbError::Constraint { source }) if run_exists(conn, start)? => {
            tracing::debug!(error = %source, "the run is there already");
            Ok(None)
        }
        made => made,
    }
}

fn run_exists(conn: &mut Connection, start: &RunStart) -> Result<bool, DbError> {
    let RunOrigin::Scheduled { scheduled_at, .. } = &start.origin else { return Ok(false) };
    let count: i64 = plan_runs::table
        .filter(plan_runs::plan_id.eq(start.plan.plan.id.to_string()))
        .filter(plan_runs::scheduled_at.eq(crate::stored::Time::from(*scheduled_at)))
        .count()
        .get_result(conn)?;
    Ok(count > 0)
}

/// The run's row, as it is to be.
fn new_run(plan: &PlanRow, start: &RunStart, now: DateTime<Utc>) -> PlanRun {
    let (state, message, started_at, finished_at) = match &start.outcome {
        RunOutcome::Start { .. } => (RunState::Running, None, Some(now), None),
        RunOutcome::Skip { reason } => (RunState::Skipped, Some(reason), None, Some(now)),
        RunOutcome::Fail { reason } => (RunState::Failed, Some(reason), None, Some(now)),
    };
    let message = message.cloned();
    match &start.origin {
        RunOrigin::Requested(run) => {
            PlanRun { state, message, started_at, finished_at, ..run.clone() }
        }
        RunOrigin::Scheduled { run_id, scheduled_at, missed, request_id, .. } => PlanRun {
            id: *run_id,
            plan_id: plan.plan.id,
            project_id: plan.plan.project_id.clone(),
            scheduled_at: *scheduled_at,
            cause: RunTrigger::Schedule,
            state,
            message,
            missed: *missed,
            instances: 0,
            refused: 0,
            request_id: request_id.clone(),
            created_at: now,
            started_at,
            finished_at,
        },
    }
}

/// The plan's row, as it is to be.
fn after(plan: &PlanRow, start: &RunStart, run: &PlanRun, now: DateTime<Utc>) -> PlanRow {
    let mut after = plan.clone();
    if let RunOrigin::Scheduled { next, .. } = &start.origin {
        after.plan.next_run_at = next.map(|next| next.start_at);
        after.scheduled_at = next.map(|next| next.scheduled_at);
    }
    after.plan.last_run_at = Some(now);
    after.plan.last_run_status = Some(run.state);
    let event = match &start.outcome {
        RunOutcome::Start { .. } => Some((PlanEvent::Started, None)),
        RunOutcome::Fail { reason } => Some((PlanEvent::Failed, Some(reason.clone()))),
        RunOutcome::Skip { .. } => None,
    };
    if let Some((event, reason)) = event
        && let Some(status) = plan.plan.status.next(event)
    {
        after.plan.status = status;
        after.plan.status_reason = reason;
    }
    if after.plan.status == PlanStatus::Active {
        after.plan.status_reason = None;
    }
    after
}

fn update(conn: &mut Connection, before: &PlanRun, run: &PlanRun) -> Result<(), DbError> {
    use plan_runs as r;
    let changed = diesel::update(
        r::table.find(before.id.to_string()).filter(r::state.eq(RunState::Requested.name())),
    )
    .set((
        r::state.eq(run.state.name()),
        r::message.eq(run.message.clone()),
        r::started_at.eq(OptionalTime::from(run.started_at)),
        r::finished_at.eq(OptionalTime::from(run.finished_at)),
    ))
    .execute(conn)?;
    if changed == 0 { Err(lost(before.plan_id)) } else { Ok(()) }
}

/// Makes one point and its job, or says why not.
fn make(
    conn: &mut Connection,
    plan: &PlanRow,
    run: &PlanRun,
    backup: &PlannedBackup,
    quotas: &QuotaLimits,
    now: DateTime<Utc>,
) -> Result<Option<RunNote>, DbError> {
    let request = &backup.request;
    let refused = |detail: String| RunNote {
        level: EventLevel::Warning,
        instance_id: Some(request.instance_id),
        job_id: None,
        detail,
    };
    if let Some(job) = backup_under_way(conn, &request.project_id, request.instance_id)? {
        let name = &request.instance_name;
        return Ok(Some(refused(format!("{name} is being backed up already by job {job}"))));
    }
    let demand = QuotaDemand::backup(request.instance_id);
    match quota_reserve(conn, &plan.plan.project_id, &demand, quotas) {
        Ok(()) => {}
        // Nothing was written for it, so the transaction goes on.
        Err(error @ DbError::Quota { .. }) => {
            let name = &request.instance_name;
            return Ok(Some(refused(format!("{name} is not backed up: {error}"))));
        }
        Err(error) => return Err(error),
    }
    let origin = PointOrigin { plan_id: plan.plan.id, run_id: run.id };
    backup_request_create_from(conn, request.clone(), Some(origin), now)?;
    Ok(None)
}

/// The plan and the run that made a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PointOrigin {
    /// The plan.
    pub(crate) plan_id: PlanId,
    /// Its run.
    pub(crate) run_id: PlanRunId,
}
