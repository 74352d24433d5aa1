use std::sync::Arc;

use tokio::time::timeout;

use super::rpc::call;
use super::{PATIENCE, message, publish, take, take_request, unique};
use crate::{MessagingError, Transport};

/// Consumers, servers and callers that wait are let go, whatever they wait for.
pub async fn closing_ends_every_wait(transport: Arc<dyn Transport>) {
    let (queue, target) = (unique("close"), unique("close"));
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    let mut server = transport.serve(&target, 1).await.unwrap();
    let in_hand = call(&transport, &target, 1, PATIENCE * 6);
    let held = take_request(&mut server).await;
    let waiting = call(&transport, &target, 2, PATIENCE * 6);
    let consumer = tokio::spawn(async move { consumer.next().await.is_none() });
    let server = tokio::spawn(async move { server.next().await.is_none() });
    // Lets all of them begin to wait.
    tokio::time::sleep(super::SILENCE).await;
    transport.close().await;
    assert!(timeout(PATIENCE, consumer).await.expect("the consumer is let go").unwrap());
    assert!(timeout(PATIENCE, server).await.expect("the server is let go").unwrap());
    for called in [in_hand, waiting] {
        let error = timeout(PATIENCE, called).await.expect("callers are let go").unwrap();
        assert!(matches!(error, Err(MessagingError::Closed)), "{error:?}");
    }
    // What is answered now has nowhere to go, and does no harm.
    let _ = held.answer(message(1)).await;
}

/// Nothing begun after the end succeeds, and ending twice is fine.
pub async fn a_closed_transport_refuses(transport: Arc<dyn Transport>) {
    let queue = unique("closed");
    publish(&*transport, &queue, 0..2).await;
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    let held = take(&mut consumer).await;
    transport.close().await;
    transport.close().await;
    assert!(consumer.next().await.is_none());
    assert!(held.ack().await.is_err(), "it went back");
    let closed = |result: Result<(), MessagingError>| {
        assert!(matches!(result, Err(MessagingError::Closed)), "{result:?}");
    };
    closed(transport.publish(&queue, message(1)).await);
    closed(transport.consume(&queue, 1).await.map(drop));
    closed(transport.serve(&queue, 1).await.map(drop));
    closed(transport.call(&queue, message(1), PATIENCE).await.map(drop));
}
