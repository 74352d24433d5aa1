//! The database dies under load.

use std::thread;
use std::time::{Duration, Instant};

use firn_ground::Server;
use firn_integration_tests::Machine;
use serde_json::{Value, json};

use crate::world::{Engine, World};

fn killed_under_load(engine: Engine) {
    let mut server = Server::start(engine.name());
    let mut world = World::prepare(engine, server.info(), "");
    world.start_all();
    let api = world.api(&world.alice);
    let machines: Vec<_> =
        (0..6).map(|at| world.machine(&world.alice, &format!("m{at}"), at)).collect();
    let truths: Vec<_> = machines.iter().map(Machine::truth).collect();
    let mut jobs = Vec::new();
    for round in 0..4 {
        for (at, machine) in machines.iter().enumerate() {
            let body = json!({"restore_point": {"instance_id": machine.id, "mode": "full"}});
            let end = Instant::now() + Duration::from_secs(90);
            loop {
                let answer = api.send("POST", "/v1/restore-points", &body);
                if answer.status == 202 {
                    let point = &answer.json()["restore_point"];
                    let text = |key: &str| point[key].as_str().unwrap().to_owned();
                    jobs.push((at, text("id"), text("job_id")));
                    break;
                }
                // Busy: with the round before, or with a request whose answer was lost.
                assert!([409, 503].contains(&answer.status), "{}", answer.json());
                assert!(Instant::now() < end, "the API does not recover: {}", answer.json());
                thread::sleep(Duration::from_millis(100));
            }
        }
        server.kill();
        thread::sleep(Duration::from_secs(1));
        let down = api.send("GET", "/v1/restore-points", &Value::Null);
        assert_eq!(down.status, 503, "round {round}: {}", down.json());
        server.start_again();
    }
    for (_, _, job) in &jobs {
        let end = Instant::now() + Duration::from_secs(180);
        loop {
            let answer = api.send("GET", &format!("/v1/jobs/{job}"), &Value::Null);
            assert!([200, 503].contains(&answer.status), "{}: {}", answer.status, answer.json());
            let status = answer.json()["job"]["status"].clone();
            if status == "succeeded" {
                break;
            }
            assert_ne!(status, "failed", "{}", answer.json());
            assert!(Instant::now() < end, "{}", answer.json());
            thread::sleep(Duration::from_millis(100));
        }
    }
    // An answer that the dying server swallowed may have left a point nobody was told of; each
    // of those is whole too.
    let points = api.list("/v1/restore-points", "restore_points");
    assert!(points.len() >= jobs.len());
    for (at, point, _) in &jobs {
        machines[*at].check_restore(&api, point, &truths[*at]);
    }
}

#[test]
fn mariadb_killed_under_load() {
    killed_under_load(Engine::MariaDb);
}

#[test]
fn postgresql_killed_under_load() {
    killed_under_load(Engine::PostgreSql);
}
