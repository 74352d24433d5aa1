use serde::{Deserialize, Serialize};

/// State of one run of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Its owner asked for it; no scheduler has taken it up yet.
    Requested,
    /// Its jobs exist and not all have ended.
    Running,
    /// Every instance has its point.
    Succeeded,
    /// Some instances have their point, others not.
    Partial,
    /// No instance has its point, though there were some.
    Failed,
    /// It never started: its window was over, or the plan was paused.
    Skipped,
}

impl RunState {
    /// Whether nothing more will happen to it.
    pub const fn finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Partial | Self::Failed | Self::Skipped)
    }
}

/// Why a run happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunTrigger {
    /// Its time came.
    Schedule,
    /// Somebody asked for it.
    Manual,
}

/// How a run's instances fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTally {
    /// Instances whose job has not ended.
    pub unfinished: u32,
    /// Instances with a new point.
    pub succeeded: u32,
    /// Instances whose job failed or was cancelled.
    pub failed: u32,
    /// Instances for which no job could be made.
    pub refused: u32,
}

impl RunTally {
    /// The state of a run that was started. One that met no instance at all has succeeded.
    pub const fn state(&self) -> RunState {
        if self.unfinished > 0 {
            RunState::Running
        } else if self.failed == 0 && self.refused == 0 {
            RunState::Succeeded
        } else if self.succeeded > 0 {
            RunState::Partial
        } else {
            RunState::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_decides_the_state() {
        for (unfinished, succeeded, failed, refused, expected) in [
            (0, 0, 0, 0, RunState::Succeeded),
            (1, 0, 0, 0, RunState::Running),
            (1, 1, 1, 1, RunState::Running),
            (0, 2, 0, 0, RunState::Succeeded),
            (0, 2, 1, 0, RunState::Partial),
            (0, 2, 0, 1, RunState::Partial),
            (0, 0, 1, 0, RunState::Failed),
            (0, 0, 0, 1, RunState::Failed),
        ] {
            let tally = RunTally { unfinished, succeeded, failed, refused };
            assert_eq!(tally.state(), expected, "{tally:?}");
            assert_eq!(tally.state().finished(), unfinished == 0);
        }
    }
}
