use std::path::PathBuf;
use std::time::Duration;

use crate::{
    Auth, DomainRef, HttpOptions, Interface, OptionsError, ProjectRef, Scope, Secret,
    SessionOptions, UserRef,
};

/// `[keystone_authtoken]`: the options that operators know, under their names.
///
/// Unset fields are `None` or the default. Where this crate's default is not that of the Python
/// middleware, the field says so.
#[derive(Clone, Debug)]
pub struct AuthTokenOptions {
    /// Keystone's URL, with or without `/v3`.
    pub auth_url: String,
    /// Keystone's URL for clients, told with each 401. Default: `auth_url`.
    pub www_authenticate_uri: Option<String>,
    /// `password` or `v3applicationcredential`.
    pub auth_type: String,
    /// The service user's name.
    pub username: Option<String>,
    /// Or its id.
    pub user_id: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// The name of its domain.
    pub user_domain_name: Option<String>,
    /// Or the id.
    pub user_domain_id: Option<String>,
    /// The service user's project.
    pub project_name: Option<String>,
    /// Or its id.
    pub project_id: Option<String>,
    /// The name of the project's domain.
    pub project_domain_name: Option<String>,
    /// Or the id.
    pub project_domain_id: Option<String>,
    /// `all`: the service user's token is scoped to the system instead of a project.
    pub system_scope: Option<String>,
    /// The application credential's id.
    pub application_credential_id: Option<String>,
    /// Or its name, beside the user.
    pub application_credential_name: Option<String>,
    /// Its secret.
    pub application_credential_secret: Option<Secret>,
    /// The region of the Keystone endpoint that validates tokens.
    pub region_name: Option<String>,
    /// Its interface.
    pub interface: Interface,
    /// PEM file of the certificate authorities to trust, instead of the system's.
    pub cafile: Option<PathBuf>,
    /// PEM file of the client certificate.
    pub certfile: Option<PathBuf>,
    /// PEM file of its key.
    pub keyfile: Option<PathBuf>,
    /// Trust any certificate.
    pub insecure: bool,
    /// The longest a validation may take, retries and renewals included; then the answer is 503.
    /// Default 10 s.
    pub timeout: Duration,
    /// The longest a connection to Keystone may take to open. Default 5 s.
    pub http_connect_timeout: Duration,
    /// How often a request that could not be sent is sent again. Default 3.
    pub http_request_max_retries: u32,
    /// How long a valid token is not asked for again, and so the longest that a revoked token, or
    /// that of a disabled user, is still let in. Zero: not at all. Default 300 s.
    pub token_cache_time: Duration,
    /// How long a token that is not valid is not asked for again. Default 10 s; the Python
    /// middleware takes `token_cache_time`.
    pub invalid_token_cache_time: Duration,
    /// About the most memory that the cache takes. Default 64 MiB.
    pub token_cache_max_bytes: usize,
    /// Roles one of which makes a token that of a service. Default `service`.
    pub service_token_roles: Vec<String>,
    /// Refuse service tokens without such a role. Default true; false in the Python middleware,
    /// where leaving it so is deprecated. Without a role a service token never makes up for an
    /// expired user token or for access rules, whatever this option says.
    pub service_token_roles_required: bool,
    /// Let requests without a valid token pass, for the application to decide. Default false.
    pub delay_auth_decision: bool,
    /// Ask for the catalog with each token. Off saves most of the cache's memory. Default true.
    pub include_service_catalog: bool,
    /// The type of this service in the catalog. Without it tokens of application credentials with
    /// access rules are refused, for nobody knows whether a rule means this service.
    pub service_type: Option<String>,
}

impl Default for AuthTokenOptions {
    fn default() -> Self {
        let http = HttpOptions::default();
        Self {
            auth_url: String::new(),
            www_authenticate_uri: None,
            auth_type: "password".to_owned(),
            username: None,
            user_id: None,
            password: None,
            user_domain_name: None,
            user_domain_id: None,
            project_name: None,
            project_id: None,
            project_domain_name: None,
            project_domain_id: None,
            system_scope: None,
            application_credential_id: None,
            application_credential_name: None,
            application_credential_secret: None,
            region_name: None,
            interface: Interface::Internal,
            cafile: None,
            certfile: None,
            keyfile: None,
            insecure: false,
            timeout: http.timeout,
            http_connect_timeout: http.connect_timeout,
            http_request_max_retries: http.max_retries,
            token_cache_time: Duration::from_secs(300),
            invalid_token_cache_time: Duration::from_secs(10),
            token_cache_max_bytes: 64 << 20,
            service_token_roles: vec!["service".to_owned()],
            service_token_roles_required: true,
            delay_auth_decision: false,
            include_service_catalog: true,
            service_type: None,
        }
    }
}

impl AuthTokenOptions {
    /// The part that says how the service itself talks to the cloud.
    ///
    /// # Errors
    /// [`OptionsError::Missing`] and [`OptionsError::Value`].
    pub fn session(&self) -> Result<SessionOptions, OptionsError> {
        Ok(SessionOptions {
            auth_url: self.auth_url.clone(),
            auth: self.auth()?,
            region_name: self.region_name.clone(),
            interface: self.interface,
            http: HttpOptions {
                cafile: self.cafile.clone(),
                certfile: self.certfile.clone(),
                keyfile: self.keyfile.clone(),
                insecure: self.insecure,
                connect_timeout: self.http_connect_timeout,
                timeout: self.timeout,
                max_retries: self.http_request_max_retries,
            },
        })
    }

