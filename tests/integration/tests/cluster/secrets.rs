//! What must never be logged.

use serde_json::Value;

use crate::world::{Engine, World};

#[test]
fn no_log_tells_a_secret() {
    for json in [false, true] {
        let more = format!("[DEFAULT]\ndebug = true\nuse_json = {json}\n");
        let mariadb = firn_ground::shared("mariadb");
        let mut world = World::prepare(Engine::MariaDb, &mariadb, &more);
        world.cluster.start_conductor("conductor-1");
        world.cluster.start_agent("agent-1");
        world.cluster.start_api();
        let token = world.keystone.token(&world.alice);
        let api = world.cluster.api(&token);
        let machine = world.machine(&world.alice, "web", 1);
        let point = api.backed_up(&machine.id, "full");
        machine.check_restore(&api, point["id"].as_str().unwrap(), &machine.truth());
        let wrong = "gAAAAAwrong-and-secret-all-the-same";
        assert_eq!(world.cluster.api(wrong).send("GET", "/v1/jobs", &Value::Null).status, 401);

        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let secrets = [
            ("the token", token),
            ("a wrong token", wrong.to_owned()),
            ("the database's password", text(&mariadb["password"])),
            ("the broker's password", world.broker.text("password").to_owned()),
            ("the service's password", world.backing.service_user.password.clone()),
            ("the user's password", world.alice.password.clone()),
        ];
        for name in ["api", "conductor-1", "agent-1"] {
            let log = world.cluster.log(name);
            assert!(log.contains("ready"), "{name} logs nothing:\n{log}");
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
