//! Restores.

mod create;
mod list;
mod show;

pub(crate) use create::*;
pub(crate) use list::*;
pub(crate) use show::*;
