//! Tokens as Keystone writes them (`{"token": {…}}`), and what they mean.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::catalog::{Catalog, Endpoint, Interface, Service};
use crate::token::{ApplicationCredential, Domain, Project, Role, Trust, User};
use crate::{AccessRule, TokenContext};

#[derive(Deserialize)]
struct Body {
    token: Token,
}

#[derive(Deserialize)]
struct Token {
    user: Member,
    project: Option<Member>,
    domain: Option<Named>,
    system: Option<System>,
    #[serde(default)]
    roles: Vec<Named>,
    #[serde(rename = "OS-TRUST:trust")]
    trust: Option<TrustBody>,
    application_credential: Option<Credential>,
    #[serde(default)]
    catalog: Vec<ServiceBody>,
    #[serde(default)]
    methods: Vec<String>,
    expires_at: DateTime<Utc>,
    issued_at: Option<DateTime<Utc>>,
    #[serde(default)]
    audit_ids: Vec<String>,
    is_admin_project: Option<bool>,
    #[serde(default)]
    is_domain: bool,
}

/// A user or a project.
#[derive(Deserialize)]
struct Member {
    id: String,
    name: String,
    domain: Named,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct System {
    all: bool,
}

#[derive(Deserialize)]
struct TrustBody {
    id: String,
    trustor_user: Reference,
    trustee_user: Reference,
    impersonation: bool,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
}

#[derive(Deserialize)]
struct Credential {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default = "yes")]
    restricted: bool,
    access_rules: Option<Vec<RuleBody>>,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct RuleBody {
    service: String,
    method: String,
    path: String,
}

#[derive(Deserialize)]
struct ServiceBody {
    #[serde(default)]
    id: String,
    #[serde(rename = "type")]
    service_type: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    endpoints: Vec<EndpointBody>,
}

#[derive(Deserialize)]
struct EndpointBody {
    #[serde(default)]
    id: String,
    interface: String,
    region_id: Option<String>,
    region: Option<String>,
    url: String,
}

/// Reads the body of an answer about a token.
pub(crate) fn token(body: &[u8]) -> Result<TokenContext, serde_json::Error> {
    let Body { token } = serde_json::from_slice(body)?;
    Ok(TokenContext {
        user: User { id: token.user.id, name: token.user.name, domain: token.user.domain.into() },
        project: token.project.map(|project| Project {
            id: project.id,
            name: project.name,
            domain: project.domain.into(),
            is_domain: token.is_domain,
        }),
        domain: token.domain.map(Domain::from),
        system: token.system.is_some_and(|system| system.all),
        roles: token.roles.into_iter().map(|role| Role { id: role.id, name: role.name }).collect(),
        trust: token.trust.map(Trust::from),
        application_credential: token.application_credential.map(ApplicationCredential::from),
        catalog: Catalog::new(token.catalog.into_iter().map(Service::from).collect()),
        methods: token.methods,
        expires_at: token.expires_at,
        issued_at: token.issued_at,
        audit_ids: token.audit_ids,
        is_admin_project: token.is_admin_project,
    })
}

impl From<Named> for Domain {
    fn from(domain: Named) -> Self {
        Self { id: domain.id, name: domain.name }
    }
}

impl From<TrustBody> for Trust {
    fn from(trust: TrustBody) -> Self {
        Self {
            id: trust.id,
            trustor_user_id: trust.trustor_user.id,
            trustee_user_id: trust.trustee_user.id,
            impersonation: trust.impersonation,
        }
    }
}

impl From<Credential> for ApplicationCredential {
    fn from(credential: Credential) -> Self {
        let rule = |rule: RuleBody| AccessRule {
            service: rule.service,
            method: rule.method,
            path: rule.path,
        };
        Self {
            id: credential.id,
            name: credential.name,
            restricted: credential.restricted,
            access_rules: credential
                .access_rules
                .map(|rules| rules.into_iter().map(rule).collect()),
        }
    }
}

