//! Notifications: what happened, for whoever wants to know. They never hold up or fail what they
//! tell about.

mod in_process;
#[cfg(feature = "rabbitmq")]
mod rabbit;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

pub use self::in_process::{InProcessNotifier, NoNotifier};
#[cfg(feature = "rabbitmq")]
pub use self::rabbit::{NotifierOptions, RabbitNotifier};

/// How weighty a notification is. oslo.messaging has a topic for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Priority {
    /// For the record of who did what.
    Audit,
    /// For developers.
    Debug,
    /// As it should be.
    Info,
    /// Somebody should look when there is time.
    Warn,
    /// Something failed.
    Error,
    /// Something failed that must not.
    Critical,
    /// One of very many figures.
    Sample,
}

impl Priority {
    /// As it stands in a topic: `info`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Sample => "sample",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happened.
///
/// ```
/// # use oslo_messaging::Notification;
/// #[derive(serde::Serialize)]
/// struct Started {
///     volume_id: &'static str,
/// }
///
/// let notification = Notification::info("volume.copy.start", &Started { volume_id: "5b1c" })
///     .context("request_id", "req-1")
///     .context("project_id", "a4f0");
/// assert_eq!(notification.payload["volume_id"], "5b1c");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Different for each.
    pub message_id: Uuid,
    /// `resource.action.phase`.
    pub event_type: String,
    /// How weighty it is.
    pub priority: Priority,
    /// When it happened.
    pub timestamp: DateTime<Utc>,
    /// About what; an object.
    pub payload: Value,
    /// On whose behalf: `request_id`, `project_id`, `user_id`.
    pub context: BTreeMap<String, Value>,
}

impl Notification {
    /// Something happened now. A payload that is no JSON object (a map with keys that are no
    /// strings, say) becomes an object that tells so: a notification is never the reason of a failure.
    pub fn new<T: Serialize + ?Sized>(priority: Priority, event_type: &str, payload: &T) -> Self {
        let payload = match serde_json::to_value(payload) {
            Ok(Value::Object(fields)) => Value::Object(fields),
            Ok(other) => json!({ "value": other }),
            Err(error) => json!({ "unserializable": error.to_string() }),
        };
        Self {
            message_id: Uuid::new_v4(),
            event_type: event_type.to_owned(),
            priority,
            timestamp: Utc::now(),
            payload,
            context: BTreeMap::new(),
        }
    }

    /// As it should be.
    pub fn info<T: Serialize + ?Sized>(event_type: &str, payload: &T) -> Self {
        Self::new(Priority::Info, event_type, payload)
    }

    /// Something failed.
    pub fn error<T: Serialize + ?Sized>(event_type: &str, payload: &T) -> Self {
        Self::new(Priority::Error, event_type, payload)
    }

    /// Who did what.
    pub fn audit<T: Serialize + ?Sized>(event_type: &str, payload: &T) -> Self {
        Self::new(Priority::Audit, event_type, payload)
    }

    /// Adds to the context. What could let a reader act in somebody's name stays out: names
    /// with `token`, `secret`, `password` or `catalog` in them are left away.
    #[must_use]
    pub fn context(mut self, name: &str, value: impl Into<Value>) -> Self {
        let secret = ["token", "secret", "password", "catalog"];
        let lower = name.to_ascii_lowercase();
        if !secret.iter().any(|word| lower.contains(word)) {
            self.context.insert(name.to_owned(), value.into());
        }
        self
    }
}

/// What became of notifications so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotifierCounts {
    /// Delivered.
    pub sent: u64,
    /// Thrown away because too many were waiting, or because the notifier had finished.
    pub dropped: u64,
    /// Not delivered in time, or refused.
    pub failed: u64,
}

/// Tells the world. Bounded, never waits and never fails: what cannot be told is logged and
/// counted.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Takes a notification.
    fn notify(&self, notification: Notification);

    /// What became of those before.
    fn counts(&self) -> NotifierCounts;

    /// Takes no more, and waits until those that wait are delivered, at most for `patience`: the end
    /// of a process. What is left then has failed, and what comes later is dropped.
    async fn finish(&self, patience: Duration) {
        let _ = patience;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_objects_whatever_is_given() {
        let payload = |payload: &Value| Notification::info("a.b", payload).payload;
        assert_eq!(payload(&json!({ "a": 1 })), json!({ "a": 1 }));
        assert_eq!(payload(&json!([1])), json!({ "value": [1] }));
        let odd = BTreeMap::from([((1, 2), 3)]);
        let odd = Notification::error("a.b", &odd);
        assert!(odd.payload["unserializable"].is_string(), "{odd:?}");
    }

    #[test]
    fn secrets_stay_out_of_the_context() {
        let notification = Notification::audit("a.b", &json!({}))
            .context("project_id", "p")
            .context("auth_token", "t")
            .context("service_catalog", json!([]))
            .context("Password", "w");
        assert_eq!(notification.context.keys().collect::<Vec<_>>(), ["project_id"]);
    }
}
