use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use crate::{OptionsError, SessionError, tls};

/// More than any answer of an OpenStack API; images and volumes are not read this way.
const ANSWER_MAX_BYTES: usize = 64 << 20;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MESSAGE_MAX_CHARS: usize = 300;

/// How services of the cloud are reached. Proxies of the environment are not used, and redirects
/// are not followed: a token goes where the options and the catalog say.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// PEM file of the certificate authorities to trust, instead of the system's.
    pub cafile: Option<PathBuf>,
    /// PEM file of the client certificate.
    pub certfile: Option<PathBuf>,
    /// PEM file of its key, where it does not stand in `certfile`.
    pub keyfile: Option<PathBuf>,
    /// Trust any certificate. For tests.
    pub insecure: bool,
    /// The longest a connection may take to open. Default 5 s.
    pub connect_timeout: Duration,
    /// The longest a request may take, retries included. Default 10 s.
    pub timeout: Duration,
    /// How often a request is sent again after it could not be sent, or after the connection broke
    /// where it changes nothing. Default 3.
    pub max_retries: u32,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            cafile: None,
            certfile: None,
            keyfile: None,
            insecure: false,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            max_retries: 3,
        }
    }
}

/// What a service answered, read to its end.
#[derive(Clone)]
pub struct Answer {
    url: String,
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

// Headers and bodies of Keystone's answers hold tokens.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("url", &self.url).field("status", &self.status).finish()
    }
}

impl Answer {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 2xx.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`SessionError::Malformed`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, SessionError> {
        serde_json::from_slice(&self.body).map_err(|error| SessionError::Malformed {
            url: self.url.clone(),
            reason: error.to_string(),
        })
    }

    /// The answer itself if its status is 2xx.
    ///
    /// # Errors
    /// [`SessionError::Status`] with what the body says.
    pub fn success(self) -> Result<Self, SessionError> {
        match self.is_success() {
            true => Ok(self),
            false => Err(self.to_error()),
        }
    }

    /// The error that this answer is, whatever its status.
    pub fn to_error(&self) -> SessionError {
        SessionError::Status {
            url: self.url.clone(),
            status: self.status,
            message: self.message(),
            request_id: self.header("x-openstack-request-id").map(str::to_owned),
        }
    }

    /// What an error body says: `{"error": {"message"}}`, `{"badRequest": {"message"}}`,
    /// `{"errors": [{"detail"}]}`, ...; empty where it says nothing that can be read.
    pub(crate) fn message(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let said = |value: &Value| {
            let said = ["message", "detail", "title"].iter().find_map(|key| value[*key].as_str());
            said.map(str::to_owned)
        };
        let inner =
            || body.as_object()?.values().find_map(|value| said(value).or_else(|| said(&value[0])));
        let message = said(&body).or_else(inner).unwrap_or_default();
        message
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .take(MESSAGE_MAX_CHARS)
            .collect()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// One request, complete, to be sent as often as it takes.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    /// Sending it twice does the same as once.
    pub(crate) repeatable: bool,
    pub(crate) timeout: Duration,
}

impl Call {
    /// The URL for messages: without its query.
    fn shown_url(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.to_string()
    }
}

/// The HTTP client with its deadlines and retries.
pub(crate) struct Transport {
    client: reqwest::Client,
    pub(crate) timeout: Duration,
    max_retries: u32,
}

impl Transport {
    pub(crate) fn new(options: &HttpOptions) -> Result<Self, OptionsError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(options)?)
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(options.connect_timeout)
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| OptionsError::Client { source })?;
        Ok(Self { client, timeout: options.timeout, max_retries: options.max_retries })
    }

    /// Sends the request until it is answered, with whatever status, or its time is over.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, SessionError> {
        let deadline = Instant::now() + call.timeout;
        let mut pause = FIRST_PAUSE;
        let mut failures = 0;
        loop {
            let failed = match tokio::time::timeout_at(deadline, self.once(call)).await {
                Err(_) => break,
                Ok(Ok(answer)) => return answer,
                Ok(Err(failed)) => failed,
            };
            failures += 1;
            if failures > self.max_retries || !(call.repeatable || failed.is_connect()) {
                let source = Arc::new(failed.without_url());
                return Err(SessionError::Unreachable { url: call.shown_url(), source });
            }
            tracing::debug!(url = call.shown_url(), failures, "request failed, sending it again");
            if Instant::now() + pause >= deadline {
                break;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(SessionError::TimedOut { url: call.shown_url(), after: call.timeout })
    }

    async fn once(&self, call: &Call) -> Result<Result<Answer, SessionError>, reqwest::Error> {
        let request = self.client.request(call.method.clone(), call.url.clone());
        let request = request.headers(call.headers.clone());
        let request = match &call.body {
            Some(body) => request.body(body.clone()),
            None => request,
        };
        let mut response = request.send().await?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > ANSWER_MAX_BYTES {
                let reason = format!("more than {ANSWER_MAX_BYTES} bytes");
                return Ok(Err(SessionError::Malformed { url: call.shown_url(), reason }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Ok(Answer {
            url: call.shown_url(),
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(body: &str) -> String {
        let answer = Answer {
            url: "http://k/v3".to_owned(),
            status: 400,
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        answer.message()
    }

    #[test]
    fn error_bodies_of_every_service_are_read() {
        for (body, message) in [
            (
                r#"{"error": {"code": 404, "message": "Could not find user: x.", "title": "Not Found"}}"#,
                "Could not find user: x.",
            ),
            (r#"{"badRequest": {"code": 400, "message": "Bad\n  name"}}"#, "Bad name"),
            (r#"{"NeutronError": {"type": "X", "message": "No", "detail": ""}}"#, "No"),
            (r#"{"errors": [{"status": 409, "title": "Conflict", "detail": "Busy"}]}"#, "Busy"),
            (r#"{"message": "plain"}"#, "plain"),
            ("<html>", ""),
            ("{}", ""),
            ("[]", ""),
        ] {
            assert_eq!(says(body), message, "{body}");
        }
        let long = format!(r#"{{"message": "{}"}}"#, "x".repeat(5000));
        assert_eq!(says(&long).len(), MESSAGE_MAX_CHARS);
    }
}
