use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use firn_driver_sdk::DriverError;

/// How often a wait looks whether it was cancelled.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// What ends waiting: a cancel, or silence of the cluster.
#[derive(Debug)]
pub(crate) struct Control {
    cancelled: AtomicBool,
    silence: Duration,
}

impl Control {
    /// `silence`: after so long without an answer a wait is given up.
    pub(crate) fn new(silence: Duration) -> Self {
        Self { cancelled: AtomicBool::new(false), silence }
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// # Errors
    /// The cancel, where there was one.
    pub(crate) fn check(&self) -> Result<(), DriverError> {
        if self.is_cancelled() { Err(DriverError::cancelled()) } else { Ok(()) }
    }

    /// # Errors
    /// The cancel, or `Unavailable` where the last answer came too long ago.
    pub(crate) fn check_since(&self, last_answer: Instant) -> Result<(), DriverError> {
        self.check()?;
        if last_answer.elapsed() < self.silence {
            return Ok(());
        }
        Err(DriverError::unavailable(format!(
            "the cluster has not answered for {} seconds: look at its health",
            self.silence.as_secs()
        )))
    }

    /// Runs a call that cannot be interrupted, in a thread of its own. Where the wait for it is
    /// given up the thread goes on, and ends with the call's own timeouts.
    ///
    /// # Errors
    /// The call's, or as [`Control::check_since`].
    pub(crate) fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, DriverError> {
        let started = Instant::now();
        self.run_while(move || started, call)
    }

    /// As [`Control::run`], for a call that takes long and of which `last_answer` tells that it
    /// goes on.
    ///
    /// # Errors
    /// The call's, or as [`Control::check_since`].
    pub(crate) fn run_while<T: Send + 'static>(
        &self,
        last_answer: impl Fn() -> Instant,
        call: impl FnOnce() -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, DriverError> {
        let (ended, end) = mpsc::channel();
        // Nobody listens any more where the wait was given up.
        let thread = move || drop(ended.send(call()));
        thread::Builder::new()
            .name("firn-ceph-call".to_owned())
            .spawn(thread)
            .map_err(|source| DriverError::io("start a thread", source))?;
        loop {
            self.check_since(last_answer())?;
            match end.recv_timeout(TICK) {
                Ok(answer) => return answer,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(DriverError::internal("a call of librbd ended without an answer"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use firn_driver_sdk::ErrorKind;

    use super::*;

    #[test]
    fn a_call_that_hangs_is_given_up() {
        let hang = || {
            thread::sleep(Duration::from_secs(60));
            Ok(())
        };
        let error = Control::new(Duration::from_millis(10)).run(hang).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);

        let control = Arc::new(Control::new(Duration::from_secs(60)));
        let cancelling = Arc::clone(&control);
        let waiting = thread::spawn(move || control.run(hang).unwrap_err().is_cancelled());
        cancelling.cancel();
        assert!(waiting.join().unwrap());
    }

    #[test]
    fn a_call_that_goes_on_is_not_given_up() {
        let call = || {
            thread::sleep(3 * TICK);
            Ok(7)
        };
        // Within every tick there is an answer, and the call takes longer than the silence.
        let control = Control::new(2 * TICK);
        assert_eq!(control.run_while(Instant::now, call).unwrap(), 7);
    }

    #[test]
    fn a_call_that_ends_gives_its_answer() {
        let control = Control::new(Duration::from_secs(60));
        assert_eq!(control.run(|| Ok(7)).unwrap(), 7);
        let panics = control.run(|| -> Result<(), DriverError> { panic!("in a test") });
        assert_eq!(panics.unwrap_err().kind(), ErrorKind::Internal);
    }
}