impl From<ServiceBody> for Service {
    fn from(service: ServiceBody) -> Self {
        // An interface of a kind nobody knows is no reason to refuse the whole token.
        let endpoint = |endpoint: EndpointBody| {
            Some(Endpoint {
                id: endpoint.id,
                interface: endpoint.interface.parse::<Interface>().ok()?,
                region: endpoint.region_id.or(endpoint.region),
                url: endpoint.url,
            })
        };
        Self {
            id: service.id,
            service_type: service.service_type,
            name: service.name,
            endpoints: service.endpoints.into_iter().filter_map(endpoint).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(mut extra: Value) -> TokenContext {
        let mut body = json!({
            "methods": ["password"],
            "user": {"id": "u1", "name": "ana", "domain": {"id": "default", "name": "Default"},
                     "password_expires_at": null},
            "expires_at": "2026-11-23T07:00:00.000000Z",
            "issued_at": "2026-11-23T06:00:00.000000Z",
            "audit_ids": ["x", "y"]
        });
        let all = body.as_object_mut().unwrap();
        all.append(extra.as_object_mut().unwrap());
        token(json!({ "token": body }).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn every_scope_is_told_apart() {
        let unscoped = read(json!({}));
        assert!(unscoped.is_unscoped() && unscoped.roles.is_empty());
        assert_eq!(unscoped.audit_ids, ["x", "y"]);
        assert_eq!(unscoped.expires_at.to_rfc3339(), "2026-11-23T07:00:00+00:00");

        let project = read(json!({
            "project": {"id": "p", "name": "web", "domain": {"id": "d", "name": "D"}},
            "is_domain": false, "roles": [{"id": "r", "name": "Member"}]
        }));
        assert_eq!(project.project.as_ref().unwrap().domain.name, "D");
        assert!(project.has_role("member") && !project.has_role("admin"));
        assert!(!project.is_unscoped() && project.domain.is_none() && !project.system);

        let domain = read(json!({"domain": {"id": "d", "name": "D"}}));
        assert!(domain.project.is_none() && domain.domain.is_some() && !domain.is_unscoped());

        let system =
            read(json!({"system": {"all": true}, "roles": [{"id": "r", "name": "admin"}]}));
        assert!(system.system && system.project.is_none() && !system.is_unscoped());
        assert!(!read(json!({"system": {"all": false}})).system);
    }

    #[test]
    fn delegations_are_kept() {
        let trust = read(json!({"OS-TRUST:trust": {
            "id": "t", "trustor_user": {"id": "a"}, "trustee_user": {"id": "b"},
            "impersonation": true
        }}))
        .trust
        .unwrap();
        assert_eq!((trust.trustor_user_id.as_str(), trust.impersonation), ("a", true));

        let plain = read(json!({"application_credential": {"id": "c"}})).application_credential;
        let plain = plain.unwrap();
        assert!(plain.restricted && plain.access_rules.is_none());
        let ruled = read(json!({"application_credential": {
            "id": "c", "name": "ci", "restricted": false,
            "access_rules": [{"id": "1", "service": "backup", "method": "GET", "path": "/v1/x"}]
        }}));
        let ruled = ruled.application_credential.unwrap();
        assert!(!ruled.restricted);
        assert_eq!(ruled.access_rules.unwrap()[0].path, "/v1/x");
    }

    #[test]
    fn a_catalog_with_strange_entries_is_read_as_far_as_it_goes() {
        let context = read(json!({"catalog": [
            {"id": "s", "type": "compute", "name": "nova", "endpoints": [
                {"id": "1", "interface": "public", "region_id": "R", "region": "R", "url": "http://n"},
                {"id": "2", "interface": "sideways", "region_id": "R", "url": "http://x"}
            ]},
            {"type": "empty"}
        ]}));
        let services = context.catalog.services();
        assert_eq!((services.len(), services[0].endpoints.len()), (2, 1));
    }

    #[test]
    fn what_is_no_token_is_an_error() {
        for body in ["", "{}", "[]", r#"{"token": {}}"#, "<html>"] {
            assert!(token(body.as_bytes()).is_err(), "{body}");
        }
    }
}
