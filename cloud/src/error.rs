use firn_core::{ErrorKind, InstanceId};

/// Any error, as a cause.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a cloud could not answer.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// No such instance.
    #[error("no instance has the id {id}: list the instances for the ids that exist")]
    NotFound {
        /// The id asked for.
        id: InstanceId,
    },
    /// The cloud's description of the instance contradicts itself or cannot be trusted.
    #[error("the description of instance {id} is not usable: correct it and try again")]
    InvalidInput {
        /// The instance.
        id: InstanceId,
        /// What is wrong with it.
        #[source]
        source: BoxError,
    },
    /// The cloud's parts do not agree on the instance, or it is in a state in which it cannot be
    /// described.
    #[error("instance {id} cannot be described as it is now: try again when that has changed")]
    Conflict {
        /// The instance.
        id: InstanceId,
        /// What stands against it.
        #[source]
        source: BoxError,
    },
    /// The cloud, or a part of it that was needed, did not answer.
    #[error("{service} does not answer: try again when it does")]
    Unavailable {
        /// What was asked.
        service: String,
        /// What happened, where something is known.
        #[source]
        source: Option<BoxError>,
    },
    /// A service did not do what it was asked.
    #[error("the cloud did not do it")]
    Refused {
        /// What a caller can do about it.
        kind: ErrorKind,
        /// What the service said.
        #[source]
        source: BoxError,
    },
    /// A defect of ours.
    #[error("asking the cloud failed unexpectedly: report this with the log")]
    Internal {
        /// What happened.
        #[source]
        source: BoxError,
    },
}

impl CloudError {
    /// What a caller can do about it.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::InvalidInput { .. } => ErrorKind::InvalidInput,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Refused { kind, .. } => *kind,
            Self::Internal { .. } => ErrorKind::Internal,
        }
    }
}
