//! What every process of the service does the same: reads its command line and configuration,
//! logs, connects to the broker, obeys signals and tells systemd how it is.
//!
//! Invariants:
//! - a process that is not fully configured does not start, and says which option of which file;
//! - a log line carries the request, job and project that it is about, where there are any;
//! - no option that is marked secret is ever logged.
//!
//! It must not know of HTTP, jobs, drivers or the database.

mod arguments;
mod exit;
mod host;
pub mod logging;
mod messaging;
mod repository;
mod signals;
mod systemd;

pub use arguments::ServiceArguments;
pub use exit::exit;
pub use host::HostOptions;
pub use logging::LogOptions;
pub use messaging::{
    Messaging, MessagingSetupError, NotificationConfig, RabbitConfig, TransportOptions,
};
pub use repository::RepositoryOptions;
pub use signals::Signals;
pub use systemd::{ready, stopping, watchdog};
