use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::admit::service;
use super::strict::Root;
use super::{ApiError, path_and_reason};

/// How long a client may take to send a body.
const DEADLINE: Duration = Duration::from_secs(30);

/// A JSON body, taken strictly: right media type, bounded, no unknown or repeated fields.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = service(request).map(|service| service.config.max_body_bytes);
        let checked = limit.and_then(|limit| check_head(request, limit).map(|()| limit));
        let payload = payload.take();
        Box::pin(async move {
            let body = tokio::time::timeout(DEADLINE, read(payload, checked?)).await;
            let slow = |_| ApiError::BodySlow { seconds: DEADLINE.as_secs() };
            parse(&body.map_err(slow)??).map(Self)
        })
    }
}

fn check_head(request: &HttpRequest, limit_bytes: usize) -> Result<(), ApiError> {
    let types = request.headers().get_all(CONTENT_TYPE).count();
    if types != 1 || !request.content_type().eq_ignore_ascii_case("application/json") {
        return Err(ApiError::MediaType);
    }
    if request.headers().contains_key("content-encoding") {
        return Err(ApiError::field("Content-Encoding", "send the body as it is"));
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    // What is too long by its own account is not read at all.
    match length.map(str::parse::<u64>) {
        Some(Ok(length)) if length > limit_bytes as u64 => {
            Err(ApiError::BodyTooLarge { limit_bytes })
        }
        Some(Err(_)) => Err(ApiError::field("Content-Length", "not a number of bytes")),
        _ => Ok(()),
    }
}

async fn read(mut payload: Payload, limit_bytes: usize) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(part) = payload.next().await {
        let part = part.map_err(|source| ApiError::BodyBroken { source })?;
        if body.len() + part.len() > limit_bytes {
            return Err(ApiError::BodyTooLarge { limit_bytes });
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let Root(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (field, reason) = path_and_reason(&error, "body");
        ApiError::Field { field, reason }
    })?;
    json.end().map_err(|error| ApiError::field("body", error.to_string()))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(deserialize_with = "crate::http::object")]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[serde(default)]
        count: u32,
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, field, reason) in [
            (r#"{"inner": {"count": "x"}}"#, "inner.count", "invalid type: string"),
            (r#"{"inner": {"count": -1}}"#, "inner.count", "invalid value"),
            (r#"{"inner": {"size": 1}}"#, "inner.size", "unknown field `size`"),
            (r#"{"inner": {"count": 1, "count": 2}}"#, "inner", "duplicate field `count`"),
            (r#"{"inner": [1]}"#, "inner", "expected an object"),
            (r#"{"outer": {}}"#, "outer", "unknown field `outer`"),
            (r#"[{"count": 1}]"#, "body", "expected an object"),
            (r#"{}"#, "body", "missing field `inner`"),
            (r#"{"inner": {}} {}"#, "body", "trailing characters"),
            ("", "body", "EOF"),
        ] {
            let error = parse::<Outer>(body.as_bytes()).unwrap_err();
            let ApiError::Field { field: named, reason: given } = error else {
                panic!("{body}: {error:?}");
            };
            assert!(named.starts_with(field) && given.contains(reason), "{body}: {named}: {given}");
        }
        assert_eq!(parse::<Outer>(br#"{"inner": {"count": 7}}"#).unwrap().inner.count, 7);
    }
}
