//! OpenStack behind narrow interfaces.

pub mod identity;
