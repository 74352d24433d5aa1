use std::path::PathBuf;
use std::time::Duration;

use keystone_middleware_rs::{AuthTokenOptions, Interface, OptionsError, Session, Validator};

oslo_config::options! {
    /// How tokens are checked with Keystone, and as whom. The names are those of
    /// keystonemiddleware and keystoneauth.
    pub struct KeystoneAuthtokenOptions in "keystone_authtoken" {
        /// Keystone's URL, with or without /v3.
        pub auth_url: Option<String>;
        /// Keystone's URL for clients, told with each 401. The default is auth_url.
        pub www_authenticate_uri: Option<String>, deprecated "auth_uri";
        /// How the service itself authenticates.
        pub auth_type: String = "password", choices ["password", "v3password", "v3applicationcredential"], deprecated "auth_plugin";
        /// The service user's name.
        pub username: Option<String>, deprecated "user_name";
        /// Or its id.
        pub user_id: Option<String>;
        /// Its password.
        pub password: Option<String>, secret;
        /// The name of its domain.
        pub user_domain_name: Option<String>;
        /// Or the id.
        pub user_domain_id: Option<String>;
        /// The service user's project.
        pub project_name: Option<String>, deprecated "tenant_name";
        /// Or its id.
        pub project_id: Option<String>, deprecated "tenant_id";
        /// The name of the project's domain.
        pub project_domain_name: Option<String>;
        /// Or the id.
        pub project_domain_id: Option<String>;
        /// "all": the service user's token is scoped to the system instead of a project.
        pub system_scope: Option<String>;
        /// Id of the application credential that the service uses.
        pub application_credential_id: Option<String>;
        /// Or its name, beside the user.
        pub application_credential_name: Option<String>;
        /// Its secret.
        pub application_credential_secret: Option<String>, secret;
        /// The region of the Keystone endpoint that validates tokens.
        pub region_name: Option<String>;
        /// Its interface.
        pub interface: String = "internal", choices ["public", "internal", "admin"];
        /// PEM file of the certificate authorities to trust, instead of the system's.
        pub cafile: Option<PathBuf>;
        /// PEM file of the client certificate.
        pub certfile: Option<PathBuf>;
        /// PEM file of its key.
        pub keyfile: Option<PathBuf>;
        /// Trust any certificate. For tests.
        pub insecure: bool = false;
        /// Seconds that a validation may take in all; then the answer is 503.
        pub http_request_timeout: u64 = 10, min 1;
        /// Seconds that a connection to Keystone may take to open.
        pub http_connect_timeout: u64 = 5, min 1;
        /// How often a request that could not be sent is sent again.
        pub http_request_max_retries: u32 = 3;
        /// Seconds that a valid token is not asked for again, and so the longest that a revoked
        /// one is still let in; -1 asks each time.
        pub token_cache_time: i64 = 300, min -1;
        /// Seconds that a token that is not valid is not asked for again.
        pub invalid_token_cache_time: u64 = 10;
        /// Roles one of which makes a token that of a service.
        pub service_token_roles: Vec<String> = ["service"];
        /// Refuse service tokens without such a role.
        pub service_token_roles_required: bool = true;
        /// Without effect, as in files that services share: without a valid token this API answers
        /// nothing but its versions.
        pub delay_auth_decision: bool = false;
        /// Without effect, as in files that services share: each process caches tokens by itself.
        pub memcached_servers: Option<String>;
        /// Ask for the catalog with each token. The API needs none.
        pub include_service_catalog: bool = false;
        /// The type of this service in the catalog, for access rules of application credentials.
        pub service_type: String = "instance-backup";
    }
}

impl KeystoneAuthtokenOptions {
    /// Whether Keystone is named at all.
    pub fn is_set(&self) -> bool {
        self.auth_url.is_some()
    }

    /// A session of the service user.
    ///
    /// # Errors
    /// An option is missing or wrong.
    pub fn session(&self) -> Result<Session, OptionsError> {
        Ok(Validator::new(&self.middleware())?.session().clone())
    }

    /// As the middleware takes them. What is missing is found when the middleware is made.
    pub fn middleware(&self) -> AuthTokenOptions {
        let interface = match self.interface.as_str() {
            "public" => Interface::Public,
            "admin" => Interface::Admin,
            _ => Interface::Internal,
        };
        AuthTokenOptions {
            auth_url: self.auth_url.clone().unwrap_or_default(),
            www_authenticate_uri: self.www_authenticate_uri.clone(),
            auth_type: self.auth_type.clone(),
            username: self.username.clone(),
            user_id: self.user_id.clone(),
            password: self.password.as_deref().map(Into::into),
            user_domain_name: self.user_domain_name.clone(),
            user_domain_id: self.user_domain_id.clone(),
            project_name: self.project_name.clone(),
            project_id: self.project_id.clone(),
            project_domain_name: self.project_domain_name.clone(),
            project_domain_id: self.project_domain_id.clone(),
            system_scope: self.system_scope.clone(),
            application_credential_id: self.application_credential_id.clone(),
            application_credential_name: self.application_credential_name.clone(),
            application_credential_secret: self
                .application_credential_secret
                .as_deref()
                .map(Into::into),
            region_name: self.region_name.clone(),
            interface,
            cafile: self.cafile.clone(),
            certfile: self.certfile.clone(),
            keyfile: self.keyfile.clone(),
            insecure: self.insecure,
            timeout: Duration::from_secs(self.http_request_timeout),
            http_connect_timeout: Duration::from_secs(self.http_connect_timeout),
            http_request_max_retries: self.http_request_max_retries,
            // -1 asks Keystone about every request.
            token_cache_time: Duration::from_secs(self.token_cache_time.max(0).unsigned_abs()),
            invalid_token_cache_time: Duration::from_secs(self.invalid_token_cache_time),
            service_token_roles: self.service_token_roles.clone(),
            service_token_roles_required: self.service_token_roles_required,
            include_service_catalog: self.include_service_catalog,
            service_type: Some(self.service_type.clone()),
            ..AuthTokenOptions::default()
        }
    }
}
