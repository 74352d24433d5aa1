use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::{ApiError, path_and_reason};

/// The query string, taken strictly: unknown, repeated and malformed parameters are refused.
pub(crate) struct Query<T>(pub(crate) T);

/// The route takes no parameters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

pub(super) fn parse<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs)).map_err(|error| {
        let (field, reason) = path_and_reason(&error, "query");
        ApiError::Field { field, reason }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Parameters {
        limit: Option<u32>,
        name: Option<String>,
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, field, reason) in [
            ("limit=x", "limit", "invalid digit"),
            ("limit=-1", "limit", "invalid digit"),
            ("limit=99999999999", "limit", "too large"),
            ("limit=", "limit", "empty"),
            ("limit=1&limit=2", "query", "duplicate field `limit`"),
            ("page=2", "page", "unknown field `page`"),
        ] {
            let ApiError::Field { field: named, reason: given } =
                parse::<Parameters>(query).unwrap_err()
            else {
                panic!("{query}");
            };
            assert!(
                named.starts_with(field) && given.contains(reason),
                "{query}: {named}: {given}"
            );
        }
        assert!(parse::<NoQuery>("a=1").is_err());
        assert!(parse::<NoQuery>("").is_ok());
        let taken: Parameters = parse("limit=7&name=a%20b").unwrap();
        assert_eq!((taken.limit, taken.name.as_deref()), (Some(7), Some("a b")));
    }
}
