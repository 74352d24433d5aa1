//! Services.

mod list;
mod show;
mod update;

pub(crate) use list::*;
pub(crate) use show::*;
pub(crate) use update::*;
