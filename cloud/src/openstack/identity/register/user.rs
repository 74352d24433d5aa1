use keystone_middleware_rs::{Auth, Method, Scope, SessionError, UserRef};
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

async fn domain(directory: &Directory<'_>, name: &str) -> Result<String, IdentityError> {
    let found = directory.find("domain", &[("name", name)]).await?;
    found
        .map(|domain| id(&domain).to_owned())
        .ok_or_else(|| IdentityError::Unusable { reason: format!("there is no domain {name}") })
}

async fn project(
    directory: &Directory<'_>,
    wanted: &ServiceUser,
    report: &mut RegistrationReport,
) -> Result<String, IdentityError> {
    let what = format!("the project {}", wanted.project);
    let domain = domain(directory, &wanted.project_domain).await?;
    let filter = [("name", wanted.project.as_str()), ("domain_id", &domain)];
    let (project, outcome) = match directory.find("project", &filter).await? {
        Some(found) => {
            let outcome = directory.correct("project", &found, json!({"enabled": true})).await?;
            (found, outcome)
        }
        None => {
            let body = json!({"name": wanted.project, "domain_id": domain});
            (directory.create("project", body).await?, Outcome::Created)
        }
    };
    report.add(what, outcome);
    Ok(id(&project).to_owned())
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
    let enabled = directory.correct("user", &found, json!({"enabled": true})).await?;
    let password = password(directory, id(&found), wanted).await?;
    let outcome = if enabled == Outcome::Unchanged { password } else { enabled };
    report.add(what, outcome);
    Ok(id(&found).to_owned())
}

/// Keystone tells nobody a password; whether it is the right one shows by logging in.
async fn password(
    directory: &Directory<'_>,
    user_id: &str,
    wanted: &ServiceUser,
) -> Result<Outcome, IdentityError> {
    let as_user = directory.session.with_auth(Auth::Password {
        user: UserRef::Id(user_id.to_owned()),
        password: wanted.password.clone(),
        scope: Scope::Unscoped,
    });
    match as_user.token().await {
        Ok(_) => Ok(Outcome::Unchanged),
        Err(SessionError::Refused { .. }) => {
            let body = json!({"user": {"password": wanted.password.expose()}});
            let path = format!("users/{user_id}");
            directory.call(Method::PATCH, &path, Some(&body)).await?.success()?;
            Ok(Outcome::Changed)
        }
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
