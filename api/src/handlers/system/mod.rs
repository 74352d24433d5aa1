//! The service itself: versions, health, figures, its own description.

mod healthcheck;
mod metrics;
mod openapi;
mod versions;

pub(crate) use healthcheck::*;
pub(crate) use metrics::*;
pub(crate) use openapi::*;
pub(crate) use versions::*;
