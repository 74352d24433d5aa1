//! What must never be logged.

use std::fs;
use std::time::Duration;

use firn_integration_tests::{Api, Machine, until};
use serde_json::{Value, json};

use crate::tap::Tap;
use crate::world::{Engine, World};

const WRONG: &str = "gAAAAAwrong-and-secret-all-the-same";
/// Of servers that there are not.
const MISPLACED: &str = "a-password-in-the-wrong-place";

#[test]
fn no_log_tells_a_secret() {
    for json in [false, true] {
        let more = format!("[DEFAULT]\ndebug = true\nuse_json = {json}\n");
        let mariadb = firn_ground::shared("mariadb");
        let mut keystone = firn_ground::shared("keystone");
        let tap = Tap::to(keystone["port"].as_u64().unwrap().try_into().unwrap());
        keystone["auth_url"] = format!("http://{}/v3", tap.address()).into();
        let mut world = World::prepare_with(&keystone, Engine::MariaDb, &mariadb, &more);
        // Once by password, once by application credential.
        let credential = json.then(|| application_credential(&world));
        world.cluster.start_conductor("conductor-1");
        world.cluster.start_agent("agent-1");
        world.cluster.start_api();
        let token = world.keystone.token(&world.alice);
        let api = world.cluster.api(&token);
        let machine = world.machine(&world.alice, "web", 1);
        let point = api.backed_up(&machine.id, "full");
        machine.check_restore(&api, point["id"].as_str().unwrap(), &machine.truth());
        // Keystone gives application credentials no tokens for trusts.
        if credential.is_none() {
            run_a_plan(&api, &machine);
            // It takes a while, so once.
            lose_the_broker(&mut world, &api, &machine);
        }
        fail(&mut world, &api, &machine);

        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let key = fs::read_to_string(world.ground.state().join("firn.key")).unwrap();
        let key = key.lines().last().unwrap().to_owned();
        assert!(key.len() >= 64, "the key is elsewhere in its file");
        let mut secrets = vec![
            ("the token", token.clone()),
            ("a wrong token", WRONG.to_owned()),
            ("the database's password", text(&mariadb["password"])),
            ("the broker's password", world.broker.text("password").to_owned()),
            ("a password in the wrong place", MISPLACED.to_owned()),
            ("the service's password", world.backing.service_user.password.clone()),
            ("the user's password", world.alice.password.clone()),
            ("the repository's key", key),
        ];
        secrets.extend(
            credential.clone().map(|secret| ("the application credential's secret", secret)),
        );
        // The service's own and those that it gets by trusts.
        let others = tap.tokens().into_iter().filter(|other| *other != token && other != WRONG);
        let others: Vec<_> = others.collect();
        let expected = if credential.is_none() { 2 } else { 1 };
        assert!(others.len() >= expected, "only {} of the service's tokens known", others.len());
        secrets.extend(others.into_iter().map(|other| ("a token of the service", other)));
        for name in ["api", "conductor-1", "agent-1", "no-database", "no-broker"] {
            let log = world.cluster.log(name);
            assert!(
                log.contains("ready") || name.starts_with("no-"),
                "{name} logs nothing:\n{log}"
            );
            assert!(!log.is_empty(), "{name} says nothing");
            for (what, secret) in &secrets {
                assert!(!log.contains(secret.as_str()), "{name} logs {what}");
            }
        }
        let request = "request_id";
        let log = world.cluster.log("conductor-1");
        let claimed = log.lines().find(|line| line.contains("job claimed")).expect("it says so");
        assert!(claimed.contains(&world.alice.project), "{claimed}");
        assert!(claimed.contains("req-"), "{claimed}");
        assert_eq!(claimed.starts_with('{'), json, "{claimed}");
        assert_eq!(claimed.contains(request), json, "{claimed}");
    }
}

/// Has the service log in by an application credential from now on; gives its secret.
fn application_credential(world: &World) -> String {
    let user = &world.backing.service_user;
    let path = format!("/users/{}/application_credentials", user.id);
    let body = json!({"application_credential": {"name": "firn"}});
    let made = world.keystone.send(&world.keystone.token(user), "POST", &path, &body);
    assert_eq!(made.status, 201, "{}", made.json());
    let made = made.json()["application_credential"].clone();
    let secret = made["secret"].as_str().unwrap().to_owned();
    world.cluster.configure(&format!(
        "[keystone_authtoken]\n\
         auth_type = v3applicationcredential\n\
         application_credential_id = {}\n\
         application_credential_secret = {secret}\n",
        made["id"].as_str().unwrap()
    ));
    secret
}

/// The conductor does that with a token that it gets by a trust.
fn run_a_plan(api: &Api, machine: &Machine) {
    let plan = json!({"plan": {"name": "hers", "instances": {"ids": [machine.id]}}});
    let plan = api.send("POST", "/v1/plans", &plan);
    assert_eq!(plan.status, 201, "{}", plan.json());
    let path = format!("/v1/plans/{}", plan.json()["plan"]["id"].as_str().unwrap());
    api.accepted("POST", &format!("{path}/action"), &json!({"run": {}}));
    until("the plan has run", Duration::from_secs(120), || {
        let runs = api.get(&format!("{path}/runs"));
        runs["runs"][0]["finished_at"].is_string().then_some(())
    });
}

/// A broker that goes away, and is found again.
fn lose_the_broker(world: &mut World, api: &Api, machine: &Machine) {
    let backup = json!({"restore_point": {"instance_id": machine.id, "mode": "full"}});
    world.broker.kill();
    api.refused("POST", "/v1/restore-points", &backup, 503);
    world.broker.start_again();
    let path = format!("/v1/instances/{}", machine.id);
    until("work goes on", Duration::from_secs(90), || {
        (api.send("GET", &path, &Value::Null).status == 200).then_some(())
    });
}

/// What goes wrong is told at length, and tempts to tell too much.
fn fail(world: &mut World, api: &Api, machine: &Machine) {
    let cluster = &world.cluster;
    assert_eq!(cluster.api(WRONG).send("GET", "/v1/jobs", &Value::Null).status, 401);
    api.refused("POST", "/v1/restore-points", &json!({"restore_point": {"mode": "all"}}), 400);

    // A job that fails.
    fs::remove_file(&machine.disks[0].path).unwrap();
    let backup = api.backup(&machine.id, "full");
    assert_eq!(api.wait(&backup.job).status(), "failed");

    // Processes that cannot work with what they are given.
    let database = format!("[database]\nconnection = nosuch://firn:{MISPLACED}@127.0.0.1/firn\n");
    world.cluster.start_in_vain("no-database", "firn-api", &database);
    let broker = format!("[DEFAULT]\ntransport_url = nosuch://firn:{MISPLACED}@127.0.0.1/\n");
    world.cluster.start_in_vain("no-broker", "firn-conductor", &broker);
}
