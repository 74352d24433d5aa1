use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use firn_core::{ErrorKind, ProjectId};
use firn_db::Scope;

use super::links::Link;
use super::{ApiError, Links, RequestId, RequestIds};
use crate::service::Service;
use crate::{Credentials, IdentityError};

/// What a rule asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody in a project; what the call sees is the project's own.
    Project,
    /// Administrators.
    Admin,
}

/// Who may do one thing. Policy files will be able to change it by its name.
pub(crate) trait Rule: 'static {
    /// `instance-backup:<resource>:<verb>`.
    const NAME: &'static str;
    /// What it asks for where no policy says otherwise.
    const NEEDS: Access;
}

/// Who makes a call.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The project the call acts in.
    pub(crate) project_id: ProjectId,
    /// Sees and does everything.
    pub(crate) is_admin: bool,
    /// The request's ids.
    pub(crate) request_ids: RequestIds,
}

/// One authorized call: the application's methods are its methods.
pub(crate) struct Call {
    pub(crate) service: web::Data<Service>,
    pub(crate) caller: Caller,
    links: Links,
    path: String,
    query: String,
}

impl Call {
    /// Whose rows it may see.
    pub(crate) fn scope(&self) -> Scope {
        match self.caller.is_admin {
            true => Scope::All,
            false => Scope::Project(self.caller.project_id.clone()),
        }
    }

    /// The most rows a list has.
    pub(crate) fn max_limit(&self) -> u32 {
        self.service.config.max_limit
    }

    /// The absolute form of a path of ours.
    pub(crate) fn link_to(&self, path: &str) -> String {
        self.links.to(path)
    }

    /// A link to the page after `marker` of the list that is being asked for.
    pub(crate) fn next_link(&self, marker: &str) -> Link {
        self.links.next(&self.path, &self.query, marker)
    }
}

/// A call that the rule `R` allows. As a handler's argument it is the check.
pub(crate) struct Allow<R> {
    call: Call,
    rule: PhantomData<R>,
}

impl<R> Deref for Allow<R> {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.call
    }
}

impl<R: Rule> FromRequest for Allow<R> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let call = Unknown::new(request);
        Box::pin(async move {
            let call = call?.authenticate().await?;
            if R::NEEDS == Access::Admin && !call.caller.is_admin {
                let message = format!("the rule {} does not allow it to you", R::NAME);
                return Err(ApiError::Refused { kind: ErrorKind::Forbidden, message });
            }
            Ok(Self { call, rule: PhantomData })
        })
    }
}

/// A call whose caller is not known yet.
struct Unknown {
    service: web::Data<Service>,
    credentials: Credentials,
    request_ids: RequestIds,
    links: Links,
    path: String,
    query: String,
}

impl Unknown {
    fn new(request: &HttpRequest) -> Result<Self, ApiError> {
        let service = request.app_data::<web::Data<Service>>().cloned().ok_or_else(|| {
            let cause = std::io::Error::other("no service in the application");
            ApiError::failed(ErrorKind::Internal, "the server is put together wrongly", cause)
        })?;
        let ids = request.extensions().get::<RequestIds>().copied();
        Ok(Self {
            credentials: Credentials {
                token: header(request, "x-auth-token")?,
                service_token: header(request, "x-service-token")?,
            },
            request_ids: ids.unwrap_or(RequestIds { local: RequestId::new(), global: None }),
            links: Links::new(service.config.public_endpoint.as_deref(), request),
            path: request.path().to_owned(),
            query: request.query_string().to_owned(),
            service,
        })
    }

    async fn authenticate(self) -> Result<Call, ApiError> {
        let Self { service, credentials, request_ids, links, path, query } = self;
        let principal =
            service.identity.authenticate(&credentials).await.map_err(|error| match error {
                IdentityError::Unauthorized => {
                    ApiError::Unauthorized { challenge: service.identity.challenge() }
                }
                error => ApiError::failed(error.kind(), "the caller could not be checked", error),
            })?;
        let caller =
            Caller { project_id: principal.project_id, is_admin: principal.is_admin, request_ids };
        Ok(Call { service, caller, links, path, query })
    }
}

/// A header that may come once.
fn header(request: &HttpRequest, name: &'static str) -> Result<Option<String>, ApiError> {
    let mut values = request.headers().get_all(name);
    let first = values.next();
    if values.next().is_some() {
        return Err(ApiError::field(name, "may come only once"));
    }
    first
        .map(|value| value.to_str().map(str::to_owned))
        .transpose()
        .map_err(|_| ApiError::field(name, "holds something else than printable ASCII"))
}
