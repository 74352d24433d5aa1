use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use super::{CorsOptions, MiddlewareOptions};
use crate::ApiConfig;

oslo_config::options! {
    /// What all of Firn's services share.
    pub struct DefaultOptions in "DEFAULT" {
        /// How the API tells its callers apart: "keystone", or "noauth" for a test on one machine,
        /// where everybody is an administrator and only loopback addresses are listened on.
        pub auth_strategy: String = "keystone", choices ["keystone", "noauth"];
        /// Seconds without a heartbeat after which a service counts as down.
        pub service_down_time: u64 = 60, min 1;
    }
}

oslo_config::options! {
    /// The REST service.
    pub struct ApiOptions in "api" {
        /// Address to listen on.
        pub listen: IpAddr = IpAddr::from([0, 0, 0, 0]);
        /// Port to listen on.
        pub port: u16 = 8998, min 1;
        /// Threads that serve requests. The default is the number of processors.
        pub workers: Option<u32>, min 1, max 1024;
        /// Scheme and authority that links are made with, such as https://cloud.example:8998, for
        /// a service behind a proxy. The default is http and the request's Host.
        pub public_endpoint: Option<String>;
        /// Rows that a list has where the request does not say, and the most it may ask for.
        pub max_limit: u32 = 1000, min 1;
        /// Name of the repository that backups go to where the request names none.
        pub default_repository: String = "default";
        /// Seconds that a conductor may take to answer a question.
        pub conductor_timeout: u64 = 30, min 1;
        /// Seconds that a client may take to send the head of its request, and to close.
        pub client_timeout: u64 = 10, min 1;
    }
}

/// How callers are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthStrategy {
    /// By Keystone.
    Keystone,
    /// Not at all.
    NoAuth,
}

impl DefaultOptions {
    /// How callers are told apart. What is not known is Keystone: never an open door.
    pub fn strategy(&self) -> AuthStrategy {
        match self.auth_strategy.as_str() {
            "noauth" => AuthStrategy::NoAuth,
            _ => AuthStrategy::Keystone,
        }
    }
}

impl ApiOptions {
    pub(super) fn config(
        &self,
        default: &DefaultOptions,
        cors: &CorsOptions,
        middleware: &MiddlewareOptions,
    ) -> ApiConfig {
        let workers = self.workers.and_then(|workers| usize::try_from(workers).ok());
        let workers = workers.and_then(NonZeroUsize::new);
        let processors = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        ApiConfig {
            public_endpoint: self.public_endpoint.clone(),
            trust_forwarded: middleware.enable_proxy_headers_parsing,
            max_limit: self.max_limit,
            default_repository: self.default_repository.clone(),
            conductor_deadline: Duration::from_secs(self.conductor_timeout),
            client_timeout: Duration::from_secs(self.client_timeout),
            workers: workers.unwrap_or_else(processors),
            service_down_after: Duration::from_secs(default.service_down_time),
            max_body_bytes: usize::try_from(middleware.max_request_body_size).unwrap_or(usize::MAX),
            cors: cors.config(),
            ..ApiConfig::default()
        }
    }
}
