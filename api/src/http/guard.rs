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
use crate::policy::{Access, Target};
use crate::service::Service;
use crate::{Credentials, Principal};

/// Who may do one thing. Policy files can change it by its name.
pub(crate) trait Rule: 'static {
    /// `instance-backup:<resource>:<verb>`.
    const NAME: &'static str;
    /// What it allows.
    const DESCRIPTION: &'static str;
    /// Who may where no policy says otherwise.
    const ACCESS: Access;
    /// The first version of the API that has it.
    const SINCE: Microversion;
}

/// Who makes a call.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// What the request brought along.
    pub(crate) credentials: Credentials,
    /// The request's ids.
    pub(crate) request_ids: RequestIds,
}

/// One authorized call: the application's methods are its methods.
pub(crate) struct Call {
    pub(crate) service: web::Data<Service>,
    pub(crate) caller: Caller,
    pub(crate) version: Microversion,
    /// The rule that allows it.
    rule: &'static str,
    /// Whether the rule allows it in every project.
    everywhere: bool,
    links: Links,
    path: String,
    query: String,
}

impl Call {
    /// Whose rows it may see when it names one.
    pub(crate) fn scope(&self) -> Scope {
        match self.everywhere {
            true => Scope::All,
            false => Scope::Project(self.project().clone()),
        }
    }

    /// The project that the call acts in.
    pub(crate) const fn project(&self) -> &ProjectId {
        &self.caller.principal.project_id
    }

    /// Whether the rule of the call holds in every project.
    pub(crate) const fn everywhere(&self) -> bool {
        self.everywhere
    }

    /// Whether the call may see the things of a project.
    pub(crate) fn sees(&self, project: &str) -> bool {
        self.everywhere || self.project().0 == project
    }

    /// Whether another rule allows something to the caller in the own project, too.
    pub(crate) fn also(&self, rule: &str) -> bool {
        let caller = &self.caller.principal;
        self.service.policy.allows(rule, caller, Target::own(caller))
    }

    /// Refuses what another rule does not allow.
    pub(crate) fn demand_rule(&self, rule: &str) -> Result<(), ApiError> {
        match self.also(rule) {
            true => Ok(()),
            false => Err(forbidden(rule)),
        }
    }

    /// Refuses where the rule does not hold for a thing of that project and user: in the own
    /// project as forbidden, in another as `unknown`, which is told of what there is not.
    pub(crate) fn demand(
        &self,
        project: &ProjectId,
        user_id: &str,
        unknown: impl FnOnce() -> ApiError,
    ) -> Result<(), ApiError> {
        let target = Target { project_id: &project.0, user_id };
        let caller = &self.caller.principal;
        if self.service.policy.allows(self.rule, caller, target) {
            return Ok(());
        }
        match project == &caller.project_id {
            true => Err(forbidden(self.rule)),
            false => Err(unknown()),
        }
    }

    /// Whose rows a list shows: the caller's own project's, unless an administrator asks for
    /// more.
    pub(crate) fn list_scope<F: Filters>(&self, list: &List<F>) -> Result<Scope, ApiError> {
        if list.all_projects && !self.everywhere {
            let message = "all_projects is for administrators".to_owned();
            return Err(ApiError::Refused { kind: ErrorKind::Forbidden, message });
        }
        match &list.project_id {
            Some(project) if list.all_projects || *project == self.project().0 => {
                Ok(Scope::Project(ProjectId(project.clone())))
            }
            Some(_) => Err(ApiError::field("project_id", "needs all_projects=true")),
            None if list.all_projects => Ok(Scope::All),
            None => Ok(Scope::Project(self.project().clone())),
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

impl<R> Allow<R> {
    /// The call itself, for what outlives the handler's arguments.
    pub(crate) fn into_call(self) -> Call {
        self.call
    }
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
    let (policy, principal) = (&service.policy, &caller.principal);
    if !policy.allows(R::NAME, principal, Target::own(principal)) {
        return Err(forbidden(R::NAME));
    }
    let everywhere = policy.allows(R::NAME, principal, Target::NOBODYS);
    Ok(Call {
        links: Links::new(&service.config, request),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        service,
        caller,
        version,
        rule: R::NAME,
        everywhere,
    })
}

fn forbidden(rule: &str) -> ApiError {
    let message = format!("the rule {rule} does not allow it to you");
    ApiError::Refused { kind: ErrorKind::Forbidden, message }
}
