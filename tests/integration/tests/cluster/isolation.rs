//! Two projects that must not see, touch, count or guess anything of each other.

use std::time::Duration;

use firn_integration_tests::{Api, until};
use serde_json::{Value, json};

use crate::world::World;

/// Asks once about what somebody else has and once about what nobody has, wherever `ID` stands in
/// path and body: nothing may tell that one of them exists. Gives the status of both answers.
#[track_caller]
fn told_apart(api: &Api, method: &str, path: &str, body: &Value, id: &str) -> u16 {
    // Keystone's ids are written without hyphens, ours with them.
    let absent = match id.contains('-') {
        true => uuid::Uuid::new_v4().to_string(),
        false => uuid::Uuid::new_v4().simple().to_string(),
    };
    let told = |id: &str| {
        let body: Value = body.to_string().replace("ID", id).parse().unwrap();
        let answer = api.send(method, &path.replace("ID", id), &body);
        let mut said = answer.json();
        for error in said["errors"].as_array_mut().into_iter().flatten() {
            error["request_id"] = Value::Null;
            error["links"] = Value::Null;
        }
        (answer.status, said.to_string().replace(id, "ID"))
    };
    let (theirs, nothing) = (told(id), told(&absent));
    assert_eq!(theirs, nothing, "{method} {path} {body}");
    theirs.0
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
    let runs = format!("/v1/plans/{plan_id}/runs");
    alice.accepted("POST", &format!("/v1/plans/{plan_id}/action"), &json!({"run": {}}));
    let run_id = until("her plan has run", Duration::from_secs(120), || {
        let run = &alice.get(&runs)["runs"][0];
        run["finished_at"].is_string().then(|| id(run, "id"))
    });

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
            let place = path.replace("{id}", "ID");
            let status = told_apart(&bob, &method, &place, &body, hers);
            assert_eq!(status, 404, "{method} {path}");
            tried += 1;
        }
    }
    assert!(tried >= 10, "only {tried} routes were tried");

    // Lists and counts hold nothing of hers, whatever he asks for.
    let lists = [
        ("/v1/instances", "instances", &machine.id),
        ("/v1/restore-points", "restore_points", &point_id),
        ("/v1/restores", "restores", &restore_id),
        ("/v1/jobs", "jobs", &point_job),
        ("/v1/plans", "plans", &plan_id),
    ];
    for (path, key, _) in lists {
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
    for (path, hers) in lists.map(|(path, _, hers)| (path, hers)) {
        let marked = format!("{path}?marker=ID");
        assert_eq!(told_apart(&bob, "GET", &marked, &Value::Null, hers), 400, "{marked}");
    }
    let own = json!({"plan": {"name": "his", "instances": {"all": true}}});
    let own = bob.send("POST", "/v1/plans", &own);
    assert_eq!(own.status, 201, "{}", own.json());
    let own = format!("/v1/plans/{}", id(&own.json()["plan"], "id"));
    let marked = format!("{own}/runs?marker=ID");
    assert_eq!(told_apart(&bob, "GET", &marked, &Value::Null, &run_id), 400);
    let marked = format!("/v1/plans/ID/runs?marker={run_id}");
    assert_eq!(told_apart(&bob, "GET", &marked, &Value::Null, &plan_id), 404);

    // Her instance and her point cannot be used in his requests.
    let backup = json!({"restore_point": {"instance_id": "ID", "mode": "full"}});
    assert_eq!(told_apart(&bob, "POST", "/v1/restore-points", &backup, &machine.id), 404);
    let plan = json!({"plan": {"name": "hers", "instances": {"ids": ["ID"]}}});
    assert_eq!(told_apart(&bob, "POST", "/v1/plans", &plan, &machine.id), 404);
    let patch = json!({"plan": {"instances": {"ids": ["ID"]}}});
    assert_eq!(told_apart(&bob, "PATCH", &own, &patch, &machine.id), 404);
    for target in [
        json!({"type": "file", "name": "his"}),
        // A name that she has used.
        json!({"type": "file", "name": "hers"}),
        json!({"type": "new_instance", "name": "his"}),
        json!({"type": "original"}),
        json!({"type": "volume", "device": "vda"}),
        json!({"type": "volume", "device": "vdz"}),
    ] {
        let restore = json!({"restore": {"restore_point_id": "ID", "target": target}});
        assert_eq!(told_apart(&bob, "POST", "/v1/restores", &restore, &point_id), 404, "{target}");
    }

    // What she may have and has.
    let hers = &world.alice.project;
    for path in ["/v1/quotas/ID", "/v1/quotas/ID/defaults"] {
        assert_eq!(told_apart(&bob, "GET", path, &Value::Null, hers), 404, "{path}");
    }
    let none = json!({"quota": {"instances": 0}});
    assert_eq!(told_apart(&bob, "PUT", "/v1/quotas/ID", &none, hers), 403);
    assert_eq!(told_apart(&bob, "DELETE", "/v1/quotas/ID", &Value::Null, hers), 403);
    assert_eq!(told_apart(&bob, "GET", "/v1/usage?marker=ID", &Value::Null, hers), 400);
    let all = "/v1/usage?all_projects=true&marker=ID";
    assert_eq!(told_apart(&bob, "GET", all, &Value::Null, hers), 403);
    let usage = bob.get("/v1/usage")["usage"].clone();
    assert_eq!(usage.as_array().unwrap().len(), 1, "{usage}");
    assert_eq!(usage[0]["project_id"], json!(world.bob.project));
    assert_eq!(usage[0]["restore_points"], 0, "{usage}");
    assert_ne!(alice.get("/v1/usage")["usage"][0]["restore_points"], 0);

    // And what is hers is still there, untouched.
    machine.check_restore(&alice, &point_id, &machine.truth());
    assert_eq!(alice.get(&format!("/v1/plans/{plan_id}"))["plan"]["name"], "hers");
}
