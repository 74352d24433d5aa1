//! What is to be done, as pure functions of what is known.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use firn_cloud::InstanceSummary;
use firn_core::plan::{
    Candidate, Due, InstanceFacts, PlanError, PlanStatus, RunTally, Selector, Standing, next_mode,
};
use firn_core::{BackupMode, InstanceId, PointId, PointState};
use firn_db::{EventLevel, PlanRow, Point, RunNote};

/// What a plan needs now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing yet.
    Wait,
    /// This run starts.
    Start(Due),
    /// This run is skipped, for this reason.
    Skip(Due, String),
}

/// Whether a plan's next run starts now. `hindered` is why it could not start before, where it was
/// tried.
pub(crate) fn decide_run(
    plan: &PlanRow,
    now: DateTime<Utc>,
    hindered: Option<&str>,
) -> Result<Decision, PlanError> {
    let Some(first) = plan.scheduled_at.filter(|_| plan.plan.status.runs()) else {
        return Ok(Decision::Wait);
    };
    let Some(timetable) = plan.plan.settings.timetable()? else { return Ok(Decision::Wait) };
    Ok(match timetable.due(plan.plan.id, first, now) {
        None => Decision::Wait,
        Some(due) if due.window_over => {
            let mut reason = "its window was over before it could start".to_owned();
            if let Some(hindered) = hindered {
                reason = format!("{reason}: {hindered}");
            }
            Decision::Skip(due, reason)
        }
        Some(due) => Decision::Start(due),
    })
}

/// The instances that a selector means, and what there is to tell of those it names in vain.
/// Metadata that is not known says nothing.
pub(crate) fn decide_instances(
    selector: &Selector,
    instances: &[InstanceSummary],
) -> (Vec<InstanceSummary>, Vec<RunNote>) {
    let none = BTreeMap::new();
    let meant = |instance: &&InstanceSummary| {
        selector.matches(&InstanceFacts {
            id: instance.id,
            name: &instance.name,
            metadata: instance.metadata.as_ref().unwrap_or(&none),
        })
    };
    let chosen: Vec<_> = instances.iter().filter(meant).cloned().collect();
    let mut notes = Vec::new();
    if let Selector::Ids(ids) = selector {
        let missing = ids.iter().filter(|id| !chosen.iter().any(|found| found.id == **id));
        notes.extend(missing.map(|id| RunNote {
            level: EventLevel::Warning,
            instance_id: Some(*id),
            job_id: None,
            detail: "the project has no such instance: take it out of the plan".to_owned(),
        }));
    } else if chosen.is_empty() {
        notes.push(RunNote {
            level: EventLevel::Info,
            instance_id: None,
            job_id: None,
            detail: "no instance of the project is meant by the plan now".to_owned(),
        });
    }
    (chosen, notes)
}

/// How an instance's next point is made, from the plan's points of it, newest first.
pub(crate) fn decide_mode(full_every: u32, points: &[Point], instance: InstanceId) -> BackupMode {
    let modes: Vec<BackupMode> = points
        .iter()
        .filter(|point| point.instance_id == instance && point.state == PointState::Available)
        .map(|point| point.mode)
        .collect();
    next_mode(full_every, &modes)
}

/// Which of a plan's points are kept no longer.
pub(crate) fn decide_removals(plan: &PlanRow, points: &[Point]) -> Vec<PointId> {
    if plan.plan.status == PlanStatus::Paused {
        return Vec::new();
    }
    let mut by_instance: BTreeMap<InstanceId, Vec<Candidate<PointId>>> = BTreeMap::new();
    // Whoever asks for the points, only the plan's own are ever touched.
    for point in points.iter().filter(|point| point.plan_id == Some(plan.plan.id)) {
        let standing = match point.state {
            PointState::Creating | PointState::Deleting => Standing::Unfinished,
            _ if point.pinned => Standing::Pinned,
            PointState::Available => Standing::Available,
            PointState::Error => Standing::Failed,
        };
        let candidate = Candidate { id: point.id, time: point.created_at, standing };
        by_instance.entry(point.instance_id).or_default().push(candidate);
    }
    let settings = &plan.plan.settings;
    by_instance
        .values()
        .flat_map(|points| settings.retention.select(points, settings.zone()))
        .filter(|verdict| !verdict.kept())
        .map(|verdict| verdict.id)
        .collect()
}

/// What a run's end says to people; nothing where all is well.
pub(crate) fn decide_message(tally: &RunTally) -> Option<String> {
    let bad = tally.failed + tally.refused;
    (bad > 0).then(|| {
        let all = bad + tally.succeeded;
        format!("{bad} of {all} instances have no new restore point")
    })
}
