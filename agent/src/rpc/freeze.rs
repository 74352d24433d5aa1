//! Freezing and thawing, as it is asked for.

use std::time::Duration;

use firn_core::{InstanceId, JobId, chain};
use serde::{Deserialize, Serialize};

use crate::{DomainSource, FreezeError, Freezes, SourceError, Thawed};

/// Asks to freeze the file systems of a guest for its snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceFreeze {
    /// Its UUID.
    pub instance_id: InstanceId,
    /// For whom: nobody else can ask for the thaw.
    pub job_id: JobId,
    /// The agent thaws it by itself after so many seconds, or sooner where its options say so.
    pub hold_seconds: u64,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum InstanceFrozen {
    /// It is frozen.
    Frozen {
        /// How many file systems.
        file_systems: u32,
    },
    /// It is not, or is being thawed already.
    Refused {
        /// Why.
        reason: FreezeRefusal,
        /// Why, in words.
        message: String,
    },
}

/// Why a guest is not frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeRefusal {
    /// The guest has no agent that runs.
    NoGuestAgent,
    /// It has one, which did not say that it froze.
    NoAnswer,
    /// It is frozen already, for another job or by somebody else.
    AlreadyFrozen,
    /// It does not run here.
    NotRunning,
    /// This host cannot.
    Unable,
}

/// Asks to thaw a guest that was frozen for a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceThaw {
    /// Its UUID.
    pub instance_id: InstanceId,
    /// For whom it was frozen.
    pub job_id: JobId,
}

/// What the thaw found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceThawed {
    /// The guest was frozen from the job's freeze until now.
    pub held: bool,
    /// How many file systems were thawed.
    pub file_systems: u32,
}

/// Freezes a guest of this host that has a guest agent; others are not waited for.
pub(super) fn freeze(
    source: &dyn DomainSource,
    freezes: Option<&Freezes>,
    asked: &InstanceFreeze,
) -> Result<InstanceFrozen, SourceError> {
    let id = asked.instance_id;
    let domain = source.domain(id)?;
    let Some(freezes) = freezes else {
        let message = "the agent of the host does not talk to libvirt".to_owned();
        return Ok(InstanceFrozen::Refused { reason: FreezeRefusal::Unable, message });
    };
    let frozen = match domain.guest_agent {
        true => freezes.freeze(id, asked.job_id, Duration::from_secs(asked.hold_seconds)),
        false => Err(FreezeError::NoGuestAgent),
    };
    Ok(match frozen {
        Ok(file_systems) => {
            tracing::info!(instance_id = %id, job_id = %asked.job_id, file_systems, "frozen");
            InstanceFrozen::Frozen { file_systems }
        }
        Err(error) => {
            let message = chain(&error);
            InstanceFrozen::Refused { reason: reason(&error), message }
        }
    })
}

fn reason(error: &FreezeError) -> FreezeRefusal {
    match error {
        FreezeError::NoGuestAgent => FreezeRefusal::NoGuestAgent,
        FreezeError::NotRunning => FreezeRefusal::NotRunning,
        FreezeError::Forbidden | FreezeError::Held => FreezeRefusal::AlreadyFrozen,
        FreezeError::Unsure { .. } => FreezeRefusal::NoAnswer,
        FreezeError::Stopping
        | FreezeError::Unrecorded { .. }
        | FreezeError::NoThread { .. }
        | FreezeError::Unasked { .. }
        | FreezeError::NotThawed { .. } => FreezeRefusal::Unable,
    }
}

/// Thaws a guest, also one that this host's source tells of no more.
pub(super) fn thaw(
    freezes: Option<&Freezes>,
    asked: &InstanceThaw,
) -> Result<InstanceThawed, FreezeError> {
    let thawed = freezes.map(|freezes| freezes.thaw(asked.instance_id, asked.job_id));
    let Thawed { held, file_systems } = thawed.transpose()?.unwrap_or_default();
    Ok(InstanceThawed { held, file_systems })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused() -> InstanceFrozen {
        let reason = FreezeRefusal::NoGuestAgent;
        InstanceFrozen::Refused { reason, message: "why".to_owned() }
    }

    fn ask() -> serde_json::Value {
        json!({ "instance_id": uuid(), "job_id": uuid(), "hold_seconds": 60 })
    }

    fn uuid() -> &'static str {
        "0b6d6f1e-55a1-4a0e-9c53-000000000001"
    }

    oslo_messaging::schema_fingerprints! { messages_do_not_change_silently:
        "instance.freeze/1" = "fa86f1e80cbd79e2" as InstanceFreeze => [ask()],
        "instance.freeze/1 answer" = "4a88a94e321cac9f" as InstanceFrozen => [
            json!(InstanceFrozen::Frozen { file_systems: 2 }),
            json!(refused()),
        ],
        "instance.thaw/1" = "bab74fdff2421e85" as InstanceThaw => [
            json!({ "instance_id": uuid(), "job_id": uuid() }),
        ],
        "instance.thaw/1 answer" = "13c6327308562c59" as InstanceThawed => [
            json!(InstanceThawed { held: true, file_systems: 2 }),
        ],
    }

    #[test]
    fn reasons_are_words_on_the_wire() {
        let reasons = [
            FreezeRefusal::NoGuestAgent,
            FreezeRefusal::NoAnswer,
            FreezeRefusal::AlreadyFrozen,
            FreezeRefusal::NotRunning,
            FreezeRefusal::Unable,
        ];
        let words = ["no_guest_agent", "no_answer", "already_frozen", "not_running", "unable"];
        assert_eq!(json!(reasons), json!(words));
    }
}
