//! Jobs.

mod action;
mod events;
mod list;
mod show;

pub(crate) use action::*;
pub(crate) use events::*;
pub(crate) use list::*;
pub(crate) use show::*;
