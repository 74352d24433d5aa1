//! What every request has in common: its id, its error body, its parts taken out strictly.

mod body;
mod error;
mod guard;
mod links;
mod observe;
mod page;
mod path;
mod problem;
mod query;
mod request_id;
mod strict;

pub(crate) use body::Body;
pub(crate) use error::ApiError;
pub(crate) use guard::{Access, Allow, Call, Rule};
pub(crate) use links::{Link, Links};
pub(crate) use observe::observe;
pub(crate) use page::{Listed, SortDir, limit as page_limit, page};
pub(crate) use path::PathId;
pub(crate) use problem::{Problem, ProblemLink, Problems};
pub(crate) use query::{NoQuery, Query};
pub(crate) use request_id::{RequestId, RequestIds};
pub(crate) use strict::{object, path_and_reason};

/// The most bytes a request's body may have.
pub(crate) const BODY_LIMIT_BYTES: usize = 1 << 20;
