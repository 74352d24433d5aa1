//! Messages that come twice, and messages that nobody can read.

use std::collections::BTreeSet;
use std::time::Duration;

use firn_integration_tests::{Backup, Machine, alive, until};
use lapin::BasicProperties;
use serde_json::json;

use crate::queue::Queue;
use crate::world::{CONDUCTORS, World};

const JOBS: &str = "firn.jobs";

#[test]
fn a_message_that_comes_twice_has_effect_once() {
    let world = World::start();
    let api = world.api(&world.alice);
    let machines: Vec<_> =
        (0..9).map(|at| world.machine(&world.alice, &format!("m{at}"), at)).collect();
    let queue = Queue::open(&world.broker, JOBS);
    let mut jobs: Vec<Backup> = Vec::new();
    // The broker goes round its consumers, of which this is one of three.
    let caught = queue.caught_while(|| {
        jobs.extend(machines.iter().map(|machine| api.backup(&machine.id, "full")));
    });
    assert!(!caught.is_empty(), "every wake-up went past");
    let again = || {
        for message in &caught {
            queue.publish(&message.data, message.properties.clone());
            queue.publish(&message.data, message.properties.clone());
        }
    };
    // While the jobs run: copies of them, and they themselves for the second time.
    again();
    caught.iter().for_each(|message| queue.put_back(message));
    for job in &jobs {
        api.wait(&job.job).succeeded();
    }
    // And after their end.
    again();
    queue.run_dry();
    let last = world.machine(&world.alice, "last", 99);
    let after = api.backup(&last.id, "full");
    api.wait(&after.job).succeeded();

    for job in jobs.iter().chain([&after]) {
        api.job(&job.job).succeeded();
        assert_eq!(world.claims(&job.job), 1, "job {}", job.job);
    }
    let id = |point: &serde_json::Value| point["id"].as_str().unwrap().to_owned();
    let listed: Vec<_> = api.points().iter().map(id).collect();
    let expected: BTreeSet<_> = jobs.iter().chain([&after]).map(|job| job.point.clone()).collect();
    assert_eq!(listed.len(), expected.len(), "{listed:?}");
    assert_eq!(BTreeSet::from_iter(listed), expected);
    for (machine, job) in machines.iter().chain([&last]).zip(jobs.iter().chain([&after])) {
        machine.check_restore(&api, &job.point, &Machine::truth(machine));
    }
    assert_eq!(Queue::open(&world.broker, "firn.jobs.dead").length(), 0, "all could be read");
}

/// What no version of the service sends, with why it is none.
fn poison() -> Vec<Vec<u8>> {
    let envelope = |schema: &str| {
        let body = json!({"job_id": "6b7c8f3e-0000-4000-8000-000000000000"});
        json!({"schema": schema, "request_id": "req-poison", "body": body}).to_string().into_bytes()
    };
    vec![
        Vec::new(),
        b"\xff\xfe\x00garbage".to_vec(),
        b"{\"schema\": \"firn.job.wake/1\"".to_vec(),
        b"{\"oslo.version\": \"2.0\", \"oslo.message\": \"{}\"}".to_vec(),
        // Deep enough to end a reader that descends into it.
        vec![b'['; 200_000],
        vec![0; 1 << 20],
        envelope("no schema"),
        envelope("firn.job.wake/2"),
        envelope("firn.job.wake/4294967295"),
        envelope("firn.job.sleep/1"),
    ]
}

#[test]
fn poison_is_put_aside_and_work_goes_on() {
    let world = World::start();
    let api = world.api(&world.alice);
    let pids = CONDUCTORS.map(|name| world.cluster.pid(name));
    let machine = world.machine(&world.alice, "web", 1);
    let queue = Queue::open(&world.broker, JOBS);
    for body in poison() {
        queue.publish(&body, BasicProperties::default());
    }
    // Where questions are asked, too.
    let questions = Queue::open(&world.broker, "firn.conductor");
    for body in poison() {
        questions.publish(&body, BasicProperties::default());
    }
    let point = api.backed_up(&machine.id, "full");
    machine.check_restore(&api, point["id"].as_str().unwrap(), &machine.truth());
    queue.run_dry();
    questions.run_dry();

    // All of it lies where an operator finds it, as it came.
    let dead = Queue::open(&world.broker, "firn.jobs.dead");
    let mut letters = Vec::new();
    until("all poison is put aside", Duration::from_secs(30), || {
        while let Some(letter) = dead.take() {
            letters.push(letter.data);
        }
        (letters.len() >= poison().len()).then_some(())
    });
    let mut expected = poison();
    letters.sort();
    expected.sort();
    assert!(letters == expected, "other letters than those sent: {}", letters.len());

    // And each was told of, by one conductor or the other.
    let logs = CONDUCTORS.map(|name| world.cluster.log(name));
    let told = |what: &str| -> usize { logs.iter().map(|log| log.matches(what).count()).sum() };
    assert_eq!(told("a message that is no envelope is refused"), 6);
    assert_eq!(told("a message in firn.jobs is refused"), 4);
    assert!(told("version 2 of firn.job.wake is not known here") > 0, "{logs:?}");
    assert!(told("a request that is none") > 0, "{logs:?}");
    assert_eq!(told("panicked"), 0);
    assert_eq!(pids, CONDUCTORS.map(|name| world.cluster.pid(name)));
    assert!(pids.into_iter().all(alive), "a conductor died of it");
}
