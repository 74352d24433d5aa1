use anyhow::{Context, bail};
use firn_cloud::openstack::KeystoneAuthtokenOptions;
use firn_cloud::openstack::identity::ServiceUser;
use keystone_middleware_rs::DomainRef;

/// The user that the service is, as its own configuration has it: no password is written twice.
pub(super) fn wanted(
    service: &KeystoneAuthtokenOptions,
    roles: &[String],
) -> anyhow::Result<ServiceUser> {
    if !matches!(service.auth_type.as_str(), "password" | "v3password") {
        bail!(
            "[keystone_authtoken] auth_type = {} names no user that could be made: use --no-user",
            service.auth_type
        );
    }
    let set = |option: &'static str, value: &Option<String>| {
        value.clone().with_context(|| {
            format!("[keystone_authtoken] {option} is not set: set it, or use --no-user")
        })
    };
    let domain = |kind: &str, id: &Option<String>, name: &Option<String>| {
        let id = id.clone().map(DomainRef::Id);
        id.or_else(|| name.clone().map(DomainRef::Name)).with_context(|| {
            format!("[keystone_authtoken] {kind}_domain_name is not set: set it, or use --no-user")
        })
    };
    Ok(ServiceUser {
        name: set("username", &service.username)?,
        password: set("password", &service.password)?.into(),
        domain: domain("user", &service.user_domain_id, &service.user_domain_name)?,
        project: set("project_name", &service.project_name)?,
        project_domain: domain(
            "project",
            &service.project_domain_id,
            &service.project_domain_name,
        )?,
        roles: roles.to_vec(),
    })
}
