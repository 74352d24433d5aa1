//! The id of a request, by which operators find in every log what was done for it.

use std::time::Duration;

use firn_integration_tests::{request, until};
use serde_json::{Value, json};

use crate::world::{Engine, World};

/// Who tells of what is asked at once, in which words.
const QUESTION: [(&str, &str); 3] =
    [("api", "answered"), ("conductor-1", "answered"), ("agent-1", "answered")];

/// The process says something of a request with its id.
fn told(world: &World, id: &str, by: &[(&str, &str)]) {
    for (name, what) in by {
        until(&format!("{name} says {what:?} of {id}"), Duration::from_secs(20), || {
            let log = world.cluster.log(name);
            log.lines().any(|line| line.contains(id) && line.contains(what)).then_some(())
        });
    }
}

#[test]
fn a_request_is_found_in_the_log_of_everybody_who_worked_for_it() {
    let mut world = World::prepare(Engine::MariaDb, &firn_ground::shared("mariadb"), "");
    world.cluster.start_conductor("conductor-1");
    world.cluster.start_agent("agent-1");
    world.cluster.start_api();
    let token = world.keystone.token(&world.alice);
    let api = world.cluster.api(&token);
    let machine = world.machine(&world.alice, "web", 1);

    // What is asked at once.
    let path = format!("/v1/instances/{}", machine.id);
    let answer = api.send("GET", &path, &Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.json());
    told(&world, answer.header("x-openstack-request-id").unwrap(), &QUESTION);

    // What a job does later.
    let body = json!({"restore_point": {"instance_id": machine.id, "mode": "full"}});
    let answer = api.send("POST", "/v1/restore-points", &body);
    assert_eq!(answer.status, 202, "{}", answer.json());
    api.wait(answer.json()["restore_point"]["job_id"].as_str().unwrap()).succeeded();
    let job = [QUESTION.as_slice(), &[("conductor-1", "job claimed")]].concat();
    told(&world, answer.header("x-openstack-request-id").unwrap(), &job);

    // A client's own id goes all the way, too.
    let own = format!("req-{}", uuid::Uuid::new_v4());
    let headers = [("X-Auth-Token", token.as_str()), ("X-OpenStack-Request-ID", &own)];
    let answer = request(world.cluster.address(), "GET", &path, &headers, b"").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.json());
    assert_ne!(answer.header("x-openstack-request-id"), Some(own.as_str()));
    told(&world, &own, &QUESTION);
}
