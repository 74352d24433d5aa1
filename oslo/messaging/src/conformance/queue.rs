use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::timeout;

use super::{SILENCE, message, nothing_comes, number, publish, take, unique};
use crate::{MessagingError, Transport, dead_letters};

/// Content and order survive.
pub async fn messages_arrive_whole_and_in_order(transport: Arc<dyn Transport>) {
    let queue = unique("order");
    let mut consumer = transport.consume(&queue, 10).await.unwrap();
    publish(&*transport, &queue, 0..20).await;
    for expected in 0..20 {
        let delivery = take(&mut consumer).await;
        assert_eq!(delivery.envelope, message(expected));
        assert_eq!(delivery.attempt, 1);
        delivery.ack().await.unwrap();
    }
    nothing_comes(&mut consumer).await;
}

/// Publishing does not need a receiver.
pub async fn a_queue_keeps_messages_until_somebody_comes(transport: Arc<dyn Transport>) {
    let queue = unique("keep");
    publish(&*transport, &queue, 0..3).await;
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    for expected in 0..3 {
        let delivery = take(&mut consumer).await;
        assert_eq!(number(&delivery.envelope), expected);
        delivery.ack().await.unwrap();
    }
}

/// Each message goes to one consumer, and every consumer gets some.
pub async fn consumers_share_a_queue(transport: Arc<dyn Transport>) {
    let queue = unique("share");
    let mut one = transport.consume(&queue, 1).await.unwrap();
    let mut two = transport.consume(&queue, 1).await.unwrap();
    publish(&*transport, &queue, 0..2).await;
    let (first, second) = (take(&mut one).await, take(&mut two).await);
    assert_ne!(number(&first.envelope), number(&second.envelope));
    first.ack().await.unwrap();
    second.ack().await.unwrap();
    nothing_comes(&mut one).await;
    nothing_comes(&mut two).await;
}

/// A consumer with its hands full gets no more, and leaves the rest to others.
pub async fn prefetch_limits_what_is_in_hand(transport: Arc<dyn Transport>) {
    let queue = unique("prefetch");
    publish(&*transport, &queue, 0..4).await;
    let mut busy = transport.consume(&queue, 2).await.unwrap();
    let held = [take(&mut busy).await, take(&mut busy).await];
    nothing_comes(&mut busy).await;
    let mut idle = transport.consume(&queue, 1).await.unwrap();
    let other = take(&mut idle).await;
    assert_eq!(number(&other.envelope), 2);
    for delivery in held {
        delivery.ack().await.unwrap();
    }
    let next = take(&mut busy).await;
    assert_eq!(number(&next.envelope), 3);
    next.ack().await.unwrap();
    other.ack().await.unwrap();
}

/// Back to the front of the queue, with the count of its deliveries.
pub async fn a_message_given_up_comes_back_first_and_counted(transport: Arc<dyn Transport>) {
    let queue = unique("nack");
    publish(&*transport, &queue, 0..2).await;
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    for attempt in 1..=3 {
        let delivery = take(&mut consumer).await;
        assert_eq!((number(&delivery.envelope), delivery.attempt), (0, attempt));
        delivery.nack(true).await.unwrap();
    }
    take(&mut consumer).await.ack().await.unwrap();
    let delivery = take(&mut consumer).await;
    assert_eq!((number(&delivery.envelope), delivery.attempt), (1, 1));
    delivery.ack().await.unwrap();
}

/// A receiver that panics or forgets loses nothing.
pub async fn a_message_dropped_comes_back(transport: Arc<dyn Transport>) {
    let queue = unique("drop");
    publish(&*transport, &queue, [7]).await;
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    drop(take(&mut consumer).await);
    // At the latest when its consumer goes.
    drop(consumer);
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    let delivery = take(&mut consumer).await;
    assert_eq!((number(&delivery.envelope), delivery.attempt), (7, 2));
    delivery.ack().await.unwrap();
}

/// What a dead consumer held goes to another, in the order it had.
pub async fn a_consumer_that_dies_gives_everything_back(transport: Arc<dyn Transport>) {
    let queue = unique("death");
    publish(&*transport, &queue, 0..5).await;
    let mut doomed = transport.consume(&queue, 3).await.unwrap();
    let held = [take(&mut doomed).await, take(&mut doomed).await, take(&mut doomed).await];
    drop(doomed);
    let mut heir = transport.consume(&queue, 1).await.unwrap();
    for expected in 0..5 {
        let delivery = take(&mut heir).await;
        assert_eq!(number(&delivery.envelope), expected);
        assert_eq!(delivery.attempt > 1, expected < 3);
        delivery.ack().await.unwrap();
    }
    drop(held);
    nothing_comes(&mut heir).await;
}

