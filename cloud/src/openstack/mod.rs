//! OpenStack behind narrow interfaces.
//!
//! Each service has a module with a trait of what is asked of it ([`compute::Compute`],
//! [`block_storage::BlockStorage`], [`network::Network`], [`image::ImageStore`]), structs of only
//! the fields that are used, and an implementation over a
//! [`Session`](keystone_middleware_rs::Session): whose session it is decides in whose name things
//! are seen and done. Answers may have fields that nobody here knows.

mod authtoken;
pub mod block_storage;
mod client;
mod cloud;
pub mod compute;
mod delegation;
pub mod identity;
pub mod image;
pub mod network;
mod options;
mod rebuild;
mod volumes;

pub use authtoken::KeystoneAuthtokenOptions;
pub use client::{
    Caller, ClientOptions, Microversion, MicroversionError, OpenStackError, Said, Supported,
};
pub use cloud::{Hypervisors, JoinError, OpenStackCloud, Services, ServicesOptions};
pub use delegation::TrustDelegation;
pub use options::{CinderOptions, GlanceOptions, NeutronOptions, NovaOptions};
pub use rebuild::OpenStackRebuild;
pub use volumes::CinderSnapshots;
