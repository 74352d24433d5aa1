//! The transport within one process. Nothing outlives it.

mod queue;
mod rpc;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;

use self::queue::{Queue, QueueConsumer};
use self::rpc::{Target, TargetServer};
use crate::{Consumer, Envelope, MessagingError, Server, Transport};

/// How many messages a queue holds unless told otherwise.
const CAPACITY: usize = 10_000;

/// Queues and calls between the parts of one process. Clones are the same transport.
#[derive(Clone)]
pub struct InProcess {
    shared: Arc<Shared>,
}

struct Shared {
    capacity: usize,
    closed: AtomicBool,
    queues: Mutex<HashMap<String, Arc<Queue>>>,
    targets: Mutex<HashMap<String, Arc<Target>>>,
}

impl InProcess {
    /// A new transport.
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// A new transport whose queues and targets hold at most `capacity` waiting messages each.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                capacity: capacity.max(1),
                closed: AtomicBool::new(false),
                queues: Mutex::default(),
                targets: Mutex::default(),
            }),
        }
    }
}

impl Default for InProcess {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    fn closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn open(&self) -> Result<(), MessagingError> {
        if self.closed() { Err(MessagingError::Closed) } else { Ok(()) }
    }

    fn queue(&self, name: &str) -> Arc<Queue> {
        let mut queues = self.queues.lock();
        Arc::clone(
            queues
                .entry(name.to_owned())
                .or_insert_with(|| Arc::new(Queue::new(name, self.capacity))),
        )
    }

    fn target(&self, name: &str) -> Arc<Target> {
        let mut targets = self.targets.lock();
        Arc::clone(
            targets
                .entry(name.to_owned())
                .or_insert_with(|| Arc::new(Target::new(name, self.capacity))),
        )
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn publish(&self, queue: &str, envelope: Envelope) -> Result<(), MessagingError> {
        self.shared.open()?;
        self.shared.queue(queue).publish(envelope)
    }

    async fn consume(
        &self,
        queue: &str,
        prefetch: u16,
    ) -> Result<Box<dyn Consumer>, MessagingError> {
        self.shared.open()?;
        let queue = self.shared.queue(queue);
        Ok(Box::new(QueueConsumer::new(Arc::clone(&self.shared), queue, prefetch)))
    }

    async fn call(
        &self,
        target: &str,
        request: Envelope,
        deadline: Duration,
    ) -> Result<Envelope, MessagingError> {
        self.shared.open()?;
        self.shared.target(target).call(&self.shared, request, deadline).await
    }

    async fn serve(&self, target: &str, prefetch: u16) -> Result<Box<dyn Server>, MessagingError> {
        self.shared.open()?;
        let target = self.shared.target(target);
        Ok(Box::new(TargetServer::new(Arc::clone(&self.shared), target, prefetch)))
    }

    async fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        for queue in self.shared.queues.lock().values() {
            queue.close();
        }
        for target in self.shared.targets.lock().values() {
            target.close();
        }
    }
}
