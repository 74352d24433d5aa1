//! The suite that every transport has to pass.

mod quorum {
    use std::sync::Arc;

    use oslo_messaging::Transport;

    use crate::harness::{connect, shared_options};

    oslo_messaging::conformance_tests!(async {
        Arc::new(connect(shared_options()).await) as Arc<dyn Transport>
    });
}

/// Durable classic queues. They do not count deliveries: what needs the third one to be known is
/// left out, and nothing else.
mod classic {
    use std::sync::Arc;

    use oslo_messaging::Transport;

    use crate::harness::{connect, shared_options};

    async fn transport() -> Arc<dyn Transport> {
        let mut options = shared_options();
        options.quorum_queues = false;
        Arc::new(connect(options).await)
    }

    oslo_messaging::conformance_tests!(transport();
        messages_arrive_whole_and_in_order
        a_queue_keeps_messages_until_somebody_comes
        consumers_share_a_queue
        prefetch_limits_what_is_in_hand
        a_message_dropped_comes_back
        a_consumer_that_dies_gives_everything_back
        an_acknowledged_message_never_comes_back
        settling_what_went_back_is_told
        a_refused_message_lies_in_the_dead_letters
        waiting_can_be_broken_off_without_loss
        many_senders_and_receivers_lose_and_double_nothing
        closing_ends_every_wait
        a_closed_transport_refuses
    );
}

/// The queues of calls as brokers want them that refuse transient ones.
mod durable_calls {
    use std::sync::Arc;

    use oslo_messaging::Transport;

    use crate::harness::{connect, shared_options};

    async fn transport() -> Arc<dyn Transport> {
        let mut options = shared_options();
        options.durable_call_queues = true;
        Arc::new(connect(options).await)
    }

    oslo_messaging::conformance_tests!(transport();
        a_call_gets_its_own_answer
        a_call_without_a_server_ends_by_its_deadline
        a_server_that_gives_up_ends_the_call
        servers_share_calls_and_prefetch_limits_them
    );
}
