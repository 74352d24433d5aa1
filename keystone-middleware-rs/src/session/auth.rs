use serde_json::{Value, json};

use crate::Secret;

/// A domain, by id or name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainRef {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

/// A user, by id, or by name in a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRef {
    /// By id.
    Id(String),
    /// By name.
    Name {
        /// The name.
        name: String,
        /// The user's domain.
        domain: DomainRef,
    },
}

/// A project, by id, or by name in a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectRef {
    /// By id.
    Id(String),
    /// By name.
    Name {
        /// The name.
        name: String,
        /// The project's domain.
        domain: DomainRef,
    },
}

/// What a token is to be good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing but asking for scoped tokens.
    Unscoped,
    /// A project.
    Project(ProjectRef),
    /// A domain.
    Domain(DomainRef),
    /// The whole system.
    System,
    /// What a trust delegates, by the trust's id. Needs [`Auth::Password`] of the trustee.
    Trust(String),
}

/// How a session proves who it is.
#[derive(Clone, Debug)]
pub enum Auth {
    /// `auth_type = password`.
    Password {
        /// Who.
        user: UserRef,
        /// Their password.
        password: Secret,
        /// For what.
        scope: Scope,
    },
    /// `auth_type = v3applicationcredential`. The scope is that of the credential.
    ApplicationCredential {
        /// Its id, or its name where `user` says whose.
        id_or_name: String,
        /// Needed with a name.
        user: Option<UserRef>,
        /// Its secret.
        secret: Secret,
    },
    /// A token exchanged for one with another scope. It ends with the first one, and cannot be
    /// renewed after.
    Token {
        /// The first token.
        token: Secret,
        /// For what.
        scope: Scope,
    },
}

impl Auth {
    /// The body of `POST /v3/auth/tokens`.
    pub(crate) fn body(&self) -> Value {
        let (identity, scope) = match self {
            Self::Password { user, password, scope } => {
                let mut user = user.json();
                user["password"] = password.expose().into();
                (json!({"methods": ["password"], "password": {"user": user}}), Some(scope))
            }
            Self::ApplicationCredential { id_or_name, user, secret } => {
                let mut credential = match user {
                    Some(user) => json!({"name": id_or_name, "user": user.json()}),
                    None => json!({"id": id_or_name}),
                };
                credential["secret"] = secret.expose().into();
                let method = "application_credential";
                (json!({"methods": [method], method: credential}), None)
            }
            Self::Token { token, scope } => {
                (json!({"methods": ["token"], "token": {"id": token.expose()}}), Some(scope))
            }
        };
        let mut auth = json!({ "identity": identity });
        if let Some(scope) = scope {
            auth["scope"] = scope.json();
        }
        json!({ "auth": auth })
    }
}

impl DomainRef {
    fn json(&self) -> Value {
        match self {
            Self::Id(id) => json!({ "id": id }),
            Self::Name(name) => json!({ "name": name }),
        }
    }
}

impl UserRef {
    fn json(&self) -> Value {
        match self {
            Self::Id(id) => json!({ "id": id }),
            Self::Name { name, domain } => json!({ "name": name, "domain": domain.json() }),
        }
    }
}

impl ProjectRef {
    fn json(&self) -> Value {
        match self {
            Self::Id(id) => json!({ "id": id }),
            Self::Name { name, domain } => json!({ "name": name, "domain": domain.json() }),
        }
    }
}

impl Scope {
    fn json(&self) -> Value {
        match self {
            Self::Unscoped => json!("unscoped"),
            Self::Project(project) => json!({ "project": project.json() }),
            Self::Domain(domain) => json!({ "domain": domain.json() }),
            Self::System => json!({ "system": { "all": true } }),
            Self::Trust(id) => json!({ "OS-TRUST:trust": { "id": id } }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firn() -> UserRef {
        UserRef::Name { name: "firn".to_owned(), domain: DomainRef::Name("Default".to_owned()) }
    }

    #[test]
    fn bodies_are_what_the_api_reference_says() {
        let project = ProjectRef::Name {
            name: "service".to_owned(),
            domain: DomainRef::Id("default".to_owned()),
        };
        let auth =
            Auth::Password { user: firn(), password: "pw".into(), scope: Scope::Project(project) };
        assert_eq!(
            auth.body(),
            json!({"auth": {
                "identity": {"methods": ["password"], "password": {"user": {
                    "name": "firn", "domain": {"name": "Default"}, "password": "pw"}}},
                "scope": {"project": {"name": "service", "domain": {"id": "default"}}}}})
        );
        let auth = Auth::ApplicationCredential {
            id_or_name: "c".to_owned(),
            user: None,
            secret: "s".into(),
        };
        assert_eq!(
            auth.body(),
            json!({"auth": {"identity": {"methods": ["application_credential"],
                "application_credential": {"id": "c", "secret": "s"}}}})
        );
        let auth = Auth::Token { token: "t".into(), scope: Scope::Trust("x".to_owned()) };
        assert_eq!(
            auth.body(),
            json!({"auth": {"identity": {"methods": ["token"], "token": {"id": "t"}},
                "scope": {"OS-TRUST:trust": {"id": "x"}}}})
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let auth =
            Auth::Password { user: firn(), password: "hunter2".into(), scope: Scope::System };
        assert!(!format!("{auth:?}").contains("hunter2"));
    }
}
