//! Who is let in, by a real Keystone.

use std::thread;
use std::time::{Duration, Instant};

use firn_ground::Server;
use firn_integration_tests::{Keystone, until};
use serde_json::{Value, json};

use crate::world::{Engine, World};

const LIST: &str = "/v1/restore-points";

fn status(world: &World, token: &str) -> u16 {
    world.cluster.api(token).send("GET", LIST, &Value::Null).status
}

#[test]
fn tokens_of_every_kind() {
    let world = World::start();
    let keystone = &world.keystone;
    let token = keystone.token(&world.alice);
    assert_eq!(status(&world, &token), 200);

    let missing = world.cluster.api("").send("GET", LIST, &Value::Null);
    assert_eq!(missing.status, 401);
    let challenge = missing.header("www-authenticate").expect("it says where to log in");
    assert!(challenge.starts_with("Keystone uri="), "{challenge}");
    assert_eq!(status(&world, "gAAAAAnot-a-token"), 401);

    // A token without a project says nothing about whose points are meant.
    let identity = json!({"methods": ["password"],
        "password": {"user": {"id": world.alice.id, "password": world.alice.password}}});
    let unscoped = keystone.log_in(&json!({"identity": identity, "scope": "unscoped"}));
    let refused = status(&world, &unscoped);
    assert!([401, 403].contains(&refused), "an unscoped token: {refused}");

    let credential = json!({"application_credential": {
        "name": "backup", "roles": [{"name": "member"}]}});
    let path = format!("/users/{}/application_credentials", world.alice.id);
    let made = keystone.send(&token, "POST", &path, &credential).json();
    let made = &made["application_credential"];
    let by_credential = keystone.log_in(&json!({"identity": {
        "methods": ["application_credential"],
        "application_credential": {"id": made["id"], "secret": made["secret"]}}}));
    assert_eq!(status(&world, &by_credential), 200);

    // Bob acts for alice, in her project.
    let trust = json!({"trust": {"trustor_user_id": world.alice.id,
        "trustee_user_id": world.bob.id, "project_id": world.alice.project,
        "impersonation": true, "roles": [{"name": "member"}]}});
    let trust = keystone.send(&token, "POST", "/OS-TRUST/trusts", &trust).json();
    let trust = trust["trust"]["id"].as_str().unwrap().to_owned();
    let identity = json!({"methods": ["password"],
        "password": {"user": {"id": world.bob.id, "password": world.bob.password}}});
    let trusted =
        keystone.log_in(&json!({"identity": identity, "scope": {"OS-TRUST:trust": {"id": trust}}}));
    assert_eq!(status(&world, &trusted), 200);

    let revoked = keystone.token(&world.alice);
    keystone.revoke(&revoked);
    assert_eq!(status(&world, &revoked), 401);

    // Roles count: a reader may look and not touch.
    let reader = format!("reader-{}", uuid::Uuid::new_v4());
    let reader = keystone.user(&reader, &world.alice.project, "reader");
    let api = world.api(&reader);
    assert_eq!(api.send("GET", LIST, &Value::Null).status, 200);
    let machine = world.machine(&world.alice, "web", 1);
    let body = json!({"restore_point": {"instance_id": machine.id, "mode": "full"}});
    assert_eq!(api.send("POST", LIST, &body).status, 403);
    let point = world.api(&world.alice).backed_up(&machine.id, "full");
    let path = format!("{LIST}/{}", point["id"].as_str().unwrap());
    assert_eq!(api.send("DELETE", &path, &Value::Null).status, 403);
    assert_eq!(api.send("GET", &path, &Value::Null).status, 200);
}

#[test]
fn expired_tokens_are_refused() {
    let server = Server::start_with("keystone", &["token.expiration=12"]);
    let mariadb = firn_ground::shared("mariadb");
    let mut world = World::prepare_with(server.info(), Engine::MariaDb, &mariadb, "");
    world.start_all();
    // The administrator's own token has expired too by now: a new one.
    let keystone = Keystone::new(server.info());
    let token = keystone.token(&world.alice);
    let made = Instant::now();
    assert_eq!(status(&world, &token), 200);
    let refused = until("the token is refused", Duration::from_secs(40), || {
        (status(&world, &token) == 401).then(|| made.elapsed())
    });
    assert!(refused >= Duration::from_secs(10), "refused after {refused:?} already");
}

#[test]
fn without_keystone_nobody_gets_in_and_nothing_breaks() {
    let mut server = Server::start("keystone");
    let mariadb = firn_ground::shared("mariadb");
    let cache = "[keystone_authtoken]\ntoken_cache_time = 3\nhttp_connect_timeout = 2\n";
    let mut world = World::prepare_with(server.info(), Engine::MariaDb, &mariadb, cache);
    world.start_all();
    let token = world.keystone.token(&world.alice);
    let statuses = |seconds: u64| {
        let end = Instant::now() + Duration::from_secs(seconds);
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let token = if client == 3 { "gAAAAAwrong".to_owned() } else { token.clone() };
                let api = world.cluster.api(&token);
                thread::spawn(move || {
                    let mut seen = Vec::new();
                    while Instant::now() < end {
                        let status = api.send("GET", LIST, &Value::Null).status;
                        seen.push((client == 3, status));
                    }
                    seen
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
    };
    assert!(statuses(2).iter().all(|(wrong, status)| *status == if *wrong { 401 } else { 200 }));
    server.kill();
    // What is in the cache stays good for its time.
    thread::sleep(Duration::from_secs(4));
    let down = statuses(10);
    assert!(!down.is_empty());
    for (wrong, status) in down {
        // A wrong token may still be known as such; nothing else is known.
        assert!(status == 503 || (wrong && status == 401), "wrong: {wrong}, {status}");
    }
    server.start_again();
    until("the token is good again", Duration::from_secs(30), || {
        (status(&world, &token) == 200).then_some(())
    });
    assert!(statuses(2).iter().all(|(wrong, status)| *status == if *wrong { 401 } else { 200 }));
    assert!(!world.cluster.log("api").contains("panicked"));
}
