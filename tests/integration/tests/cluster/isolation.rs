//! Two projects that must not see, touch, count or guess anything of each other.

use serde_json::{Value, json};

use crate::world::World;

/// Words of a path that name something.
fn with_ids(path: &str, ids: &[(&str, String)]) -> String {
    let mut path = path.to_owned();
    for (place, id) in ids {
        path = path.replace(place, id);
    }
    path
}

#[test]
fn two_projects_are_worlds_of_their_own() {
    let world = World::start();
    let alice = world.api(&world.alice);
    let bob = world.api(&world.bob);
    let machine = world.machine(&world.alice, "hers", 1);
    let point = alice.backed_up(&machine.id, "full");
    let id = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
    let (point_id, point_job) = (id(&point, "id"), {
        let jobs = alice.list("/v1/jobs", "jobs");
        id(&jobs[0], "id")
    });
    let job = alice.restore(&point_id, "hers");
    alice.wait(&job).succeeded();
    let restores = alice.list("/v1/restores", "restores");
    let restore_id = id(&restores[0], "id");
    let plan = json!({"plan": {"name": "hers", "instances": {"ids": [machine.id]},
        "retention": {"last": 3}}});
    let plan = alice.send("POST", "/v1/plans", &plan);
    assert_eq!(plan.status, 201, "{}", plan.json());
    let plan_id = id(&plan.json()["plan"], "id");

    // Every route of the document that names something, with hers and with what is not there.
    let document = alice.get("/openapi.json");
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let hers = match path.split('/').nth(2) {
            Some("instances") => &machine.id,
            Some("restore-points") => &point_id,
            Some("restores") => &restore_id,
            Some("jobs") => &point_job,
            Some("plans") => &plan_id,
            _ => continue,
        };
        if !path.contains("{id}") {
            continue;
        }
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_ascii_uppercase();
            if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                continue;
            }
            let body = match (method.as_str(), path.rsplit('/').next()) {
                ("POST", Some("action")) if path.contains("jobs") => json!({"cancel": {}}),
                ("POST", Some("action")) if path.contains("plans") => json!({"run": {}}),
                ("POST", Some("action")) => json!({"verify": {}}),
                ("PATCH", _) if path.contains("plans") => json!({"plan": {"name": "his"}}),
                ("PATCH", _) => json!({"restore_point": {"name": "his"}}),
                _ => Value::Null,
            };
            let absent = uuid::Uuid::new_v4().to_string();
            let theirs = bob.send(&method, &with_ids(path, &[("{id}", hers.clone())]), &body);
            let nothing = bob.send(&method, &with_ids(path, &[("{id}", absent.clone())]), &body);
            assert_eq!(theirs.status, 404, "{method} {path}: {}", theirs.json());
            assert_eq!(nothing.status, 404, "{method} {path}: {}", nothing.json());
            // The same words but for the ids: nothing tells that one of them exists.
            let mut told = theirs.json()["errors"][0].clone();
            let mut plain = nothing.json()["errors"][0].clone();
            for error in [&mut told, &mut plain] {
                error["request_id"] = Value::Null;
                error["links"] = Value::Null;
            }
            let told = told.to_string().replace(hers.as_str(), "ID");
            let plain = plain.to_string().replace(&absent, "ID");
            assert_eq!(told, plain, "{method} {path}");
            tried += 1;
        }
    }
    assert!(tried >= 10, "only {tried} routes were tried");

    // Lists and counts hold nothing of hers, whatever he asks for.
    for (path, key) in [
        ("/v1/instances", "instances"),
        ("/v1/restore-points", "restore_points"),
        ("/v1/restores", "restores"),
        ("/v1/jobs", "jobs"),
        ("/v1/plans", "plans"),
    ] {
        for query in ["", "?all_projects=true", &format!("?project_id={}", world.alice.project)] {
            let answer = bob.send("GET", &format!("{path}{query}"), &Value::Null);
            assert!(
                [200, 400, 403].contains(&answer.status),
                "{path}{query}: {} {}",
                answer.status,
                answer.json()
            );
            let body = answer.json().to_string();
            for hers in [&machine.id, &point_id, &restore_id, &point_job, &plan_id] {
                assert!(!body.contains(hers.as_str()), "{path}{query} shows {hers}");
            }
            if answer.status == 200 {
                assert_eq!(answer.json()[key], json!([]), "{path}{query}");
            }
        }
    }
    // A marker of hers is no marker of his.
    let marked = format!("/v1/restore-points?marker={point_id}");
    let answer = bob.send("GET", &marked, &Value::Null);
    assert_eq!(answer.status, 400, "{}", answer.json());
    // Her instance and her point cannot be used in his requests.
    let backup = json!({"restore_point": {"instance_id": machine.id, "mode": "full"}});
    let answer = bob.send("POST", "/v1/restore-points", &backup);
    assert_eq!(answer.status, 404, "{}", answer.json());
    let restore = json!({"restore": {"restore_point_id": point_id,
        "target": {"type": "file", "name": "his"}}});
    let answer = bob.send("POST", "/v1/restores", &restore);
    assert_eq!(answer.status, 404, "{}", answer.json());
    // And what is hers is still there, untouched.
    machine.check_restore(&alice, &point_id, &machine.truth());
    assert_eq!(alice.get(&format!("/v1/plans/{plan_id}"))["plan"]["name"], "hers");
}
