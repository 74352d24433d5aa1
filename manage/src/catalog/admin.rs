use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use keystone_middleware_rs::{AuthTokenOptions, Interface, OptionsError, Secret, Session};

/// What Keystone may take to answer a person, who would rather wait than start again.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whose commands these are. Names and meanings are those of `openstack`, so that sourcing an
/// openrc file is all it takes. Secrets come from the environment alone: everybody on the machine
/// can read a command line.
#[derive(Args, Debug)]
#[command(next_help_heading = "Administrator (passwords only as OS_PASSWORD, \
                               OS_APPLICATION_CREDENTIAL_SECRET)")]
pub(super) struct Admin {
    /// Keystone's URL
    #[arg(long, env = "OS_AUTH_URL", hide_env_values = true, value_name = "URL")]
    os_auth_url: Option<String>,
    /// password or v3applicationcredential
    #[arg(long, env = "OS_AUTH_TYPE", hide_env_values = true, value_name = "TYPE")]
    os_auth_type: Option<String>,
    /// User's name
    #[arg(long, env = "OS_USERNAME", hide_env_values = true, value_name = "NAME")]
    os_username: Option<String>,
    /// Or its id
    #[arg(long, env = "OS_USER_ID", hide_env_values = true, value_name = "ID")]
    os_user_id: Option<String>,
    /// Name of the user's domain; without any, the domain with the id "default"
    #[arg(long, env = "OS_USER_DOMAIN_NAME", hide_env_values = true, value_name = "NAME")]
    os_user_domain_name: Option<String>,
    /// Or its id
    #[arg(long, env = "OS_USER_DOMAIN_ID", hide_env_values = true, value_name = "ID")]
    os_user_domain_id: Option<String>,
    /// Project's name
    #[arg(long, env = "OS_PROJECT_NAME", hide_env_values = true, value_name = "NAME")]
    os_project_name: Option<String>,
    /// Or its id
    #[arg(long, env = "OS_PROJECT_ID", hide_env_values = true, value_name = "ID")]
    os_project_id: Option<String>,
    /// Name of the project's domain; without any, the domain with the id "default"
    #[arg(long, env = "OS_PROJECT_DOMAIN_NAME", hide_env_values = true, value_name = "NAME")]
    os_project_domain_name: Option<String>,
    /// Or its id
    #[arg(long, env = "OS_PROJECT_DOMAIN_ID", hide_env_values = true, value_name = "ID")]
    os_project_domain_id: Option<String>,
    /// "all": act on the system instead of a project
    #[arg(long, env = "OS_SYSTEM_SCOPE", hide_env_values = true, value_name = "SCOPE")]
    os_system_scope: Option<String>,
    /// Id of an application credential
    #[arg(long, env = "OS_APPLICATION_CREDENTIAL_ID", hide_env_values = true, value_name = "ID")]
    os_application_credential_id: Option<String>,
    /// Or its name, beside the user
    #[arg(
        long,
        env = "OS_APPLICATION_CREDENTIAL_NAME",
        hide_env_values = true,
        value_name = "NAME"
    )]
    os_application_credential_name: Option<String>,
    /// Interface of Keystone's endpoint: public, internal or admin
    #[arg(long, env = "OS_INTERFACE", hide_env_values = true, value_name = "INTERFACE")]
    os_interface: Option<String>,
    /// PEM file of the certificate authorities to trust, instead of the system's
    #[arg(long, env = "OS_CACERT", hide_env_values = true, value_name = "FILE")]
    os_cacert: Option<PathBuf>,
    /// PEM file of a client certificate
    #[arg(long, env = "OS_CERT", hide_env_values = true, value_name = "FILE")]
    os_cert: Option<PathBuf>,
    /// PEM file of its key
    #[arg(long, env = "OS_KEY", hide_env_values = true, value_name = "FILE")]
    os_key: Option<PathBuf>,
    /// Trust any certificate
    #[arg(long)]
    insecure: bool,
}

impl Admin {
    /// Nothing is sent yet.
    pub(super) fn session(&self) -> anyhow::Result<Session> {
        let options =
            self.options(secret("OS_PASSWORD"), secret("OS_APPLICATION_CREDENTIAL_SECRET"))?;
        options.session().and_then(Session::new).map_err(in_our_words)
    }

