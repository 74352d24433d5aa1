use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName,
    HeaderValue, ORIGIN, VARY,
};
use actix_web::http::{Method, uri::Authority};

use crate::ConfigError;

/// Which other sites' pages may call the API in a browser. By default none may.
#[derive(Clone, Debug)]
pub struct CorsConfig {
    /// Origins such as `https://dashboard.example`, or `*` for any.
    pub allowed_origins: Vec<String>,
    /// Whether such a page may send what the browser keeps for the API. Never with `*`.
    pub allow_credentials: bool,
    /// Headers of answers that such a page may read.
    pub expose_headers: Vec<String>,
    /// How long a browser may remember a permission.
    pub max_age: Duration,
    /// Methods that such a page may use.
    pub allow_methods: Vec<String>,
    /// Headers that such a page may send.
    pub allow_headers: Vec<String>,
}

impl Default for CorsConfig {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            allowed_origins: Vec::new(),
            allow_credentials: true,
            expose_headers: words(&[
                "ETag",
                "Location",
                "OpenStack-API-Version",
                "Retry-After",
                "Vary",
                "X-OpenStack-Request-ID",
            ]),
            max_age: Duration::from_secs(3600),
            allow_methods: words(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
            allow_headers: words(&[
                "Content-Type",
                "If-Match",
                "If-None-Match",
                "OpenStack-API-Version",
                "X-Auth-Token",
                "X-OpenStack-Request-ID",
                "X-Service-Token",
            ]),
        }
    }
}

impl CorsConfig {
    /// Whether everything in it can stand in a header.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let bad = |option, value: &String| ConfigError::Cors { option, value: value.clone() };
        for origin in self.allowed_origins.iter().filter(|origin| *origin != "*") {
            let authority = origin
                .strip_prefix("https://")
                .or_else(|| origin.strip_prefix("http://"))
                .and_then(|rest| rest.parse::<Authority>().ok());
            if authority.is_none_or(|authority| authority.as_str().contains('@')) {
                return Err(bad("allowed_origin", origin));
            }
        }
        for (option, names) in
            [("expose_headers", &self.expose_headers), ("allow_headers", &self.allow_headers)]
        {
            if let Some(name) = names.iter().find(|name| name.parse::<HeaderName>().is_err()) {
                return Err(bad(option, name));
            }
        }
        let method = self.allow_methods.iter().find(|method| method.parse::<Method>().is_err());
        method.map_or(Ok(()), |method| Err(bad("allow_methods", method)))
    }
}

/// A request as far as it matters here, and what its answer says to a browser.
pub(crate) struct Cors<'a> {
    config: &'a CorsConfig,
    /// `None` where the page may not call.
    allowed: Option<HeaderValue>,
}

impl<'a> Cors<'a> {
    /// `None` where no other site may call at all.
    pub(crate) fn new(config: &'a CorsConfig, request: &HeaderMap) -> Option<Self> {
        if config.allowed_origins.is_empty() {
            return None;
        }
        let origin = request.get(ORIGIN);
        let any = config.allowed_origins.iter().any(|origin| origin == "*");
        let listed =
            |origin: &HeaderValue| config.allowed_origins.iter().any(|known| origin == known);
        let allowed = match origin {
            Some(_) if any => Some(HeaderValue::from_static("*")),
            origin => origin.filter(|origin| listed(origin)).cloned(),
        };
        Some(Self { config, allowed })
    }

    /// The answer to a browser that asks beforehand; `None` where this is no such question.
    pub(crate) fn preflight(&self, method: &Method, request: &HeaderMap) -> Option<HttpResponse> {
        let wanted = request.get(ACCESS_CONTROL_REQUEST_METHOD)?;
        if method != Method::OPTIONS || !request.contains_key(ORIGIN) {
            return None;
        }
        let mut response = HttpResponse::Ok().finish();
        let known_method = self.config.allow_methods.iter().any(|known| wanted == known);
        let mut headers = request
            .get_all(ACCESS_CONTROL_REQUEST_HEADERS)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let known_headers = headers.all(|name| {
            self.config.allow_headers.iter().any(|known| known.eq_ignore_ascii_case(name))
        });
        if self.allowed.is_some() && known_method && known_headers {
            let answer = response.headers_mut();
            set(answer, ACCESS_CONTROL_ALLOW_METHODS, &self.config.allow_methods.join(", "));
            set(answer, ACCESS_CONTROL_ALLOW_HEADERS, &self.config.allow_headers.join(", "));
            set(answer, ACCESS_CONTROL_MAX_AGE, &self.config.max_age.as_secs().to_string());
        }
        Some(response)
    }

