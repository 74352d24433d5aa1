use async_trait::async_trait;
use firn_core::{InstanceId, JobId};

use crate::CloudError;

/// What became of a wish to freeze a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freeze {
    /// Its file systems are frozen.
    Frozen,
    /// They are not, for a reason that its owner can understand.
    Refused {
        /// The reason.
        reason: String,
    },
}

/// Running guests, as far as their file systems can be frozen.
///
/// No guest stays frozen: its host thaws it after a while, whatever becomes of whoever had it frozen.
#[async_trait]
pub trait Guests: Send + Sync {
    /// Freezes a guest on the host that runs it, for a job. For one that has no guest agent that is
    /// refused; it costs no waiting.
    ///
    /// # Errors
    /// Those of [`crate::Cloud`]; it may be frozen nevertheless.
    async fn freeze(&self, host: &str, id: InstanceId, job: JobId) -> Result<Freeze, CloudError>;

    /// Thaws it; whether it was frozen from the job's freeze until now. One that is not frozen for the
    /// job is fine.
    ///
    /// # Errors
    /// Those of [`crate::Cloud`]; its host thaws it nevertheless.
    async fn thaw(&self, host: &str, id: InstanceId, job: JobId) -> Result<bool, CloudError>;
}
