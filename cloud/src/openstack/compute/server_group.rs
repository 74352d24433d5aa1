use serde::Deserialize;

/// A server group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ServerGroup {
    /// UUID.
    pub id: String,
    /// Name, not unique.
    pub name: String,
    /// `affinity`, `anti-affinity`, `soft-affinity`, `soft-anti-affinity`.
    pub policy: String,
    /// Ids of the servers in it.
    #[serde(default)]
    pub members: Vec<String>,
}
