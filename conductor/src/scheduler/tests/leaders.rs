use chrono::TimeDelta;
use firn_db::*;
use proptest::prelude::*;
use serde_json::json;

use super::super::start::Hindrance;
use super::super::turn::Scheduler;
use super::world::{LEASE, World};

fn often(world: &World) -> PlanRow {
    world.plan(json!({
        "name": "often", "instances": { "all": true },
        "schedule": { "cron": "*/20 * * * *", "jitter_seconds": 90 },
    }))
}

#[tokio::test]
async fn one_leads_until_it_is_silent_or_gives_way() {
    let world = World::new();
    let (a, b) = (world.scheduler("a"), world.scheduler("b"));
    assert!(a.turn().await && !b.turn().await);
    world.advance(LEASE / 2);
    assert!(a.turn().await && !b.turn().await, "renewed");
    world.advance(LEASE - TimeDelta::seconds(1));
    assert!(!b.turn().await, "still a's");
    world.advance(TimeDelta::seconds(1));
    assert!(b.turn().await && !a.turn().await);
    b.release().await;
    assert!(a.turn().await && !b.turn().await);
}

#[tokio::test]
async fn who_was_thought_dead_writes_nothing_when_it_comes_back() {
    let world = World::new();
    let plan = often(&world);
    let (a, b) = (world.scheduler("a"), world.scheduler("b"));
    assert!(a.turn().await);
    let old = world.run(|conn| {
        Ok(Lease {
            name: "scheduler".to_owned(),
            owner: "a".to_owned(),
            generation: 1,
            until: lease_acquire(conn, "unused", "a", LEASE, world.now())?.unwrap().until,
        })
    });
    world.at("2026-11-23 12:30");
    assert!(b.turn().await);
    assert_eq!(world.runs(&plan).len(), 1);
    // `a` decided long ago, with a plan that it read then, and writes only now.
    let late = a.start_scheduled(&old, plan.clone()).await;
    assert!(matches!(late, Err(Hindrance::LeaseLost)), "{late:?}");
    let run = world.runs(&plan).remove(0);
    let late = a.finish(&old, run).await;
    assert!(matches!(late, Ok(()) | Err(Hindrance::LeaseLost)), "{late:?}");
    assert_eq!(world.runs(&plan).len(), 1);
    world.check_nothing_lost_or_doubled(&plan, world.now());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_at_once_make_each_run_once() {
    let world = World::new();
    let plan = often(&world);
    let schedulers: Vec<Scheduler> =
        (0..4).map(|number| world.scheduler(&format!("s{number}"))).collect();
    for _ in 0..6 {
        world.advance(TimeDelta::minutes(25));
        let turns = schedulers.iter().map(|scheduler| async { scheduler.turn().await });
        let led = futures_join(turns).await;
        assert_eq!(led.iter().filter(|led| **led).count(), 1, "{led:?}");
        world.work(&[]);
    }
    world.check_nothing_lost_or_doubled(&plan, world.now() - TimeDelta::minutes(2));
}

/// Polls all of them by turns.
async fn futures_join<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in futures.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done.into_iter().map(Option::unwrap).collect()
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Turn(usize),
    Advance(i64),
    /// kill -9 and a new start.
    Kill(usize),
    Release(usize),
    Work,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..3).prop_map(Step::Turn),
        3 => (1i64..3000).prop_map(Step::Advance),
        1 => (0usize..3).prop_map(Step::Kill),
        1 => (0usize..3).prop_map(Step::Release),
        1 => Just(Step::Work),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Leaders come and go in any order; every scheduled time is dealt with once.
    #[test]
    fn whatever_leaders_do_nothing_is_doubled_or_lost(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let plan = often(&world);
            let mut born = 0;
            let mut new = || {
                born += 1;
                world.scheduler(&format!("s{born}"))
            };
            let mut schedulers = [new(), new(), new()];
            for step in steps {
                match step {
                    Step::Turn(who) => { schedulers[who].turn().await; }
                    Step::Advance(seconds) => world.advance(TimeDelta::seconds(seconds)),
                    Step::Kill(who) => schedulers[who] = new(),
                    Step::Release(who) => schedulers[who].release().await,
                    Step::Work => world.work(&[]),
                }
            }
            // In the end somebody leads, and has had time.
            world.advance(LEASE + TimeDelta::minutes(2));
            for scheduler in &schedulers {
                scheduler.turn().await;
            }
            world.check_nothing_lost_or_doubled(&plan, world.now() - TimeDelta::seconds(91));
        });
    }
}
