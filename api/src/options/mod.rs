//! What an operator writes in `firn.conf` for the API, and how it becomes what the service is
//! made of. Every option stands once, here.

mod api;
mod cors;
mod middleware;
mod oslo_policy;
#[cfg(test)]
mod tests;

pub use api::{ApiOptions, AuthStrategy, DefaultOptions};
pub use cors::CorsOptions;
pub use firn_cloud::openstack::KeystoneAuthtokenOptions;
pub use firn_db::QuotaOptions;
pub use middleware::MiddlewareOptions;
pub use oslo_policy::OsloPolicyOptions;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ::oslo_policy::PolicyError;
use keystone_middleware_rs::{OptionsError, Validator};
use oslo_config::{Config, ConfigError, Group};

use crate::ApiConfig;
use crate::policy::OsloPolicy;

/// Where files are that nobody has put elsewhere.
const ETC: &str = "/etc/firn";

/// The groups that the API reads.
pub fn groups() -> Vec<Group> {
    vec![
        DefaultOptions::group(),
        ApiOptions::group(),
        CorsOptions::group(),
        KeystoneAuthtokenOptions::group().shared(),
        MiddlewareOptions::group(),
        OsloPolicyOptions::group().shared(),
        QuotaOptions::group(),
    ]
}

/// All of them, read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `[DEFAULT]`.
    pub default: DefaultOptions,
    /// `[api]`.
    pub api: ApiOptions,
    /// `[cors]`.
    pub cors: CorsOptions,
    /// `[keystone_authtoken]`.
    pub keystone_authtoken: KeystoneAuthtokenOptions,
    /// `[oslo_middleware]`.
    pub middleware: MiddlewareOptions,
    /// `[oslo_policy]`.
    pub oslo_policy: OsloPolicyOptions,
    /// `[quota]`.
    pub quota: QuotaOptions,
}

impl Settings {
    /// Reads them from a configuration that was loaded with [`groups`].
    ///
    /// # Errors
    /// As [`Config::get`].
    pub fn read(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            default: config.get()?,
            api: config.get()?,
            cors: config.get()?,
            keystone_authtoken: config.get()?,
            middleware: config.get()?,
            oslo_policy: config.get()?,
            quota: config.get()?,
        })
    }

    /// The service's own configuration.
    pub fn config(&self) -> ApiConfig {
        ApiConfig {
            quotas: self.quota.limits(),
            ..self.api.config(&self.default, &self.cors, &self.middleware)
        }
    }

    /// Where to listen.
    pub fn listen(&self) -> SocketAddr {
        SocketAddr::new(self.api.listen, self.api.port)
    }

    /// The policy: the defaults, and over them the files that are found beside `config`'s. A file
    /// that is not there is waited for in `/etc/firn`.
    ///
    /// # Errors
    /// A file that is there cannot be used.
    pub fn policy(&self, config: &Config) -> Result<OsloPolicy, PolicyError> {
        let place =
            |name: &PathBuf| config.find_file(name).unwrap_or_else(|| Path::new(ETC).join(name));
        let folders = self.oslo_policy.policy_dirs.iter().map(place).collect();
        OsloPolicy::with_files(&place(&self.oslo_policy.policy_file), folders)
    }

    /// The checker of tokens, which holds the session of the service user too.
    ///
    /// # Errors
    /// An option of `[keystone_authtoken]` is missing or wrong.
    pub fn validator(&self) -> Result<Validator, OptionsError> {
        Validator::new(&self.keystone_authtoken.middleware())
    }
}
