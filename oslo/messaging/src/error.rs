use std::error::Error as StdError;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a server answers when it cannot do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct RemoteError {
    /// A word that the two sides agreed on: `not_found`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// Why a message did not get through.
#[derive(Debug, thiserror::Error)]
pub enum MessagingError {
    /// The transport was closed on this side.
    #[error("the transport is closed")]
    Closed,
    /// The broker cannot be reached, or broke off before it confirmed.
    #[error("the message broker does not answer; check the transport URL and the broker")]
    Broker {
        /// The cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The broker does not let us in, or not do this: the login, the virtual host or a permission is
    /// wrong.
    #[error("the message broker refuses; check user, virtual host and permissions")]
    Refused {
        /// The cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The queue is deleted as soon as it is made.
    #[error("the queue {queue} does not exist and cannot be made")]
    NoQueue {
        /// The queue.
        queue: String,
    },
    /// The queue holds as much as it may.
    #[error("the queue {queue} is full; check that its receivers are running")]
    Full {
        /// The queue, or the target of a call.
        queue: String,
    },
    /// Nobody serves the target.
    #[error("nobody serves {target}; check that the service is running")]
    NoServer {
        /// The target.
        target: String,
    },
    /// No answer came in time. Whether the request was carried out is not known.
    #[error("{target} gave no answer within {} ms", deadline.as_millis())]
    Deadline {
        /// The target.
        target: String,
        /// How long the caller was ready to wait.
        deadline: Duration,
    },
    /// The server took the request and went away without an answer.
    #[error("{target} gave up the request without an answer")]
    Abandoned {
        /// The target.
        target: String,
    },
    /// The server answered that it cannot.
    #[error("{target} refused the request")]
    Remote {
        /// The target.
        target: String,
        /// Its answer.
        #[source]
        source: RemoteError,
    },
    /// The delivery is not this receiver's any more: it went back to its queue.
    #[error("the delivery went back to {queue} before it was settled")]
    Stale {
        /// The queue.
        queue: String,
    },
}

impl MessagingError {
    /// Whether the same message may get through later. A `Remote` answer would be the same again
    /// as far as this crate knows; what its code means is the caller's business.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Broker { .. }
            | Self::Full { .. }
            | Self::NoQueue { .. }
            | Self::NoServer { .. }
            | Self::Deadline { .. }
            | Self::Abandoned { .. } => true,
            Self::Closed | Self::Refused { .. } | Self::Remote { .. } | Self::Stale { .. } => false,
        }
    }

    /// The server's own answer, where that is what went wrong.
    pub fn remote(&self) -> Option<&RemoteError> {
        match self {
            Self::Remote { source, .. } => Some(source),
            _ => None,
        }
    }
}
