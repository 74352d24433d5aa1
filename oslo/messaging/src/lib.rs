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
//! - every message names its schema and version ([`Envelope`], [`Schema`]).
//!
//! [`InProcess`] is the transport within one process. What every other one has to do is in the
//! module `conformance` (feature `conformance`), as a suite to run on it.
//!
//! This crate must not know what the messages are about.

#[cfg(feature = "conformance")]
pub mod conformance;
mod envelope;
mod error;
mod in_process;
mod schema;
mod transport;

pub use envelope::Envelope;
pub use error::{MessagingError, RemoteError};
pub use in_process::InProcess;
pub use schema::{Schema, SchemaError};
pub use transport::{Consumer, Delivery, Reply, Request, Server, Settle, Transport, dead_letters};
