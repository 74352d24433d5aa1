//! HTTP to the API, and its errors for people.

use std::path::PathBuf;

use reqwest::blocking::{RequestBuilder, Response};
use serde_json::Value;

use crate::cli::Server;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("no answer from {url}: is `firn serve` running there?")]
    Connect {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("cannot read the token file {path}")]
    TokenFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{title}: {detail}")]
    Refused { title: String, detail: String },
    #[error("{url} does not answer like Firn's API")]
    Foreign { url: String },
    #[error("no {what} is called {name}: see `firn {what} list`")]
    Unknown { what: &'static str, name: String },
    #[error("several {what}s match {name}: give the whole id")]
    Ambiguous { what: &'static str, name: String },
    #[error("the job {job} {status}: {message}")]
    Job { job: String, status: String, message: String },
}

/// A connection to one service.
pub(crate) struct Client {
    http: reqwest::blocking::Client,
    url: String,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(server: &Server) -> Result<Self, ClientError> {
        let url = server.url.trim_end_matches('/').to_owned();
        let token = server.token_file.as_ref().map(|path| {
            std::fs::read_to_string(path)
                .map(|token| token.trim().to_owned())
                .map_err(|source| ClientError::TokenFile { path: path.clone(), source })
        });
        // The service is on this machine or in this network: a proxy is never meant.
        let http = reqwest::blocking::Client::builder().no_proxy();
        let http = http.tls_backend_preconfigured(tls(&url)).build();
        let http = http.map_err(|source| ClientError::Connect { url: url.clone(), source })?;
        Ok(Self { http, url, token: token.transpose()? })
    }

    /// GET of a path below `/v1`.
    pub(crate) fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.send(self.http.get(format!("{}/v1/{path}", self.url)))
    }

    /// POST to a path below `/v1`.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.send(self.http.post(format!("{}/v1/{path}", self.url)).json(body))
    }

    /// DELETE of a path below `/v1`.
    pub(crate) fn delete(&self, path: &str) -> Result<Value, ClientError> {
        self.send(self.http.delete(format!("{}/v1/{path}", self.url)))
    }

    /// Every item of a list, page after page.
    pub(crate) fn list(&self, path: &str, key: &str) -> Result<Vec<Value>, ClientError> {
        let mut items: Vec<Value> = Vec::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let marker = items.last().and_then(|item| item["id"].as_str());
            let marker = marker.map_or(String::new(), |id| format!("&marker={id}"));
            let page = self.get(&format!("{path}{joint}limit=100{marker}"))?;
            let Some(rows) = page[key].as_array().filter(|rows| !rows.is_empty()) else {
                return Ok(items);
            };
            items.extend(rows.iter().cloned());
            if page.get(format!("{key}_links")).is_none() {
                return Ok(items);
            }
        }
    }

    /// The one item of a list whose id begins with `name`, or whose name is `name`.
    pub(crate) fn find(
        &self,
        path: &str,
        key: &str,
        what: &'static str,
        name: &str,
    ) -> Result<Value, ClientError> {
        let matches = |item: &Value| {
            item["name"].as_str() == Some(name)
                || item["id"].as_str().is_some_and(|id| !name.is_empty() && id.starts_with(name))
        };
        let mut found = self.list(path, key)?.into_iter().filter(matches);
        match (found.next(), found.next()) {
            (Some(item), None) => Ok(item),
            (None, _) => Err(ClientError::Unknown { what, name: name.to_owned() }),
            (Some(_), Some(_)) => Err(ClientError::Ambiguous { what, name: name.to_owned() }),
        }
    }

    fn send(&self, request: RequestBuilder) -> Result<Value, ClientError> {
        let request = match &self.token {
            Some(token) => request.header("X-Auth-Token", token),
            None => request,
        };
        let answer = request
            .send()
            .map_err(|source| ClientError::Connect { url: self.url.clone(), source })?;
        self.read(answer)
    }

    fn read(&self, answer: Response) -> Result<Value, ClientError> {
        let good = answer.status().is_success();
        let foreign = |_| ClientError::Foreign { url: self.url.clone() };
        let body: Value = answer.json().map_err(foreign)?;
        if good {
            return Ok(body);
        }
        let error = &body["errors"][0];
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        Err(ClientError::Refused { title: text("title"), detail: text("detail") })
    }
}

/// TLS by ring, told to each client, so that no process-wide default is needed. The system's
/// certificate authorities are read only for a URL that needs them.
fn tls(url: &str) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    if url.starts_with("https:") {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .map(|builder| builder.with_root_certificates(roots).with_no_client_auth())
        .unwrap_or_else(|_| unreachable!("ring has suites for every version"))
}
