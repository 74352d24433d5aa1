use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use firn_core::ErrorKind;
use firn_db::QuotaLimits;

use crate::Identity;
use crate::http::CorsConfig;

/// What an operator can set.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Scheme and authority that links are made with, such as `https://cloud.example:8998`, for
    /// a service behind a proxy. `None` takes `http://` and the request's `Host`.
    pub public_endpoint: Option<String>,
    /// Whether links are made with what a proxy says in `X-Forwarded-Proto` and
    /// `X-Forwarded-Host`, where `public_endpoint` is `None`.
    pub trust_forwarded: bool,
    /// How many rows a list has where the request does not say; also the most it may ask for.
    pub max_limit: u32,
    /// Name of the repository that backups go to where the request names none.
    pub default_repository: String,
    /// How long a conductor may take to answer a question.
    pub conductor_deadline: Duration,
    /// How long a client may take to send its request's head, and to close.
    pub client_timeout: Duration,
    /// Threads that serve requests. Work that blocks runs elsewhere.
    pub workers: NonZeroUsize,
    /// Without a heartbeat for longer, a service counts as down.
    pub service_down_after: Duration,
    /// What a project may have that has no limits of its own.
    pub quotas: QuotaLimits,
    /// The most bytes that a request's body may have.
    pub max_body_bytes: usize,
    /// Which other sites' pages may call the API in a browser.
    pub cors: CorsConfig,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            public_endpoint: None,
            trust_forwarded: false,
            max_limit: 1000,
            default_repository: "default".to_owned(),
            conductor_deadline: Duration::from_secs(10),
            client_timeout: Duration::from_secs(10),
            workers: NonZeroUsize::MIN.saturating_add(1),
            service_down_after: Duration::from_secs(60),
            quotas: QuotaLimits::default(),
            max_body_bytes: 1 << 20,
            cors: CorsConfig::default(),
        }
    }
}

/// Why the service must not start like this.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Everybody who reaches the port would be an administrator.
    #[error(
        "refusing to listen on {address} without authentication: listen on a loopback address \
         such as 127.0.0.1:{port}, or configure a token", port = address.port()
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// The public endpoint cannot be put before a path.
    #[error(
        "the public endpoint {endpoint:?} is not usable: give scheme and host, such as \
         https://cloud.example:8998"
    )]
    PublicEndpoint {
        /// What was given.
        endpoint: String,
    },
    /// A limit is zero.
    #[error("the option {option} must not be zero")]
    Zero {
        /// Its name.
        option: &'static str,
    },
    /// An origin, method or header of other sites' pages cannot be one.
    #[error("the option {option} cannot be {value:?}")]
    Cors {
        /// Its name.
        option: &'static str,
        /// What was given.
        value: String,
    },
    /// The rules of who may do what cannot be used.
    #[error("the policy cannot be used")]
    Policy {
        /// The cause.
        #[source]
        source: oslo_policy::PolicyError,
    },
    /// The figures for Prometheus cannot be set up.
    #[error("the metrics cannot be set up; report this")]
    Metrics {
        /// The cause.
        #[source]
        source: prometheus::Error,
    },
}

impl ConfigError {
    /// What a caller can act on.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Open { .. } => ErrorKind::Forbidden,
            Self::PublicEndpoint { .. } | Self::Zero { .. } | Self::Cors { .. } => {
                ErrorKind::InvalidInput
            }
            Self::Metrics { .. } | Self::Policy { .. } => ErrorKind::Internal,
        }
    }
}

impl ApiConfig {
    /// Checks what can be checked before a socket is opened.
    ///
    /// # Errors
    /// The first option that cannot be used.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if let Some(endpoint) = &self.public_endpoint {
            let plain = endpoint
                .strip_prefix("https://")
                .or_else(|| endpoint.strip_prefix("http://"))
                .and_then(|authority| authority.parse::<actix_web::http::uri::Authority>().ok());
            if plain.is_none() {
                return Err(ConfigError::PublicEndpoint { endpoint: endpoint.clone() });
            }
        }
        for (option, zero) in [
            ("max_limit", self.max_limit == 0),
            ("conductor_deadline", self.conductor_deadline.is_zero()),
            ("client_timeout", self.client_timeout.is_zero()),
            ("service_down_after", self.service_down_after.is_zero()),
            ("max_body_bytes", self.max_body_bytes == 0),
        ] {
            if zero {
                return Err(ConfigError::Zero { option });
            }
        }
        self.cors.validate()
    }

    /// Whether the service may listen there: beyond this machine only where callers are told
    /// apart.
    ///
    /// # Errors
    /// [`ConfigError::Open`].
    pub fn may_listen(address: SocketAddr, identity: &dyn Identity) -> Result<(), ConfigError> {
        let ip = address.ip().to_canonical();
        if ip.is_loopback() || identity.demands_credentials() {
            return Ok(());
        }
        Err(ConfigError::Open { address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StandaloneIdentity;

    #[test]
    fn without_a_token_only_loopback() {
        let open = StandaloneIdentity::open();
        let closed = StandaloneIdentity::with_token("0123456789abcdef").unwrap();
        for (address, allowed) in [
            ("127.0.0.1:8998", true),
            ("127.8.8.8:1", true),
            ("[::1]:8998", true),
            ("[::ffff:127.0.0.1]:8998", true),
            ("0.0.0.0:8998", false),
            ("[::]:8998", false),
            ("192.0.2.7:8998", false),
            ("[::ffff:192.0.2.7]:8998", false),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(ApiConfig::may_listen(address, &open).is_ok(), allowed, "{address}");
            assert!(ApiConfig::may_listen(address, &closed).is_ok(), "{address}");
        }
    }

    #[test]
    fn options_that_cannot_work_are_named() {
        assert!(ApiConfig::default().validate().is_ok());
        let zero = ApiConfig { max_limit: 0, ..ApiConfig::default() };
        assert!(zero.validate().unwrap_err().to_string().contains("max_limit"));
        for (endpoint, usable) in [
            ("https://cloud.example:8998", true),
            ("http://[2001:db8::1]", true),
            ("cloud.example", false),
            ("https://", false),
            ("https://cloud.example/path", false),
            ("ftp://cloud.example", false),
        ] {
            let config =
                ApiConfig { public_endpoint: Some(endpoint.to_owned()), ..ApiConfig::default() };
            assert_eq!(config.validate().is_ok(), usable, "{endpoint}");
        }
    }
}
