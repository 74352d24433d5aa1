//! Agents: the services on hypervisors.

mod list;
mod show;

pub(crate) use list::*;
pub(crate) use show::*;