    /// Tells the browser whether the page may read the answer.
    pub(crate) fn apply(&self, answer: &mut HeaderMap) {
        answer.append(VARY, HeaderValue::from_static("Origin"));
        let Some(allowed) = &self.allowed else { return };
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed.clone());
        if self.config.allow_credentials && allowed != "*" {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if !self.config.expose_headers.is_empty() {
            set(answer, ACCESS_CONTROL_EXPOSE_HEADERS, &self.config.expose_headers.join(", "));
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_origins(origins: &[&str]) -> CorsConfig {
        let allowed_origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        CorsConfig { allowed_origins, ..CorsConfig::default() }
    }

    #[test]
    fn options_are_checked() {
        for (origins, usable) in [
            (&[][..], true),
            (&["*"], true),
            (&["https://a.example", "http://b:8080"], true),
            (&["a.example"], false),
            (&["https://a.example/"], false),
            (&["https://u@a.example"], false),
            (&[""], false),
        ] {
            assert_eq!(with_origins(origins).validate().is_ok(), usable, "{origins:?}");
        }
        let config = CorsConfig { allow_headers: vec!["a b".into()], ..with_origins(&["*"]) };
        assert!(config.validate().unwrap_err().to_string().contains("allow_headers"));
        let config = CorsConfig { allow_methods: vec!["G T".into()], ..with_origins(&["*"]) };
        assert!(config.validate().unwrap_err().to_string().contains("allow_methods"));
    }

    fn asked(config: &CorsConfig, request: &[(&str, &str)]) -> (HeaderMap, bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in request {
            headers.append(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let cors = Cors::new(config, &headers).unwrap();
        let mut preflight = cors.preflight(&Method::OPTIONS, &headers);
        let mut answer = HeaderMap::new();
        let headers = preflight.as_mut().map_or(&mut answer, |answer| answer.headers_mut());
        cors.apply(headers);
        (headers.clone(), preflight.is_some())
    }

    #[test]
    fn only_listed_origins_are_let_in() {
        let config = with_origins(&["https://a.example"]);
        let (answer, preflight) = asked(&config, &[("origin", "https://a.example")]);
        assert!(!preflight);
        assert_eq!(answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "https://a.example");
        assert_eq!(answer.get(ACCESS_CONTROL_ALLOW_CREDENTIALS).unwrap(), "true");
        for origin in ["https://b.example", "https://a.example.b", "http://a.example", "null", "*"]
        {
            let (answer, _) = asked(&config, &[("origin", origin)]);
            assert!(!answer.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "{origin}");
            assert_eq!(answer.get(VARY).unwrap(), "Origin");
        }
        assert!(Cors::new(&CorsConfig::default(), &HeaderMap::new()).is_none());
        let (answer, _) = asked(&with_origins(&["*"]), &[("origin", "https://b.example")]);
        assert_eq!(answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "*");
        assert!(!answer.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }

    #[test]
    fn a_browser_may_ask_beforehand() {
        let config = with_origins(&["https://a.example"]);
        for (method, headers, allowed) in [
            ("PATCH", "x-auth-token, If-Match", true),
            ("GET", "", true),
            ("TRACE", "", false),
            ("GET", "x-evil", false),
        ] {
            let (answer, preflight) = asked(
                &config,
                &[
                    ("origin", "https://a.example"),
                    ("access-control-request-method", method),
                    ("access-control-request-headers", headers),
                ],
            );
            assert!(preflight, "{method}");
            let methods = answer.contains_key(ACCESS_CONTROL_ALLOW_METHODS);
            assert_eq!(methods, allowed, "{method} {headers}");
        }
    }
}
