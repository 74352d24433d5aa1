use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderName};
use actix_web::http::uri::Authority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ApiConfig;

/// A link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Link {
    /// What it leads to: `self`, `next`.
    pub(crate) rel: String,
    /// Where it leads.
    pub(crate) href: String,
}

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Makes absolute links to this service, as its client sees it.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    base: String,
}

impl Links {
    /// By configuration, else by the request's `Host`, which only its sender gets back. Where
    /// neither is usable, links are relative.
    pub(crate) fn new(config: &ApiConfig, request: &HttpRequest) -> Self {
        if let Some(endpoint) = &config.public_endpoint {
            return Self { base: endpoint.clone() };
        }
        let header = |name: HeaderName| request.headers().get(name)?.to_str().ok();
        let said = |name| config.trust_forwarded.then(|| header(name)).flatten();
        let scheme = match said(FORWARDED_PROTO) {
            Some("https") => "https",
            _ => "http",
        };
        let host = said(FORWARDED_HOST).or_else(|| header(HOST));
        let authority = host.and_then(|host| host.parse::<Authority>().ok());
        // User information in a Host is a trick, not an address.
        let plain = authority.filter(|authority| !authority.as_str().contains('@'));
        Self { base: plain.map(|host| format!("{scheme}://{host}")).unwrap_or_default() }
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
        let public_endpoint = endpoint.map(str::to_owned);
        let config = ApiConfig { public_endpoint, ..ApiConfig::default() };
        Links::new(&config, &request.to_http_request())
    }

    #[test]
    fn a_proxy_is_believed_only_where_configured() {
        let request = TestRequest::default()
            .insert_header((HOST, "inside:1"))
            .insert_header(("x-forwarded-proto", "https"))
            .insert_header(("x-forwarded-host", "cloud.example"))
            .to_http_request();
        for (trust_forwarded, link) in
            [(false, "http://inside:1/v1"), (true, "https://cloud.example/v1")]
        {
            let config = ApiConfig { trust_forwarded, ..ApiConfig::default() };
            assert_eq!(Links::new(&config, &request).to("/v1"), link);
        }
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
