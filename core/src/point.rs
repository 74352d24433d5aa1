use serde::{Deserialize, Serialize};

/// How much of the disks a backup has to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupMode {
    /// Everything that is allocated.
    Full,
    /// What changed since the newest available point of the same instance; everything allocated
    /// where the storage cannot tell.
    Incremental,
}

/// How consistent the disks of a point are with each other and with the guest's memory.
/// Ordered: a later variant is the stronger promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// What a power cut at that moment would have left.
    Crash,
    /// Guest file systems were frozen.
    Filesystem,
    /// Applications in the guest were quiesced, or the guest was shut off.
    Application,
}

/// State of a restore point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointState {
    /// A job is filling it.
    Creating,
    /// It can be restored.
    Available,
    /// Its job failed, or verification found damage.
    Error,
    /// A job is deleting it.
    Deleting,
}

/// What happens to a restore point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PointEvent {
    /// Its record is durable in the repository.
    Committed,
    /// Its job ended without a record.
    Failed,
    /// Somebody asked to delete it.
    DeleteRequested,
    /// Verification found damage in it.
    Damaged,
    /// Verification read all of it without fault.
    Healed,
    /// The deletion could not be done; the record is still there.
    DeleteFailed,
}

impl PointState {
    /// The state after `event`; `None` where the event is not allowed in this state.
    pub const fn next(self, event: PointEvent) -> Option<Self> {
        use PointEvent as E;
        match (self, event) {
            (Self::Creating, E::Committed) => Some(Self::Available),
            (Self::Creating, E::Failed) => Some(Self::Error),
            (Self::Available | Self::Error, E::DeleteRequested) => Some(Self::Deleting),
            (Self::Available | Self::Error, E::Damaged) => Some(Self::Error),
            (Self::Available | Self::Error, E::Healed) => Some(Self::Available),
            (Self::Deleting, E::DeleteFailed) => Some(Self::Error),
            _ => None,
        }
    }

    /// Whether a restore may start from it.
    pub const fn restorable(self) -> bool {
        matches!(self, Self::Available)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_decided() {
        use PointEvent as E;
        use PointState as S;
        let allowed = [
            (S::Creating, E::Committed, S::Available),
            (S::Creating, E::Failed, S::Error),
            (S::Available, E::DeleteRequested, S::Deleting),
            (S::Error, E::DeleteRequested, S::Deleting),
            (S::Available, E::Damaged, S::Error),
            (S::Error, E::Damaged, S::Error),
            (S::Available, E::Healed, S::Available),
            (S::Error, E::Healed, S::Available),
            (S::Deleting, E::DeleteFailed, S::Error),
        ];
        for state in [S::Creating, S::Available, S::Error, S::Deleting] {
            for event in [
                E::Committed,
                E::Failed,
                E::DeleteRequested,
                E::Damaged,
                E::Healed,
                E::DeleteFailed,
            ] {
                let expected =
                    allowed.iter().find(|row| row.0 == state && row.1 == event).map(|row| row.2);
                assert_eq!(state.next(event), expected, "{state:?} on {event:?}");
            }
        }
    }

    #[test]
    fn grades_are_ordered() {
        assert!(Consistency::Crash < Consistency::Filesystem);
        assert!(Consistency::Filesystem < Consistency::Application);
    }
}
