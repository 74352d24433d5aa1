//! What every transport must do, as checks that run on one. Each takes a transport of its own
//! and panics with the reason where the behaviour differs; names of queues are new for each run,
//! so that a broker can be shared and used again.
//!
//! ```ignore
//! oslo_messaging::conformance_tests!(async { Arc::new(InProcess::new()) as Arc<dyn Transport> });
//! ```

// Checks are tests, wherever they are compiled.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod close;
mod queue;
mod rpc;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::json;
use tokio::time::timeout;

pub use self::close::*;
pub use self::queue::*;
pub use self::rpc::*;
use crate::{Consumer, Delivery, Envelope, Request, Server, Transport};

/// How long a check waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a check waits for what must not come.
const SILENCE: Duration = Duration::from_millis(150);

/// Makes one test of each check. The argument is an expression that gives a future of an
/// `Arc<dyn Transport>`; the caller needs tokio's `macros`.
#[macro_export]
macro_rules! conformance_tests {
    ($make:expr) => {
        $crate::conformance_tests!($make;
            messages_arrive_whole_and_in_order
            a_queue_keeps_messages_until_somebody_comes
            consumers_share_a_queue
            prefetch_limits_what_is_in_hand
            a_message_given_up_comes_back_first_and_counted
            a_message_dropped_comes_back
            a_consumer_that_dies_gives_everything_back
            an_acknowledged_message_never_comes_back
            settling_what_went_back_is_told
            a_refused_message_lies_in_the_dead_letters
            waiting_can_be_broken_off_without_loss
            many_senders_and_receivers_lose_and_double_nothing
            a_call_gets_its_own_answer
            a_refusal_reaches_the_caller
            a_call_without_a_server_ends_by_its_deadline
            a_slow_server_meets_the_deadline
            a_server_that_gives_up_ends_the_call
            servers_share_calls_and_prefetch_limits_them
            a_call_given_up_blocks_nobody
            closing_ends_every_wait
            a_closed_transport_refuses
        );
    };
    ($make:expr; $($check:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                $crate::conformance::$check($make.await).await;
            }
        )+
    };
}

/// A name that nobody has used.
fn unique(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    format!("conformance.{name}.{}.{time}.{count}", std::process::id())
}

fn message(number: u64) -> Envelope {
    Envelope {
        schema: "conformance.message/1".to_owned(),
        request_id: format!("req-{number}"),
        body: json!({ "number": number, "text": "ünïcode \u{1f9ca} \" \\ \0", "nested": [1, null] }),
    }
}

fn number(envelope: &Envelope) -> u64 {
    envelope.body["number"].as_u64().unwrap()
}

async fn publish(transport: &dyn Transport, queue: &str, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        transport.publish(queue, message(number)).await.unwrap();
    }
}

async fn take(consumer: &mut Box<dyn Consumer>) -> Delivery {
    timeout(PATIENCE, consumer.next()).await.expect("a message in time").expect("an open transport")
}

async fn take_request(server: &mut Box<dyn Server>) -> Request {
    timeout(PATIENCE, server.next()).await.expect("a request in time").expect("an open transport")
}

async fn nothing_comes(consumer: &mut Box<dyn Consumer>) {
    if let Ok(came) = timeout(SILENCE, consumer.next()).await {
        panic!("nothing should have come, but this did: {came:?}");
    }
}
