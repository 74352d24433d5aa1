//! Notifications, read by oslo.messaging itself.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oslo_messaging::{
    MessagingError, Notification, Notifier, NotifierCounts, NotifierOptions, Priority, RabbitMq,
    RabbitNotifier, Transport,
};
use serde_json::{Value, json};

use crate::harness::{PATIENCE, connect, message, options, shared_options, unique};

fn listener(exchange: &str, topic: &str, wanted: usize, kind: &str) -> Child {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rabbitmq/listener.py");
    let broker = firn_ground::shared("rabbitmq");
    Command::new("/usr/bin/python3")
        .arg(script)
        .args([broker["url"].as_str().unwrap(), exchange, topic, &wanted.to_string(), kind])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env_remove("PYTHONPATH")
        .stdout(Stdio::piped())
        .spawn()
        .expect("Debian's python3 is installed")
}

/// What the listener heard.
fn heard(mut listener: Child) -> Vec<Value> {
    let lines = BufReader::new(listener.stdout.take().unwrap()).lines();
    let mut heard = Vec::new();
    for line in lines {
        let line = line.unwrap();
        if line != "listening" {
            heard.push(serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}")));
        }
    }
    let status = listener.wait().unwrap();
    assert!(status.success(), "python3-oslo.messaging is installed and hears all: {heard:?}");
    heard
}

