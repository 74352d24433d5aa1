//! Messages between the parts of a service: work queues and calls with an answer, behind one
//! [`Transport`] trait.
//!
//! Invariants:
//! - a message is delivered at least once: it leaves its queue when it is acknowledged, and comes
//!   back when its receiver gives it up or dies. Receivers must bear to see one twice;
//! - a message that is refused lies in its queue's dead letters ([`dead_letters`]), it is never
//!   just gone;
//! - nothing waits for ever: a call has a deadline, a full queue refuses, a closed transport ends
//!   every wait;
//! - every message names its schema and version ([`Envelope`], [`Schema`]), and a test of its users
//!   notices when it changes and the version does not ([`schema_fingerprints!`]).
//!
//! [`InProcess`] is the transport within one process, `RabbitMq` (feature `rabbitmq`) the one between
//! processes and hosts. What every other one has to do is in the
//! module `conformance` (feature `conformance`), as a suite to run on it.
//!
//! Beside it, [`Notifier`] tells others what happened, as oslo.messaging's notifications do.
//!
//! This crate must not know what the messages are about.

#[cfg(feature = "conformance")]
pub mod conformance;
mod envelope;
mod error;
pub mod fingerprint;
mod in_process;
mod notify;
#[cfg(feature = "rabbitmq")]
mod rabbit;
mod schema;
mod transport;

pub use envelope::Envelope;
pub use error::{MessagingError, RemoteError};
pub use in_process::InProcess;
pub use notify::{InProcessNotifier, NoNotifier, Notification, Notifier, NotifierCounts, Priority};
#[cfg(feature = "rabbitmq")]
pub use notify::{NotifierOptions, RabbitNotifier};
#[cfg(feature = "rabbitmq")]
pub use rabbit::{
    RabbitLinkError, RabbitMq, RabbitOptions, RabbitOptionsError, RabbitTls, RabbitTlsError,
    TransportHost, TransportUrl, TransportUrlError,
};
pub use schema::{Schema, SchemaError};
pub use transport::{Consumer, Delivery, Reply, Request, Server, Settle, Transport, dead_letters};
