use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use firn_core::{ErrorKind, ProjectId};
use firn_db::Scope;

use super::admit::service;
use super::links::Link;
use super::{ApiError, Filters, Links, List, Microversion, RequestIds};
use crate::service::Service;

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
    /// The first version of the API that has it.
    const SINCE: Microversion;
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
    pub(crate) version: Microversion,
    links: Links,
    path: String,
    query: String,
}

impl Call {
    /// Whose rows it may see when it names one.
    pub(crate) fn scope(&self) -> Scope {
        match self.caller.is_admin {
            true => Scope::All,
            false => Scope::Project(self.caller.project_id.clone()),
        }
    }

    /// Whose rows a list shows: the caller's own project's, unless an administrator asks for
    /// more.
    pub(crate) fn list_scope<F: Filters>(&self, list: &List<F>) -> Result<Scope, ApiError> {
        if list.all_projects && !self.caller.is_admin {
            let message = "all_projects is for administrators".to_owned();
            return Err(ApiError::Refused { kind: ErrorKind::Forbidden, message });
        }
        match &list.project_id {
            Some(project) if list.all_projects || *project == self.caller.project_id.0 => {
                Ok(Scope::Project(ProjectId(project.clone())))
            }
            Some(_) => Err(ApiError::field("project_id", "needs all_projects=true")),
            None if list.all_projects => Ok(Scope::All),
            None => Ok(Scope::Project(self.caller.project_id.clone())),
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

    /// The links of a resource; there are none before 1.1.
    pub(crate) fn self_links(&self, path: &str) -> Option<Vec<Link>> {
        (self.version >= Microversion::V1_1).then(|| vec![self.links.link("self", path)])
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
    type Future = Ready<Result<Self, ApiError>>;

    /// It is ready at once, so no other argument is taken out of a request that is refused.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(check::<R>(request).map(|call| Self { call, rule: PhantomData }))
    }
}

fn check<R: Rule>(request: &HttpRequest) -> Result<Call, ApiError> {
    let service = service(request)?;
    let caller = request.extensions().get::<Caller>().cloned();
    let version = request.extensions().get::<Microversion>().copied();
    let (Some(caller), Some(version)) = (caller, version) else {
        let cause = std::io::Error::other("the route is not behind admit");
        let what = "the server is put together wrongly";
        return Err(ApiError::failed(ErrorKind::Internal, what, cause));
    };
    if version < R::SINCE {
        return Err(ApiError::NoSuchRoute);
    }
    if R::NEEDS == Access::Admin && !caller.is_admin {
        let message = format!("the rule {} does not allow it to you", R::NAME);
        return Err(ApiError::Refused { kind: ErrorKind::Forbidden, message });
    }
    Ok(Call {
        links: Links::new(service.config.public_endpoint.as_deref(), request),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        service,
        caller,
        version,
    })
}
