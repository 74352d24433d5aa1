use serde::{Deserialize, Serialize};

/// What a job does; each kind is one saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Fill a restore point.
    CreatePoint,
    /// Remove a restore point.
    DeletePoint,
    /// Read a restore point back and check every chunk.
    VerifyPoint,
    /// Write a restore point's disks to a target.
    Restore,
}

/// State of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// In the database, not yet claimed.
    Queued,
    /// A conductor holds its lease and does its steps.
    Running,
    /// Somebody asked to cancel; its holder is stopping.
    Cancelling,
    /// A step failed or the job was cancelled; its steps are being undone.
    Unwinding,
    /// All steps done.
    Succeeded,
    /// A step failed and everything done was undone.
    Failed,
    /// Cancelled and everything done was undone.
    Cancelled,
}

/// What happens to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobEvent {
    /// A conductor took its lease, for the first time or after another's death.
    Claimed,
    /// Somebody asked to cancel it.
    CancelRequested,
    /// A step failed, or was stopped by a cancel: undo starts.
    Unwind,
    /// All steps done.
    Succeeded,
    /// Undo is complete after a failure.
    UnwoundFailed,
    /// Undo is complete after a cancel.
    UnwoundCancelled,
}

impl JobState {
    /// The state after `event`; `None` where the event is not allowed in this state.
    pub const fn next(self, event: JobEvent) -> Option<Self> {
        use JobEvent as E;
        match (self, event) {
            (Self::Queued | Self::Running, E::Claimed) => Some(Self::Running),
            (Self::Cancelling, E::Claimed) => Some(Self::Cancelling),
            (Self::Unwinding, E::Claimed) => Some(Self::Unwinding),
            // Nothing was done yet, so there is nothing to undo.
            (Self::Queued, E::CancelRequested) => Some(Self::Cancelled),
            (Self::Running | Self::Cancelling, E::CancelRequested) => Some(Self::Cancelling),
            (Self::Running | Self::Cancelling | Self::Unwinding, E::Unwind) => {
                Some(Self::Unwinding)
            }
            // A cancel that comes after the last step is too late: the work is done.
            (Self::Running | Self::Cancelling, E::Succeeded) => Some(Self::Succeeded),
            (Self::Unwinding, E::UnwoundFailed) => Some(Self::Failed),
            (Self::Unwinding, E::UnwoundCancelled) => Some(Self::Cancelled),
            _ => None,
        }
    }

    /// Whether nothing more will happen to it.
    pub const fn finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// State of one step of a job's saga, as journaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Its do was started; whether it had any effect is not known.
    Started,
    /// Its do is complete and its output journaled.
    Done,
    /// Its undo is complete.
    Undone,
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [JobState; 7] = [
        JobState::Queued,
        JobState::Running,
        JobState::Cancelling,
        JobState::Unwinding,
        JobState::Succeeded,
        JobState::Failed,
        JobState::Cancelled,
    ];
    const EVENTS: [JobEvent; 6] = [
        JobEvent::Claimed,
        JobEvent::CancelRequested,
        JobEvent::Unwind,
        JobEvent::Succeeded,
        JobEvent::UnwoundFailed,
        JobEvent::UnwoundCancelled,
    ];

    #[test]
    fn every_pair_is_decided() {
        use JobEvent as E;
        use JobState as S;
        let allowed = [
            (S::Queued, E::Claimed, S::Running),
            (S::Queued, E::CancelRequested, S::Cancelled),
            (S::Running, E::Claimed, S::Running),
            (S::Running, E::CancelRequested, S::Cancelling),
            (S::Running, E::Unwind, S::Unwinding),
            (S::Running, E::Succeeded, S::Succeeded),
            (S::Cancelling, E::Claimed, S::Cancelling),
            (S::Cancelling, E::CancelRequested, S::Cancelling),
            (S::Cancelling, E::Unwind, S::Unwinding),
            (S::Cancelling, E::Succeeded, S::Succeeded),
            (S::Unwinding, E::Claimed, S::Unwinding),
            (S::Unwinding, E::Unwind, S::Unwinding),
            (S::Unwinding, E::UnwoundFailed, S::Failed),
            (S::Unwinding, E::UnwoundCancelled, S::Cancelled),
        ];
        for state in STATES {
            for event in EVENTS {
                let expected =
                    allowed.iter().find(|row| row.0 == state && row.1 == event).map(|row| row.2);
                assert_eq!(state.next(event), expected, "{state:?} on {event:?}");
            }
        }
    }

    #[test]
    fn finished_states_have_no_way_out() {
        for state in STATES.into_iter().filter(|state| state.finished()) {
            for event in EVENTS {
                assert_eq!(state.next(event), None);
            }
        }
    }
}
