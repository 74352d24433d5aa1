use keystone_middleware_rs::{Auth, DomainRef, Method, Scope, SessionError, UserRef};
use serde_json::json;

use super::directory::{Directory, id};
use super::{Outcome, RegistrationReport, ServiceUser};
use crate::openstack::identity::IdentityError;

pub(super) async fn ensure(
    directory: &Directory<'_>,
    wanted: &ServiceUser,
    report: &mut RegistrationReport,
) -> Result<(), IdentityError> {
    let project = project(directory, wanted, report).await?;
    let user = user(directory, wanted, report).await?;
    for name in &wanted.roles {
        let role = role(directory, name, report).await?;
        let path = format!("projects/{project}/users/{user}/roles/{role}");
        let what = format!("the role {name} of {} in {}", wanted.name, wanted.project);
        match directory.call(Method::HEAD, &path, None).await?.status() {
            404 => {
                directory.call(Method::PUT, &path, None).await?.success()?;
                report.add(what, Outcome::Created);
            }
            _ => report.add(what, Outcome::Unchanged),
        }
    }
    Ok(())
}

async fn domain(directory: &Directory<'_>, wanted: &DomainRef) -> Result<String, IdentityError> {
    let (key, value) = match wanted {
        DomainRef::Id(id) => ("id", id),
        DomainRef::Name(name) => ("name", name),
    };
    let found = directory.find("domain", &[(key, value)]).await?;
    found.map(|domain| id(&domain).to_owned()).ok_or_else(|| IdentityError::Unusable {
        reason: format!("there is no domain with the {key} {value}"),
    })
}

async fn project(
    directory: &Directory<'_>,
    wanted: &ServiceUser,
    report: &mut RegistrationReport,
) -> Result<String, IdentityError> {
    let what = format!("the project {}", wanted.project);
    let domain = domain(directory, &wanted.project_domain).await?;
    let filter = [("name", wanted.project.as_str()), ("domain_id", &domain)];
    let Some(found) = directory.find("project", &filter).await? else {
        let body = json!({"name": wanted.project, "domain_id": domain});
        let made = directory.create("project", body).await?;
        report.add(what, Outcome::Created);
        return Ok(id(&made).to_owned());
    };
    let enabled = json!({"enabled": true});
    report.add_found(what, directory.correct("project", &found, enabled).await?);
    Ok(id(&found).to_owned())
}

async fn user(
    directory: &Directory<'_>,
    wanted: &ServiceUser,
    report: &mut RegistrationReport,
) -> Result<String, IdentityError> {
    let what = format!("the user {}", wanted.name);
    let domain = domain(directory, &wanted.domain).await?;
    let filter = [("name", wanted.name.as_str()), ("domain_id", &domain)];
    let Some(found) = directory.find("user", &filter).await? else {
        let password = wanted.password.expose();
        let body = json!({"name": wanted.name, "domain_id": domain, "password": password});
        let made = directory.create("user", body).await?;
        report.add(what, Outcome::Created);
        return Ok(id(&made).to_owned());
    };
    let mut differences = directory.correct("user", &found, json!({"enabled": true})).await?;
    if !password_works(directory, id(&found), wanted).await? {
        let body = json!({"user": {"password": wanted.password.expose()}});
        let path = format!("users/{}", id(&found));
        directory.call(Method::PATCH, &path, Some(&body)).await?.success()?;
        differences.push("another password".to_owned());
    }
    report.add_found(what, differences);
    Ok(id(&found).to_owned())
}

/// Keystone tells nobody a password; whether it is the right one shows by logging in.
async fn password_works(
    directory: &Directory<'_>,
    user_id: &str,
    wanted: &ServiceUser,
) -> Result<bool, IdentityError> {
    let as_user = directory.session.with_auth(Auth::Password {
        user: UserRef::Id(user_id.to_owned()),
        password: wanted.password.clone(),
        scope: Scope::Unscoped,
    });
    match as_user.token().await {
        Ok(_) => Ok(true),
        Err(SessionError::Refused { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn role(
    directory: &Directory<'_>,
    name: &str,
    report: &mut RegistrationReport,
) -> Result<String, IdentityError> {
    let found = directory.list("role", &[("name", name)]).await?;
    // A role of a domain may have the same name, and gives nothing in a project.
    if let Some(role) = found.iter().find(|role| role["domain_id"].is_null()) {
        return Ok(id(role).to_owned());
    }
    let made = directory.create("role", json!({ "name": name })).await?;
    report.add(format!("the role {name}"), Outcome::Created);
    Ok(id(&made).to_owned())
}
