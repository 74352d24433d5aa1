use chrono::{DateTime, TimeDelta, Utc};
use firn_core::plan::*;
use firn_core::*;
use firn_db::*;

use crate::engines::every_engine;
use crate::plans::settings;
use crate::support::{Db, at, failure, figures};

impl Db {
    fn leader(&self, owner: &str, seconds: i64) -> Lease {
        let length = TimeDelta::seconds(1_000_000);
        self.run(|conn| lease_acquire(conn, "scheduler", owner, length, at(seconds))).unwrap()
    }

    /// A start of the plan's next run with one backup for each instance.
    fn start(&self, plan: &PlanRow, instances: &[InstanceId]) -> RunStart {
        let backups = instances.iter().map(|instance| PlannedBackup {
            request: BackupRequest { instance_id: *instance, ..self.backup_request("a") },
        });
        let scheduled_at = plan.scheduled_at.unwrap();
        let timetable = plan.plan.settings.timetable().unwrap().unwrap();
        RunStart {
            plan: plan.clone(),
            origin: RunOrigin::Scheduled {
                run_id: PlanRunId::new(),
                scheduled_at,
                missed: 2,
                next: timetable.next_run(plan.plan.id, scheduled_at),
                request_id: "req-run".to_owned(),
            },
            outcome: RunOutcome::Start { backups: backups.collect(), notes: Vec::new() },
            quotas: QuotaLimits::default(),
        }
    }

    fn points(&self, plan: &PlanRow) -> Vec<Point> {
        self.run(|conn| points_of_plan(conn, plan.plan.id, None))
    }

    fn end_job(&self, job: JobId, well: bool, seconds: i64) {
        let claim = self.claim(job, seconds);
        if well {
            let end = JobEnd::PointCreated(figures(&["vda"]));
            self.run(|conn| job_finish(conn, &claim, &end, at(seconds)));
        } else {
            self.run(|conn| job_unwind(conn, &claim, Some(&failure("no")), at(seconds)));
            self.run(|conn| job_finish(conn, &claim, &JobEnd::Unwound, at(seconds)));
        }
    }

    fn run_now(&self, id: PlanRunId) -> PlanRun {
        self.run(|conn| plan_run_get(conn, &Scope::All, id))
    }
}

fn due(plan: &PlanRow) -> DateTime<Utc> {
    plan.plan.next_run_at.unwrap()
}

fn a_run_appears_with_its_points_and_jobs_and_moves_the_plan_on(db: Db) {
    let plan = db.plan("a", settings("hourly"), 0);
    let lease = db.leader("c1", 0);
    let instances = [InstanceId::new(), InstanceId::new()];
    let start = db.start(&plan, &instances);
    let run =
        db.run(|conn| plan_run_start(conn, &lease, &start, due(&plan))).expect("it is the first");
    assert_eq!((run.state, run.missed, run.instances, run.refused), (RunState::Running, 2, 2, 0));
    assert_eq!(db.run_now(run.id), run);
    let points = db.points(&plan);
    assert_eq!(points.len(), 2);
    for point in &points {
        assert_eq!((point.plan_id, point.plan_run_id), (Some(plan.plan.id), Some(run.id)));
        assert_eq!((point.state, point.pinned), (PointState::Creating, false));
        assert_eq!(db.job(point.job_id).state, JobState::Queued);
    }
    let after = db.plan_now(plan.plan.id);
    assert!(after.scheduled_at > plan.scheduled_at);
    assert_eq!(after.plan.last_run_at, Some(due(&plan)));
    assert_eq!(after.plan.last_run_status, Some(RunState::Running));
    let of_one = db.run(|conn| points_of_plan(conn, plan.plan.id, Some(instances[0])));
    assert_eq!(of_one.len(), 1);
    // What is made by hand belongs to no plan.
    let (by_hand, _) = db.backup("a", 5);
    assert_eq!(by_hand.plan_id, None);
}

fn the_same_run_is_made_once(db: Db) {
    let plan = db.plan("a", settings("hourly"), 0);
    let lease = db.leader("c1", 0);
    let start = db.start(&plan, &[InstanceId::new()]);
    assert!(db.run(|conn| plan_run_start(conn, &lease, &start, due(&plan))).is_some());
    assert_eq!(db.run(|conn| plan_run_start(conn, &lease, &start, due(&plan))), None);
    // Also where somebody had turned the plan's clock back: the run's row stands against it.
    let mut turned = db.start(&plan, &[InstanceId::new()]);
    turned.plan = db.plan_now(plan.plan.id);
    assert_eq!(db.run(|conn| plan_run_start(conn, &lease, &turned, due(&plan))), None);
    assert_eq!(db.points(&plan).len(), 1);
    assert_eq!(db.plan_now(plan.plan.id).revision, 1, "nothing was written");
}

