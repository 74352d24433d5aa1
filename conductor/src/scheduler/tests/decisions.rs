use chrono::TimeDelta;
use firn_cloud::InstanceSummary;
use firn_core::plan::*;
use firn_core::*;
use firn_db::*;
use serde_json::json;

use super::super::decide::*;
use super::super::leader::{LeaseStep, decide_lease};
use super::world::utc;

fn plan(schedule: serde_json::Value) -> PlanRow {
    let created_at = utc("2026-11-01 00:00");
    let settings: PlanSettings = serde_json::from_value(json!({
        "name": "nightly", "instances": { "all": true }, "schedule": schedule,
        "retention": { "last": 2 }, "full_every": 3,
    }))
    .unwrap();
    let scheduled_at =
        settings.timetable().unwrap().and_then(|timetable| timetable.next_after(created_at));
    PlanRow {
        plan: Plan {
            id: PlanId::new(),
            settings,
            status: PlanStatus::Active,
            status_reason: None,
            project_id: ProjectId("p1".to_owned()),
            user_id: "u1".to_owned(),
            next_run_at: scheduled_at,
            last_run_at: None,
            last_run_status: None,
            created_at,
            updated_at: created_at,
        },
        trust_id: None,
        scheduled_at,
        revision: 0,
    }
}

#[test]
fn runs_wait_start_or_are_skipped() {
    let daily = plan(json!({ "cron": "0 2 * * *", "window_minutes": 60 }));
    let decide = |plan: &PlanRow, now| decide_run(plan, utc(now), None).unwrap();
    assert_eq!(decide(&daily, "2026-11-01 01:59"), Decision::Wait);
    let Decision::Start(due) = decide(&daily, "2026-11-01 02:00") else { panic!("it is time") };
    assert_eq!((due.scheduled_at, due.missed), (utc("2026-11-01 02:00"), 0));
    let Decision::Start(due) = decide(&daily, "2026-11-04 02:30") else { panic!("in the window") };
    assert_eq!((due.scheduled_at, due.missed), (utc("2026-11-04 02:00"), 3));
    let Decision::Skip(due, reason) = decide(&daily, "2026-11-04 04:00") else {
        panic!("too late")
    };
    assert_eq!((due.scheduled_at, due.missed), (utc("2026-11-04 02:00"), 3));
    assert!(reason.contains("window"), "{reason}");
    let hindered = decide_run(&daily, utc("2026-11-01 04:00"), Some("nova is silent")).unwrap();
    assert!(matches!(hindered, Decision::Skip(_, reason) if reason.contains("nova is silent")));

    let mut paused = daily.clone();
    paused.plan.status = PlanStatus::Paused;
    assert_eq!(decide(&paused, "2026-11-04 02:30"), Decision::Wait);
    let mut failed = daily.clone();
    failed.plan.status = PlanStatus::Error;
    assert!(matches!(decide(&failed, "2026-11-04 02:30"), Decision::Start(_)));
    assert_eq!(decide(&plan(json!(null)), "2026-11-04 02:30"), Decision::Wait);
    let mut broken = daily;
    broken.plan.settings.schedule.as_mut().unwrap().time_zone = "Gone/Zone".to_owned();
    let error = decide_run(&broken, utc("2026-11-04 02:30"), None).unwrap_err();
    assert_eq!(error.field, "schedule.time_zone");
}

#[test]
fn instances_are_chosen_and_missing_ones_told() {
    let summary = |name: &str| InstanceSummary {
        id: InstanceId::new(),
        name: name.to_owned(),
        project_id: ProjectId("p1".to_owned()),
        power_state: PowerState::Running,
        metadata: None,
    };
    let mut all = [summary("web-1"), summary("web-2"), summary("db")];
    all[2].metadata = Some([("backup".to_owned(), "daily".to_owned())].into());
    let names = |selector: Selector| {
        let (chosen, notes) = decide_instances(&selector, &all);
        let chosen: Vec<_> = chosen.into_iter().map(|instance| instance.name).collect();
        (chosen.join(" "), notes)
    };
    assert_eq!(names(Selector::All), ("web-1 web-2 db".to_owned(), Vec::new()));
    assert_eq!(names(Selector::NamePattern("web-*".into())).0, "web-1 web-2");
    let tag =
        |value: &str| Selector::Metadata(MetadataTag { key: "backup".into(), value: value.into() });
    assert_eq!(names(tag("daily")).0, "db");
    let (chosen, notes) = names(tag("weekly"));
    assert_eq!((chosen.as_str(), notes.len(), notes[0].level), ("", 1, EventLevel::Info));
    let gone = InstanceId::new();
    let (chosen, notes) = names(Selector::Ids([all[0].id, gone].into()));
    assert_eq!(chosen, "web-1");
    assert_eq!((notes.len(), notes[0].instance_id), (1, Some(gone)));
    assert_eq!(notes[0].level, EventLevel::Warning);
}

