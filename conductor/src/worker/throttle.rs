//! How fast a worker may read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A cancel ends a wait within this.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);

/// What an idle time saves up at most. Small, so that storage sees an even load.
const BURST: Duration = Duration::from_millis(250);

/// Bounds the bytes read by all threads of a worker together: by what its plan allows, and by its
/// share of what its conductor may read.
pub(super) struct Throttle {
    plan: Mutex<Option<Bucket>>,
    share: Mutex<Option<Bucket>>,
    started: Instant,
    cancelled: Arc<AtomicBool>,
}

impl Throttle {
    /// At most as fast as both say; `None` bounds nothing. `cancelled` ends every wait.
    pub(super) fn new(plan: Option<u64>, share: Option<u64>, cancelled: Arc<AtomicBool>) -> Self {
        let bucket = |rate: Option<u64>| Mutex::new(rate.map(Bucket::new));
        Self { plan: bucket(plan), share: bucket(share), started: Instant::now(), cancelled }
    }

    /// Changes the share. What waits already keeps its turn.
    pub(super) fn set_share(&self, bytes_per_second: u64) {
        self.share.lock().get_or_insert(Bucket::new(bytes_per_second)).set_rate(bytes_per_second);
    }

    /// Waits until `bytes` may be read.
    pub(super) fn take(&self, bytes: u64) {
        // The locks are held for the arithmetic only; each waits for its own turn by itself.
        let now = self.started.elapsed();
        let turn = |bucket: &Mutex<Option<Bucket>>| {
            bucket.lock().as_mut().map_or(now, |bucket| bucket.reserve(now, bytes))
        };
        let ready = turn(&self.plan).max(turn(&self.share));
        while let Some(left) = ready.checked_sub(self.started.elapsed())
            && !left.is_zero()
            && !self.cancelled.load(Ordering::Acquire)
        {
            std::thread::sleep(left.min(LONGEST_SLEEP));
        }
    }
}

/// A token bucket as times: the bytes taken so far are paid for at `paid`.
///
/// In every span of time `t`, the bytes whose turn comes are at most `rate * (t + BURST)` and one
/// reading.
#[derive(Debug)]
struct Bucket {
    bytes_per_second: u64,
    paid: Duration,
}

impl Bucket {
    fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), paid: Duration::ZERO }
    }

    fn set_rate(&mut self, bytes_per_second: u64) {
        self.bytes_per_second = bytes_per_second.max(1);
    }

    /// When `bytes` may be read, asked at `now`: never before all that was taken earlier is paid
    /// for, but for what a burst allows.
    fn reserve(&mut self, now: Duration, bytes: u64) -> Duration {
        let from = self.paid.max(now.saturating_sub(BURST));
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second);
        let cost = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        self.paid = from.saturating_add(cost);
        from.max(now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// When each of the readings has its turn, with a clock that moves only as readers wait:
    /// every reader asks for its next when the one before was its turn and took `reading` long.
    fn turns(rate: u64, readers: usize, reading: Duration, sizes: &[u64]) -> Vec<(Duration, u64)> {
        let mut bucket = Bucket::new(rate);
        let mut free = vec![Duration::ZERO; readers];
        let mut turns = Vec::new();
        for size in sizes {
            let reader = (0..readers).min_by_key(|reader| free[*reader]).unwrap();
            let turn = bucket.reserve(free[reader], *size);
            free[reader] = turn + reading;
            turns.push((turn, *size));
        }
        turns
    }

    #[test]
    fn a_steady_reader_gets_its_rate() {
        let sizes = [1_000_000; 100];
        for readers in [1, 4] {
            let turns = turns(10_000_000, readers, Duration::ZERO, &sizes);
            let last = turns.last().unwrap().0;
            // 99 MB before the last one's turn, at 10 MB a second.
            assert_eq!(last, Duration::from_millis(9_900), "{readers} readers");
        }
    }

    #[test]
    fn a_slow_reader_is_not_slowed_and_saves_little() {
        // A reading takes a second and costs a tenth of one.
        let turns = turns(10_000_000, 1, Duration::from_secs(1), &[1_000_000; 10]);
        assert_eq!(turns.last().unwrap().0, Duration::from_secs(9));
        let mut bucket = Bucket::new(1_000);
        let later = Duration::from_secs(3_600);
        assert_eq!(bucket.reserve(later, 250), later);
        assert_eq!(bucket.reserve(later, 1_000), later, "the burst is a quarter of a second");
        assert_eq!(bucket.reserve(later, 1), later + Duration::from_secs(1));
    }

    #[test]
    fn nothing_overflows() {
        let mut bucket = Bucket::new(0);
        bucket.reserve(Duration::MAX, u64::MAX);
        bucket.reserve(Duration::ZERO, u64::MAX);
        assert_eq!(Bucket::new(u64::MAX).reserve(Duration::ZERO, u64::MAX), Duration::ZERO);
    }

    #[test]
    fn a_cancel_ends_the_wait_and_no_bound_never_waits() {
        let cancelled = Arc::new(AtomicBool::new(false));
        let free = Throttle::new(None, None, Arc::clone(&cancelled));
        free.take(u64::MAX);
        let throttle = Throttle::new(Some(1), None, Arc::clone(&cancelled));
        throttle.take(1 << 30);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| throttle.take(1));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            cancelled.store(true, Ordering::Release);
            waiting.join().unwrap();
        });
    }

    #[test]
    fn the_slower_of_plan_and_share_counts_and_a_share_may_change() {
        let turn = |throttle: &Throttle, bytes| {
            let before = Instant::now();
            throttle.take(bytes);
            before.elapsed()
        };
        let cancelled = Arc::new(AtomicBool::new(false));
        let waits = Duration::from_millis(80);
        for (plan, share) in
            [(Some(10_000), None), (None, Some(10_000)), (Some(1 << 40), Some(10_000))]
        {
            let throttle = Throttle::new(plan, share, Arc::clone(&cancelled));
            throttle.take(1_000);
            assert!(turn(&throttle, 1) >= waits, "{plan:?} {share:?}");
        }
        // One that was free becomes bounded, and one that was slow becomes faster.
        let throttle = Throttle::new(None, None, cancelled);
        throttle.take(1 << 40);
        throttle.set_share(10_000);
        throttle.take(1_000);
        assert!(turn(&throttle, 1) >= waits);
        throttle.set_share(1 << 40);
        throttle.take(1 << 36);
        assert!(turn(&throttle, 1) < Duration::from_secs(60), "hours at the old rate");
    }

    proptest! {
        /// Whatever the readers do, no span of time sees more than its share.
        #[test]
        fn the_rate_is_bounded_in_every_span(
            rate in 1_000u64..100_000_000,
            readers in 1usize..8,
            reading_ms in 0u64..200,
            sizes in prop::collection::vec(1u64..4_000_000, 1..80),
        ) {
            let reading = Duration::from_millis(reading_ms);
            let mut turns = turns(rate, readers, reading, &sizes);
            turns.sort();
            let largest = *sizes.iter().max().unwrap() as f64;
            for first in 0..turns.len() {
                let mut bytes = 0;
                for (at, size) in &turns[first..] {
                    bytes += size;
                    let span = (*at - turns[first].0 + BURST).as_secs_f64();
                    let most = rate as f64 * span + largest;
                    prop_assert!(bytes as f64 <= most * 1.000_001 + 1.0, "{bytes} of {most}");
                }
            }
        }
    }
}
