//! OpenStack Keystone for [actix-web]: who sends a request, and requests to other services.
//!
//! [`AuthToken`] is a middleware that does for an actix-web application what `keystonemiddleware`
//! does for a Python one. It has Keystone check `X-Auth-Token` (and `X-Service-Token`), lets
//! requests with valid tokens pass and tells the application who sends them. [`Validator`] is the
//! same without a web framework. [`Session`] talks to the services of the cloud as a user: it gets
//! tokens, renews them, and finds endpoints in the catalog.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, Responder, web};
//! use keystone_middleware_rs::{AuthContext, AuthToken, AuthTokenOptions};
//!
//! async fn whoami(auth: AuthContext) -> impl Responder {
//!     let project = auth.token.project.as_ref().map_or("no project", |project| &project.name);
//!     format!("{} in {project}", auth.token.user.name)
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let text = |text: &str| Some(text.to_owned());
//!     let auth_token = AuthToken::new(&AuthTokenOptions {
//!         auth_url: "https://keystone.example.org:5000".to_owned(),
//!         username: text("myservice"),
//!         password: Some("secret".into()),
//!         user_domain_name: text("Default"),
//!         project_name: text("service"),
//!         project_domain_name: text("Default"),
//!         service_type: text("my-service"),
//!         ..AuthTokenOptions::default()
//!     })?;
//!     HttpServer::new(move || {
//!         App::new().wrap(auth_token.clone()).route("/", web::get().to(whoami))
//!     })
//!     .bind("127.0.0.1:8080")?
//!     .run()
//!     .await?;
//!     Ok(())
//! }
//! ```
//!
//! # What is promised
//!
//! - **Fails closed.** A request passes because Keystone said that its token is valid, and for no
//!   other reason. Keystone down, slow, failing, or not talking to us is 503 with `Retry-After`,
//!   also with `delay_auth_decision`.
//! - **Bounded in time.** Each validation ends within `timeout`, whatever Keystone does.
//! - **Bounded in memory.** The cache has a size; tokens that are not valid have a small part of
//!   their own, so that a flood of invented ones evicts nobody.
//! - **Revocation.** A token is asked for again `token_cache_time` after the last question at the
//!   latest, and never let in after it expired. Until then a revoked token, and a token of a user
//!   or project disabled meanwhile, is still let in. A shorter time costs more requests.
//! - **One question at a time.** Requests with the same unknown token wait for one answer.
//! - **Nothing leaks.** Tokens and passwords are in no log line, no `Debug`, no error and no cache
//!   key.
//! - **Clients say nothing of themselves.** `X-User-Id`, `X-Roles`, `X-Identity-Status` and the
//!   like are removed from requests; what Keystone says is in the request's extensions only.
//!
//! # Where it differs from keystonemiddleware
//!
//! - `service_token_roles_required` is on by default, and an invalid service token gives no
//!   exemption from access rules.
//! - Tokens that are not valid are cached for a short time of their own.
//! - The cache is in the process: no memcached. Token binding and the second version of the API
//!   are not there.
//! - Paths that could be read in two ways (`..`, `//`, encoded slashes) match no access rule.
//!
//! # Example: a request to another service
//!
//! ```no_run
//! # async fn f(auth: keystone_middleware_rs::AuthContext, validator: keystone_middleware_rs::Validator)
//! # -> Result<(), keystone_middleware_rs::SessionError> {
//! use keystone_middleware_rs::Method;
//!
//! // As the service user:
//! let session = validator.session();
//! let nova = session.endpoint("compute").await?;
//! let answer = session.request(Method::GET, &format!("{nova}/servers")).send().await?.success()?;
//! let servers: serde_json::Value = answer.json()?;
//!
//! // As the user who sent the request:
//! let user = session.with_token(auth.secret.clone());
//! user.request(Method::GET, &format!("{nova}/servers")).send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! [actix-web]: https://actix.rs

mod access_rule;
mod cache;
mod catalog;
mod context;
mod error;
mod flight;
mod http;
mod middleware;
mod options;
mod secret;
mod session;
mod tls;
mod token;
mod validator;
mod wire;

pub use access_rule::AccessRule;
pub use catalog::{Catalog, Endpoint, Interface, InterfaceError, Service};
pub use context::{AuthContext, AuthStatus, Presented};
pub use error::{AuthError, OptionsError, SessionError};
pub use http::{Answer, HttpOptions};
pub use middleware::{AuthToken, AuthTokenService};
pub use options::AuthTokenOptions;
pub use reqwest::Method;
pub use secret::Secret;
pub use session::{
    Auth, DomainRef, ProjectRef, Scope, Session, SessionOptions, SessionRequest, UserRef,
};
pub use token::{ApplicationCredential, Domain, Project, Role, TokenContext, Trust, User};
pub use validator::{Validator, ValidatorCounts};
