use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use firn_core::InstanceId;

use super::freezes::{Shared, Thawed};
use super::{FreezeError, GuestFreezer};

/// Between two tries to thaw: the longest wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Where the outcome of a thaw is awaited.
pub(super) type Asker = Sender<Thawed>;

/// One guest from its freeze to its thaw, on a thread of its own: nothing that happens to those who
/// ask, or to other guests, holds it up.
pub(super) struct Guest {
    pub(super) shared: Arc<Shared>,
    pub(super) id: InstanceId,
    /// Those who want it thawed.
    pub(super) asked: Receiver<Asker>,
}

impl Guest {
    /// Freezes, says so, and thaws when asked or when `hold` is over.
    pub(super) fn freeze(self, hold: Duration, begun: &Sender<Result<u32, FreezeError>>) {
        let until = Instant::now() + hold;
        let frozen = self.freezer().freeze(self.id);
        let may_be_frozen = frozen.as_ref().err().is_none_or(FreezeError::may_be_frozen);
        let held = frozen.is_ok();
        if !may_be_frozen {
            self.shared.forget(self.id);
        }
        // Whoever asked may have given up; the deadline is there for that.
        let _ = begun.send(frozen);
        if !may_be_frozen {
            return;
        }
        let asker = if held { self.await_thaw(until) } else { None };
        self.thaw(asker);
    }

    /// Thaws, and answers `asker` that the guest was held until then.
    pub(super) fn thaw(self, asker: Option<Asker>) {
        let file_systems = self.thaw_until_done();
        self.shared.forget(self.id);
        tracing::info!(instance_id = %self.id, file_systems, "thawed");
        if let Some(asker) = asker {
            let _ = asker.send(Thawed { held: file_systems > 0, file_systems });
        }
        // They came later than the thaw began.
        for late in self.asked.try_iter() {
            let _ = late.send(Thawed { held: false, file_systems });
        }
    }

    fn freezer(&self) -> &dyn GuestFreezer {
        self.shared.freezer.as_ref()
    }

    /// Who asks for the thaw; `None` where the deadline came first.
    fn await_thaw(&self, until: Instant) -> Option<Asker> {
        match self.asked.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(asker) => Some(asker),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                tracing::warn!(instance_id = %self.id, "nobody thawed the guest in time");
                None
            }
        }
    }

    /// How many file systems were frozen; none where the guest is gone.
    fn thaw_until_done(&self) -> u32 {
        let mut pause = self.shared.options.retry;
        loop {
            match self.freezer().thaw(self.id) {
                Ok(Some(file_systems)) => return file_systems,
                Ok(None) => {
                    tracing::warn!(instance_id = %self.id, "the guest runs here no more");
                    return 0;
                }
                Err(error) => {
                    tracing::warn!(instance_id = %self.id, %error, "not thawed; trying again");
                    std::thread::sleep(pause);
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}
