use keystone_middleware_rs::{Answer, Method, SessionError, SessionRequest};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::{Discovered, OpenStackError, Question, ServiceClient, retry};

/// All but what RFC 3986 calls unreserved.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Enough for a service that is being restarted; one that is down is told of within seconds.
const TRIES: u32 = 5;

/// One request to a service.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    client: &'a ServiceClient,
    method: Method,
    question: Question,
    path: Result<String, OpenStackError>,
    query: Vec<(String, String)>,
    body: Option<Value>,
}

impl<'a> Request<'a> {
    /// A request to the path of these segments, below the API's base URL.
    pub(super) fn new(
        client: &'a ServiceClient,
        method: Method,
        operation: &'static str,
        path: &[&str],
    ) -> Self {
        let question = client.question(operation);
        let path = joined(path).ok_or_else(|| {
            OpenStackError::InvalidInput(question.said(format!("no such path: {path:?}")))
        });
        Self { client, method, question, path, query: Vec::new(), body: None }
    }

    pub(crate) const fn question(&self) -> Question {
        self.question
    }

    pub(crate) fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn page_size(&self) -> Option<u32> {
        self.client.options.page_size
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Sends it until it is answered with 2xx, refused, or out of time.
    pub(crate) async fn send(self) -> Result<Reply, OpenStackError> {
        let allowed = self.client.options.deadline;
        let deadline = Instant::now() + allowed;
        match tokio::time::timeout_at(deadline, self.send_until(deadline)).await {
            Ok(answered) => answered,
            Err(_) => Err(self.question.timed_out(allowed)),
        }
    }

    /// Sends a deletion; what is absent already is fine.
    pub(crate) async fn send_deletion(self) -> Result<(), OpenStackError> {
        OpenStackError::or_absent(self.send().await).map(|_| ())
    }

    async fn send_until(&self, deadline: Instant) -> Result<Reply, OpenStackError> {
        let path = self.path.as_ref().map_err(Clone::clone)?;
        let idempotent = self.method.is_idempotent();
        let mut tries = 0;
        loop {
            tries += 1;
            let (error, pause) = match self.client.discover(deadline).await {
                Err(error @ OpenStackError::Unavailable { .. }) => {
                    (error, retry::pause(tries, None))
                }
                Err(error) => return Err(error),
                Ok(service) => match self.once(service, path, deadline).await {
                    Ok(answer) if answer.is_success() => {
                        return Ok(Reply { question: self.question, answer });
                    }
                    Ok(answer) => {
                        let error = self.question.failed(answer.to_error());
                        if !retry::worth_it(answer.status(), idempotent) {
                            return Err(error);
                        }
                        (error, retry::pause(tries, answer.header("retry-after")))
                    }
                    Err(error @ SessionError::Unreachable { .. }) if idempotent => {
                        (self.question.failed(error), retry::pause(tries, None))
                    }
                    Err(error) => return Err(self.question.failed(error)),
                },
            };
            if tries >= TRIES || Instant::now() + pause >= deadline {
                return Err(error);
            }
            tracing::debug!(%error, tries, "a request is sent again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(
        &self,
        service: &Discovered,
        path: &str,
        deadline: Instant,
    ) -> Result<Answer, SessionError> {
        let url = format!("{}/{path}", service.base_url);
        let complete = |request| self.complete(request, service, deadline);
        self.client.caller.send(&self.method, &url, complete).await
    }

    /// All of a request but whom it is from.
    fn complete(
        &self,
        mut request: SessionRequest,
        service: &Discovered,
        deadline: Instant,
    ) -> SessionRequest {
        request = request.timeout(deadline.saturating_duration_since(Instant::now()));
        for (name, value) in &self.query {
            request = request.query(name, value);
        }
        if let (Some((name, _)), Some(version)) =
            (self.client.api.microversions, service.microversion)
        {
            request = request.header("OpenStack-API-Version", &format!("{name} {version}"));
        }
        if let Some(id) = (self.client.options.request_id)() {
            request = request.header("X-OpenStack-Request-ID", &id);
        }
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        request
    }
}

/// The path of these segments; none where one could lead elsewhere.
fn joined(segments: &[&str]) -> Option<String> {
    let encoded = segments.iter().map(|segment| match *segment {
        "" | "." | ".." => None,
        segment => Some(utf8_percent_encode(segment, SEGMENT).to_string()),
    });
    Some(encoded.collect::<Option<Vec<_>>>()?.join("/"))
}

/// An answer of 2xx.
pub(crate) struct Reply {
    question: Question,
    answer: Answer,
}

impl Reply {
    /// The body.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, OpenStackError> {
        self.answer.json().map_err(|error| self.question.failed(error))
    }

    /// What the body wraps in this name.
    pub(crate) fn object<T: DeserializeOwned>(&self, key: &str) -> Result<T, OpenStackError> {
        let mut body: Value = self.body()?;
        let object = body
            .get_mut(key)
            .map(Value::take)
            .ok_or_else(|| self.question.nonsense(format!("the answer has no {key:?}")))?;
        serde_json::from_value(object).map_err(|error| {
            self.question.nonsense(format!("{key:?} in the answer cannot be read: {error}"))
        })
    }
}

/// A body of only what is set.
pub(crate) fn wrapped(key: &str, object: &impl Serialize) -> Value {
    serde_json::json!({ key: object })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_one() {
        assert_eq!(joined(&["servers", "a-1"]).as_deref(), Some("servers/a-1"));
        assert_eq!(
            joined(&["os-keypairs", "my key/1?"]).as_deref(),
            Some("os-keypairs/my%20key%2F1%3F")
        );
        for wrong in ["", ".", ".."] {
            assert_eq!(joined(&["servers", wrong]), None, "{wrong:?}");
        }
    }
}
