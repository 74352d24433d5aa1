use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use oslo_messaging::{Consumer, Delivery, Envelope, RabbitMq, RabbitOptions};
use serde_json::json;
use tokio::time::timeout;

/// For what has to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The broker that all tests share.
pub(crate) fn shared_options() -> RabbitOptions {
    let broker = firn_ground::shared("rabbitmq");
    options(broker["url"].as_str().expect("a url"))
}

/// Short waits: tests do not lean on the long ones.
pub(crate) fn options(url: &str) -> RabbitOptions {
    let mut options = RabbitOptions::new(url).unwrap();
    options.retry_interval = Duration::from_millis(200);
    options.retry_interval_max = Duration::from_secs(1);
    options.connect_timeout = Duration::from_secs(5);
    options
}

pub(crate) async fn connect(options: RabbitOptions) -> RabbitMq {
    RabbitMq::connect(options).await.expect("a broker")
}

/// A name that nobody has used.
pub(crate) fn unique(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    format!("test.{name}.{}.{time}.{count}", std::process::id())
}

pub(crate) fn message(number: u64) -> Envelope {
    Envelope {
        schema: "test.message/1".to_owned(),
        request_id: format!("req-{number}"),
        body: json!({ "number": number }),
    }
}

pub(crate) fn number(envelope: &Envelope) -> u64 {
    envelope.body["number"].as_u64().expect("a number")
}

pub(crate) async fn take(consumer: &mut Box<dyn Consumer>) -> Delivery {
    timeout(PATIENCE, consumer.next()).await.expect("a message in time").expect("an open transport")
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// Puts bytes into a queue that another program might have sent.
pub(crate) async fn publish_raw(queue: &str, body: &[u8]) {
    let broker = firn_ground::shared("rabbitmq");
    let url = broker["url"].as_str().unwrap().replace("rabbit://", "amqp://");
    let url = format!("{}/%2F", url.trim_end_matches('/'));
    let connection = lapin::Connection::connect(&url, Default::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let confirm = channel.confirm_select(Default::default()).await;
    confirm.unwrap();
    channel
        .basic_publish("".into(), queue.into(), Default::default(), body, Default::default())
        .await
        .unwrap()
        .await
        .unwrap();
    connection.close(200, "OK".into()).await.unwrap();
}
