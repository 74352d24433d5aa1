use serde::{Deserialize, Serialize};

/// State of a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreState {
    /// Its job is queued or at work.
    Restoring,
    /// The target holds every byte of the point.
    Available,
    /// Its job failed or was cancelled; nothing of the target is left.
    Error,
}

/// What happens to a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RestoreEvent {
    /// The target is complete.
    Finished,
    /// The target was removed again.
    Failed,
}

impl RestoreState {
    /// The state after `event`; `None` where the event is not allowed in this state.
    pub const fn next(self, event: RestoreEvent) -> Option<Self> {
        match (self, event) {
            (Self::Restoring, RestoreEvent::Finished) => Some(Self::Available),
            (Self::Restoring, RestoreEvent::Failed) => Some(Self::Error),
            (Self::Available | Self::Error, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_decided() {
        use RestoreEvent as E;
        use RestoreState as S;
        for state in [S::Restoring, S::Available, S::Error] {
            for event in [E::Finished, E::Failed] {
                let expected = match (state, event) {
                    (S::Restoring, E::Finished) => Some(S::Available),
                    (S::Restoring, E::Failed) => Some(S::Error),
                    _ => None,
                };
                assert_eq!(state.next(event), expected);
            }
        }
    }
}
