//! Storage drivers.

mod list;

pub(crate) use list::*;
