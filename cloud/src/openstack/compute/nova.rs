use async_trait::async_trait;
use firn_core::ProjectId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::availability_zone::AvailabilityZone;
use super::limits::Limits;
use super::{
    Compute, ComputeLimits, Flavor, InterfaceAttachment, Keypair, NewAttachment, NewServer, Server,
    ServerGroup, VolumeAttachment,
};
use crate::openstack::client::{
    Api, Caller, ClientOptions, Microversion, OpenStackError, ServiceClient, Supported, wrapped,
};

pub(super) const SERVICE_TYPE: &str = "compute";

/// From Xena, whose attachments tell the id of their mapping, to 2025.1, whose servers tell their
/// scheduler hints.
const SUPPORTED: Supported =
    Supported { oldest: Microversion::new(2, 89), newest: Microversion::new(2, 100) };

/// The real Nova.
#[derive(Debug)]
pub struct Nova {
    client: ServiceClient,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

impl Nova {
    /// Nova, in the name of a caller: of a session's user, or of whom it acts for.
    pub fn new(caller: impl Into<Caller>, options: ClientOptions) -> Self {
        Self::with_versions(caller, options, SUPPORTED)
    }

    /// The same for other versions of the API than all that are known.
    pub fn with_versions(
        caller: impl Into<Caller>,
        options: ClientOptions,
        versions: Supported,
    ) -> Self {
        let api = Api {
            service_type: SERVICE_TYPE,
            version: "v2.1",
            project_in_url: false,
            microversions: Some(("compute", versions)),
        };
        Self { client: ServiceClient::new(caller.into(), api, options) }
    }

    /// The version of the API that is spoken with this cloud.
    ///
    /// # Errors
    /// [`OpenStackError::Unsupported`] where there is no version that both sides speak.
    pub async fn microversion(&self) -> Result<Microversion, OpenStackError> {
        let nonsense = || self.client.question("version discovery").nonsense("no microversion");
        self.client.microversion().await?.ok_or_else(nonsense)
    }

    async fn server_action(
        &self,
        operation: &'static str,
        id: &str,
        action: &str,
        arguments: Value,
    ) -> Result<(), OpenStackError> {
        let request = self.client.post(operation, &["servers", id, "action"]);
        request.json(json!({ action: arguments })).send().await.map(|_| ())
    }
}

#[async_trait]
impl Compute for Nova {
    async fn server_list(
        &self,
        project: Option<&ProjectId>,
    ) -> Result<Vec<Server>, OpenStackError> {
        let request = self.client.get("server list", &["servers", "detail"]);
        let request = request.query("all_tenants", "1");
        match project {
            Some(project) => request.query("project_id", project.0.as_str()).all("servers").await,
            None => request.all("servers").await,
        }
    }

    async fn servers_losing_disks(&self) -> Result<Vec<String>, OpenStackError> {
        let having = |name, value| {
            let request = self.client.get("server list", &["servers"]).query("all_tenants", "1");
            request.query(name, value).all::<Created>("servers")
        };
        // A server that is being deleted keeps its status until it is gone.
        let (deleted, rebuilt) =
            tokio::try_join!(having("task_state", "deleting"), having("status", "REBUILD"))?;
        Ok(deleted.into_iter().chain(rebuilt).map(|server| server.id).collect())
    }

    async fn server_get(&self, id: &str) -> Result<Server, OpenStackError> {
        self.client.get("server get", &["servers", id]).send().await?.object("server")
    }

    async fn server_create(&self, server: &NewServer) -> Result<String, OpenStackError> {
        let request = self.client.post("server create", &["servers"]).json(server.body());
        let created: Created = request.send().await?.object("server")?;
        Ok(created.id)
    }

    async fn server_delete(&self, id: &str) -> Result<(), OpenStackError> {
        self.client.delete("server delete", &["servers", id]).send_deletion().await
    }

    async fn server_stop(&self, id: &str) -> Result<(), OpenStackError> {
        self.server_action("server stop", id, "os-stop", Value::Null).await
    }

    async fn server_start(&self, id: &str) -> Result<(), OpenStackError> {
        self.server_action("server start", id, "os-start", Value::Null).await
    }

    async fn server_lock(&self, id: &str, reason: &str) -> Result<(), OpenStackError> {
        let arguments = json!({ "locked_reason": reason });
        self.server_action("server lock", id, "lock", arguments).await
    }

    async fn server_unlock(&self, id: &str) -> Result<(), OpenStackError> {
        self.server_action("server unlock", id, "unlock", Value::Null).await
    }

    async fn volume_attachments(&self, id: &str) -> Result<Vec<VolumeAttachment>, OpenStackError> {
        let path = ["servers", id, "os-volume_attachments"];
        let reply = self.client.get("volume attachments", &path).send().await?;
        reply.object("volumeAttachments")
    }

    async fn volume_attach(
        &self,
        id: &str,
        volume: &NewAttachment,
    ) -> Result<VolumeAttachment, OpenStackError> {
        let path = ["servers", id, "os-volume_attachments"];
        let request = self.client.post("volume attach", &path);
        request.json(wrapped("volumeAttachment", volume)).send().await?.object("volumeAttachment")
    }

    async fn volume_detach(&self, id: &str, volume_id: &str) -> Result<(), OpenStackError> {
        let path = ["servers", id, "os-volume_attachments", volume_id];
        self.client.delete("volume detach", &path).send_deletion().await
    }

    async fn interfaces(&self, id: &str) -> Result<Vec<InterfaceAttachment>, OpenStackError> {
        let reply = self.client.get("interface list", &["servers", id, "os-interface"]).send();
        reply.await?.object("interfaceAttachments")
    }

    async fn flavor_list(&self) -> Result<Vec<Flavor>, OpenStackError> {
        let request = self.client.get("flavor list", &["flavors", "detail"]);
        // Private ones too, where the user may see them.
        request.query("is_public", "none").all("flavors").await
    }

    async fn flavor_get(&self, id: &str) -> Result<Flavor, OpenStackError> {
        self.client.get("flavor get", &["flavors", id]).send().await?.object("flavor")
    }

    async fn keypair_get(&self, user_id: &str, name: &str) -> Result<Keypair, OpenStackError> {
        let request = self.client.get("keypair get", &["os-keypairs", name]);
        request.query("user_id", user_id).send().await?.object("keypair")
    }

    async fn server_group_get(&self, id: &str) -> Result<ServerGroup, OpenStackError> {
        let reply = self.client.get("server group get", &["os-server-groups", id]).send().await?;
        reply.object("server_group")
    }

    async fn availability_zones(&self) -> Result<Vec<String>, OpenStackError> {
        let path = ["os-availability-zone"];
        let reply = self.client.get("availability zone list", &path).send().await?;
        let zones: Vec<AvailabilityZone> = reply.object("availabilityZoneInfo")?;
        Ok(zones.into_iter().filter(|zone| zone.state.available).map(|zone| zone.name).collect())
    }

    async fn limits(&self) -> Result<ComputeLimits, OpenStackError> {
        let reply = self.client.get("limits", &["limits"]).send().await?;
        Ok(reply.object::<Limits>("limits")?.absolute)
    }
}