fn who_lost_the_lease_starts_nothing(db: Db) {
    let plan = db.plan("a", settings("hourly"), 0);
    let length = TimeDelta::seconds(10);
    let old = db.run(|conn| lease_acquire(conn, "scheduler", "c1", length, at(0))).unwrap();
    let start = db.start(&plan, &[InstanceId::new()]);
    let try_it =
        |lease: &Lease, seconds| db.kind(|conn| plan_run_start(conn, lease, &start, at(seconds)));
    assert_eq!(try_it(&old, 11), ErrorKind::Conflict, "ended");
    db.leader("c2", 11);
    assert_eq!(try_it(&old, 5), ErrorKind::Conflict, "taken, whatever its clock says");
    assert!(db.points(&plan).is_empty());
    assert_eq!(db.plan_now(plan.plan.id), plan);
}

fn many_schedulers_at_once_make_one_run(db: Db) {
    let plan = db.plan("a", settings("hourly"), 0);
    let lease = db.leader("c1", 0);
    let now = due(&plan);
    let made = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let (database, lease) = (db.database.clone(), lease.clone());
                let start = db.start(&plan, &[InstanceId::new()]);
                scope.spawn(move || {
                    database.run_blocking(|conn| plan_run_start(conn, &lease, &start, now)).unwrap()
                })
            })
            .collect();
        tries.into_iter().filter_map(|handle| handle.join().unwrap()).count()
    });
    assert_eq!((made, db.points(&plan).len()), (1, 1));
}

fn an_instance_that_is_being_backed_up_is_refused_and_the_others_go_on(db: Db) {
    let plan = db.plan("a", settings("hourly"), 0);
    let lease = db.leader("c1", 0);
    let (busy, job) = db.backup("a", 1);
    let free = InstanceId::new();
    let start = db.start(&plan, &[busy.instance_id, free]);
    let run = db.run(|conn| plan_run_start(conn, &lease, &start, due(&plan))).unwrap();
    assert_eq!((run.instances, run.refused), (1, 1));
    let events = db.run(|conn| plan_run_event_list(conn, run.id, None, 10));
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].instance_id, Some(busy.instance_id));
    assert!(events[0].detail.contains(&job.id.to_string()), "{}", events[0].detail);
    assert_eq!(db.points(&plan)[0].instance_id, free);
}

fn an_instance_beyond_the_quota_is_refused_and_the_others_go_on(db: Db) {
    let plan = db.plan("a", settings("hourly"), 0);
    let lease = db.leader("c1", 0);
    let mut start = db.start(&plan, &[InstanceId::new(), InstanceId::new(), InstanceId::new()]);
    start.quotas = QuotaLimits { restore_points: Some(2), ..QuotaLimits::default() };
    let run = db.run(|conn| plan_run_start(conn, &lease, &start, due(&plan))).unwrap();
    assert_eq!((run.instances, run.refused), (2, 1));
    let events = db.run(|conn| plan_run_event_list(conn, run.id, None, 10));
    assert!(events[0].detail.contains("not backed up"), "{}", events[0].detail);
    assert_eq!(db.points(&plan).len(), 2);
}

fn skipped_and_failed_runs_are_kept_and_move_the_plan_on(db: Db) {
    let lease = db.leader("c1", 0);
    let plan = db.plan("a", settings("hourly"), 0);
    let with = |plan: &PlanRow, outcome| {
        let mut start = db.start(plan, &[]);
        start.outcome = outcome;
        db.run(|conn| plan_run_start(conn, &lease, &start, due(plan))).unwrap()
    };
    let run = with(&plan, RunOutcome::Skip { reason: "too late".to_owned() });
    assert_eq!((run.state, run.message.as_deref()), (RunState::Skipped, Some("too late")));
    assert_eq!(run.finished_at, Some(due(&plan)));
    let plan = db.plan_now(plan.plan.id);
    assert_eq!(plan.plan.last_run_status, Some(RunState::Skipped));
    let run = with(&plan, RunOutcome::Fail { reason: "make a new trust".to_owned() });
    assert_eq!(run.state, RunState::Failed);
    let plan = db.plan_now(plan.plan.id);
    assert_eq!(plan.plan.status, PlanStatus::Error);
    assert_eq!(plan.plan.status_reason.as_deref(), Some("make a new trust"));
    // It is tried again when it is due, and is well when a run starts.
    assert_eq!(db.run(|conn| plan_due(conn, due(&plan), 10)).len(), 1);
    with(&plan, RunOutcome::Start { backups: Vec::new(), notes: Vec::new() });
    let plan = db.plan_now(plan.plan.id);
    assert_eq!((plan.plan.status, plan.plan.status_reason), (PlanStatus::Active, None));
}

fn a_requested_run_starts_once(db: Db) {
    let lease = db.leader("c1", 0);
    let plan = db.plan("a", settings("hourly"), 0);
    let asked = db.run(|conn| plan_run_request(conn, &plan, PlanRunId::new(), "req-9", at(3)));
    let plan = db.plan_now(plan.plan.id);
    let mut start = db.start(&plan, &[InstanceId::new()]);
    start.origin = RunOrigin::Requested(asked.clone());
    let run = db.run(|conn| plan_run_start(conn, &lease, &start, at(4))).unwrap();
    assert_eq!(
        (run.id, run.state, run.request_id.as_str()),
        (asked.id, RunState::Running, "req-9")
    );
    assert_eq!(db.run_now(run.id), run);
    let after = db.plan_now(plan.plan.id);
    assert_eq!(after.scheduled_at, plan.scheduled_at, "the schedule goes on as it was");
    start.plan = after;
    assert_eq!(db.run(|conn| plan_run_start(conn, &lease, &start, at(5))), None);
    assert_eq!(db.points(&plan).len(), 1);
}

