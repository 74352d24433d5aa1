oslo_config::options! {
    /// What is done to every request. The names are those of oslo.middleware.
    pub struct MiddlewareOptions in "oslo_middleware" {
        /// The most bytes that the body of a request may have.
        pub max_request_body_size: u64 = 1_048_576, min 1, deprecated "DEFAULT.osapi_max_request_body_size";
        /// Whether links are made with what a proxy says in X-Forwarded-Proto and
        /// X-Forwarded-Host. Only where every request comes through a proxy that sets them.
        pub enable_proxy_headers_parsing: bool = false;
    }
}
