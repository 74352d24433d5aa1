use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{Notification, Notifier, NotifierCounts};
use crate::{RabbitMq, Transport};

/// Where notifications go to, in oslo.messaging's terms.
#[derive(Clone, Debug)]
pub struct NotifierOptions {
    /// The topic exchange (`control_exchange`).
    pub exchange: String,
    /// Topics; each gets every notification, under `<topic>.<priority>` (`topics` of
    /// `[oslo_messaging_notifications]`).
    pub topics: Vec<String>,
    /// Who tells: `service.host`.
    pub publisher_id: String,
    /// Whether exchange and queues survive a restart of the broker (`amqp_durable_queues`). Listeners
    /// must have the same.
    pub durable: bool,
    /// Whether the queues are quorum queues (`rabbit_quorum_queue`), which are always durable.
    /// Listeners must have the same.
    pub quorum: bool,
    /// How many wait at most while the broker is away; more are thrown away.
    pub capacity: usize,
    /// How long each may wait for the broker.
    pub patience: Duration,
}

impl NotifierOptions {
    /// oslo.messaging's usual values: the topic `notifications`, nothing durable.
    pub fn new(exchange: impl Into<String>, publisher_id: impl Into<String>) -> Self {
        Self {
            exchange: exchange.into(),
            topics: vec!["notifications".to_owned()],
            publisher_id: publisher_id.into(),
            durable: false,
            quorum: false,
            capacity: 1000,
            patience: Duration::from_secs(30),
        }
    }
}

/// Notifications in oslo.messaging's format `messagingv2`, one after the other over a
/// [`RabbitMq`]. Like oslo.messaging it makes the listeners' queues itself, so that nothing is lost
/// before the first listener comes. Those queues are not bounded: whoever turns notifications on
/// has to read them.
pub struct RabbitNotifier {
    /// None after the end.
    working: Mutex<Option<Working>>,
    counters: Arc<Counters>,
    /// Closed at the end, where it is for notifications only.
    own: Option<RabbitMq>,
}

struct Working {
    queue: Sender<Notification>,
    worker: JoinHandle<()>,
}

#[derive(Default)]
struct Counters {
    /// Those that are or were in the queue.
    taken: AtomicU64,
    sent: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

impl RabbitNotifier {
    /// Begins to pass notifications on. Needs a tokio runtime around it.
    pub fn new(transport: RabbitMq, options: NotifierOptions) -> Self {
        let (queue, waiting) = mpsc::channel(options.capacity.max(1));
        let counters = Arc::new(Counters::default());
        let worker = tokio::spawn(work(transport, options, waiting, Arc::clone(&counters)));
        Self { working: Mutex::new(Some(Working { queue, worker })), counters, own: None }
    }

    /// As [`new`](Self::new), over a transport that nobody else uses: it is closed at the end.
    pub fn over_own(transport: RabbitMq, options: NotifierOptions) -> Self {
        Self { own: Some(transport.clone()), ..Self::new(transport, options) }
    }

    fn dropped(&self, notification: &Notification, reason: &str) {
        let dropped = self.counters.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        let event_type = &notification.event_type;
        tracing::warn!(event_type, dropped, reason, "a notification is dropped");
    }
}

#[async_trait]
impl Notifier for RabbitNotifier {
    fn notify(&self, notification: Notification) {
        // Counted under the lock: the end compares what was taken with what became of it.
        let working = self.working.lock();
        let Some(Working { queue, .. }) = working.as_ref() else {
            return self.dropped(&notification, "the process ends");
        };
        match queue.try_send(notification) {
            Ok(()) => _ = self.counters.taken.fetch_add(1, Ordering::Relaxed),
            Err(error) => self.dropped(&error.into_inner(), "too many wait"),
        }
    }

    fn counts(&self) -> NotifierCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NotifierCounts {
            sent: read(&self.counters.sent),
            dropped: read(&self.counters.dropped),
            failed: read(&self.counters.failed),
        }
    }

    async fn finish(&self, patience: Duration) {
        let working = self.working.lock().take();
        if let Some(Working { queue, mut worker }) = working {
            // The worker ends when it has emptied the queue.
            drop(queue);
            if tokio::time::timeout(patience, &mut worker).await.is_err() {
                worker.abort();
                // Whatever it has sent is counted when it has ended.
                let _ = worker.await;
                let NotifierCounts { sent, failed, .. } = self.counts();
                let taken = self.counters.taken.load(Ordering::Relaxed);
                let left = taken.saturating_sub(sent + failed);
                self.counters.failed.fetch_add(left, Ordering::Relaxed);
                tracing::warn!(left, "notifications are left that could not be sent");
            }
        }
        if let Some(own) = &self.own {
            own.close().await;
        }
    }
}

async fn work(
    transport: RabbitMq,
    options: NotifierOptions,
    mut waiting: Receiver<Notification>,
    counters: Arc<Counters>,
) {
    while let Some(notification) = waiting.recv().await {
        let body = body(&notification, &options.publisher_id).to_string();
        let mut told = true;
        for topic in &options.topics {
            let key = format!("{topic}.{}", notification.priority);
            if let Err(error) = transport.tell(&options, key, body.as_bytes()).await {
                let event_type = &notification.event_type;
                let error = crate::rabbit::chain(&error);
                tracing::warn!(event_type, topic, error, "a notification could not be sent");
                told = false;
            }
        }
        let counter = if told { &counters.sent } else { &counters.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The message in its envelope: version 2.0, the message itself as a text.
fn body(notification: &Notification, publisher_id: &str) -> Value {
    let mut message = Map::new();
    for (name, value) in &notification.context {
        message.insert(format!("_context_{name}"), value.clone());
    }
    let timestamp = notification.timestamp.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    for (name, value) in [
        ("message_id", json!(notification.message_id)),
        ("publisher_id", json!(publisher_id)),
        ("event_type", json!(notification.event_type)),
        ("priority", json!(notification.priority.as_str().to_ascii_uppercase())),
        ("payload", notification.payload.clone()),
        ("timestamp", json!(timestamp)),
        // By this a listener sees that it has a message twice.
        ("_unique_id", json!(Uuid::new_v4().simple().to_string())),
    ] {
        message.insert(name.to_owned(), value);
    }
    json!({ "oslo.version": "2.0", "oslo.message": Value::Object(message).to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_oslos() {
        let notification =
            Notification::info("a.b.start", &json!({ "id": 1 })).context("request_id", "req-1");
        let body = body(&notification, "service.host");
        assert_eq!(body["oslo.version"], "2.0");
        let message: Value = serde_json::from_str(body["oslo.message"].as_str().unwrap()).unwrap();
        assert_eq!(message["event_type"], "a.b.start");
        assert_eq!(message["priority"], "INFO");
        assert_eq!(message["publisher_id"], "service.host");
        assert_eq!(message["payload"], json!({ "id": 1 }));
        assert_eq!(message["_context_request_id"], "req-1");
        assert_eq!(message["message_id"], notification.message_id.to_string());
        let timestamp = message["timestamp"].as_str().unwrap();
        assert_eq!(timestamp.len(), "2026-11-23 06:00:00.000000".len(), "{timestamp}");
    }
}
