use async_trait::async_trait;
use keystone_middleware_rs::Session;

use super::{Network, NetworkSummary, NewPort, Port};
use crate::openstack::client::{Api, ClientOptions, OpenStackError, ServiceClient, wrapped};

/// The real Neutron.
#[derive(Debug)]
pub struct Neutron {
    client: ServiceClient,
}

impl Neutron {
    /// Neutron, as the user of a session.
    pub fn new(session: Session, options: ClientOptions) -> Self {
        let api = Api {
            service_type: "network",
            version: "v2.0",
            project_in_url: false,
            microversions: None,
        };
        Self { client: ServiceClient::new(session, api, options) }
    }
}

#[async_trait]
impl Network for Neutron {
    async fn port_get(&self, id: &str) -> Result<Port, OpenStackError> {
        self.client.get("port get", &["ports", id]).send().await?.object("port")
    }

    async fn port_list(&self, server_id: &str) -> Result<Vec<Port>, OpenStackError> {
        let request = self.client.get("port list", &["ports"]);
        request.query("device_id", server_id).all("ports").await
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
}
