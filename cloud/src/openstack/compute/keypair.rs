use serde::Deserialize;

/// A keypair; only its public half.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Keypair {
    /// Name, unique for its user.
    pub name: String,
    /// `ssh` or `x509`.
    #[serde(rename = "type")]
    pub kind: String,
    /// In the form of OpenSSH, or PEM.
    pub public_key: String,
}
