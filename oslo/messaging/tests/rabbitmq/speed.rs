//! Figures, for people; the limits are far below what any machine does.

use std::time::Instant;

use oslo_messaging::{RabbitMq, Transport};

use crate::harness::{PATIENCE, connect, message, shared_options, take, unique};

async fn publish(transport: &RabbitMq, queue: &str, senders: u64, messages: u64) -> f64 {
    let begun = Instant::now();
    let sending: Vec<_> = (0..senders)
        .map(|_| {
            let (transport, queue) = (transport.clone(), queue.to_owned());
            tokio::spawn(async move {
                for n in 0..messages / senders {
                    transport.publish(&queue, message(n)).await.unwrap();
                }
            })
        })
        .collect();
    for sending in sending {
        sending.await.unwrap();
    }
    messages as f64 / begun.elapsed().as_secs_f64()
}

async fn consume(transport: &RabbitMq, queue: &str, messages: u64) -> f64 {
    let mut consumer = transport.consume(queue, 100).await.unwrap();
    let begun = Instant::now();
    for _ in 0..messages {
        take(&mut consumer).await.ack().await.unwrap();
    }
    messages as f64 / begun.elapsed().as_secs_f64()
}

async fn call(transport: &RabbitMq, target: &str, callers: u64, calls: u64) -> f64 {
    let begun = Instant::now();
    let calling: Vec<_> = (0..callers)
        .map(|_| {
            let (transport, target) = (transport.clone(), target.to_owned());
            tokio::spawn(async move {
                for n in 0..calls / callers {
                    transport.call(&target, message(n), PATIENCE).await.unwrap();
                }
            })
        })
        .collect();
    for calling in calling {
        calling.await.unwrap();
    }
    calls as f64 / begun.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_and_calls_per_second() {
    let transport = connect(shared_options()).await;
    let mut classic = shared_options();
    classic.quorum_queues = false;
    let classic = connect(classic).await;
    let mut least = f64::MAX;
    for (kind, transport) in [("quorum", &transport), ("classic", &classic)] {
        let queue = unique("speed");
        let one = publish(transport, &queue, 1, 200).await;
        let many = publish(transport, &queue, 32, 3200).await;
        let read = consume(transport, &queue, 3400).await;
        println!("{kind}: publish {one:.0}/s by one, {many:.0}/s by 32, consume {read:.0}/s");
        least = least.min(one).min(many).min(read);
    }
    let target = unique("speed");
    let mut server = transport.serve(&target, 64).await.unwrap();
    tokio::spawn(async move {
        while let Some(request) = server.next().await {
            tokio::spawn(async move {
                let envelope = request.envelope.clone();
                request.answer(envelope).await.unwrap();
            });
        }
    });
    let one = call(&transport, &target, 1, 300).await;
    let many = call(&transport, &target, 32, 3200).await;
    println!("calls: {one:.0}/s by one, {many:.0}/s by 32");
    least = least.min(one).min(many);
    assert!(least > 5.0, "{least}");
}