fn point(plan: &PlanRow, instance: InstanceId, day: i64, state: PointState) -> Point {
    let created_at = utc("2026-11-01 02:00") + TimeDelta::days(day);
    Point {
        id: PointId::new(),
        project_id: plan.plan.project_id.clone(),
        instance_id: instance,
        instance_name: "web".to_owned(),
        name: None,
        description: None,
        repository_id: RepositoryId::new(),
        mode: BackupMode::Incremental,
        state,
        consistency: None,
        job_id: JobId::new(),
        parent_id: None,
        virtual_bytes: None,
        read_bytes: None,
        new_bytes: None,
        stored_bytes: None,
        error_message: None,
        generation: 0,
        created_at,
        updated_at: created_at,
        finished_at: None,
        plan_id: Some(plan.plan.id),
        plan_run_id: None,
        pinned: false,
        disks: None,
    }
}

#[test]
fn only_the_plans_own_points_are_removed_and_each_instance_by_itself() {
    use PointState::{Available, Creating, Deleting, Error};
    let plan = plan(json!(null));
    let (a, b) = (InstanceId::new(), InstanceId::new());
    let of = |instance, day, state| point(&plan, instance, day, state);
    let mut points = vec![
        of(a, 0, Available),
        of(a, 1, Available),
        of(a, 2, Available),
        of(a, 3, Error),
        of(a, 4, Creating),
        of(b, 0, Available),
        of(b, 1, Available),
        of(a, -1, Error),
        of(a, -2, Deleting),
        of(a, -3, Available),
        of(a, -4, Available),
        of(a, -5, Available),
    ];
    points[9].pinned = true;
    points[10].plan_id = None;
    points[11].plan_id = Some(PlanId::new());
    let mut expected = vec![points[0].id, points[7].id];
    let mut removed = decide_removals(&plan, &points);
    expected.sort();
    removed.sort();
    assert_eq!(removed, expected, "last 2 of each instance stay, and what is not its own");
    let mut everything = plan.clone();
    everything.plan.settings.retention = Retention::default();
    assert!(decide_removals(&everything, &points).is_empty(), "all zero keeps everything");
    let mut paused = plan;
    paused.plan.status = PlanStatus::Paused;
    assert!(decide_removals(&paused, &points).is_empty());
}

#[test]
fn modes_count_usable_points_of_the_same_instance() {
    let plan = plan(json!(null));
    let (a, b) = (InstanceId::new(), InstanceId::new());
    let with = |instance, day, mode, state| Point { mode, ..point(&plan, instance, day, state) };
    use BackupMode::{Full, Incremental};
    let points = [
        with(b, 5, Incremental, PointState::Available),
        with(a, 4, Full, PointState::Error),
        with(a, 3, Incremental, PointState::Available),
        with(a, 2, Full, PointState::Available),
    ];
    assert_eq!(decide_mode(3, &points, a), Incremental);
    assert_eq!(decide_mode(2, &points, a), Full);
    assert_eq!(decide_mode(3, &points, b), Full);
    assert_eq!(decide_mode(0, &points, b), Incremental);
    assert_eq!(decide_mode(0, &points, InstanceId::new()), Full);
}

#[test]
fn a_lease_is_renewed_in_time_and_not_used_to_its_end() {
    let length = TimeDelta::seconds(40);
    let now = utc("2026-11-23 12:00");
    let lease = |left: i64| Lease {
        name: "scheduler".to_owned(),
        owner: "a".to_owned(),
        generation: 1,
        until: now + TimeDelta::seconds(left),
    };
    for (left, expected) in [
        (40, LeaseStep::Keep),
        (21, LeaseStep::Keep),
        (20, LeaseStep::Renew),
        (11, LeaseStep::Renew),
        (10, LeaseStep::Acquire),
        (0, LeaseStep::Acquire),
        (-100, LeaseStep::Acquire),
    ] {
        assert_eq!(decide_lease(Some(&lease(left)), length, now), expected, "{left} s left");
    }
    assert_eq!(decide_lease(None, length, now), LeaseStep::Acquire);
}

#[test]
fn the_message_counts_what_is_missing() {
    let tally = |succeeded, failed, refused| RunTally { unfinished: 0, succeeded, failed, refused };
    assert_eq!(decide_message(&tally(3, 0, 0)), None);
    assert_eq!(
        decide_message(&tally(3, 1, 1)).as_deref(),
        Some("2 of 5 instances have no new restore point")
    );
}
