use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ApiError, Microversion, RequestId, SERVICE_TYPE};

/// No detail is longer, whatever a request holds.
const DETAIL_MAX_CHARS: usize = 600;

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problems {
    /// What is wrong; one entry.
    pub(crate) errors: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The id of the request, as in the header `X-OpenStack-Request-ID` and in the logs.
    pub(crate) request_id: String,
    /// Service type and a stable word for programs.
    #[schema(example = "instance-backup.not-found")]
    pub(crate) code: String,
    /// HTTP status.
    pub(crate) status: u16,
    /// The status in words.
    pub(crate) title: String,
    /// What is wrong and, where that helps, with which field.
    pub(crate) detail: String,
    /// Reserved for help pages; empty.
    pub(crate) links: Vec<ProblemLink>,
    /// The newest version that is served; with 406 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub(crate) max_version: Option<String>,
    /// The oldest version that is served; with 406 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub(crate) min_version: Option<String>,
}

/// A link to a help page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemLink {
    /// What it is to the error.
    pub(crate) rel: String,
    /// Where it leads.
    pub(crate) href: String,
}

/// A response for `error`.
pub(crate) fn respond(error: &ApiError, request_id: &RequestId) -> HttpResponse {
    if let ApiError::OverLimit { .. } = error {
        return over_limit(detail(error), request_id);
    }
    let mut response = with_detail(error.status(), detail(error), request_id);
    let headers = response.headers_mut();
    let header = match error {
        ApiError::Unauthorized { challenge } => Some((WWW_AUTHENTICATE, challenge)),
        ApiError::MethodNotAllowed { allow } => Some((ALLOW, allow)),
        _ => None,
    };
    if let Some((name, text)) = header
        && let Ok(value) = HeaderValue::from_str(text)
    {
        headers.insert(name, value);
    }
    if error.status() == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

/// A response for a status that came without an [`ApiError`].
pub(crate) fn respond_status(status: StatusCode, request_id: &RequestId) -> HttpResponse {
    let detail = match status.is_server_error() {
        true => REPORT.to_owned(),
        false => "the request could not be understood".to_owned(),
    };
    with_detail(status, detail, request_id)
}

const REPORT: &str = "the request failed here; the operator finds the reason by its request id";

/// 5xx says no more than that it happened: causes are for the log.
fn detail(error: &ApiError) -> String {
    match error.status() {
        StatusCode::SERVICE_UNAVAILABLE => {
            "a service that this request needs does not answer now; try again".to_owned()
        }
        status if status.is_server_error() => REPORT.to_owned(),
        _ => bounded(&error.to_string()),
    }
}

/// Short, and without characters that play tricks on a terminal.
fn bounded(text: &str) -> String {
    let mut chars = text.chars();
    let mut short: String = chars
        .by_ref()
        .take(DETAIL_MAX_CHARS)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

/// 413 as other OpenStack services say it of quotas. Waiting does not help, so there is nothing to
/// wait for.
fn over_limit(detail: String, request_id: &RequestId) -> HttpResponse {
    let status = StatusCode::PAYLOAD_TOO_LARGE;
    let code = format!("{SERVICE_TYPE}.over-limit");
    let problem =
        Problem { code, title: "Over Limit".to_owned(), ..problem(status, detail, request_id) };
    HttpResponse::build(status)
        .insert_header((RETRY_AFTER, "0"))
        .json(Problems { errors: vec![problem] })
}

fn problem(status: StatusCode, detail: String, request_id: &RequestId) -> Problem {
    let versions = status == StatusCode::NOT_ACCEPTABLE;
    Problem {
        request_id: request_id.to_string(),
        code: format!("{SERVICE_TYPE}.{}", word(status)),
        status: status.as_u16(),
        title: status.canonical_reason().unwrap_or("Error").to_owned(),
        detail,
        links: Vec::new(),
        max_version: versions.then(|| Microversion::MAX.to_string()),
        min_version: versions.then(|| Microversion::MIN.to_string()),
    }
}

fn with_detail(status: StatusCode, detail: String, request_id: &RequestId) -> HttpResponse {
    let problem = problem(status, detail, request_id);
    let mut response = HttpResponse::build(status);
    if matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
        // What is left of the body is not waited for.
        response.force_close();
    }
    response.json(Problems { errors: vec![problem] })
}

fn word(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or("error");
    reason.to_ascii_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use firn_core::ErrorKind;

    use super::*;

    #[test]
    fn causes_stay_out_of_5xx_and_length_is_bounded() {
        let secret = std::io::Error::other("/var/lib/firn/key");
        for kind in [ErrorKind::Internal, ErrorKind::Integrity, ErrorKind::Unavailable] {
            let error = ApiError::failed(kind, "the engine room burns", std::io::Error::other("x"));
            assert!(!detail(&error).contains("engine"), "{kind:?}");
        }
        let error = ApiError::failed(ErrorKind::QuotaExceeded, "the storage is full", secret);
        assert_eq!(detail(&error), "the storage is full");
        let long = ApiError::field("x", "\u{7}".repeat(10_000));
        assert_eq!(detail(&long).chars().count(), DETAIL_MAX_CHARS + 1);
        assert!(!detail(&long).chars().any(char::is_control));
    }

    #[test]
    fn codes_are_words() {
        assert_eq!(word(StatusCode::NOT_FOUND), "not-found");
        assert_eq!(word(StatusCode::UNSUPPORTED_MEDIA_TYPE), "unsupported-media-type");
    }
}