    fn auth(&self) -> Result<Auth, OptionsError> {
        match self.auth_type.as_str() {
            "password" | "v3password" => Ok(Auth::Password {
                user: self.user()?.ok_or_else(|| self.missing("username"))?,
                password: self.password.clone().ok_or_else(|| self.missing("password"))?,
                scope: self.scope()?,
            }),
            "v3applicationcredential" => {
                let secret = self.application_credential_secret.clone();
                let secret = secret.ok_or_else(|| self.missing("application_credential_secret"))?;
                match (&self.application_credential_id, &self.application_credential_name) {
                    (Some(id), _) => Ok(Auth::ApplicationCredential {
                        id_or_name: id.clone(),
                        user: None,
                        secret,
                    }),
                    (None, Some(name)) => {
                        let user = self.user()?.ok_or_else(|| self.missing("username"))?;
                        let id_or_name = name.clone();
                        Ok(Auth::ApplicationCredential { id_or_name, user: Some(user), secret })
                    }
                    (None, None) => Err(self.missing("application_credential_id")),
                }
            }
            other => Err(OptionsError::Value {
                option: "auth_type",
                given: other.to_owned(),
                expected: "password or v3applicationcredential",
            }),
        }
    }

    fn user(&self) -> Result<Option<UserRef>, OptionsError> {
        if let Some(id) = &self.user_id {
            return Ok(Some(UserRef::Id(id.clone())));
        }
        let Some(name) = self.username.clone() else { return Ok(None) };
        let domain = domain(&self.user_domain_id, &self.user_domain_name);
        let domain = domain.ok_or_else(|| self.missing("user_domain_name"))?;
        Ok(Some(UserRef::Name { name, domain }))
    }

    fn scope(&self) -> Result<Scope, OptionsError> {
        match self.system_scope.as_deref() {
            None => {}
            Some("all") => return Ok(Scope::System),
            Some(other) => {
                return Err(OptionsError::Value {
                    option: "system_scope",
                    given: other.to_owned(),
                    expected: "all",
                });
            }
        }
        if let Some(id) = &self.project_id {
            return Ok(Scope::Project(ProjectRef::Id(id.clone())));
        }
        let name = self.project_name.clone().ok_or_else(|| self.missing("project_name"))?;
        let domain = domain(&self.project_domain_id, &self.project_domain_name);
        let domain = domain.ok_or_else(|| self.missing("project_domain_name"))?;
        Ok(Scope::Project(ProjectRef::Name { name, domain }))
    }

    fn missing(&self, option: &'static str) -> OptionsError {
        OptionsError::Missing { option, auth_type: self.auth_type.clone() }
    }
}

fn domain(id: &Option<String>, name: &Option<String>) -> Option<DomainRef> {
    let id = id.clone().map(DomainRef::Id);
    id.or_else(|| name.clone().map(DomainRef::Name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn password() -> AuthTokenOptions {
        AuthTokenOptions {
            auth_url: "http://k:5000".to_owned(),
            username: text("firn"),
            password: Some("hunter2".into()),
            user_domain_name: text("Default"),
            project_name: text("service"),
            project_domain_id: text("default"),
            ..AuthTokenOptions::default()
        }
    }

    fn missing(options: &AuthTokenOptions) -> &'static str {
        match options.session() {
            Err(OptionsError::Missing { option, .. }) => option,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(password().session().is_ok());
        assert_eq!(missing(&AuthTokenOptions { username: None, ..password() }), "username");
        assert_eq!(missing(&AuthTokenOptions { password: None, ..password() }), "password");
        let options = AuthTokenOptions { user_domain_name: None, ..password() };
        assert_eq!(missing(&options), "user_domain_name");
        assert_eq!(missing(&AuthTokenOptions { project_name: None, ..password() }), "project_name");
        let options = AuthTokenOptions { project_domain_id: None, ..password() };
        assert_eq!(missing(&options), "project_domain_name");
        let auth_type = "v3applicationcredential".to_owned();
        let options = AuthTokenOptions { auth_type, ..password() };
        assert_eq!(missing(&options), "application_credential_secret");
        let options =
            AuthTokenOptions { application_credential_secret: Some("s".into()), ..options };
        assert_eq!(missing(&options), "application_credential_id");
        let options = AuthTokenOptions { application_credential_name: text("ci"), ..options };
        assert!(options.session().is_ok());
    }

    #[test]
    fn wrong_values_are_named() {
        let auth_type = "v2password".to_owned();
        let error = AuthTokenOptions { auth_type, ..password() }.session().unwrap_err();
        assert!(matches!(error, OptionsError::Value { option: "auth_type", .. }));
        let error = AuthTokenOptions { system_scope: text("some"), ..password() }.session();
        assert!(matches!(error, Err(OptionsError::Value { option: "system_scope", .. })));
        let system =
            AuthTokenOptions { system_scope: text("all"), project_name: None, ..password() };
        assert!(system.session().is_ok());
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?} {:?}", password(), password().session().unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
