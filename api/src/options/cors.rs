use std::time::Duration;

use crate::CorsConfig;

oslo_config::options! {
    /// Which other sites' pages may call the API in a browser. The names are those of
    /// oslo.middleware; by default none may.
    pub struct CorsOptions in "cors" {
        /// Origins such as https://dashboard.example, or * for any.
        pub allowed_origin: Vec<String>;
        /// Whether such a page may send what the browser keeps for the API. Never with *.
        pub allow_credentials: bool = true;
        /// Headers of answers that such a page may read.
        pub expose_headers: Vec<String> = CorsConfig::default().expose_headers;
        /// Seconds that a browser may remember a permission.
        pub max_age: u64 = 3600;
        /// Methods that such a page may use.
        pub allow_methods: Vec<String> = CorsConfig::default().allow_methods;
        /// Headers that such a page may send.
        pub allow_headers: Vec<String> = CorsConfig::default().allow_headers;
    }
}

impl CorsOptions {
    pub(super) fn config(&self) -> CorsConfig {
        CorsConfig {
            allowed_origins: self.allowed_origin.clone(),
            allow_credentials: self.allow_credentials,
            expose_headers: self.expose_headers.clone(),
            max_age: Duration::from_secs(self.max_age),
            allow_methods: self.allow_methods.clone(),
            allow_headers: self.allow_headers.clone(),
        }
    }
}
