use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::ApiError;

/// The `{id}` of the path. What is no hyphenated UUID names nothing: 404.
pub(crate) struct PathId<Id>(pub(crate) Id);

impl<Id: FromStr> FromRequest for PathId<Id> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().get("id").unwrap_or_default();
        ready(parse(text).map(Self))
    }
}

fn parse<Id: FromStr>(text: &str) -> Result<Id, ApiError> {
    // The shorter and longer forms of a UUID would give one thing several addresses.
    let plain = Some(text).filter(|text| text.len() == 36);
    plain.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let short: String = text.chars().take(64).collect();
        ApiError::not_found("resource here", short)
    })
}

#[cfg(test)]
mod tests {
    use firn_core::JobId;

    use super::*;

    #[test]
    fn only_hyphenated_uuids_name_something() {
        let id = JobId::new();
        assert_eq!(parse::<JobId>(&id.to_string()).unwrap(), id);
        for bad in
            [id.0.simple().to_string(), id.0.urn().to_string(), "../..".into(), "x".repeat(36)]
        {
            let error = parse::<JobId>(&bad).unwrap_err();
            assert_eq!(error.status().as_u16(), 404, "{bad}");
        }
    }
}
