//! Nothing grows without limit.

use std::time::Duration;

use oslo_messaging::{MessagingError, Transport, dead_letters};
use tokio::time::timeout;

use crate::harness::{connect, message, number, shared_options, take, unique};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_kills_its_receivers_ends_in_the_dead_letters() {
    const LIMIT: u32 = 4;
    let mut options = shared_options();
    options.delivery_limit = LIMIT;
    let transport = connect(options).await;
    let queue = unique("poison");
    for poison in [1, 2] {
        transport.publish(&queue, message(poison)).await.unwrap();
    }
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    // Given back or dropped: both count.
    for poison in [1, 2] {
        for attempt in 1..=LIMIT {
            let delivery = take(&mut consumer).await;
            assert_eq!((number(&delivery.envelope), delivery.attempt), (poison, attempt));
            match poison {
                1 => delivery.nack(true).await.unwrap(),
                _ => drop(delivery),
            }
        }
    }
    assert!(timeout(Duration::from_millis(300), consumer.next()).await.is_err());
    let mut dead = transport.consume(&dead_letters(&queue), 2).await.unwrap();
    let mut found = Vec::new();
    for _ in 0..2 {
        let letter = take(&mut dead).await;
        found.push(number(&letter.envelope));
        letter.ack().await.unwrap();
    }
    found.sort_unstable();
    assert_eq!(found, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_envelope_ends_in_the_dead_letters_of_its_queue() {
    // The topic of notifications reaches a work queue of the same name, with another kind of body.
    let transport = connect(shared_options()).await;
    let queue = unique("garbage");
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    crate::harness::publish_raw(&queue, b"{\"not\": \"an envelope\"}").await;
    transport.publish(&queue, message(1)).await.unwrap();
    let delivery = take(&mut consumer).await;
    assert_eq!(number(&delivery.envelope), 1);
    delivery.ack().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_and_full_dead_letters_forget_the_oldest() {
    const LENGTH: u32 = 20;
    let mut options = shared_options();
    options.queue_length = LENGTH;
    let transport = connect(options).await;
    let queue = unique("full");
    let mut taken = 0;
    let full = loop {
        match transport.publish(&queue, message(taken)).await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 10 * u64::from(LENGTH), "it never refuses");
    };
    assert!(matches!(full, MessagingError::Full { .. }) && full.retryable(), "{full}");
    // A broker may take some more than the limit before it notices.
    assert!((u64::from(LENGTH)..u64::from(2 * LENGTH)).contains(&taken), "{taken}");

    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    for expected in 0..taken {
        let delivery = take(&mut consumer).await;
        assert_eq!(number(&delivery.envelope), expected);
        delivery.nack(false).await.unwrap();
    }
    // There is room again.
    transport.publish(&queue, message(taken)).await.unwrap();
    for refused in taken..taken + 30 {
        take(&mut consumer).await.nack(false).await.unwrap();
        transport.publish(&queue, message(refused + 1)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut dead = transport.consume(&dead_letters(&queue), 1).await.unwrap();
    let mut kept = 0;
    let mut last = None;
    while let Ok(letter) = timeout(Duration::from_secs(1), dead.next()).await {
        let letter = letter.unwrap();
        last = Some(number(&letter.envelope));
        kept += 1;
        letter.ack().await.unwrap();
    }
    assert!(kept <= u64::from(2 * LENGTH), "{kept} dead letters");
    assert_eq!(last, Some(taken + 29), "the newest is kept");
}

/// Resident memory of this process.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_within_limits_and_a_receiver_holds_its_prefetch_and_no_more() {
    const MESSAGES: u64 = 4000;
    let transport = connect(shared_options()).await;
    let queue = unique("load");
    let before = resident_mib();
    let senders: Vec<_> = (0..16)
        .map(|sender| {
            let (transport, queue) = (transport.clone(), queue.clone());
            tokio::spawn(async move {
                for n in (sender..MESSAGES).step_by(16) {
                    let mut message = message(n);
                    message.body["padding"] = "x".repeat(8 << 10).into();
                    transport.publish(&queue, message).await.unwrap();
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let mut consumer = transport.consume(&queue, 10).await.unwrap();
    // Thirty-two megabytes wait at the broker; ten messages are here.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let grown = resident_mib().saturating_sub(before);
    assert!(grown < 48, "{grown} MiB more than before");
    let mut other = transport.consume(&queue, 10).await.unwrap();
    let eleventh = take(&mut other).await;
    drop(eleventh);
    drop(other);
    for _ in 0..MESSAGES {
        take(&mut consumer).await.ack().await.unwrap();
    }
    assert!(timeout(Duration::from_millis(300), consumer.next()).await.is_err());
    let grown = resident_mib().saturating_sub(before);
    assert!(grown < 48, "{grown} MiB more than before");
}
