use async_trait::async_trait;
use firn_core::ProjectId;

use super::{Network, NetworkSummary, NewPort, Port, PortFilter, SecurityGroup};
use crate::openstack::client::{
    Api, Caller, ClientOptions, OpenStackError, ServiceClient, wrapped,
};

/// The real Neutron.
#[derive(Debug)]
pub struct Neutron {
    client: ServiceClient,
}

impl Neutron {
    /// Neutron, in the name of a caller: of a session's user, or of whom it acts for.
    pub fn new(caller: impl Into<Caller>, options: ClientOptions) -> Self {
        let api = Api {
            service_type: "network",
            version: "v2.0",
            project_in_url: false,
            microversions: None,
        };
        Self { client: ServiceClient::new(caller.into(), api, options) }
    }
}

#[async_trait]
impl Network for Neutron {
    async fn port_get(&self, id: &str) -> Result<Port, OpenStackError> {
        self.client.get("port get", &["ports", id]).send().await?.object("port")
    }

    async fn port_list(&self, filter: &PortFilter) -> Result<Vec<Port>, OpenStackError> {
        let mut request = self.client.get("port list", &["ports"]);
        let queries = [
            ("device_id", &filter.server_id),
            ("network_id", &filter.network_id),
            ("project_id", &filter.project_id),
        ];
        for (name, value) in queries {
            if let Some(value) = value {
                request = request.query(name, value.as_str());
            }
        }
        request.all("ports").await
    }

    async fn port_create(&self, port: &NewPort) -> Result<Port, OpenStackError> {
        let request = self.client.post("port create", &["ports"]);
        request.json(wrapped("port", port)).send().await?.object("port")
    }

    async fn port_delete(&self, id: &str) -> Result<(), OpenStackError> {
        self.client.delete("port delete", &["ports", id]).send_deletion().await
    }

    async fn network_list(&self) -> Result<Vec<NetworkSummary>, OpenStackError> {
        self.client.get("network list", &["networks"]).all("networks").await
    }

    async fn security_group_list(
        &self,
        project: &ProjectId,
    ) -> Result<Vec<SecurityGroup>, OpenStackError> {
        let request = self.client.get("security group list", &["security-groups"]);
        request.query("project_id", project.0.as_str()).all("security_groups").await
    }
}