fn a_run_ends_with_its_jobs_and_asks_for_what_is_kept_no_longer(db: Db) {
    let lease = db.leader("c1", 0);
    let plan = db.plan("a", settings("hourly"), 0);
    let start = db.start(&plan, &[InstanceId::new(), InstanceId::new()]);
    let now = due(&plan);
    let run = db.run(|conn| plan_run_start(conn, &lease, &start, now)).unwrap();
    let tally = |run: &PlanRun| db.run(|conn| plan_run_tally(conn, run));
    assert_eq!(tally(&run), RunTally { unfinished: 2, ..RunTally::default() });
    let points = db.points(&plan);
    db.end_job(points[0].job_id, true, 7200);
    assert_eq!(tally(&run).state(), RunState::Running);
    db.end_job(points[1].job_id, false, 7201);
    let found = tally(&run);
    assert_eq!(found, RunTally { succeeded: 1, failed: 1, ..RunTally::default() });
    assert_eq!(db.run(|conn| plan_runs_running(conn, 10)), std::slice::from_ref(&run));

    let remove = |id: PointId| PointRequest {
        job_id: JobId::new(),
        point_id: id,
        spec: serde_json::json!({}),
        request_id: run.request_id.clone(),
    };
    // One can go, one is being restored, one is gone.
    let held = db.available("a", 10);
    db.restore(held.id, 20);
    let end = RunEnd {
        run: run.clone(),
        state: found.state(),
        message: None,
        remove: vec![remove(points[0].id), remove(held.id), remove(PointId::new())],
    };
    assert_eq!(db.run(|conn| plan_run_finish(conn, &lease, &end, at(7300))), Some(1));
    assert_eq!(db.point(points[0].id).state, PointState::Deleting);
    assert_eq!(db.point(held.id).state, PointState::Available);
    let ended = db.run_now(run.id);
    assert_eq!((ended.state, ended.finished_at), (RunState::Partial, Some(at(7300))));
    assert_eq!(db.plan_now(plan.plan.id).plan.last_run_status, Some(RunState::Partial));
    let events = db.run(|conn| plan_run_event_list(conn, run.id, None, 10));
    assert_eq!(events.len(), 1, "the one in use is told");
    // Once.
    assert_eq!(db.run(|conn| plan_run_finish(conn, &lease, &end, at(7400))), None);
    assert!(db.run(|conn| plan_runs_running(conn, 10)).is_empty());
}

fn an_earlier_runs_end_does_not_speak_for_a_later_one(db: Db) {
    let lease = db.leader("c1", 0);
    let plan = db.plan("a", settings("hourly"), 0);
    let first =
        db.run(|conn| plan_run_start(conn, &lease, &db.start(&plan, &[]), due(&plan))).unwrap();
    let plan = db.plan_now(plan.plan.id);
    db.run(|conn| plan_run_start(conn, &lease, &db.start(&plan, &[]), due(&plan))).unwrap();
    let end = RunEnd { run: first, state: RunState::Failed, message: None, remove: Vec::new() };
    db.run(|conn| plan_run_finish(conn, &lease, &end, at(90_000)));
    assert_eq!(db.plan_now(plan.plan.id).plan.last_run_status, Some(RunState::Running));
}

fn a_pin_stays_over_other_changes(db: Db) {
    let point = db.available("a", 1);
    let pinned = db.run(|conn| point_pin(conn, &Scope::All, point.id, true));
    assert!(pinned.pinned && db.point(point.id) == pinned);
    let update = PointUpdate { name: Some(Some("x".to_owned())), ..PointUpdate::default() };
    db.run(|conn| point_update(conn, &Scope::All, point.id, &update, at(9)));
    assert!(db.point(point.id).pinned);
    assert!(!db.run(|conn| point_pin(conn, &Scope::All, point.id, false)).pinned);
}

every_engine!(
    a_run_appears_with_its_points_and_jobs_and_moves_the_plan_on,
    the_same_run_is_made_once,
    who_lost_the_lease_starts_nothing,
    many_schedulers_at_once_make_one_run,
    an_instance_that_is_being_backed_up_is_refused_and_the_others_go_on,
    an_instance_beyond_the_quota_is_refused_and_the_others_go_on,
    skipped_and_failed_runs_are_kept_and_move_the_plan_on,
    a_requested_run_starts_once,
    a_run_ends_with_its_jobs_and_asks_for_what_is_kept_no_longer,
    an_earlier_runs_end_does_not_speak_for_a_later_one,
    a_pin_stays_over_other_changes,
);
