use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{PATIENCE, SILENCE, message, number, take_request, unique};
use crate::{Envelope, MessagingError, RemoteError, Transport};

type Called = JoinHandle<Result<Envelope, MessagingError>>;

pub(super) fn call(
    transport: &Arc<dyn Transport>,
    target: &str,
    number: u64,
    deadline: Duration,
) -> Called {
    let (transport, target) = (Arc::clone(transport), target.to_owned());
    tokio::spawn(async move { transport.call(&target, message(number), deadline).await })
}

fn answer_to(envelope: &Envelope) -> Envelope {
    Envelope { body: json!({ "number": number(envelope) + 1000 }), ..envelope.clone() }
}

/// Answers find their callers, in whatever order they are given.
pub async fn a_call_gets_its_own_answer(transport: Arc<dyn Transport>) {
    let target = unique("answer");
    let mut server = transport.serve(&target, 10).await.unwrap();
    let calls: Vec<_> = (0..10).map(|n| call(&transport, &target, n, PATIENCE)).collect();
    let mut requests = Vec::new();
    for _ in 0..10 {
        let request = take_request(&mut server).await;
        assert!(request.expires > Instant::now());
        assert_eq!(request.envelope, message(number(&request.envelope)));
        requests.push(request);
    }
    for request in requests.into_iter().rev() {
        let answer = answer_to(&request.envelope);
        request.answer(answer).await.unwrap();
    }
    for (n, called) in calls.into_iter().enumerate() {
        let answer = called.await.unwrap().unwrap();
        assert_eq!(number(&answer), n as u64 + 1000);
        assert_eq!(answer.request_id, format!("req-{n}"));
    }
}

/// Code and message arrive as they were given, and are not retryable.
pub async fn a_refusal_reaches_the_caller(transport: Arc<dyn Transport>) {
    let target = unique("refusal");
    let mut server = transport.serve(&target, 1).await.unwrap();
    let called = call(&transport, &target, 1, PATIENCE);
    let error = RemoteError { code: "not_found".to_owned(), message: "no such thing".to_owned() };
    take_request(&mut server).await.refuse(error.clone()).await.unwrap();
    let refused = called.await.unwrap().unwrap_err();
    assert_eq!(refused.remote(), Some(&error));
    assert!(!refused.retryable());
}

/// With an error that says to try again; earlier where the transport can tell.
pub async fn a_call_without_a_server_ends_by_its_deadline(transport: Arc<dyn Transport>) {
    let target = unique("nobody");
    let error = timeout(PATIENCE, transport.call(&target, message(1), SILENCE))
        .await
        .expect("an end by the deadline")
        .unwrap_err();
    assert!(error.retryable(), "{error}");
    // A server that went is none.
    drop(transport.serve(&target, 1).await.unwrap());
    let error = timeout(PATIENCE, transport.call(&target, message(1), SILENCE))
        .await
        .expect("an end by the deadline")
        .unwrap_err();
    assert!(error.retryable(), "{error}");
}

/// The caller is told at its deadline, and the late answer harms nobody.
pub async fn a_slow_server_meets_the_deadline(transport: Arc<dyn Transport>) {
    let target = unique("slow");
    let mut server = transport.serve(&target, 1).await.unwrap();
    let begun = Instant::now();
    let called = call(&transport, &target, 1, SILENCE);
    let slow = take_request(&mut server).await;
    let error = called.await.unwrap().unwrap_err();
    assert!(matches!(error, MessagingError::Deadline { .. }), "{error}");
    assert!(error.retryable());
    assert!(begun.elapsed() >= SILENCE);
    let late = answer_to(&slow.envelope);
    slow.answer(late).await.unwrap();
    let called = call(&transport, &target, 2, PATIENCE);
    let request = take_request(&mut server).await;
    let answer = answer_to(&request.envelope);
    request.answer(answer).await.unwrap();
    assert_eq!(number(&called.await.unwrap().unwrap()), 1002);
}

/// By its deadline at the latest.
pub async fn a_server_that_gives_up_ends_the_call(transport: Arc<dyn Transport>) {
    let target = unique("abandon");
    let mut server = transport.serve(&target, 1).await.unwrap();
    let called = call(&transport, &target, 1, SILENCE * 4);
    drop(take_request(&mut server).await);
    let error = timeout(PATIENCE, called).await.expect("an end in time").unwrap().unwrap_err();
    assert!(error.retryable(), "{error}");
}

/// Each request goes to one server; one with its hands full leaves the rest to others.
pub async fn servers_share_calls_and_prefetch_limits_them(transport: Arc<dyn Transport>) {
    let target = unique("servers");
    let mut one = transport.serve(&target, 1).await.unwrap();
    let mut two = transport.serve(&target, 1).await.unwrap();
    let calls: Vec<_> = (0..3).map(|n| call(&transport, &target, n, PATIENCE)).collect();
    let (first, second) = (take_request(&mut one).await, take_request(&mut two).await);
    assert_ne!(number(&first.envelope), number(&second.envelope));
    assert!(timeout(SILENCE, one.next()).await.is_err(), "its hands are full");
    for request in [first, second] {
        let answer = answer_to(&request.envelope);
        request.answer(answer).await.unwrap();
    }
    // Either may get the third: the other one's wait is broken off.
    let third = loop {
        if let Ok(request) = timeout(SILENCE, one.next()).await {
            break request.unwrap();
        }
        if let Ok(request) = timeout(SILENCE, two.next()).await {
            break request.unwrap();
        }
    };
    let answer = answer_to(&third.envelope);
    third.answer(answer).await.unwrap();
    for (n, called) in calls.into_iter().enumerate() {
        assert_eq!(number(&called.await.unwrap().unwrap()), n as u64 + 1000);
    }
}

/// A caller that went away does not keep others from being served.
pub async fn a_call_given_up_blocks_nobody(transport: Arc<dyn Transport>) {
    let target = unique("gone");
    let mut server = transport.serve(&target, 1).await.unwrap();
    for n in 0..3 {
        let given_up = call(&transport, &target, n, SILENCE);
        assert!(given_up.await.unwrap().is_err());
    }
    let called = call(&transport, &target, 9, PATIENCE);
    loop {
        let request = take_request(&mut server).await;
        let answer = answer_to(&request.envelope);
        let wanted = number(&request.envelope) == 9;
        request.answer(answer).await.unwrap();
        if wanted {
            break;
        }
    }
    assert_eq!(number(&called.await.unwrap().unwrap()), 1009);
}
