use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;

use crate::{AuthError, Presented};

/// Headers in which the Python middleware tells an application what it found out. Here nothing
/// reads them, and nothing behind may find what a client wrote there.
const CLAIMS: &[&str] = &[
    "domain-id",
    "domain-name",
    "identity-status",
    "is-admin-project",
    "project-domain-id",
    "project-domain-name",
    "project-id",
    "project-name",
    "roles",
    "user-domain-id",
    "user-domain-name",
    "user-id",
    "user-name",
];

/// The same, without a variant for services. The last four are those of the second API version.
const USER_CLAIMS: &[&str] = &[
    "openstack-system-scope",
    "x-service-catalog",
    "x-authorization",
    "x-user",
    "x-tenant",
    "x-tenant-id",
    "x-tenant-name",
    "x-role",
];

/// Removes what a client must not say of itself.
pub(super) fn strip_claims(headers: &mut HeaderMap) {
    for claim in CLAIMS {
        headers.remove(format!("x-{claim}"));
        headers.remove(format!("x-service-{claim}"));
    }
    for header in USER_CLAIMS {
        headers.remove(*header);
    }
}

/// The tokens of a request. Two of a kind are none that can be trusted.
pub(super) fn presented(request: &HttpRequest) -> Result<Presented<'_>, AuthError> {
    Ok(Presented {
        token: single(request, "x-auth-token").map_err(|()| AuthError::InvalidToken)?,
        service_token: single(request, "x-service-token")
            .map_err(|()| AuthError::InvalidServiceToken)?,
        method: request.method().as_str(),
        path: request.path(),
    })
}

fn single<'a>(request: &'a HttpRequest, name: &'static str) -> Result<Option<&'a str>, ()> {
    let mut values = request.headers().get_all(name);
    let first = values.next();
    match values.next() {
        Some(_) => Err(()),
        None => first.map(|value| value.to_str().map_err(|_| ())).transpose(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_client_cannot_say_who_it_is() {
        let mut request = TestRequest::default()
            .insert_header(("X-Identity-Status", "Confirmed"))
            .insert_header(("X-User-Id", "root"))
            .insert_header(("X-Service-Roles", "service"))
            .insert_header(("X-Roles", "admin"))
            .insert_header(("X-Tenant", "all"))
            .insert_header(("OpenStack-System-Scope", "all"))
            .insert_header(("X-Auth-Token", "t"))
            .insert_header(("X-Service-Token", "s"))
            .insert_header(("X-Openstack-Request-Id", "req-1"))
            .to_srv_request();
        strip_claims(request.headers_mut());
        let left: Vec<_> = request.headers().keys().map(ToString::to_string).collect();
        assert_eq!(left.len(), 3, "{left:?}");
    }

    #[test]
    fn tokens_come_once_and_as_text() {
        let request = |values: &[&'static [u8]]| {
            let mut request = TestRequest::default();
            for value in values {
                request = request.append_header(("X-Auth-Token", *value));
            }
            request.to_http_request()
        };
        let token = |values: &[&'static [u8]]| {
            presented(&request(values)).map(|found| found.token.map(str::to_owned))
        };
        assert_eq!(token(&[]).unwrap(), None);
        assert_eq!(token(&[b"t"]).unwrap().as_deref(), Some("t"));
        assert!(matches!(token(&[b"t", b"u"]), Err(AuthError::InvalidToken)));
        assert!(matches!(token(&[b"t\xff"]), Err(AuthError::InvalidToken)));
    }
}
