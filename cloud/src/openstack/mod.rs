//! OpenStack behind narrow interfaces.

mod authtoken;
mod delegation;
pub mod identity;

pub use authtoken::KeystoneAuthtokenOptions;
pub use delegation::TrustDelegation;
