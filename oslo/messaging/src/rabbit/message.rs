//! Envelopes and answers as bytes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Envelope, RemoteError};

/// Survives a restart of the broker, where its queue does.
const PERSISTENT: u8 = 2;
/// Lives in memory.
const TRANSIENT: u8 = 1;

/// What comes back for a request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// It was done.
    Answered(Envelope),
    /// It cannot be done.
    Refused(RemoteError),
    /// Whoever took it gave it up.
    Abandoned,
}

/// JSON, as every message of ours is.
pub(super) fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(message)
}

/// The properties of a message that must not be lost.
pub(super) fn persistent() -> BasicProperties {
    properties(PERSISTENT)
}

/// The properties of a request or of an answer.
pub(super) fn transient(correlation: &str) -> BasicProperties {
    properties(TRANSIENT).with_correlation_id(correlation.into())
}

fn properties(delivery_mode: u8) -> BasicProperties {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    BasicProperties::default()
        .with_content_type("application/json".into())
        .with_content_encoding("utf-8".into())
        .with_delivery_mode(delivery_mode)
        .with_message_id(Uuid::new_v4().to_string().into())
        .with_timestamp(now.as_secs())
}

/// How long a message may wait, as the broker understands it: whole milliseconds, at least one.
pub(super) fn expiration(wait: Duration) -> String {
    wait.as_millis().clamp(1, u128::from(u32::MAX)).to_string()
}

/// How long the sender of a request was ready to wait when it sent it.
pub(super) fn patience(properties: &BasicProperties) -> Duration {
    let text = properties.expiration().as_ref();
    Duration::from_millis(text.and_then(|text| text.as_str().parse().ok()).unwrap_or_default())
}

/// The how-manieth delivery this is. Brokers count in a header, under one of two names; classic
/// queues only say whether it is the first.
pub(super) fn attempt(properties: &BasicProperties, redelivered: bool) -> u32 {
    let counted = ["x-delivery-count", "x-acquired-count"]
        .into_iter()
        .filter_map(|name| number(properties.headers().as_ref()?, name))
        .max();
    counted.unwrap_or(0).max(u32::from(redelivered)).saturating_add(1)
}

fn number(headers: &FieldTable, name: &str) -> Option<u32> {
    let value = match headers.inner().get(name)? {
        AMQPValue::LongLongInt(value) => *value,
        AMQPValue::LongInt(value) => i64::from(*value),
        AMQPValue::LongUInt(value) => i64::from(*value),
        AMQPValue::ShortInt(value) => i64::from(*value),
        AMQPValue::ShortUInt(value) => i64::from(*value),
        AMQPValue::ShortShortInt(value) => i64::from(*value),
        AMQPValue::ShortShortUInt(value) => i64::from(*value),
        _ => return None,
    };
    Some(u32::try_from(value.max(0)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_by_header_or_by_the_mark() {
        let with = |name: &str, value| {
            let mut headers = FieldTable::default();
            headers.insert(name.into(), value);
            BasicProperties::default().with_headers(headers)
        };
        let none = BasicProperties::default();
        assert_eq!((attempt(&none, false), attempt(&none, true)), (1, 2));
        assert_eq!(attempt(&with("x-delivery-count", AMQPValue::LongLongInt(4)), true), 5);
        assert_eq!(attempt(&with("x-acquired-count", AMQPValue::LongUInt(1)), true), 2);
        assert_eq!(attempt(&with("x-delivery-count", AMQPValue::LongLongInt(-1)), false), 1);
        assert_eq!(attempt(&with("x-delivery-count", AMQPValue::Boolean(true)), false), 1);
    }

    #[test]
    fn patience_travels() {
        for (wait, read) in [(0, 1), (1, 1), (1500, 1500)] {
            let text = expiration(Duration::from_millis(wait));
            let properties = BasicProperties::default().with_expiration(text.into());
            assert_eq!(patience(&properties), Duration::from_millis(read));
        }
        assert_eq!(patience(&BasicProperties::default()), Duration::ZERO);
    }
}
