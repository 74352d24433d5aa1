use keystone_middleware_rs::Method;
use serde_json::json;

use super::directory::{Directory, id};
use super::{EndpointUrl, Outcome, Registration, RegistrationReport};
use crate::openstack::identity::IdentityError;

pub(super) async fn ensure(
    directory: &Directory<'_>,
    wanted: &Registration,
    report: &mut RegistrationReport,
) -> Result<(), IdentityError> {
    let service = service(directory, wanted, report).await?;
    region(directory, &wanted.region, report).await?;
    for endpoint in &wanted.endpoints {
        ensure_endpoint(directory, &service, &wanted.region, endpoint, report).await?;
    }
    Ok(())
}

async fn service(
    directory: &Directory<'_>,
    wanted: &Registration,
    report: &mut RegistrationReport,
) -> Result<String, IdentityError> {
    let what = format!("the service {} of type {}", wanted.service_name, wanted.service_type);
    let all = directory.list("service", &[("type", &wanted.service_type)]).await?;
    // Several of one type are somebody's decision; ours is the one with our name.
    let found = all.iter().find(|service| service["name"] == *wanted.service_name);
    let Some(found) = found.or_else(|| all.first().filter(|_| all.len() == 1)) else {
        let body = json!({"type": wanted.service_type, "name": wanted.service_name,
                          "description": wanted.description});
        let made = directory.create("service", body).await?;
        report.add(what, Outcome::Created);
        return Ok(id(&made).to_owned());
    };
    let body = json!({"name": wanted.service_name, "description": wanted.description,
                      "enabled": true});
    report.add_found(what, directory.correct("service", found, body).await?);
    Ok(id(found).to_owned())
}

async fn region(
    directory: &Directory<'_>,
    region: &str,
    report: &mut RegistrationReport,
) -> Result<(), IdentityError> {
    // A region's id is its name, and may hold what a path cannot.
    let exists = directory.list("region", &[]).await?.iter().any(|one| id(one) == region);
    let outcome = if exists {
        Outcome::Unchanged
    } else {
        directory.create("region", json!({ "id": region })).await?;
        Outcome::Created
    };
    report.add(format!("the region {region}"), outcome);
    Ok(())
}

async fn ensure_endpoint(
    directory: &Directory<'_>,
    service_id: &str,
    region: &str,
    wanted: &EndpointUrl,
    report: &mut RegistrationReport,
) -> Result<(), IdentityError> {
    let EndpointUrl { interface, url } = wanted;
    let what = format!("the {interface} endpoint {url}");
    let filter =
        [("service_id", service_id), ("interface", interface.as_str()), ("region_id", region)];
    let found = directory.list("endpoint", &filter).await?;
    let Some((first, others)) = found.split_first() else {
        let body = json!({"service_id": service_id, "interface": interface.as_str(),
                          "region_id": region, "url": url});
        directory.create("endpoint", body).await?;
        report.add(what, Outcome::Created);
        return Ok(());
    };
    let body = json!({"url": url, "enabled": true});
    report.add_found(what, directory.correct("endpoint", first, body).await?);
    // A second one of the same service, region and interface only sends clients astray.
    for other in others {
        let path = format!("endpoints/{}", id(other));
        directory.call(Method::DELETE, &path, None).await?.success()?;
        let gone = vec![format!("removed, url was {}", other["url"])];
        report.add_found(format!("another {interface} endpoint"), gone);
    }
    Ok(())
}
