//! The in-process transport passes the suite that every transport has to pass, and does what is
//! its own.

// Helpers of tests may panic as tests do; clippy's own exemption knows only `#[test]`.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use oslo_messaging::{Envelope, InProcess, MessagingError, Transport, dead_letters};
use serde_json::json;

oslo_messaging::conformance_tests!(async { Arc::new(InProcess::new()) as Arc<dyn Transport> });

fn message(number: u64) -> Envelope {
    Envelope { schema: "test/1".to_owned(), request_id: String::new(), body: json!(number) }
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_takes_again_when_there_is_room() {
    let transport = InProcess::with_capacity(2);
    for number in 0..2 {
        transport.publish("jobs", message(number)).await.unwrap();
    }
    let full = transport.publish("jobs", message(2)).await.unwrap_err();
    assert!(matches!(full, MessagingError::Full { .. }) && full.retryable());
    transport.publish("others", message(2)).await.unwrap();
    let mut consumer = transport.consume("jobs", 1).await.unwrap();
    consumer.next().await.unwrap().ack().await.unwrap();
    transport.publish("jobs", message(3)).await.unwrap();
    for expected in [1, 3] {
        let delivery = consumer.next().await.unwrap();
        assert_eq!(delivery.envelope, message(expected));
        delivery.ack().await.unwrap();
    }
}

#[tokio::test]
async fn dead_letters_are_bounded_and_can_be_thrown_away() {
    let transport = InProcess::with_capacity(2);
    let mut consumer = transport.consume("jobs", 1).await.unwrap();
    for number in 0..3 {
        transport.publish("jobs", message(number)).await.unwrap();
        consumer.next().await.unwrap().nack(false).await.unwrap();
    }
    let mut dead = transport.consume(&dead_letters("jobs"), 1).await.unwrap();
    for expected in [1, 2] {
        let letter = dead.next().await.unwrap();
        assert_eq!((letter.attempt, &letter.envelope), (1, &message(expected)));
        letter.nack(false).await.unwrap();
    }
    assert!(tokio::time::timeout(Duration::from_millis(50), dead.next()).await.is_err());
}

#[tokio::test]
async fn a_call_that_nobody_will_take_fails_at_once() {
    let transport = InProcess::new();
    let minute = Duration::from_secs(60);
    let begun = Instant::now();
    let error = transport.call("agent", message(1), minute).await.unwrap_err();
    assert!(matches!(error, MessagingError::NoServer { .. }), "{error}");

    let server = transport.serve("agent", 1).await.unwrap();
    let called = tokio::spawn({
        let transport = transport.clone();
        async move { transport.call("agent", message(1), minute).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(server);
    let error = called.await.unwrap().unwrap_err();
    assert!(matches!(error, MessagingError::Abandoned { .. }), "{error}");
    assert!(begun.elapsed() < minute / 2);
}

#[tokio::test]
async fn waiting_calls_are_bounded() {
    let transport = InProcess::with_capacity(1);
    let _server = transport.serve("agent", 1).await.unwrap();
    let waiting = transport.call("agent", message(1), Duration::from_secs(60));
    tokio::pin!(waiting);
    assert!(tokio::time::timeout(Duration::from_millis(20), waiting.as_mut()).await.is_err());
    let full = transport.call("agent", message(2), Duration::from_secs(60)).await.unwrap_err();
    assert!(matches!(full, MessagingError::Full { .. }), "{full}");
}
