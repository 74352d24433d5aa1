//! What Firn asks of Keystone beyond checking tokens: to act for a user when the user's token is
//! long gone ([`Trusts`]), and to be found in the catalog ([`register`]).

mod error;
mod register;
mod trusts;

pub use error::IdentityError;
pub use register::{
    EndpointUrl, Outcome, Registration, RegistrationReport, ServiceUser, Step, register,
};
pub use trusts::{TrustState, Trusts};
