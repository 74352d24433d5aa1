//! What the rest of a cloud hears of backups, by its own library.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use firn_ground::shared;
use serde_json::Value;

use crate::world::{Engine, World};

/// Events that two backups, one of which fails, a restore and a deletion make.
const EVENTS: [&str; 8] = [
    "instance_backup.create.start",
    "instance_backup.create.end",
    "instance_backup.create.start",
    "instance_backup.create.error",
    "instance_backup.restore.start",
    "instance_backup.restore.end",
    "instance_backup.delete.start",
    "instance_backup.delete.end",
];

#[test]
fn a_listener_of_oslo_messaging_hears_of_every_job() {
    let more = "[oslo_messaging_notifications]\ndriver = messagingv2\n";
    let mut world = World::prepare(Engine::MariaDb, &shared("mariadb"), more);
    world.start_all();
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../oslo/messaging/tests/rabbitmq/listener.py");
    let count = EVENTS.len().to_string();
    let mut listener = Command::new("/usr/bin/python3")
        .arg(script)
        .args([world.broker.text("url"), "firn", "notifications", &count, "transient"])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env_remove("PYTHONPATH")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().as_deref(), Some("listening"), "python3-oslo.messaging is installed");

    let api = world.api(&world.alice);
    let machine = world.machine(&world.alice, "web", 1);
    let good = api.backup(&machine.id, "full");
    api.wait(&good.job).succeeded();
    std::fs::remove_file(&machine.device("vda").path).unwrap();
    let bad = api.backup(&machine.id, "full");
    let reason = api.wait_within(&bad.job, Duration::from_secs(180)).failed("not_found");
    api.wait(&api.restore(&good.point, "copy")).succeeded();
    api.delete(&good.point);

    let heard: Vec<Value> = lines.map(|line| serde_json::from_str(&line).unwrap()).collect();
    assert!(listener.wait().unwrap().success(), "not all was heard: {heard:#?}");
    let mut events: Vec<_> = heard.iter().map(|one| one["event_type"].as_str().unwrap()).collect();
    events.sort_unstable();
    let mut expected = EVENTS;
    expected.sort_unstable();
    assert_eq!(events, expected);
    for one in &heard {
        let (context, payload) = (&one["context"], &one["payload"]);
        assert_eq!(context["project_id"], world.alice.project.as_str());
        assert_eq!(payload["project_id"], world.alice.project.as_str());
        assert!(context["request_id"].as_str().unwrap().starts_with("req-"), "{context}");
        let publisher = one["publisher_id"].as_str().unwrap();
        assert!(publisher.starts_with("conductor.conductor-"), "{publisher}");
        let failed = one["event_type"] == "instance_backup.create.error";
        assert_eq!(one["priority"], if failed { "error" } else { "info" });
        if failed {
            assert_eq!(payload["job_id"], bad.job.as_str());
            assert_eq!(payload["error"], reason.as_str());
        }
    }
}
