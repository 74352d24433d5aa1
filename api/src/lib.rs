//! The REST service: checks requests, writes rows, wakes conductors.
//!
//! A request passes through one middleware ([`http::observe`]: request id, metrics, errors,
//! panics, other sites' pages) and, where not everybody may ask, a second ([`http::admit`]:
//! microversion, who is calling), then to a handler. A handler names its rule in its argument
//! `Allow<Rule>`, which is the only way to the application's methods: what has not been
//! authorized cannot be called.
//! Handlers live in `handlers`, application methods in `service`, bodies in `wire`.
//!
//! Invariants:
//! - every answer carries `X-OpenStack-Request-ID`, and every error the same body;
//! - what a client sends is answered with 4xx and a reason, or done; it never reaches 5xx;
//! - a 5xx body says nothing but the request id; the log has the rest under that id;
//! - a row is written before its wake-up is sent, and a lost wake-up loses nothing;
//! - no byte of a body is read before its sender is known and may send it;
//! - a client that asks for an older microversion gets that version's answers;
//! - the routes and the OpenAPI document come from one table.
//!
//! Every option is declared in [`options`], every rule of who may do what in [`policy`].
//!
//! It must not know of drivers, the repository's format, libvirt or files: it asks a conductor,
//! and writes to the database.

mod api;
mod config;
mod handlers;
mod http;
mod identity;
mod metrics;
mod openapi;
pub mod options;
pub mod policy;
mod routes;
mod server;
mod service;
mod wire;

pub use api::{Api, ApiParts};
pub use config::{ApiConfig, ConfigError};
pub use http::CorsConfig;
pub use identity::{
    Credentials, Delegation, DelegationError, Identity, IdentityError, KeystoneDelegation,
    KeystoneIdentity, NoDelegation, Principal, StandaloneIdentity, TokenError,
};
pub use openapi::document as openapi_document;
pub use routes::routes;
pub use server::{ServeError, serve};
