//! What every request has in common: its id, its error body, its parts taken out strictly.

mod admit;
mod body;
mod cors;
mod error;
mod etag;
mod fields;
mod guard;
mod links;
mod list;
mod microversion;
mod observe;
mod page;
mod path;
mod problem;
mod query;
mod request_id;
mod strict;

pub(crate) use admit::admit;
pub(crate) use body::Body;
pub(crate) use cors::Cors;
pub use cors::CorsConfig;
pub(crate) use error::ApiError;
pub(crate) use etag::{ETag, IfMatch, IfNoneMatch};
pub(crate) use fields::Fields;
pub(crate) use guard::{Access, Allow, Call, Caller, Rule};
pub(crate) use links::{Link, Links};
pub(crate) use list::{Filters, List, Show, SortKey, View};
pub(crate) use microversion::{Microversion, SERVICE_TYPE, VERSION_HEADER};
pub(crate) use observe::observe;
pub(crate) use page::{Listed, SortDir};
pub(crate) use path::PathId;
pub(crate) use problem::{Problem, ProblemLink, Problems};
pub(crate) use query::{NoQuery, Query};
pub(crate) use request_id::{RequestId, RequestIds};
pub(crate) use strict::{object, path_and_reason};
