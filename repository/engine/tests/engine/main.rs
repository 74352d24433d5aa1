//! The engine as its callers see it.
#![allow(unreachable_pub)]

mod crash;
mod damage;
mod golden;
mod model;
mod sessions;
mod support;
