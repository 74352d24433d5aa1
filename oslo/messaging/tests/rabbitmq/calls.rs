//! Calls, beyond what every transport does.

use std::time::{Duration, Instant};

use oslo_messaging::{MessagingError, Transport};
use tokio::time::timeout;

use crate::harness::{PATIENCE, chain, connect, message, number, shared_options, unique};

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_nobody_serves_is_told_at_once() {
    let transport = connect(shared_options()).await;
    let target = unique("nobody");
    let minute = Duration::from_secs(60);
    let begun = Instant::now();
    let error = transport.call(&target, message(1), minute).await.unwrap_err();
    assert!(matches!(error, MessagingError::NoServer { .. }), "{}", chain(&error));
    // Also when there was a server once.
    let server = transport.serve(&target, 1).await.unwrap();
    drop(server);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let error = transport.call(&target, message(1), minute).await.unwrap_err();
    assert!(matches!(error, MessagingError::NoServer { .. }), "{}", chain(&error));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_are_on_their_way_at_once_over_one_connection() {
    const CALLS: u64 = 300;
    let (caller, server) = (connect(shared_options()).await, connect(shared_options()).await);
    let target = unique("many");
    let mut serving = server.serve(&target, CALLS as u16).await.unwrap();
    let calls: Vec<_> = (0..CALLS)
        .map(|n| {
            let (caller, target) = (caller.clone(), target.clone());
            tokio::spawn(async move { caller.call(&target, message(n), PATIENCE).await })
        })
        .collect();
    // All of them have arrived before the first is answered.
    let mut requests = Vec::new();
    for _ in 0..CALLS {
        requests.push(timeout(PATIENCE, serving.next()).await.unwrap().unwrap());
    }
    for request in requests.into_iter().rev() {
        let n = number(&request.envelope);
        request.answer(message(n * 2)).await.unwrap();
    }
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(number(&call.await.unwrap().unwrap()), 2 * n as u64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_caller_is_gone_is_not_carried_out() {
    let transport = connect(shared_options()).await;
    let target = unique("expired");
    let mut server = transport.serve(&target, 1).await.unwrap();
    let first = tokio::spawn({
        let (transport, target) = (transport.clone(), target.clone());
        async move { transport.call(&target, message(1), PATIENCE).await }
    });
    let busy = timeout(PATIENCE, server.next()).await.unwrap().unwrap();
    // It waits behind the first one, longer than its caller does.
    let error = transport.call(&target, message(2), Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(error, MessagingError::Deadline { .. }), "{}", chain(&error));
    tokio::time::sleep(Duration::from_millis(200)).await;
    busy.answer(message(1)).await.unwrap();
    first.await.unwrap().unwrap();
    assert!(timeout(Duration::from_millis(500), server.next()).await.is_err(), "it came");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_with_a_request_does_not_make_another_do_it_again() {
    let caller = connect(shared_options()).await;
    let (one, two) = (connect(shared_options()).await, connect(shared_options()).await);
    let target = unique("dies");
    let mut doomed = one.serve(&target, 1).await.unwrap();
    let call = tokio::spawn({
        let target = target.clone();
        async move { caller.call(&target, message(1), PATIENCE * 2).await }
    });
    let request = timeout(PATIENCE, doomed.next()).await.unwrap().unwrap();
    let mut heir = two.serve(&target, 1).await.unwrap();
    // As if its process was gone: nothing is said any more, the connection just ends.
    std::mem::forget(request);
    one.close().await;
    assert!(timeout(Duration::from_millis(500), heir.next()).await.is_err(), "it came again");
    let error = timeout(PATIENCE, call).await.expect("it is told").unwrap().unwrap_err();
    assert!(matches!(error, MessagingError::Abandoned { .. }), "{}", chain(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_has_handed_out_outlives_it() {
    let transport = connect(shared_options()).await;
    let target = unique("outlives");
    let mut server = transport.serve(&target, 1).await.unwrap();
    let call = tokio::spawn({
        let (transport, target) = (transport.clone(), target.clone());
        async move { transport.call(&target, message(1), PATIENCE).await }
    });
    let request = timeout(PATIENCE, server.next()).await.unwrap().unwrap();
    drop(server);
    tokio::time::sleep(Duration::from_millis(300)).await;
    request.answer(message(5)).await.unwrap();
    assert_eq!(number(&call.await.unwrap().unwrap()), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_too_long_are_refused() {
    let transport = connect(shared_options()).await;
    let long = "x".repeat(300);
    let publish = transport.publish(&long, message(1)).await;
    let consume = transport.consume(&long, 1).await.map(drop);
    let call = transport.call(&long, message(1), PATIENCE).await.map(drop);
    for refused in [publish, consume, call] {
        let error = refused.unwrap_err();
        assert!(matches!(error, MessagingError::Refused { .. }), "{}", chain(&error));
        assert!(chain(&error).contains("255 bytes"), "{}", chain(&error));
    }
}
