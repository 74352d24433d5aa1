//! Brokers that die, freeze or are cut off.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use firn_ground::Server;
use oslo_messaging::{MessagingError, RabbitMq, Transport};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::harness::{PATIENCE, chain, connect, message, number, options, take, unique};
use crate::proxy::Proxy;

/// What the transport says, for whoever reads a failed test.
fn logged() {
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_test_writer();
    let _ = log.try_init();
}

/// Publishes until it is told to stop, and gives the numbers that were confirmed.
fn publishers(
    transport: &RabbitMq,
    queue: &str,
    stop: &Arc<AtomicBool>,
) -> Vec<JoinHandle<BTreeSet<u64>>> {
    let next = Arc::new(AtomicU64::new(0));
    (0..4)
        .map(|_| {
            let (transport, queue) = (transport.clone(), queue.to_owned());
            let (stop, next) = (Arc::clone(stop), Arc::clone(&next));
            tokio::spawn(async move {
                let mut confirmed = BTreeSet::new();
                while !stop.load(Ordering::SeqCst) {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    match transport.publish(&queue, message(n)).await {
                        Ok(()) => _ = confirmed.insert(n),
                        Err(error) => assert!(error.retryable(), "{}", chain(&error)),
                    }
                }
                confirmed
            })
        })
        .collect()
}

/// Consumes for ever and notes what was acknowledged.
fn consumer(transport: &RabbitMq, queue: &str, seen: &Arc<notes::Seen>) -> JoinHandle<()> {
    let (transport, queue, seen) = (transport.clone(), queue.to_owned(), Arc::clone(seen));
    tokio::spawn(async move {
        let mut consumer = transport.consume(&queue, 8).await.unwrap();
        while let Some(delivery) = consumer.next().await {
            seen.note(number(&delivery.envelope));
            match delivery.ack().await {
                Ok(()) => {}
                // It comes again.
                Err(MessagingError::Stale { .. }) => {}
                Err(error) => panic!("{}", chain(&error)),
            }
        }
    })
}

mod notes {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    #[derive(Default)]
    pub(super) struct Seen(Mutex<BTreeSet<u64>>);

    impl Seen {
        pub(super) fn note(&self, number: u64) {
            self.0.lock().unwrap().insert(number);
        }

        pub(super) fn all(&self) -> BTreeSet<u64> {
            self.0.lock().unwrap().clone()
        }
    }
}

