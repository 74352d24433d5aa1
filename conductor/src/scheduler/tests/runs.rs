use chrono::TimeDelta;
use firn_core::plan::*;
use firn_core::*;
use firn_db::*;
use serde_json::json;

use super::world::{Identity, World};

fn hourly() -> serde_json::Value {
    json!({
        "name": "hourly", "instances": { "name_pattern": "web-*" },
        "schedule": { "cron": "0 * * * *" }, "consistency": "filesystem",
        "excluded_disks": ["vdb"], "bandwidth_bytes_per_second": 1_000_000,
    })
}

#[tokio::test]
async fn a_plan_runs_when_it_is_due_and_once() {
    let world = World::new();
    world.instance("web-9", "another project", &[]);
    let plan = world.plan(hourly());
    let scheduler = world.scheduler("a");
    assert!(scheduler.turn().await, "it leads");
    assert!(world.runs(&plan).is_empty(), "not yet");
    world.at("2026-11-23 13:00");
    for _ in 0..3 {
        scheduler.turn().await;
    }
    let runs = world.runs(&plan);
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].state, runs[0].instances, runs[0].missed), (RunState::Running, 2, 0));
    let points = world.points(&plan);
    assert_eq!(points.len(), 2, "no instance of another project");
    for point in &points {
        assert_eq!((point.project_id.0.as_str(), point.mode), ("p1", BackupMode::Full));
        let job = world.run(|conn| job_get(conn, &Scope::All, point.job_id));
        assert_eq!(job.request_id, runs[0].request_id);
        assert_eq!(job.spec["consistency"], "filesystem");
        assert_eq!(job.spec["excluded_disks"], json!(["vdb"]));
        assert_eq!(job.spec["bandwidth_bytes_per_second"], 1_000_000);
        assert!(world.outside.woken.lock().contains(&job.id));
    }
    world.work(&[]);
    scheduler.turn().await;
    assert_eq!(world.runs(&plan)[0].state, RunState::Succeeded);
    assert_eq!(world.plan_now(&plan).plan.last_run_status, Some(RunState::Succeeded));
    let grants = world.outside.asked.lock();
    assert_eq!((grants.len(), grants[0].trust_id.as_deref()), (1, Some("t1")));
}

#[tokio::test]
async fn missed_runs_are_made_up_for_once() {
    let world = World::new();
    let plan = world.plan(hourly());
    world.at("2026-11-26 07:20");
    let scheduler = world.scheduler("a");
    scheduler.turn().await;
    scheduler.turn().await;
    let runs = world.runs(&plan);
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].missed, 66, "13:00 on Monday to 06:00 on Thursday");
    world.check_nothing_lost_or_doubled(&plan, world.now());
}

#[tokio::test]
async fn a_run_that_cannot_start_in_its_window_is_skipped_with_the_reason() {
    let world = World::new();
    let mut settings = hourly();
    settings["schedule"]["window_minutes"] = json!(10);
    let plan = world.plan(settings);
    let scheduler = world.scheduler("a");
    *world.outside.cloud_silent.lock() = true;
    world.at("2026-11-23 13:00");
    scheduler.turn().await;
    assert!(world.runs(&plan).is_empty(), "it is tried again");
    world.at("2026-11-23 13:11");
    scheduler.turn().await;
    let run = world.runs(&plan).remove(0);
    assert_eq!(run.state, RunState::Skipped);
    let message = run.message.unwrap();
    assert!(message.contains("window") && message.contains("nova"), "{message}");
    // The next one is well, and the old reason forgotten.
    *world.outside.cloud_silent.lock() = false;
    world.at("2026-11-23 14:05");
    scheduler.turn().await;
    assert_eq!(world.runs(&plan).pop().unwrap().state, RunState::Running);
    world.check_nothing_lost_or_doubled(&plan, world.now());
}

