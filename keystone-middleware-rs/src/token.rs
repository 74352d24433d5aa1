use chrono::{DateTime, Utc};

use crate::{AccessRule, Catalog};

/// What Keystone says of a token: who it speaks for, and where.
///
/// Exactly one of [`project`](Self::project), [`domain`](Self::domain) and
/// [`system`](Self::system) is set in a scoped token, none in an unscoped one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenContext {
    /// Whom the token speaks for. With an impersonating trust that is the trustor.
    pub user: User,
    /// The project it is scoped to.
    pub project: Option<Project>,
    /// The domain it is scoped to.
    pub domain: Option<Domain>,
    /// Whether it is scoped to the whole system.
    pub system: bool,
    /// The roles in that scope; none in an unscoped token.
    pub roles: Vec<Role>,
    /// The trust it was made from.
    pub trust: Option<Trust>,
    /// The application credential it was made from.
    pub application_credential: Option<ApplicationCredential>,
    /// The services of the cloud. Empty where the options leave it out, and in unscoped tokens.
    pub catalog: Catalog,
    /// How the user proved who they are: `password`, `token`, `application_credential`, ...
    pub methods: Vec<String>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was made.
    pub issued_at: Option<DateTime<Utc>>,
    /// Names the token in audit trails without being it: its own id, then its parent's.
    pub audit_ids: Vec<String>,
    /// Whether the project is the cloud's admin project. None where Keystone does not say, which
    /// it does only where one is configured.
    pub is_admin_project: Option<bool>,
}

impl TokenContext {
    /// Whether the token carries the role. Names are compared without case, as oslo.policy does.
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role.name.eq_ignore_ascii_case(name))
    }

    /// The names of the roles.
    pub fn role_names(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(|role| role.name.as_str())
    }

    /// Whether it is good for nothing but asking for a scoped token.
    pub const fn is_unscoped(&self) -> bool {
        self.project.is_none() && self.domain.is_none() && !self.system
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Id, unique in the cloud.
    pub id: String,
    /// Name, unique in its domain.
    pub name: String,
    /// The domain that owns the user.
    pub domain: Domain,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Id, unique in the cloud.
    pub id: String,
    /// Name, unique in its domain.
    pub name: String,
    /// The domain that owns the project.
    pub domain: Domain,
    /// Whether the project is the one that acts as a domain.
    pub is_domain: bool,
}

/// A domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domain {
    /// Id, unique in the cloud.
    pub id: String,
    /// Name, unique in the cloud.
    pub name: String,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Id, unique in the cloud.
    pub id: String,
    /// Name, as policies have it.
    pub name: String,
}

/// The delegation a token was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Id.
    pub id: String,
    /// Who delegated.
    pub trustor_user_id: String,
    /// To whom.
    pub trustee_user_id: String,
    /// Whether the token speaks in the trustor's name.
    pub impersonation: bool,
}

/// The application credential a token was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationCredential {
    /// Id.
    pub id: String,
    /// Name, unique among the user's; empty where Keystone does not tell.
    pub name: String,
    /// Whether it may not make trusts or further credentials, which is the default.
    pub restricted: bool,
    /// The requests it allows; none set: all that its roles allow.
    pub access_rules: Option<Vec<AccessRule>>,
}

/// A member's token of one project, for tests.
#[cfg(test)]
pub(crate) fn sample() -> TokenContext {
    let domain = Domain { id: "default".to_owned(), name: "Default".to_owned() };
    TokenContext {
        user: User { id: "u1".to_owned(), name: "ana".to_owned(), domain: domain.clone() },
        project: Some(Project {
            id: "p1".to_owned(),
            name: "web".to_owned(),
            domain,
            is_domain: false,
        }),
        domain: None,
        system: false,
        roles: vec![Role { id: "r1".to_owned(), name: "member".to_owned() }],
        trust: None,
        application_credential: None,
        catalog: Catalog::default(),
        methods: vec!["password".to_owned()],
        expires_at: Utc::now() + chrono::Duration::hours(1),
        issued_at: Some(Utc::now()),
        audit_ids: vec!["a1".to_owned()],
        is_admin_project: None,
    }
}
