use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How far a data move has come. Bytes are of the disks' virtual content that the job has to
/// look at, whether it is read, skipped as known or found zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes done.
    pub done_bytes: u64,
    /// Bytes to do.
    pub total_bytes: u64,
}

impl Progress {
    /// From 0 to 100. Nothing to do counts as done.
    pub fn percent(&self) -> f64 {
        if self.total_bytes == 0 {
            return 100.0;
        }
        self.done_bytes.min(self.total_bytes) as f64 * 100.0 / self.total_bytes as f64
    }
}

/// A smoothed rate: each report weighs in by how long it covers, so that the figure follows the
/// last ten seconds or so whatever the spacing of the reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    bytes_per_second: Option<f64>,
}

impl Rate {
    const WINDOW_SECONDS: f64 = 10.0;

    /// Takes in that `bytes` were done within `elapsed`.
    pub fn observe(&mut self, bytes: u64, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let now = bytes as f64 / seconds;
        let weight = 1.0 - (-seconds / Self::WINDOW_SECONDS).exp();
        self.bytes_per_second = Some(match self.bytes_per_second {
            Some(before) => before + (now - before) * weight,
            None => now,
        });
    }

    /// Bytes per second; `None` before the first report.
    pub fn bytes_per_second(&self) -> Option<u64> {
        self.bytes_per_second.map(|rate| rate as u64)
    }

    /// Time left for `remaining_bytes`; `None` while nothing moves.
    pub fn remaining(&self, remaining_bytes: u64) -> Option<Duration> {
        let rate = self.bytes_per_second.filter(|rate| *rate >= 1.0)?;
        Duration::try_from_secs_f64(remaining_bytes as f64 / rate).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_stays_in_bounds() {
        assert_eq!(Progress::default().percent(), 100.0);
        assert_eq!(Progress { done_bytes: 1, total_bytes: 4 }.percent(), 25.0);
        assert_eq!(Progress { done_bytes: 9, total_bytes: 4 }.percent(), 100.0);
    }

    #[test]
    fn rate_settles_on_a_steady_flow_and_forgets_an_old_one() {
        let mut rate = Rate::default();
        assert_eq!(rate.bytes_per_second(), None);
        for _ in 0..10 {
            rate.observe(1_000, Duration::from_secs(1));
        }
        assert_eq!(rate.bytes_per_second(), Some(1_000));
        for _ in 0..100 {
            rate.observe(100, Duration::from_secs(1));
        }
        assert_eq!(rate.bytes_per_second(), Some(100));
        assert_eq!(rate.remaining(1_000).map(|left| left.as_secs()), Some(9));
    }

    #[test]
    fn nothing_moves_no_estimate() {
        let mut rate = Rate::default();
        rate.observe(0, Duration::from_secs(5));
        assert_eq!(rate.remaining(10), None);
    }
}
