use std::time::Duration;

use chrono::TimeDelta;
use firn_core::plan::RunState;
use firn_db::jobs_claimable;
use serde_json::json;

use super::world::{LEASE, World};

#[tokio::test]
async fn killed_between_the_rows_and_the_message_nothing_is_lost_or_doubled() {
    let world = World::new();
    let plan = world.plan(json!({
        "name": "hourly", "instances": { "all": true }, "schedule": { "cron": "0 * * * *" },
    }));
    let first = world.scheduler("first");
    world.at("2026-11-23 13:00");
    *world.outside.wake_hangs.lock() = true;
    let killed = tokio::time::timeout(Duration::from_secs(2), first.turn()).await;
    assert!(killed.is_err(), "it died while it sent its first message");
    drop(first);
    assert!(world.outside.woken.lock().is_empty());
    assert_eq!(world.runs(&plan).len(), 1, "the rows are there");

    *world.outside.wake_hangs.lock() = false;
    let second = world.scheduler("second");
    world.advance(LEASE);
    second.turn().await;
    assert_eq!(world.runs(&plan).len(), 1, "and are not made again");
    // A dispatcher finds the jobs without a message.
    let now = world.now();
    assert_eq!(world.run(|conn| jobs_claimable(conn, now, 10)).len(), 2);
    world.work(&[]);
    second.turn().await;
    assert_eq!(world.runs(&plan)[0].state, RunState::Succeeded);
    world.check_nothing_lost_or_doubled(&plan, now);
}

/// A turn is cut off at a random moment, again and again, each time by a process that never comes
/// back; the next leader starts where the rows say.
#[tokio::test]
async fn killed_at_any_moment_each_run_is_whole() {
    let world = World::new();
    let plans: Vec<_> = (0..3)
        .map(|number| {
            world.plan(json!({
                "name": format!("plan {number}"),
                "instances": { "all": true },
                "schedule": { "cron": format!("{} * * * *", number * 7) },
                "retention": { "last": 1 },
            }))
        })
        .collect();
    for round in 0..30_u64 {
        let scheduler = world.scheduler(&format!("s{round}"));
        world.advance(TimeDelta::minutes(20));
        let patience = Duration::from_micros(rand::random_range(0..30_000));
        let _ = tokio::time::timeout(patience, scheduler.turn()).await;
        if round % 4 == 0 {
            world.work(&[]);
        }
    }
    world.advance(LEASE);
    let last = world.scheduler("last");
    for _ in 0..3 {
        assert!(last.turn().await);
        world.work(&[]);
    }
    for plan in &plans {
        let runs = world.runs(plan);
        let mut times: Vec<_> = runs.iter().map(|run| run.scheduled_at).collect();
        times.dedup();
        assert_eq!(times.len(), runs.len(), "once each");
        let dealt: usize = runs.iter().map(|run| run.missed as usize + 1).sum();
        let timetable = plan.plan.settings.timetable().unwrap().unwrap();
        let mut expected = 0;
        let mut time = plan.plan.created_at;
        while let Some(next) = timetable.next_after(time).filter(|next| *next <= world.now()) {
            expected += 1;
            time = next;
        }
        assert_eq!(dealt, expected);
        assert!(runs.iter().all(|run| run.state.finished()), "{runs:?}");
        // One point an instance is left; the others went by jobs.
        let points = world.points(plan);
        assert!(points.len() <= 2, "{points:?}");
    }
}
