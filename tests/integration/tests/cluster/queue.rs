use std::time::Duration;

use firn_ground::Server;
use firn_integration_tests::until;
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// A queue of the broker, behind the service's back: raw bytes in and out.
pub(crate) struct Queue {
    name: &'static str,
    runtime: Runtime,
    // Its end ends the channel.
    _connection: Connection,
    channel: Channel,
}

impl Queue {
    pub(crate) fn open(broker: &Server, name: &'static str) -> Self {
        // One thread of its own: the connection goes on while the test does other things.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let url = broker.text("url").replacen("rabbit://", "amqp://", 1);
        let url = format!("{}/%2f", url.trim_end_matches('/'));
        let (connection, channel) = runtime.block_on(async {
            let connection = Connection::connect(&url, Default::default()).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            channel.confirm_select(Default::default()).await.unwrap();
            (connection, channel)
        });
        Self { name, runtime, _connection: connection, channel }
    }

    /// Puts a message in; the broker has confirmed it.
    pub(crate) fn publish(&self, body: &[u8], properties: BasicProperties) {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let confirmed = self.runtime.block_on(async {
            let sent =
                self.channel.basic_publish("".into(), self.name.into(), options, body, properties);
            timeout(PATIENCE, sent.await.unwrap()).await.unwrap().unwrap()
        });
        assert!(matches!(confirmed, Confirmation::Ack(None)), "{}: {confirmed:?}", self.name);
    }

    /// Competes for the queue's messages with the service until `done` has been done, and gives
    /// what came here, unsettled.
    pub(crate) fn caught_while(&self, done: impl FnOnce()) -> Vec<Delivery> {
        let tag = "catcher";
        let mut consumer = self.runtime.block_on(async {
            self.channel.basic_qos(100, BasicQosOptions::default()).await.unwrap();
            let options = BasicConsumeOptions::default();
            let fields = FieldTable::default();
            self.channel.basic_consume(self.name.into(), tag.into(), options, fields).await.unwrap()
        });
        done();
        self.runtime.block_on(async {
            self.channel.basic_cancel(tag.into(), Default::default()).await.unwrap();
            let mut caught = Vec::new();
            while let Some(delivery) = consumer.next().await {
                caught.push(delivery.unwrap());
            }
            caught
        })
    }

    /// Puts what was caught back at its place; the broker marks it as delivered before.
    pub(crate) fn put_back(&self, delivery: &Delivery) {
        let options = BasicNackOptions { requeue: true, ..Default::default() };
        assert!(self.runtime.block_on(delivery.nack(options)).unwrap());
    }

    /// Takes out what lies in it.
    pub(crate) fn take(&self) -> Option<Delivery> {
        let options = BasicGetOptions { no_ack: true };
        let got = self.runtime.block_on(self.channel.basic_get(self.name.into(), options));
        got.unwrap().map(|message| message.delivery)
    }

    /// How many messages wait in it.
    pub(crate) fn length(&self) -> u32 {
        let options = QueueDeclareOptions { passive: true, ..Default::default() };
        let fields = FieldTable::default();
        let queue = self.channel.queue_declare(self.name.into(), options, fields);
        self.runtime.block_on(queue).unwrap().message_count()
    }

    /// Waits until nothing waits in it.
    pub(crate) fn run_dry(&self) {
        until("the queue is empty", PATIENCE, || (self.length() == 0).then_some(()));
    }
}
