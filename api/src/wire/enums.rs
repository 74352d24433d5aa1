//! Closed words of the API, each the name of a domain value.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An enum of the API that stands for one of another crate, variant by variant.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident = $domain:path { $($(#[$variant_doc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                use $domain as Domain;
                match value { $(Domain::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for $domain {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),+ }
            }
        }
    };
}

words!(
    /// How much of the disks a backup reads.
    Mode = firn_core::BackupMode { Full, Incremental }
);
words!(
    /// How consistent the disks of a point are with each other and with the guest's memory.
    Consistency = firn_core::Consistency { Crash, Filesystem, Application }
);
words!(
    /// State of a restore point.
    PointStatus = firn_core::PointState { Creating, Available, Error, Deleting }
);
words!(
    /// State of a restore.
    RestoreStatus = firn_core::RestoreState { Restoring, Available, Error }
);
words!(
    /// What a job does.
    JobKind = firn_core::JobKind { CreatePoint, DeletePoint, VerifyPoint, Restore }
);
words!(
    /// State of a job.
    JobStatus = firn_core::JobState {
        Queued, Running, Cancelling, Unwinding, Succeeded, Failed, Cancelled
    }
);
words!(
    /// State of a step of a job.
    StepStatus = firn_core::StepState { Started, Done, Undone }
);
words!(
    /// What a disk is to its instance.
    DiskKind = firn_core::DiskKind { Root, Ephemeral, Volume, Swap, ConfigDrive }
);
words!(
    /// Whether a guest runs.
    PowerState = firn_core::PowerState { Running, ShutOff, Unknown }
);
words!(
    /// Whether a repository can be used.
    RepositoryStatus = firn_db::RepositoryStatus { Available, Unavailable }
);
words!(
    /// Which of Firn's services one is.
    ServiceKind = firn_db::ServiceKind { Api, Conductor, Agent }
);
words!(
    /// Whether a service lives.
    ServiceState = firn_db::ServiceState { Up, Down }
);
words!(
    /// How grave an event is.
    Severity = firn_db::EventLevel { Info, Warning, Error }
);

words!(
    /// State of a plan.
    PlanStatus = firn_core::plan::PlanStatus { Active, Paused, Error }
);
words!(
    /// State of a run of a plan.
    RunStatus = firn_core::plan::RunState {
        Requested, Running, Succeeded, Partial, Failed, Skipped
    }
);
words!(
    /// Why a run happens.
    RunTrigger = firn_core::plan::RunTrigger { Schedule, Manual }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_contract() {
        let word = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        for (domain, expected) in [
            (firn_core::JobState::Queued, "queued"),
            (firn_core::JobState::Running, "running"),
            (firn_core::JobState::Cancelling, "cancelling"),
            (firn_core::JobState::Unwinding, "unwinding"),
            (firn_core::JobState::Succeeded, "succeeded"),
            (firn_core::JobState::Failed, "failed"),
            (firn_core::JobState::Cancelled, "cancelled"),
        ] {
            let status = JobStatus::from(domain);
            assert_eq!(word(serde_json::to_value(status).unwrap()), expected);
            assert_eq!(firn_core::JobState::from(status), domain);
        }
    }
}