#[tokio::test]
async fn a_refused_trust_fails_the_run_and_says_what_to_do() {
    for answer in [Identity::Refuses, Identity::OtherProject] {
        let world = World::new();
        let plan = world.plan(hourly());
        let scheduler = world.scheduler("a");
        *world.outside.identity.lock() = answer;
        world.at("2026-11-23 13:00");
        scheduler.turn().await;
        scheduler.turn().await;
        let runs = world.runs(&plan);
        assert_eq!((runs.len(), runs[0].state), (1, RunState::Failed));
        assert!(world.points(&plan).is_empty());
        let now = world.plan_now(&plan);
        assert_eq!(now.plan.status, PlanStatus::Error);
        let reason = now.plan.status_reason.unwrap();
        assert!(reason.contains("pause and resume"), "{reason}");
        // With leave again, the next run makes the plan well.
        *world.outside.identity.lock() = Identity::Grants;
        world.at("2026-11-23 14:00");
        scheduler.turn().await;
        let now = world.plan_now(&plan);
        assert_eq!((now.plan.status, now.plan.status_reason), (PlanStatus::Active, None));
        assert_eq!(world.points(&plan).len(), 2);
    }
}

#[tokio::test]
async fn a_silent_identity_service_delays_and_fails_nothing() {
    let world = World::new();
    let plan = world.plan(hourly());
    let scheduler = world.scheduler("a");
    *world.outside.identity.lock() = Identity::Silent;
    world.at("2026-11-23 13:00");
    scheduler.turn().await;
    assert!(world.runs(&plan).is_empty());
    assert_eq!(world.plan_now(&plan).plan.status, PlanStatus::Active);
    *world.outside.identity.lock() = Identity::Grants;
    world.advance(TimeDelta::minutes(3));
    scheduler.turn().await;
    assert_eq!(world.runs(&plan).len(), 1);
}

#[tokio::test]
async fn one_plan_that_cannot_run_holds_up_no_other() {
    let world = World::new();
    let mut lost = hourly();
    lost["instances"] = json!({ "ids": [InstanceId::new()] });
    let lost = world.plan(lost);
    let well = world.plan(hourly());
    world.at("2026-11-23 13:00");
    let scheduler = world.scheduler("a");
    scheduler.turn().await;
    assert_eq!(world.points(&well).len(), 2);
    let run = world.runs(&lost).remove(0);
    assert_eq!((run.instances, run.refused), (0, 1));
    assert!(world.events(&run)[0].detail.contains("no such instance"));
    scheduler.turn().await;
    assert_eq!(world.runs(&lost)[0].state, RunState::Failed);
}

#[tokio::test]
async fn a_busy_instance_is_told_and_the_others_go_on() {
    let world = World::new();
    let plan = world.plan(hourly());
    let scheduler = world.scheduler("a");
    world.at("2026-11-23 13:00");
    scheduler.turn().await;
    // Nobody worked on the jobs for an hour.
    world.instance("web-3", "p1", &[]);
    world.at("2026-11-23 14:00");
    scheduler.turn().await;
    let run = world.runs(&plan).pop().unwrap();
    assert_eq!((run.instances, run.refused), (1, 2));
    assert!(world.events(&run)[0].detail.contains("already"));
    world.work(&[]);
    scheduler.turn().await;
    let states: Vec<_> = world.runs(&plan).iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Succeeded, RunState::Partial]);
}

#[tokio::test]
async fn a_run_that_was_asked_for_starts_at_once_also_without_a_schedule() {
    let world = World::new();
    let plan = world.plan(json!({ "name": "by hand", "instances": { "all": true } }));
    let scheduler = world.scheduler("a");
    scheduler.turn().await;
    let (id, now) = (PlanRunId::new(), world.now());
    world.run(|conn| plan_run_request(conn, &plan, id, "req-7", now));
    for _ in 0..2 {
        scheduler.turn().await;
    }
    let runs = world.runs(&plan);
    assert_eq!((runs.len(), runs[0].id, runs[0].instances), (1, id, 2));
    assert_eq!((runs[0].cause, runs[0].request_id.as_str()), (RunTrigger::Manual, "req-7"));
}

