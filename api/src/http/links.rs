use actix_web::HttpRequest;
use actix_web::http::header::HOST;
use actix_web::http::uri::Authority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Link {
    /// What it leads to: `self`, `next`.
    pub(crate) rel: String,
    /// Where it leads.
    pub(crate) href: String,
}

/// Makes absolute links to this service, as its client sees it.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    base: String,
}

impl Links {
    /// By configuration, else by the request's `Host`, which only its sender gets back. Where
    /// neither is usable, links are relative.
    pub(crate) fn new(public_endpoint: Option<&str>, request: &HttpRequest) -> Self {
        let base = match public_endpoint {
            Some(endpoint) => endpoint.to_owned(),
            None => {
                let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
                let authority = host.and_then(|host| host.parse::<Authority>().ok());
                // User information in a Host is a trick, not an address.
                let plain = authority.filter(|authority| !authority.as_str().contains('@'));
                plain.map(|authority| format!("http://{authority}")).unwrap_or_default()
            }
        };
        Self { base }
    }

    /// The absolute form of a path of ours.
    pub(crate) fn to(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A link to a path of ours.
    pub(crate) fn link(&self, rel: &str, path: &str) -> Link {
        Link { rel: rel.to_owned(), href: self.to(path) }
    }

    /// A link to the same list, after `marker`.
    pub(crate) fn next(&self, path: &str, query: &str, marker: &str) -> Link {
        let rest = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key != "marker");
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(rest)
            .append_pair("marker", marker)
            .finish();
        self.link("next", &format!("{path}?{query}"))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn links(host: Option<&str>, endpoint: Option<&str>) -> Links {
        let mut request = TestRequest::default();
        if let Some(host) = host {
            request = request.insert_header((HOST, host));
        }
        Links::new(endpoint, &request.to_http_request())
    }

    #[test]
    fn links_follow_configuration_then_host() {
        let path = "/v1/jobs";
        assert_eq!(links(Some("a:1"), Some("https://b")).to(path), "https://b/v1/jobs");
        assert_eq!(links(Some("a:1"), None).to(path), "http://a:1/v1/jobs");
        for bad in [None, Some("a/b"), Some("user@a"), Some("a b"), Some("")] {
            assert_eq!(links(bad, None).to(path), path, "{bad:?}");
        }
    }

    #[test]
    fn the_next_page_keeps_filters() {
        let next = links(Some("a"), None).next("/v1/jobs", "limit=2&marker=1&status=a%26b", "2");
        assert_eq!(next.href, "http://a/v1/jobs?limit=2&status=a%26b&marker=2");
    }
}
