//! Shares a conductor's bandwidth among the workers that read.

use std::sync::Arc;

use tokio::sync::watch;

/// The bandwidth of a conductor. Those who read have equal parts of it, however much each of them
/// uses: together they are never above it.
#[derive(Clone, Debug)]
pub struct Bandwidth {
    bytes_per_second: Option<u64>,
    readers: Arc<watch::Sender<u64>>,
}

impl Bandwidth {
    /// `None` bounds nothing.
    pub fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second, readers: Arc::new(watch::Sender::new(0)) }
    }

    /// A part of it, until it is dropped.
    pub(crate) fn share(&self) -> Share {
        self.readers.send_modify(|readers| *readers += 1);
        Share { bandwidth: self.clone(), readers: self.readers.subscribe() }
    }
}

/// One reader's part.
pub struct Share {
    bandwidth: Bandwidth,
    readers: watch::Receiver<u64>,
}

impl Share {
    /// How fast its holder may read now.
    pub(crate) fn bytes_per_second(&mut self) -> Option<u64> {
        let readers = *self.readers.borrow_and_update();
        self.bandwidth.bytes_per_second.map(|all| (all / readers.max(1)).max(1))
    }

    /// The new part, once it is another one than [`Share::bytes_per_second`] said last.
    pub(crate) async fn changed(&mut self) -> u64 {
        loop {
            // The sender is in `self`, so it cannot be gone.
            let _ = self.readers.changed().await;
            if let Some(bytes_per_second) = self.bytes_per_second() {
                return bytes_per_second;
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.bandwidth.readers.send_modify(|readers| *readers -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn readers_have_equal_parts_and_learn_of_each_other() {
        let bandwidth = Bandwidth::new(Some(90));
        let mut first = bandwidth.share();
        assert_eq!(first.bytes_per_second(), Some(90));
        let mut second = bandwidth.share();
        assert_eq!((first.changed().await, second.bytes_per_second()), (45, Some(45)));
        let third = bandwidth.share();
        assert_eq!((first.changed().await, second.changed().await), (30, 30));
        drop(third);
        drop(first);
        assert_eq!(second.changed().await, 90);
        assert_eq!(Bandwidth::new(Some(0)).share().bytes_per_second(), Some(1));
    }

    #[tokio::test]
    async fn without_a_bound_nobody_is_told_anything() {
        let bandwidth = Bandwidth::new(None);
        let mut first = bandwidth.share();
        let _second = bandwidth.share();
        assert_eq!(first.bytes_per_second(), None);
        let told = tokio::time::timeout(std::time::Duration::from_millis(20), first.changed());
        assert!(told.await.is_err());
    }
}