/// Not even when its consumer dies afterwards.
pub async fn an_acknowledged_message_never_comes_back(transport: Arc<dyn Transport>) {
    let queue = unique("ack");
    publish(&*transport, &queue, 0..2).await;
    let mut consumer = transport.consume(&queue, 2).await.unwrap();
    take(&mut consumer).await.ack().await.unwrap();
    let held = take(&mut consumer).await;
    drop(consumer);
    drop(held);
    let mut consumer = transport.consume(&queue, 2).await.unwrap();
    let delivery = take(&mut consumer).await;
    assert_eq!(number(&delivery.envelope), 1);
    delivery.ack().await.unwrap();
    nothing_comes(&mut consumer).await;
}

/// A receiver that is too late learns that its message is somebody else's now.
pub async fn settling_what_went_back_is_told(transport: Arc<dyn Transport>) {
    let queue = unique("stale");
    publish(&*transport, &queue, 0..2).await;
    let mut consumer = transport.consume(&queue, 2).await.unwrap();
    let (one, two) = (take(&mut consumer).await, take(&mut consumer).await);
    drop(consumer);
    for late in [one.ack().await, two.nack(false).await] {
        assert!(matches!(late, Err(MessagingError::Stale { .. })), "{late:?}");
    }
    let mut heir = transport.consume(&queue, 2).await.unwrap();
    for _ in 0..2 {
        take(&mut heir).await.ack().await.unwrap();
    }
}

/// Refused messages leave their queue and can be looked at.
pub async fn a_refused_message_lies_in_the_dead_letters(transport: Arc<dyn Transport>) {
    let queue = unique("refuse");
    publish(&*transport, &queue, 0..2).await;
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    take(&mut consumer).await.nack(false).await.unwrap();
    let next = take(&mut consumer).await;
    assert_eq!(number(&next.envelope), 1);
    next.ack().await.unwrap();
    nothing_comes(&mut consumer).await;
    let mut dead = transport.consume(&dead_letters(&queue), 1).await.unwrap();
    let letter = take(&mut dead).await;
    assert_eq!(letter.envelope, message(0));
    letter.ack().await.unwrap();
}

/// `next` may be one branch of a select.
pub async fn waiting_can_be_broken_off_without_loss(transport: Arc<dyn Transport>) {
    let queue = unique("select");
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    let sender = tokio::spawn({
        let (transport, queue) = (Arc::clone(&transport), queue.clone());
        async move {
            for number in 0..50 {
                transport.publish(&queue, message(number)).await.unwrap();
                tokio::time::sleep(std::time::Duration::from_micros(700)).await;
            }
        }
    });
    let mut expected = 0;
    let mut broken_off = 0;
    while expected < 50 {
        match timeout(std::time::Duration::from_micros(300), consumer.next()).await {
            Ok(delivery) => {
                let delivery = delivery.unwrap();
                assert_eq!(number(&delivery.envelope), expected);
                delivery.ack().await.unwrap();
                expected += 1;
            }
            Err(_) => {
                broken_off += 1;
                assert!(broken_off < 1_000_000, "message {expected} was lost");
            }
        }
    }
    sender.await.unwrap();
    assert!(broken_off > 0, "the check did what it is for");
}

/// Every message is acknowledged exactly once, with receivers that fail now and then.
pub async fn many_senders_and_receivers_lose_and_double_nothing(transport: Arc<dyn Transport>) {
    const SENDERS: u64 = 4;
    const EACH: u64 = 50;
    let queue = unique("many");
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (transport, queue) = (Arc::clone(&transport), queue.clone());
            tokio::spawn(async move {
                publish(&*transport, &queue, sender * EACH..(sender + 1) * EACH).await;
            })
        })
        .collect();
    let receivers: Vec<_> = (0..4u64)
        .map(|receiver| {
            let (transport, queue) = (Arc::clone(&transport), queue.clone());
            tokio::spawn(async move {
                let mut consumer = transport.consume(&queue, 3).await.unwrap();
                let mut done = Vec::new();
                // Long enough for a pause of the others, short enough for a test.
                while let Ok(delivery) = timeout(SILENCE * 6, consumer.next()).await {
                    let delivery = delivery.unwrap();
                    let number = number(&delivery.envelope);
                    match (number + receiver) % 5 {
                        0 if delivery.attempt == 1 => delivery.nack(true).await.unwrap(),
                        1 if delivery.attempt == 1 => drop(delivery),
                        _ => {
                            delivery.ack().await.unwrap();
                            done.push(number);
                        }
                    }
                }
                done
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
    for receiver in receivers {
        for number in receiver.await.unwrap() {
            *seen.entry(number).or_default() += 1;
        }
    }
    let expected: BTreeMap<u64, u32> = (0..SENDERS * EACH).map(|number| (number, 1)).collect();
    assert_eq!(seen, expected);
}
