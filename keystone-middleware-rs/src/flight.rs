//! Many ask, one works: callers that want the same thing at the same time share one future.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use parking_lot::Mutex;

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// A share in work under way. It goes on as long as one share is awaited.
pub(crate) type Flight<T> = Shared<Work<T>>;
type Running<K, T> = Arc<Mutex<HashMap<K, (u64, WeakShared<Work<T>>)>>>;

/// Work under way, by what it is for.
pub(crate) struct Flights<K, T: Clone> {
    running: Running<K, T>,
    next_id: AtomicU64,
}

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Self {
        Self { running: Arc::default(), next_id: AtomicU64::new(0) }
    }

    /// The work for `key`: what already runs, else what `start` makes. `start` runs under a lock
    /// and must only build the future.
    pub(crate) fn join<F>(&self, key: K, start: impl FnOnce() -> F) -> Flight<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut running = self.running.lock();
        if let Some(flight) = running.get(&key).and_then(|(_, weak)| weak.upgrade()) {
            return flight;
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let leave = Leave { running: Arc::clone(&self.running), key: key.clone(), id };
        let work = start();
        let flight = async move {
            let _leave = leave;
            work.await
        }
        .boxed()
        .shared();
        if let Some(weak) = flight.downgrade() {
            running.insert(key, (id, weak));
        }
        flight
    }
}

/// Takes the work off the list when it ends, or when nobody waits for it any more.
struct Leave<K: Eq + Hash, T: Clone> {
    running: Running<K, T>,
    key: K,
    id: u64,
}

impl<K: Eq + Hash, T: Clone> Drop for Leave<K, T> {
    fn drop(&mut self) {
        let mut running = self.running.lock();
        if running.get(&self.key).is_some_and(|(id, _)| *id == self.id) {
            running.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::*;

    fn counting(count: &Arc<AtomicUsize>) -> impl Future<Output = usize> + Send + use<> {
        let count = Arc::clone(count);
        async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            count.fetch_add(1, Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn those_who_ask_together_share_one_answer() {
        let flights = Flights::<u8, usize>::new();
        let count = Arc::new(AtomicUsize::new(0));
        let shares: Vec<_> = (0..50).map(|_| flights.join(1, || counting(&count))).collect();
        let other = flights.join(2, || counting(&count));
        let answers = join_all(shares).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        other.await;
        assert_eq!(count.load(Ordering::SeqCst), 2);
        flights.join(1, || counting(&count)).await;
        assert_eq!(count.load(Ordering::SeqCst), 3, "what has ended is not served again");
        assert!(flights.running.lock().is_empty());
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_takes_nobody_along() {
        let flights = Flights::<u8, usize>::new();
        let count = Arc::new(AtomicUsize::new(0));
        let first = flights.join(1, || counting(&count));
        let second = flights.join(1, || counting(&count));
        let gone = tokio::time::timeout(Duration::from_millis(1), first).await;
        assert!(gone.is_err());
        assert_eq!(second.await, 0);

        let abandoned = flights.join(1, || counting(&count));
        drop(abandoned);
        assert!(flights.running.lock().is_empty(), "nobody waits, nothing is left");
        assert_eq!(flights.join(1, || counting(&count)).await, 1);
    }
}
