//! What projects have.

mod list;

pub(crate) use list::*;
