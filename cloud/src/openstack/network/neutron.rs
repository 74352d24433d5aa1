use async_trait::async_trait;
use firn_core::ProjectId;

use super::quota::Details;
use super::{
    FloatingIp, Network, NetworkSummary, NewPort, Port, PortFilter, PortQuota, SecurityGroup,
};
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

    async fn floating_ip_list(&self, ports: &[String]) -> Result<Vec<FloatingIp>, OpenStackError> {
        let mut request = self.client.get("floating ip list", &["floatingips"]);
        for port in ports {
            request = request.query("port_id", port.as_str());
        }
        let found = OpenStackError::or_absent(request.all("floatingips").await)?;
        Ok(found.unwrap_or_default())
    }

    async fn port_quota(&self, project: &ProjectId) -> Result<Option<PortQuota>, OpenStackError> {
        let path = ["quotas", project.0.as_str(), "details.json"];
        match self.client.get("quota details", &path).send().await {
            Ok(answer) => Ok(Some(answer.object::<Details>("quota")?.port)),
            // Only some quota drivers count, and operators may keep it to themselves.
            Err(OpenStackError::NotFound(_) | OpenStackError::Forbidden(_)) => Ok(None),
            Err(error) => Err(error),
        }
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