    fn options(
        &self,
        password: Option<Secret>,
        credential_secret: Option<Secret>,
    ) -> anyhow::Result<AuthTokenOptions> {
        let auth_url = set(&self.os_auth_url).ok_or_else(|| missing("auth_url"))?;
        let interface = set(&self.os_interface).unwrap_or_else(|| "public".to_owned());
        // A domain of both kinds is what `openstack` falls back to as well.
        let domain_id = |id: &Option<String>, name: &Option<String>| {
            set(id).or_else(|| set(name).is_none().then(|| "default".to_owned()))
        };
        let credential = [&self.os_application_credential_id, &self.os_application_credential_name]
            .into_iter()
            .any(|one| set(one).is_some());
        let usual = if credential { "v3applicationcredential" } else { "password" };
        Ok(AuthTokenOptions {
            auth_url,
            auth_type: set(&self.os_auth_type).unwrap_or_else(|| usual.to_owned()),
            username: set(&self.os_username),
            user_id: set(&self.os_user_id),
            password,
            user_domain_name: set(&self.os_user_domain_name),
            user_domain_id: domain_id(&self.os_user_domain_id, &self.os_user_domain_name),
            project_name: set(&self.os_project_name),
            project_id: set(&self.os_project_id),
            project_domain_name: set(&self.os_project_domain_name),
            project_domain_id: domain_id(&self.os_project_domain_id, &self.os_project_domain_name),
            system_scope: set(&self.os_system_scope),
            application_credential_id: set(&self.os_application_credential_id),
            application_credential_name: set(&self.os_application_credential_name),
            application_credential_secret: credential_secret,
            interface: interface.parse::<Interface>()?,
            cafile: self.os_cacert.clone(),
            certfile: self.os_cert.clone(),
            keyfile: self.os_key.clone(),
            insecure: self.insecure,
            timeout: PATIENCE,
            ..AuthTokenOptions::default()
        })
    }
}

/// An openrc file sets some of its variables to nothing.
fn set(value: &Option<String>) -> Option<String> {
    value.clone().filter(|text| !text.is_empty())
}

fn secret(variable: &str) -> Option<Secret> {
    std::env::var(variable).ok().filter(|text| !text.is_empty()).map(Secret::from)
}

fn missing(option: &str) -> anyhow::Error {
    let variable = option.to_uppercase();
    anyhow!("OS_{variable} is not set: source the openrc file of an administrator")
}

/// The options have other names on this command line than in a service's configuration.
fn in_our_words(error: OptionsError) -> anyhow::Error {
    match error {
        OptionsError::Missing { option, .. } => missing(option),
        OptionsError::Value { option, given, expected } => {
            anyhow!("OS_{} cannot be {given:?}: {expected}", option.to_uppercase())
        }
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        admin: Admin,
    }

    fn options(arguments: &[&str]) -> anyhow::Result<AuthTokenOptions> {
        let line = Line::try_parse_from(["firn-manage"].iter().chain(arguments))?;
        line.admin.options(Some("hunter2".into()), Some("veiled".into()))
    }

    fn trouble(arguments: &[&str]) -> String {
        let made = options(arguments).and_then(|made| made.session().map_err(in_our_words));
        made.err().map_or_else(|| "none".to_owned(), |error| error.to_string())
    }

    const URL: [&str; 2] = ["--os-auth-url", "http://k:5000/v3"];

    #[test]
    fn what_is_missing_is_named_as_in_an_openrc_file() {
        assert!(trouble(&[]).starts_with("OS_AUTH_URL is not set"), "{}", trouble(&[]));
        assert!(trouble(&URL).starts_with("OS_USERNAME is not set"), "{}", trouble(&URL));
        let user = [URL.as_slice(), &["--os-username", "admin"]].concat();
        assert!(trouble(&user).starts_with("OS_PROJECT_NAME is not set"), "{}", trouble(&user));
        let whole = [user.as_slice(), &["--os-project-name", "admin"]].concat();
        assert_eq!(trouble(&whole), "none");
        let empty = [whole.as_slice(), &["--os-user-domain-name", ""]].concat();
        assert_eq!(trouble(&empty), "none");
        let system = [user.as_slice(), &["--os-system-scope", "all"]].concat();
        assert_eq!(trouble(&system), "none");
        let odd = [whole.as_slice(), &["--os-auth-type", "v2password"]].concat();
        assert!(trouble(&odd).starts_with("OS_AUTH_TYPE cannot be"), "{}", trouble(&odd));
    }

    #[test]
    fn a_domain_that_is_named_is_the_one() -> anyhow::Result<()> {
        let made = options(&URL)?;
        assert_eq!(made.user_domain_id.as_deref(), Some("default"));
        let made = options(&[URL.as_slice(), &["--os-user-domain-name", "Users"]].concat())?;
        assert_eq!((made.user_domain_id, made.user_domain_name.as_deref()), (None, Some("Users")));
        assert_eq!(made.project_domain_id.as_deref(), Some("default"));
        Ok(())
    }

    #[test]
    fn an_application_credential_needs_no_type() -> anyhow::Result<()> {
        let made = options(&[URL.as_slice(), &["--os-application-credential-id", "c"]].concat())?;
        assert_eq!(made.auth_type, "v3applicationcredential");
        assert!(made.session().is_ok());
        Ok(())
    }
}