async fn told(notifier: &RabbitNotifier, sent: u64) {
    let begun = Instant::now();
    while notifier.counts().sent < sent {
        assert!(begun.elapsed() < PATIENCE, "{:?}", notifier.counts());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How many messages a queue holds.
async fn waiting(queue: &str) -> u64 {
    let broker = firn_ground::shared("rabbitmq");
    let url = broker["url"].as_str().unwrap().replace("rabbit://", "amqp://");
    let url = format!("{}/%2F", url.trim_end_matches('/'));
    let connection = lapin::Connection::connect(&url, Default::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let passive = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
    let found = channel.queue_declare(queue.into(), passive, Default::default()).await.unwrap();
    let count = found.message_count();
    connection.close(200, "OK".into()).await.unwrap();
    count.into()
}

/// A broker that nobody is.
fn away() -> String {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    format!("rabbit://127.0.0.1:{}/", socket.local_addr().unwrap().port())
}

async fn oslo_hears_what_we_tell(kind: &str) {
    let transport = connect(shared_options()).await;
    let (exchange, topic) = (unique("exchange"), unique("topic"));
    let mut options = NotifierOptions::new(&exchange, "firn-conductor.host-1");
    options.topics = vec![topic.clone()];
    options.durable = kind == "durable";
    let notifier = RabbitNotifier::new(transport.clone(), options);
    // Before anybody listens: it waits in the queue.
    let started = Notification::info(
        "instance_backup.create.start",
        &json!({ "instance_id": "i-1", "size_bytes": 1_u64 << 40, "name": "ünïcode \u{1f9ca}" }),
    )
    .context("request_id", "req-1")
    .context("project_id", "p-1")
    .context("auth_token", "hush");
    let message_id = started.message_id.to_string();
    notifier.notify(started);
    told(&notifier, 1).await;
    let listener = listener(&exchange, &topic, 4, kind);
    notifier.notify(Notification::error("instance_backup.create.error", &json!({ "why": "x" })));
    notifier.notify(Notification::audit("instance_backup.restore.end", &json!({})));
    notifier.notify(Notification::new(Priority::Warn, "instance_backup.quota.near", &json!({})));
    told(&notifier, 4).await;
    let heard = tokio::task::block_in_place(|| heard(listener));
    let of = |priority: &str| heard.iter().find(|one| one["priority"] == priority).unwrap();
    let info = of("info");
    assert_eq!(info["event_type"], "instance_backup.create.start");
    assert_eq!(info["publisher_id"], "firn-conductor.host-1");
    assert_eq!(info["payload"]["size_bytes"], 1_u64 << 40);
    assert_eq!(info["payload"]["name"], "ünïcode \u{1f9ca}");
    assert_eq!(info["metadata"]["message_id"], message_id);
    let timestamp = info["metadata"]["timestamp"].as_str().unwrap();
    assert!(timestamp.starts_with("20") && timestamp.contains('.'), "{timestamp}");
    // The listener adds a field of its own.
    let expected = json!({ "request_id": "req-1", "project_id": "p-1", "client_timeout": null });
    assert_eq!(info["context"], expected);
    assert_eq!(of("error")["payload"], json!({ "why": "x" }));
    assert_eq!(of("audit")["event_type"], "instance_backup.restore.end");
    assert_eq!(of("warn")["event_type"], "instance_backup.quota.near");
    assert_eq!(notifier.counts(), NotifierCounts { sent: 4, dropped: 0, failed: 0 });
    notifier.finish(Duration::from_secs(5)).await;
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_of_oslo_messaging_hears_what_we_tell() {
    oslo_hears_what_we_tell("transient").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_with_durable_queues_hears_what_we_tell() {
    oslo_hears_what_we_tell("durable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_at_the_end_is_delivered() {
    const MANY: u64 = 300;
    let transport = connect(shared_options()).await;
    let (exchange, topic) = (unique("exchange"), unique("topic"));
    let mut options = NotifierOptions::new(&exchange, "publisher");
    options.topics = vec![topic.clone()];
    // As services hold it.
    let notifier: Arc<dyn Notifier> = Arc::new(RabbitNotifier::new(transport.clone(), options));
    for number in 0..MANY {
        notifier.notify(Notification::info("a.b", &json!({ "number": number })));
    }
    assert!(notifier.counts().sent < MANY, "{:?}", notifier.counts());
    notifier.finish(PATIENCE).await;
    assert_eq!(notifier.counts(), NotifierCounts { sent: MANY, dropped: 0, failed: 0 });
    assert_eq!(waiting(&format!("{topic}.info")).await, MANY);
    // Late ones are counted, and another end is none.
    notifier.notify(Notification::info("a.b", &json!({})));
    notifier.finish(PATIENCE).await;
    assert_eq!(notifier.counts(), NotifierCounts { sent: MANY, dropped: 1, failed: 0 });
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_closes_a_transport_of_its_own() {
    let transport = connect(shared_options()).await;
    let options = NotifierOptions::new(unique("exchange"), "publisher");
    RabbitNotifier::over_own(transport.clone(), options).finish(PATIENCE).await;
    let refused = transport.publish(&unique("queue"), message(1)).await.unwrap_err();
    assert!(matches!(refused, MessagingError::Closed), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_does_not_wait_for_a_broker_that_is_away() {
    let transport = RabbitMq::start(options(&away())).unwrap();
    let options = NotifierOptions::new("exchange", "publisher");
    let notifier = RabbitNotifier::new(transport, options);
    for _ in 0..3 {
        notifier.notify(Notification::info("a.b", &json!({})));
    }
    let begun = Instant::now();
    notifier.finish(Duration::from_millis(200)).await;
    assert!(begun.elapsed() < PATIENCE / 3, "{:?}", begun.elapsed());
    assert_eq!(notifier.counts(), NotifierCounts { sent: 0, dropped: 0, failed: 3 });
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_nothing_waits_and_everything_is_counted() {
    let transport = RabbitMq::start(options(&away())).unwrap();
    let mut options = NotifierOptions::new("exchange", "publisher");
    options.capacity = 3;
    options.patience = Duration::from_millis(200);
    let notifier = RabbitNotifier::new(transport, options);
    let begun = Instant::now();
    for _ in 0..100 {
        notifier.notify(Notification::info("a.b", &json!({})));
    }
    assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
    while notifier.counts().failed + notifier.counts().dropped < 100 {
        assert!(begun.elapsed() < PATIENCE, "{:?}", notifier.counts());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let counts = notifier.counts();
    assert!((1..=4).contains(&counts.failed) && counts.sent == 0, "{counts:?}");
    notifier.finish(Duration::from_secs(1)).await;
}
