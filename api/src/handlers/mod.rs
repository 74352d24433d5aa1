//! One file a verb. A handler takes its parts out of the request, calls one method of the
//! application, and says with which status and body it answers.

pub(crate) mod agents;
pub(crate) mod drivers;
pub(crate) mod instances;
pub(crate) mod jobs;
pub(crate) mod plans;
pub(crate) mod quotas;
pub(crate) mod repositories;
pub(crate) mod restore_points;
pub(crate) mod restores;
pub(crate) mod services;
pub(crate) mod system;
pub(crate) mod usage;

mod refusals;

use actix_web::HttpResponse;
use actix_web::http::header::{ContentType, ETAG, LOCATION};
use serde::Serialize;

use crate::http::{ETag, Fields, IfNoneMatch, Pieces};

/// A rule's type, as a handler names it: what it allows, its name, who may where no policy says
/// otherwise, and the first version that has it.
macro_rules! rule {
    ($(#[doc = $doc:literal])* $name:ident, $text:literal, $access:ident) => {
        rule!($(#[doc = $doc])* $name, $text, $access, V1_0);
    };
    ($(#[doc = $doc:literal])* $name:ident, $text:literal, $access:ident, $since:ident) => {
        $(#[doc = $doc])*
        pub(crate) struct $name;

        impl crate::http::Rule for $name {
            const NAME: &'static str = concat!("instance-backup:", $text);
            const DESCRIPTION: &'static str = concat!($($doc),*);
            const ACCESS: crate::policy::Access = crate::policy::Access::$access;
            const SINCE: crate::http::Microversion = crate::http::Microversion::$since;
        }
    };
}
pub(crate) use rule;

/// 200 with the fields that were asked for.
fn shown(body: impl Serialize, fields: &Fields) -> HttpResponse {
    fields.json(&body).map_or_else(HttpResponse::from_error, written)
}

/// 200 with what is written already.
fn written(body: Pieces) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(body.into_body())
}

/// 200 with the tag of what is shown; 304 where the client has it already.
fn tagged(
    body: impl Serialize,
    fields: &Fields,
    tag: &ETag,
    unless: Option<&IfNoneMatch>,
) -> HttpResponse {
    let mut response = match unless.is_some_and(|unless| unless.known(tag)) {
        true => HttpResponse::NotModified().finish(),
        false => shown(body, fields),
    };
    if let Some(tag) = tag.header() {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// 202: accepted, with what will come of it and where to look.
fn accepted(location: String, body: impl Serialize) -> HttpResponse {
    HttpResponse::Accepted().insert_header((LOCATION, location)).json(body)
}
