use firn_core::{InstanceId, PowerState};

use super::{DomainSource, LibvirtSource, SourceError};
use crate::freeze::{FreezeError, GuestFreezer};

/// What libvirt says of a guest without a channel for a guest agent.
const NO_CHANNEL: &str = "agent is not configured";

impl GuestFreezer for LibvirtSource {
    fn freeze(&self, id: InstanceId) -> Result<u32, FreezeError> {
        const COMMAND: &str = "domfsfreeze";
        let answer = self.ask_aloud(COMMAND, id).map_err(understand)?;
        count(COMMAND, "Froze ", &answer).map_err(|source| FreezeError::Unsure { source })
    }

    fn thaw(&self, id: InstanceId) -> Result<Option<u32>, SourceError> {
        const COMMAND: &str = "domfsthaw";
        let error = match self.ask_aloud(COMMAND, id) {
            Ok(answer) => return count(COMMAND, "Thawed ", &answer).map(Some),
            Err(SourceError::NotFound { .. }) => return Ok(None),
            // It was made anew, without the channel by which the former one was frozen.
            Err(SourceError::Refused { message, .. }) if message.contains(NO_CHANNEL) => {
                return Ok(None);
            }
            Err(error) => error,
        };
        // Libvirt calls a paused guest "not running" too, and that one is frozen still.
        match self.power_state(id) {
            Ok(PowerState::ShutOff) | Err(SourceError::NotFound { .. }) => Ok(None),
            _ => Err(error),
        }
    }
}

/// What a refusal to freeze means; only of what is known for certain the guest needs no thaw.
fn understand(source: SourceError) -> FreezeError {
    match &source {
        SourceError::NotFound { .. } => FreezeError::NotRunning,
        SourceError::Absent { .. } => FreezeError::Unasked { source },
        SourceError::Refused { message, .. } => {
            let says = |part: &str| message.contains(part);
            if says(NO_CHANNEL) || says("agent is not connected") {
                FreezeError::NoGuestAgent
            } else if says("domain is not running") {
                FreezeError::NotRunning
            } else if says("has been disabled") {
                FreezeError::Forbidden
            } else {
                FreezeError::Unsure { source }
            }
        }
        _ => FreezeError::Unsure { source },
    }
}

/// The number in `Froze 2 filesystem(s)`.
fn count(command: &str, verb: &str, answer: &str) -> Result<u32, SourceError> {
    let number = answer.trim().strip_prefix(verb).and_then(|rest| rest.split(' ').next());
    number.and_then(|number| number.parse().ok()).ok_or_else(|| SourceError::Refused {
        command: command.to_owned(),
        message: answer.trim().chars().take(100).collect(),
    })
}
