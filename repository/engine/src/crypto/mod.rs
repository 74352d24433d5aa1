//! Keys and seals. BLAKE3 derives, AES-256-GCM seals; nothing else in the crate touches a key.

mod keyring;
mod master;
mod seal;

pub(crate) use keyring::{DomainKeys, Keyring};
pub use master::MasterKey;
pub(crate) use master::{KeySlot, random};
pub(crate) use seal::SealKey;
