//! What can be answered instead of what was asked for.

use utoipa::IntoResponses;

use crate::http::Problems;

/// Of any request.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "for the document only")]
pub(crate) enum Refused {
    /// Something in the request is wrong; the detail names it.
    #[response(status = 400)]
    BadRequest(Problems),
    /// The caller is not known.
    #[response(status = 401)]
    Unauthorized(Problems),
    /// The caller may not do this.
    #[response(status = 403)]
    Forbidden(Problems),
    /// Nothing of that id exists for the caller.
    #[response(status = 404)]
    NotFound(Problems),
    /// The request failed for a reason of ours, which the log has.
    #[response(status = 500)]
    Internal(Problems),
    /// Something that the request needs does not answer now.
    #[response(status = 503)]
    Unavailable(Problems),
}

/// Of a request that changes something, besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "for the document only")]
pub(crate) enum ChangeRefused {
    /// The state of things does not allow it now.
    #[response(status = 409)]
    Conflict(Problems),
    /// The body did not come in time.
    #[response(status = 408)]
    Timeout(Problems),
    /// The body is too long, or space or a quota is used up.
    #[response(status = 413)]
    TooLarge(Problems),
    /// The body is not `application/json`.
    #[response(status = 415)]
    MediaType(Problems),
}

/// Of a question about an instance, besides.
#[derive(IntoResponses)]
#[response(status = 409)]
#[expect(dead_code, reason = "for the document only")]
/// The cloud describes the instance in a way that cannot be used.
pub(crate) struct Unusable(Problems);

/// Of a change with a condition, besides.
#[derive(IntoResponses)]
#[response(status = 412)]
#[expect(dead_code, reason = "for the document only")]
/// It is not as `If-Match` says.
pub(crate) struct Changed(Problems);

/// Of a question with a condition, besides.
#[derive(IntoResponses)]
#[response(status = 304)]
/// It is as `If-None-Match` says.
pub(crate) struct Unchanged;
