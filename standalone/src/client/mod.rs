//! The human commands: thin callers of the API.

mod api;
mod format;
mod instance;
mod job;
mod point;
mod restore;

pub(crate) use api::ClientError;

use crate::cli::{Command, Instance, Job, Point};
use api::Client;

/// Runs one command.
pub(crate) fn run(command: Command) -> Result<(), ClientError> {
    match command {
        Command::Instance(Instance::List { server }) => instance::list(&Client::new(&server)?),
        Command::Backup { instance, incremental, server } => {
            point::create(&Client::new(&server)?, &instance, incremental)
        }
        Command::Point(Point::List { instance, server }) => {
            point::list(&Client::new(&server)?, instance.as_deref())
        }
        Command::Point(Point::Delete { point, server }) => {
            point::delete(&Client::new(&server)?, &point)
        }
        Command::Verify { point, sample, server } => {
            point::verify(&Client::new(&server)?, point.as_deref(), sample)
        }
        Command::Restore { point, name, server } => {
            restore::create(&Client::new(&server)?, &point, &name)
        }
        Command::Job(Job::List { server }) => job::list(&Client::new(&server)?),
        Command::Job(Job::Watch { job, server }) => job::watch_by_id(&Client::new(&server)?, &job),
        Command::Job(Job::Cancel { job, server }) => job::cancel(&Client::new(&server)?, &job),
        Command::Serve(_) | Command::Worker { .. } => Ok(()),
    }
}
