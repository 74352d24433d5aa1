//! One file a verb. A handler takes its parts out of the request, calls one method of the
//! application, and says with which status and body it answers.

pub(crate) mod instances;
pub(crate) mod jobs;
pub(crate) mod repositories;
pub(crate) mod restore_points;
pub(crate) mod restores;
pub(crate) mod services;
pub(crate) mod system;

mod refusals;

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use serde::Serialize;

/// A rule's type, as a handler names it.
macro_rules! rule {
    ($(#[$doc:meta])* $name:ident, $text:literal, $needs:ident) => {
        $(#[$doc])*
        pub(crate) struct $name;

        impl crate::http::Rule for $name {
            const NAME: &'static str = concat!("instance-backup:", $text);
            const NEEDS: crate::http::Access = crate::http::Access::$needs;
        }
    };
}
pub(crate) use rule;

/// 202: accepted, with what will come of it and where to look.
fn accepted(location: String, body: impl Serialize) -> HttpResponse {
    HttpResponse::Accepted().insert_header((LOCATION, location)).json(body)
}
