use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Serialize;

use super::Session;
use crate::http::{Answer, Call};
use crate::{Secret, SessionError};

/// One request of a [`Session`]. What is wrong with its parts is told by [`SessionRequest::send`].
pub struct SessionRequest {
    session: Session,
    method: Method,
    url: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Option<Bytes>,
    timeout: Option<Duration>,
    wrong: Option<String>,
}

impl SessionRequest {
    pub(super) fn new(session: Session, method: Method, url: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self {
            session,
            method,
            url: url.to_owned(),
            query: Vec::new(),
            headers,
            body: None,
            timeout: None,
            wrong: None,
        }
    }

    /// Adds a parameter to the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.set(name, HeaderValue::from_str(value))
    }

    /// Sets a header whose value no log may show.
    #[must_use]
    pub fn secret_header(self, name: &str, value: &Secret) -> Self {
        let value = HeaderValue::from_str(value.expose()).map(|mut value| {
            value.set_sensitive(true);
            value
        });
        self.set(name, value)
    }

    fn set<E>(mut self, name: &str, value: Result<HeaderValue, E>) -> Self {
        match (HeaderName::from_bytes(name.as_bytes()), value) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            _ => self.wrong = Some(format!("the header {name:?} cannot be sent")),
        }
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => {
                self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                self.body = Some(body.into());
            }
            Err(error) => self.wrong = Some(format!("the body is no JSON: {error}")),
        }
        self
    }

    /// The longest the request may take; else the session's.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends it with the session's token and waits for the whole answer, whatever its status. An
    /// answer of 401 is seen only if a new token does not help.
    ///
    /// # Errors
    /// Any [`SessionError`] but [`SessionError::Status`], which
    /// [`Answer::success`](crate::Answer::success) makes.
    pub async fn send(self) -> Result<Answer, SessionError> {
        if let Some(reason) = self.wrong {
            return Err(SessionError::Request { reason });
        }
        let mut url = Url::parse(&self.url).map_err(|error| SessionError::Request {
            reason: format!("{:?}: {error}", self.url),
        })?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let call = Call {
            repeatable: self.method.is_idempotent(),
            method: self.method,
            url,
            headers: self.headers,
            body: self.body,
            timeout: self.timeout.unwrap_or_else(|| self.session.timeout()),
        };
        self.session.send(call).await
    }
}

/// Puts the token where services look for it.
pub(super) fn set_token(headers: &mut HeaderMap, token: &Secret) -> Result<(), SessionError> {
    let mut value = HeaderValue::from_str(token.expose())
        .map_err(|_| SessionError::Request { reason: "the token is no header".to_owned() })?;
    value.set_sensitive(true);
    headers.insert("x-auth-token", value);
    Ok(())
}
