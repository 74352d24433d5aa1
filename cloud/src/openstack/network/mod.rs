//! What Firn asks of Neutron.

mod floating_ip;
mod neutron;
mod quota;

use std::collections::BTreeMap;

use async_trait::async_trait;
use firn_core::ProjectId;
use serde::{Deserialize, Serialize};

use super::client::OpenStackError;
use super::compute::FixedIp;

pub use floating_ip::FloatingIp;
pub use neutron::Neutron;
pub use quota::PortQuota;

/// Neutron, as far as backups and restores need it.
#[async_trait]
pub trait Network: Send + Sync {
    /// One port.
    ///
    /// # Errors
    /// [`OpenStackError::NotFound`].
    async fn port_get(&self, id: &str) -> Result<Port, OpenStackError>;

    /// The ports that a filter lets through; those of other projects need the role admin.
    async fn port_list(&self, filter: &PortFilter) -> Result<Vec<Port>, OpenStackError>;

    /// Makes a port. With the role admin it can be another project's.
    ///
    /// # Errors
    /// [`OpenStackError::Conflict`] where a fixed address or the MAC is in use.
    async fn port_create(&self, port: &NewPort) -> Result<Port, OpenStackError>;

    /// Deletes a port. One that is gone is fine.
    async fn port_delete(&self, id: &str) -> Result<(), OpenStackError>;

    /// The floating addresses that lead to these ports: none in a cloud that knows no such thing.
    async fn floating_ip_list(&self, ports: &[String]) -> Result<Vec<FloatingIp>, OpenStackError>;

    /// How many ports a project may have; none where Neutron does not tell. Those of other projects
    /// need the role admin.
    async fn port_quota(&self, project: &ProjectId) -> Result<Option<PortQuota>, OpenStackError>;

    /// The networks that the session may see.
    async fn network_list(&self) -> Result<Vec<NetworkSummary>, OpenStackError>;

    /// The security groups of a project.
    async fn security_group_list(
        &self,
        project: &ProjectId,
    ) -> Result<Vec<SecurityGroup>, OpenStackError>;
}

/// Which ports are listed: those that are all of what is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortFilter {
    /// Of this server.
    pub server_id: Option<String>,
    /// On this network.
    pub network_id: Option<String>,
    /// Of this project.
    pub project_id: Option<String>,
}

impl PortFilter {
    /// The ports of a server.
    pub fn of_server(id: &str) -> Self {
        Self { server_id: Some(id.to_owned()), ..Self::default() }
    }

    /// All ports on a network.
    pub fn on_network(id: &str) -> Self {
        Self { network_id: Some(id.to_owned()), ..Self::default() }
    }

    /// The ports of a project.
    pub fn of_project(project: &ProjectId) -> Self {
        Self { project_id: Some(project.0.clone()), ..Self::default() }
    }
}

/// A port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Port {
    /// UUID.
    pub id: String,
    /// Name, not unique.
    #[serde(default)]
    pub name: String,
    /// Its description, possibly empty.
    #[serde(default)]
    pub description: String,
    /// Its network.
    pub network_id: String,
    /// Who owns it.
    #[serde(default)]
    pub project_id: String,
    /// MAC address.
    #[serde(rename = "mac_address")]
    pub mac: String,
    /// Fixed addresses.
    #[serde(default)]
    pub fixed_ips: Vec<FixedIp>,
    /// Ids of its security groups.
    #[serde(default)]
    pub security_groups: Vec<String>,
    /// How it is plugged: `normal`, `direct`, ...
    #[serde(default, rename = "binding:vnic_type")]
    pub vnic_type: Option<String>,
    /// Security groups and protection against spoofing apply.
    #[serde(default)]
    pub port_security_enabled: Option<bool>,
    /// Further addresses it may send from.
    #[serde(default)]
    pub allowed_address_pairs: Vec<BTreeMap<String, String>>,
    /// Id of its own QoS policy.
    #[serde(default)]
    pub qos_policy_id: Option<String>,
    /// Its name in DNS, possibly empty. Nova sets it to the server's host name.
    #[serde(default)]
    pub dns_name: Option<String>,
    /// Its own domain in DNS, possibly empty.
    #[serde(default)]
    pub dns_domain: Option<String>,
    /// The trunk that it is the parent of.
    #[serde(default, rename = "trunk_details")]
    pub trunk: Option<Trunk>,
}

/// What a port carries beside its own network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Trunk {
    /// UUID.
    #[serde(rename = "trunk_id")]
    pub id: String,
    /// The ports that it carries.
    #[serde(default)]
    pub sub_ports: Vec<SubPort>,
}

/// A port that a trunk carries.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SubPort {
    /// Its id.
    pub port_id: String,
}

/// A port to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewPort {
    /// Its network.
    pub network_id: String,
    /// Its project; none: the session's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// MAC address; none: Neutron chooses.
    #[serde(rename = "mac_address", skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Fixed addresses; none: Neutron chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_ips: Option<Vec<FixedIp>>,
    /// Ids of security groups; none: the project's default group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<Vec<String>>,
    /// Security groups and protection against spoofing apply; none: as its network says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_security_enabled: Option<bool>,
    /// Further addresses it may send from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_address_pairs: Vec<BTreeMap<String, String>>,
    /// How it is plugged; none: `normal`.
    #[serde(rename = "binding:vnic_type", skip_serializing_if = "Option::is_none")]
    pub vnic_type: Option<String>,
}

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SecurityGroup {
    /// UUID.
    pub id: String,
    /// Name, not unique.
    #[serde(default)]
    pub name: String,
}

/// A network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NetworkSummary {
    /// UUID.
    pub id: String,
    /// Name, not unique.
    #[serde(default)]
    pub name: String,
    /// Who owns it.
    #[serde(default)]
    pub project_id: String,
    /// Other projects may use it.
    #[serde(default)]
    pub shared: bool,
    /// Ids of its subnets.
    #[serde(default)]
    pub subnets: Vec<String>,
}
