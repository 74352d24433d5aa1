use serde::{Deserialize, Serialize};

/// State of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// It runs when it is due.
    Active,
    /// Its owner stopped it: nothing runs, not even on demand.
    Paused,
    /// Its last run could not start, and its owner has to act. It is tried again whenever it is
    /// due, and becomes active when a run starts.
    Error,
}

/// What happens to a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlanEvent {
    /// Its owner pauses it.
    Pause,
    /// Its owner resumes it.
    Resume,
    /// A run could not start for a reason that its owner has to remove.
    Failed,
    /// A run started.
    Started,
}

impl PlanStatus {
    /// The state after `event`; `None` where the event is not allowed in this state.
    pub const fn next(self, event: PlanEvent) -> Option<Self> {
        use PlanEvent as E;
        match (self, event) {
            (_, E::Pause) => Some(Self::Paused),
            (_, E::Resume) => Some(Self::Active),
            (Self::Active | Self::Error, E::Failed) => Some(Self::Error),
            (Self::Active | Self::Error, E::Started) => Some(Self::Active),
            (Self::Paused, E::Failed | E::Started) => None,
        }
    }

    /// Whether the scheduler looks at it.
    pub const fn runs(self) -> bool {
        matches!(self, Self::Active | Self::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_decided() {
        use PlanEvent as E;
        use PlanStatus as S;
        for state in [S::Active, S::Paused, S::Error] {
            for event in [E::Pause, E::Resume, E::Failed, E::Started] {
                let expected = match (state, event) {
                    (_, E::Pause) => Some(S::Paused),
                    (_, E::Resume) => Some(S::Active),
                    (S::Paused, _) => None,
                    (_, E::Failed) => Some(S::Error),
                    (_, E::Started) => Some(S::Active),
                };
                assert_eq!(state.next(event), expected, "{state:?} on {event:?}");
            }
        }
        assert!(S::Active.runs() && S::Error.runs() && !S::Paused.runs());
    }
}
