//! The broker dies, its connections are cut, conductors die, and no job is lost or done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use firn_integration_tests::{Api, Machine, Signal, kill, until};
use serde_json::{Value, json};

use crate::world::World;

const MACHINES: usize = 20;
const ROUNDS: usize = 10;
/// How often the connections to the broker are cut, and the jobs that are asked for between: who
/// loses them again and again must be back before a job has waited in vain for its agent.
const CUTS: usize = 8;
const BETWEEN_CUTS: usize = 5;

/// Asks for a backup until it is accepted: while the broker is down, nobody can be asked what the
/// instance is. Gives the point and its job.
fn insist(api: &Api, machine: &Machine, mode: &str) -> (String, String) {
    let body = json!({"restore_point": {"instance_id": machine.id, "mode": mode}});
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        let answer = api.send("POST", "/v1/restore-points", &body);
        match answer.status {
            202 => {
                let point = &answer.json()["restore_point"];
                let text = |key: &str| point[key].as_str().unwrap().to_owned();
                return (text("id"), text("job_id"));
            }
            // Busy: with the round before.
            409 | 503 => assert!(Instant::now() < end, "still: {}", answer.json()),
            other => panic!("{other}: {}", answer.json()),
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Kills a conductor while it has a job in its hands; gives those jobs.
fn crash_at_work(world: &mut World, api: &Api, name: &str) -> Vec<String> {
    let pid = world.cluster.pid(name);
    let held = until(&format!("{name} is at work"), Duration::from_secs(120), || {
        // Frozen, it cannot end a job between the look and the kill.
        kill(pid, Signal::STOP);
        let log = world.cluster.log(name);
        let told = |job: &str, what: &str| {
            log.lines().any(|line| line.contains(job) && line.contains(what))
        };
        let running = api.list("/v1/jobs?status=running", "jobs");
        let mut held: Vec<_> =
            running.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect();
        // The end of one that has stopped may be on its way to the database.
        held.retain(|job| told(job, "job claimed") && !told(job, "job stopped"));
        if held.is_empty() {
            kill(pid, Signal::CONT);
            return None;
        }
        Some(held)
    });
    world.cluster.crash(name);
    held
}

#[test]
fn two_hundred_jobs_through_everything() {
    let mut world = World::start();
    let api = world.api(&world.alice);
    let machines: Vec<_> =
        (0..MACHINES).map(|at| world.machine(&world.alice, &format!("m{at}"), at as u64)).collect();
    let truths: Vec<_> = machines.iter().map(Machine::truth).collect();
    let machines = Arc::new(machines);

    // Two clients ask while things die.
    let asked = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..2)
        .map(|client| {
            let (api, machines, asked) = (api.clone(), Arc::clone(&machines), Arc::clone(&asked));
            thread::spawn(move || {
                let mut jobs = Vec::new();
                for round in 0..ROUNDS {
                    for at in (client..MACHINES).step_by(2) {
                        let mode = if round == 0 { "full" } else { "incremental" };
                        let (point, job) = insist(&api, &machines[at], mode);
                        jobs.push((at, point, job));
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                }
                jobs
            })
        })
        .collect();
    let total = MACHINES * ROUNDS;
    let reach = |jobs: usize| {
        let end = Instant::now() + Duration::from_secs(300);
        while asked.load(Ordering::Relaxed) < jobs && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
    };
    let progress = |part: usize| reach(total * part / 10);
    for cut in 1..=CUTS {
        // In the middle of what is being published, handed out and acknowledged.
        reach(cut * BETWEEN_CUTS);
        world.wire.cut();
    }
    progress(2);
    world.broker.kill();
    thread::sleep(Duration::from_secs(2));
    world.broker.start_again();
    progress(4);
    let mut orphans = crash_at_work(&mut world, &api, "conductor-1");
    progress(5);
    world.cluster.start_conductor("conductor-1");
    progress(6);
    world.broker.freeze();
    thread::sleep(Duration::from_secs(3));
    world.broker.thaw();
    progress(7);
    orphans.extend(crash_at_work(&mut world, &api, "conductor-2"));
    world.broker.kill();
    world.broker.start_again();
    world.cluster.start_conductor("conductor-2");
    let jobs: Vec<_> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    assert_eq!(jobs.len(), total);

    let mut claims = 0;
    for (_, _, job) in &jobs {
        api.wait_within(job, Duration::from_secs(300)).succeeded();
        let claimed = world.claims(job);
        assert!(claimed > 1 || !orphans.contains(job), "job {job} went on with nobody");
        claims += claimed;
    }
    eprintln!("{total} jobs, {claims} claims, {CUTS} cuts, conductors died with {}", orphans.len());

    // Each took effect exactly once: one point a job, no more and no fewer.
    let points = api.list("/v1/restore-points", "restore_points");
    let mut listed: Vec<_> =
        points.iter().map(|point| point["id"].as_str().unwrap().to_owned()).collect();
    let mut expected: Vec<_> = jobs.iter().map(|(_, point, _)| point.clone()).collect();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
    assert!(points.iter().all(|point| point["status"] == "available"), "{points:#?}");
    for (at, point, _) in &jobs {
        machines[*at].check_restore(&api, point, &truths[*at]);
    }
    let unfinished: Vec<Value> = api
        .list("/v1/jobs", "jobs")
        .into_iter()
        .filter(|job| job["status"] != "succeeded")
        .collect();
    assert!(unfinished.is_empty(), "{unfinished:#?}");
}
