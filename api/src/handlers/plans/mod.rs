//! Plans.

mod action;
mod create;
mod delete;
mod list;
mod runs;
mod show;
mod update;

pub(crate) use action::*;
pub(crate) use create::*;
pub(crate) use delete::*;
pub(crate) use list::*;
pub(crate) use runs::*;
pub(crate) use show::*;
pub(crate) use update::*;
