//! Quotas of projects.

mod defaults;
mod delete;
mod show;
mod update;

pub(crate) use defaults::*;
pub(crate) use delete::*;
pub(crate) use show::*;
pub(crate) use update::*;