#[tokio::test]
async fn a_paused_plan_does_nothing() {
    let world = World::new();
    let plan = world.plan(hourly());
    let scheduler = world.scheduler("a");
    let (id, now) = (PlanRunId::new(), world.now());
    world.run(|conn| plan_run_request(conn, &plan, id, "req-7", now));
    let plan = world.plan_now(&plan);
    world.run(|conn| plan_transition(conn, &plan, PlanEvent::Pause, None, now));
    world.at("2026-11-25 13:00");
    scheduler.turn().await;
    let runs = world.runs(&plan);
    assert_eq!((runs.len(), runs[0].state), (1, RunState::Skipped));
    assert!(world.points(&plan).is_empty());
    // Resumed: only what comes after.
    let (plan, now) = (world.plan_now(&plan), world.now());
    world.run(|conn| plan_transition(conn, &plan, PlanEvent::Resume, None, now));
    scheduler.turn().await;
    assert_eq!(world.runs(&plan).len(), 1);
    world.advance(TimeDelta::hours(1));
    scheduler.turn().await;
    let run = world.runs(&plan).pop().unwrap();
    assert_eq!((run.state, run.missed), (RunState::Running, 0));
}

#[tokio::test]
async fn instances_are_chosen_by_metadata() {
    let world = World::new();
    let daily = world.instance("db", "p1", &[("backup", "daily")]);
    world.instance("db-2", "p1", &[("backup", "weekly")]);
    let mut settings = hourly();
    settings["instances"] = json!({ "metadata": { "key": "backup", "value": "daily" } });
    let plan = world.plan(settings);
    world.at("2026-11-23 13:00");
    world.scheduler("a").turn().await;
    let points = world.points(&plan);
    assert_eq!((points.len(), points[0].instance_id), (1, daily));
}

#[tokio::test]
async fn retention_removes_only_what_the_plan_made_and_keeps_no_longer() {
    let world = World::new();
    let failing = world.instance("web-3", "p1", &[]);
    let mut settings = hourly();
    settings["retention"] = json!({ "last": 2 });
    settings["full_every"] = json!(3);
    let plan = world.plan(settings);
    let mut half_past = hourly();
    half_past["schedule"]["cron"] = json!("30 * * * *");
    world.at("2026-11-23 12:40");
    let other = world.plan(half_past);
    let scheduler = world.scheduler("a");
    for hour in 13..=18 {
        world.at(&format!("2026-11-23 {hour}:00"));
        scheduler.turn().await;
        world.work(&[failing]);
        if hour == 14 {
            let points = world.points(&plan);
            let usable = |point: &&Point| point.state == PointState::Available;
            let newest = points.iter().find(usable).unwrap();
            world.run(|conn| point_pin(conn, &Scope::All, newest.id, true));
        }
        scheduler.turn().await;
        world.work(&[]);
        world.at(&format!("2026-11-23 {hour}:30"));
        scheduler.turn().await;
        world.work(&[]);
        scheduler.turn().await;
    }
    assert!(world.runs(&plan).iter().all(|run| run.state.finished()));
    let of = |plan: &PlanRow, pinned: bool| {
        let points = world.points(plan);
        points
            .iter()
            .filter(|point| point.state == PointState::Available && point.pinned == pinned)
            .count()
    };
    assert_eq!(of(&plan, true), 1);
    assert_eq!(of(&plan, false), 4, "the last 2 of each of the two good instances");
    assert_eq!(world.points(&other).len(), 6 * 3, "the other keeps everything");
    let modes: Vec<_> = world
        .points(&plan)
        .iter()
        .filter(|point| point.state == PointState::Available)
        .map(|point| point.mode)
        .collect();
    assert!(modes.contains(&BackupMode::Incremental));
}
