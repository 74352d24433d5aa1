//! Who is let in, by a real Keystone.

use std::thread;
use std::time::{Duration, Instant};

use firn_ground::Server;
use firn_integration_tests::{Api, Keystone, until};
use serde_json::{Value, json};

use crate::world::{Engine, World};

const LIST: &str = "/v1/restore-points";
const PLANS: &str = "/v1/plans";

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
    // As long as the administrator's own token may be needed on a busy machine.
    let server = Server::start_with("keystone", &["token.expiration=40"]);
    let mariadb = firn_ground::shared("mariadb");
    let mut world = World::prepare_with(server.info(), Engine::MariaDb, &mariadb, "");
    world.start_all();
    // The administrator's own token may have expired by now: a new one.
    let keystone = Keystone::new(server.info());
    let token = keystone.token(&world.alice);
    let made = Instant::now();
    assert_eq!(status(&world, &token), 200);
    let refused = until("the token is refused", Duration::from_secs(120), || {
        (status(&world, &token) == 401).then(|| made.elapsed())
    });
    assert!(refused >= Duration::from_secs(30), "refused after {refused:?} already");
}

/// How long Keystone is away.
const AWAY: Duration = Duration::from_secs(60);
/// How long the API may believe what Keystone said of a good token, and of a wrong one.
const BELIEVED: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(10)];

/// What the API can know of a token while Keystone is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// It was used before.
    Known,
    /// It is good, and nobody has asked Keystone about it yet.
    Unseen,
    /// It is nobody's.
    Wrong,
}

/// An answer to a client.
#[derive(Debug)]
struct Seen {
    token: Token,
    method: &'static str,
    #[expect(dead_code, reason = "shown where a test fails")]
    path: String,
    asked_at: Instant,
    status: u16,
    retry_after: bool,
}

/// Asks for lists and things, and makes plans, all the time until `end`. A plan needs Keystone a
/// second time, for its trust.
fn client(api: &Api, token: Token, point: &str, end: Instant) -> Vec<Seen> {
    let mut seen = Vec::new();
    while Instant::now() < end {
        let name = uuid::Uuid::new_v4().to_string();
        let plan = json!({"plan": {"name": name, "instances": {"all": true}}});
        for (method, path, body) in [
            ("GET", LIST, Value::Null),
            ("GET", &format!("{LIST}/{point}"), Value::Null),
            ("GET", "/v1/instances", Value::Null),
            ("POST", PLANS, plan),
            ("GET", "/v1/jobs?limit=5", Value::Null),
        ] {
            let asked_at = Instant::now();
            let answer = api.send(method, path, &body);
            let retry_after = answer.header("retry-after").is_some();
            let (path, status) = (path.to_owned(), answer.status);
            seen.push(Seen { token, method, path, asked_at, status, retry_after });
        }
        // So that the machine has time for the service, too.
        thread::sleep(Duration::from_millis(50));
    }
    seen
}

/// One client for each of these tokens, all at the same time.
fn load(world: &World, tokens: &[(Token, &str)], point: &str, lasts: Duration) -> Vec<Seen> {
    let end = Instant::now() + lasts;
    thread::scope(|scope| {
        let clients: Vec<_> = tokens
            .iter()
            .map(|(kind, token)| {
                let api = world.cluster.api(token);
                scope.spawn(move || client(&api, *kind, point, end))
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

/// With Keystone there, everybody gets what is theirs.
fn check_up(seen: &[Seen]) {
    for seen in seen {
        let expected = match (seen.token, seen.method) {
            (Token::Wrong, _) => 401,
            (_, "POST") => 201,
            _ => 200,
        };
        assert_eq!(seen.status, expected, "{seen:?}");
    }
}

/// Nobody is let in of whom Keystone had not said so a short while ago.
fn check_down(seen: &[Seen], down_at: Instant) {
    for seen in seen {
        // An answer of Keystone's may have been on its way.
        let since = seen.asked_at.duration_since(down_at).saturating_sub(Duration::from_secs(1));
        let believed = match (seen.token, seen.method) {
            (Token::Known, "GET") if since < BELIEVED[0] => Some(200),
            (Token::Wrong, _) if since < BELIEVED[1] => Some(401),
            _ => None,
        };
        assert!(seen.status == 503 || Some(seen.status) == believed, "{since:?}: {seen:?}");
        assert!(seen.status != 503 || seen.retry_after, "{seen:?}");
    }
    for token in [Token::Known, Token::Unseen, Token::Wrong] {
        let late = |seen: &&Seen| seen.token == token && seen.asked_at > down_at + AWAY * 3 / 4;
        assert!(seen.iter().filter(late).count() > 10, "{token:?}: the API has got stuck");
    }
}

#[test]
fn without_keystone_nobody_gets_in_and_nothing_breaks() {
    let mut server = Server::start("keystone");
    let mariadb = firn_ground::shared("mariadb");
    let cache = format!(
        "[keystone_authtoken]\ntoken_cache_time = {}\nhttp_connect_timeout = 2\n",
        BELIEVED[0].as_secs()
    );
    let mut world = World::prepare_with(server.info(), Engine::MariaDb, &mariadb, &cache);
    world.start_all();
    let machine = world.machine(&world.alice, "web", 1);
    let point = world.api(&world.alice).backed_up(&machine.id, "full");
    let point = point["id"].as_str().unwrap();
    let known = world.keystone.token(&world.alice);
    let unseen = world.keystone.token(&world.alice);
    let tokens = [
        (Token::Known, known.as_str()),
        (Token::Known, known.as_str()),
        (Token::Unseen, unseen.as_str()),
        (Token::Wrong, "gAAAAAwrong"),
    ];
    let seen_tokens = [tokens[0], tokens[1], tokens[3]];
    let before = load(&world, &seen_tokens, point, Duration::from_secs(2));
    check_up(&before);

    server.kill();
    let down_at = Instant::now();
    let away = load(&world, &tokens, point, AWAY);
    assert!(down_at.elapsed() >= AWAY);
    check_down(&away, down_at);

    server.start_again();
    until("the token is good again", Duration::from_secs(30), || {
        (status(&world, &known) == 200).then_some(())
    });
    let after = load(&world, &tokens, point, Duration::from_secs(2));
    check_up(&after);
    // What was refused was not done.
    let made = before.iter().chain(&after).filter(|seen| seen.status == 201).count();
    assert_eq!(world.cluster.api(&known).list(PLANS, "plans").len(), made);
    machine.check_restore(&world.cluster.api(&known), point, &machine.truth());
    for name in ["api", "conductor-1", "conductor-2"] {
        assert!(!world.cluster.log(name).contains("panicked"), "{name}");
    }
}