async fn everything_confirmed_is_seen(
    senders: Vec<JoinHandle<BTreeSet<u64>>>,
    seen: &notes::Seen,
) -> usize {
    let mut confirmed = BTreeSet::new();
    for sender in senders {
        confirmed.append(&mut sender.await.unwrap());
    }
    let begun = Instant::now();
    loop {
        let seen = seen.all();
        let missing: Vec<_> = confirmed.difference(&seen).collect();
        if missing.is_empty() {
            return confirmed.len();
        }
        assert!(begun.elapsed() < PATIENCE, "{} of {} lost", missing.len(), confirmed.len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_and_comes_back_loses_nothing_confirmed() {
    logged();
    let mut server = Server::start("rabbitmq");
    let mut options = options(server.text("url"));
    options.publish_timeout = Duration::from_secs(3);
    let transport = connect(options).await;
    let queue = unique("killed");
    let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(notes::Seen::default()));
    let consuming = consumer(&transport, &queue, &seen);
    let senders = publishers(&transport, &queue, &stop);
    // The broker's own limit: a node notes the names of new quorum queues on disk only every half
    // second, if it comes to it. Killed before that, it starts such a queue anew without its log, and
    // what it confirmed is gone, whoever the client is.
    tokio::time::sleep(Duration::from_secs(8)).await;
    server.kill();
    // While it is away: an error that says to try again, in time, and no answer to a call.
    let begun = Instant::now();
    let error = transport.publish(&queue, message(u64::MAX)).await.unwrap_err();
    assert!(matches!(error, MessagingError::Broker { .. }), "{}", chain(&error));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let error = transport.call("nobody", message(1), Duration::from_secs(1)).await.unwrap_err();
    assert!(error.retryable(), "{}", chain(&error));
    tokio::task::block_in_place(|| server.start_again());
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.store(true, Ordering::SeqCst);
    let before = seen.all().len();
    let confirmed = everything_confirmed_is_seen(senders, &seen).await;
    assert!(confirmed > 10 && before > 10, "{confirmed} confirmed, {before} seen");
    // The very transport that lived through it works on.
    let begun = Instant::now();
    while let Err(error) = transport.publish(&queue, message(u64::MAX - 1)).await {
        assert!(begun.elapsed() < PATIENCE, "{}", chain(&error));
    }
    transport.close().await;
    timeout(PATIENCE, consuming).await.expect("it is let go").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_waits_for_its_broker_and_goes_on() {
    let mut server = Server::start("rabbitmq");
    let transport = connect(options(server.text("url"))).await;
    let queue = unique("waits");
    transport.publish(&queue, message(1)).await.unwrap();
    let mut consumer = transport.consume(&queue, 5).await.unwrap();
    let held = take(&mut consumer).await;
    tokio::task::block_in_place(|| server.stop());
    // It notices, and waits.
    assert!(timeout(Duration::from_secs(2), consumer.next()).await.is_err());
    tokio::task::block_in_place(|| server.start_again());
    let again = take(&mut consumer).await;
    assert_eq!((number(&again.envelope), again.attempt > 1), (1, true));
    let stale = held.ack().await.unwrap_err();
    assert!(matches!(stale, MessagingError::Stale { .. }), "{}", chain(&stale));
    again.ack().await.unwrap();
    transport.publish(&queue, message(2)).await.unwrap();
    let next = take(&mut consumer).await;
    assert_eq!(number(&next.envelope), 2);
    next.ack().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_again_and_again_lose_nothing_confirmed() {
    let broker = firn_ground::shared("rabbitmq");
    let port = u16::try_from(broker["port"].as_u64().unwrap()).unwrap();
    let proxy = Proxy::start(port).await;
    let url = broker["url"].as_str().unwrap();
    let url = url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port));
    let transport = connect(options(&url)).await;
    let queue = unique("cut");
    let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(notes::Seen::default()));
    let _consuming = [(); 2].map(|()| consumer(&transport, &queue, &seen));
    let senders = publishers(&transport, &queue, &stop);
    for pause in [400, 700, 300, 900, 500] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        proxy.cut();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.store(true, Ordering::SeqCst);
    let confirmed = everything_confirmed_is_seen(senders, &seen).await;
    assert!(confirmed > 50, "{confirmed}");
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_connection_is_cut_fails_at_once_and_the_next_one_works() {
    let broker = firn_ground::shared("rabbitmq");
    let port = u16::try_from(broker["port"].as_u64().unwrap()).unwrap();
    let proxy = Proxy::start(port).await;
    let url = broker["url"].as_str().unwrap();
    let url = url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port));
    let caller = connect(options(&url)).await;
    let target = unique("cut");
    let server = connect(options(broker["url"].as_str().unwrap())).await;
    let mut serving = server.serve(&target, 2).await.unwrap();
    let calling = tokio::spawn({
        let (caller, target) = (caller.clone(), target.clone());
        async move { caller.call(&target, message(1), PATIENCE * 4).await }
    });
    let request = timeout(PATIENCE, serving.next()).await.unwrap().unwrap();
    let begun = Instant::now();
    proxy.cut();
    let error = timeout(PATIENCE, calling).await.expect("it is told").unwrap().unwrap_err();
    assert!(matches!(error, MessagingError::Broker { .. }), "{}", chain(&error));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // Its answer is late, and harms nobody.
    request.answer(message(1)).await.unwrap();
    let calling = tokio::spawn(async move { caller.call(&target, message(2), PATIENCE).await });
    let request = timeout(PATIENCE, serving.next()).await.unwrap().unwrap();
    assert_eq!(number(&request.envelope), 2);
    request.answer(message(22)).await.unwrap();
    assert_eq!(number(&calling.await.unwrap().unwrap()), 22);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_loses_its_connection_serves_on() {
    let broker = firn_ground::shared("rabbitmq");
    let port = u16::try_from(broker["port"].as_u64().unwrap()).unwrap();
    let proxy = Proxy::start(port).await;
    let url = broker["url"].as_str().unwrap();
    let cut_url = url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port));
    let server = connect(options(&cut_url)).await;
    let target = unique("serves");
    let mut serving = server.serve(&target, 2).await.unwrap();
    let answering = tokio::spawn(async move {
        while let Some(request) = serving.next().await {
            let envelope = request.envelope.clone();
            // An answer that is cut off is asked for again; the last one may be on its way at the end.
            if let Err(error) = request.answer(envelope).await {
                let ended = matches!(error, MessagingError::Closed);
                assert!(error.retryable() || ended, "{}", chain(&error));
            }
        }
    });
    let caller = connect(options(url)).await;
    for round in 0..3 {
        let begun = Instant::now();
        loop {
            match caller.call(&target, message(round), Duration::from_secs(2)).await {
                Ok(answer) => break assert_eq!(number(&answer), round),
                Err(error) => assert!(error.retryable(), "{}", chain(&error)),
            }
            assert!(begun.elapsed() < PATIENCE, "it does not come back");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        proxy.cut();
    }
    server.close().await;
    timeout(PATIENCE, answering).await.expect("it is let go").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_broker_is_noticed_by_its_silence() {
    let mut frozen = Server::start("rabbitmq");
    let sound = firn_ground::shared("rabbitmq");
    // The user of each broker is its own.
    let url = format!(
        "{},{}",
        frozen.text("url").trim_end_matches('/'),
        sound["url"].as_str().unwrap().trim_start_matches("rabbit://")
    );
    let mut options = options(&url);
    options.heartbeat = Duration::from_secs(1);
    options.publish_timeout = Duration::from_millis(800);
    options.connect_timeout = Duration::from_secs(1);
    let transport = connect(options).await;
    let queue = unique("frozen");
    transport.publish(&queue, message(1)).await.unwrap();
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    take(&mut consumer).await.ack().await.unwrap();
    frozen.freeze();
    let begun = Instant::now();
    let error = transport.publish(&queue, message(2)).await.unwrap_err();
    assert!(matches!(error, MessagingError::Broker { .. }), "{}", chain(&error));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // The other broker takes over once two heartbeats have failed to come.
    while transport.publish(&queue, message(3)).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "nobody notices");
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    let delivery = take(&mut consumer).await;
    assert_eq!(number(&delivery.envelope), 3);
    delivery.ack().await.unwrap();
    // Closing does not wait for one that is frozen, either.
    timeout(Duration::from_secs(5), transport.close()).await.expect("closed in time");
    frozen.thaw();
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_does_not_wait_for_a_frozen_broker() {
    let mut frozen = Server::start("rabbitmq");
    let transport = connect(options(frozen.text("url"))).await;
    let queue = unique("closing");
    let mut consumer = transport.consume(&queue, 1).await.unwrap();
    frozen.freeze();
    let publishing = tokio::spawn({
        let (transport, queue) = (transport.clone(), queue.clone());
        async move { transport.publish(&queue, message(1)).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    timeout(Duration::from_secs(5), transport.close()).await.expect("closed in time");
    let error = timeout(PATIENCE, publishing).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, MessagingError::Closed), "{}", chain(&error));
    assert!(consumer.next().await.is_none());
    frozen.thaw();
}
