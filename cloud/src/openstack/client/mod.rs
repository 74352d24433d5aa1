//! Requests to one service of the cloud: its endpoint and API version found once, every question
//! with a deadline, retries where they are safe, lists page by page.

mod caller;
mod endpoint;
mod error;
mod microversion;
mod page;
mod request;
mod retry;
mod wait;

use std::time::Duration;

use keystone_middleware_rs::{Interface, Method, SessionError, SessionRequest};
use tokio::sync::OnceCell;
use tokio::time::Instant;

pub use caller::Caller;
pub(crate) use error::Question;
pub use error::{OpenStackError, Said};
pub use microversion::{Microversion, MicroversionError, Supported};
pub(crate) use request::{Request, wrapped};
pub(crate) use wait::Wait;

/// How a service is found and asked.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The region of its endpoint; none: the first of the catalog.
    pub region_name: Option<String>,
    /// The interface of its endpoint.
    pub interface: Interface,
    /// Its URL instead of the catalog's; `%(project_id)s` stands for the session's project.
    pub endpoint_override: Option<String>,
    /// The longest that one question may take, retries included. Default 60 s.
    pub deadline: Duration,
    /// Most items to ask for at once in lists; none: as many as the service likes.
    pub page_size: Option<u32>,
    /// The id (`req-` and a UUID) of the request on whose behalf the calling task works, so that
    /// the services log it too.
    pub request_id: fn() -> Option<String>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            region_name: None,
            interface: Interface::Internal,
            endpoint_override: None,
            deadline: Duration::from_secs(60),
            page_size: None,
            request_id: || None,
        }
    }
}

/// What one service calls itself and its API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api {
    /// Its official type.
    pub(crate) service_type: &'static str,
    /// The API's version, the last part of its base URL.
    pub(crate) version: &'static str,
    /// Whether its URLs carry the project.
    pub(crate) project_in_url: bool,
    /// Its name in `OpenStack-API-Version` and the microversions we speak, where it has any.
    pub(crate) microversions: Option<(&'static str, Supported)>,
}

/// What was found out about a service.
#[derive(Clone, Debug)]
struct Discovered {
    base_url: String,
    microversion: Option<Microversion>,
}

/// One service of the cloud, in the name of a caller.
#[derive(Debug)]
pub(crate) struct ServiceClient {
    caller: Caller,
    api: Api,
    options: ClientOptions,
    discovered: OnceCell<Discovered>,
}

impl ServiceClient {
    pub(crate) fn new(caller: Caller, api: Api, options: ClientOptions) -> Self {
        Self { caller, api, options, discovered: OnceCell::new() }
    }

    pub(crate) const fn question(&self, operation: &'static str) -> Question {
        Question { service: self.api.service_type, operation }
    }

    pub(crate) fn get(&self, operation: &'static str, path: &[&str]) -> Request<'_> {
        Request::new(self, Method::GET, operation, path)
    }

    pub(crate) fn post(&self, operation: &'static str, path: &[&str]) -> Request<'_> {
        Request::new(self, Method::POST, operation, path)
    }

    pub(crate) fn delete(&self, operation: &'static str, path: &[&str]) -> Request<'_> {
        Request::new(self, Method::DELETE, operation, path)
    }

    /// The project that the session is in.
    pub(crate) async fn project_id(
        &self,
        operation: &'static str,
    ) -> Result<String, OpenStackError> {
        let question = self.question(operation);
        let context =
            self.caller.session().context().await.map_err(|error| question.failed(error))?;
        let project = context.project.as_ref().ok_or_else(|| {
            OpenStackError::InvalidInput(question.said("the session is in no project"))
        })?;
        Ok(project.id.clone())
    }

    /// The microversion spoken with the service.
    pub(crate) async fn microversion(&self) -> Result<Option<Microversion>, OpenStackError> {
        let question = self.question("version discovery");
        let deadline = Instant::now() + self.options.deadline;
        match tokio::time::timeout_at(deadline, self.discover(deadline)).await {
            Ok(discovered) => Ok(discovered?.microversion),
            Err(_) => Err(question.timed_out(self.options.deadline)),
        }
    }

    async fn discover(&self, deadline: Instant) -> Result<&Discovered, OpenStackError> {
        self.discovered.get_or_try_init(|| self.discover_now(deadline)).await
    }

    async fn discover_now(&self, deadline: Instant) -> Result<Discovered, OpenStackError> {
        let question = self.question("version discovery");
        let project = self.project_id(question.operation).await?;
        let catalog = self.catalog_url(&project).await.map_err(|error| question.failed(error))?;
        let versioned = endpoint::versioned(&catalog, &project, self.api.version);
        let microversion = match self.api.microversions {
            Some((_, supported)) => Some(self.negotiate(&versioned, supported, deadline).await?),
            None => None,
        };
        let base_url = match self.api.project_in_url {
            true => format!("{versioned}/{project}"),
            false => versioned,
        };
        Ok(Discovered { base_url, microversion })
    }

    async fn catalog_url(&self, project: &str) -> Result<String, SessionError> {
        let ClientOptions { region_name, interface, endpoint_override, .. } = &self.options;
        match endpoint_override {
            Some(url) => Ok(url.replace("%(project_id)s", project)),
            None => {
                let service_type = self.api.service_type;
                let session = self.caller.session();
                session.endpoint_in(service_type, *interface, region_name.as_deref()).await
            }
        }
    }

    async fn negotiate(
        &self,
        url: &str,
        supported: Supported,
        deadline: Instant,
    ) -> Result<Microversion, OpenStackError> {
        let question = self.question("version discovery");
        let root = format!("{url}/");
        let in_time = |request: SessionRequest| {
            request.timeout(deadline.saturating_duration_since(Instant::now()))
        };
        let answer = self.caller.send(&Method::GET, &root, in_time).await;
        let answer = answer.map_err(|error| question.failed(error))?;
        // 300 is how older services say that there are several versions.
        if !answer.is_success() && answer.status() != 300 {
            return Err(match question.failed(answer.to_error()) {
                // Not even the API is there; what is asked of it may be all the same.
                OpenStackError::NotFound(said) => OpenStackError::Unsupported(said),
                error => error,
            });
        }
        let document: endpoint::VersionDocument =
            answer.json().map_err(|error| question.failed(error))?;
        let (oldest, newest) = document.range(self.api.version).ok_or_else(|| {
            question.nonsense(format!("{url} tells no microversions of {}", self.api.version))
        })?;
        supported.negotiate(oldest, newest).ok_or_else(|| {
            OpenStackError::Unsupported(question.said(format!(
                "the cloud speaks versions {oldest} to {newest}, and {} to {} are needed: upgrade \
                 the older side",
                supported.oldest, supported.newest
            )))
        })
    }
}
