use std::collections::BTreeMap;

use async_trait::async_trait;
use firn_core::ProjectId;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::availability_zone::AvailabilityZone;
use super::{
    Attachment, BlockStorage, ManageableSnapshot, NewSnapshot, NewVolume, NewVolumeAttachment,
    QuotaUsage, Snapshot, SnapshotFilter, Transfer, Volume, VolumeService, VolumeType,
};
use crate::openstack::client::{
    Api, Caller, ClientOptions, Microversion, OpenStackError, ServiceClient, Supported, wrapped,
};

pub(super) const SERVICE_TYPE: &str = "block-storage";

/// From Xena, where snapshots of volumes in use need no force, to 2024.1.
const SUPPORTED: Supported =
    Supported { oldest: Microversion::new(3, 66), newest: Microversion::new(3, 71) };

/// The real Cinder.
#[derive(Debug)]
pub struct Cinder {
    client: ServiceClient,
}

#[derive(Deserialize)]
struct CreatedTransfer {
    id: String,
    auth_key: String,
}

impl Cinder {
    /// Cinder, in the name of a caller: of a session's user, or of whom it acts for.
    pub fn new(caller: impl Into<Caller>, options: ClientOptions) -> Self {
        let api = Api {
            service_type: SERVICE_TYPE,
            version: "v3",
            project_in_url: true,
            microversions: Some(("volume", SUPPORTED)),
        };
        Self { client: ServiceClient::new(caller.into(), api, options) }
    }

    async fn volume_action(
        &self,
        operation: &'static str,
        id: &str,
        action: Value,
    ) -> Result<(), OpenStackError> {
        let request = self.client.post(operation, &["volumes", id, "action"]);
        request.json(action).send().await.map(|_| ())
    }
}

#[async_trait]
impl BlockStorage for Cinder {
    async fn volume_list(&self, project: &ProjectId) -> Result<Vec<Volume>, OpenStackError> {
        let request = self.client.get("volume list", &["volumes", "detail"]);
        let request = request.query("all_tenants", "1").query("project_id", project.0.as_str());
        request.all("volumes").await
    }

    async fn volume_get(&self, id: &str) -> Result<Volume, OpenStackError> {
        self.client.get("volume get", &["volumes", id]).send().await?.object("volume")
    }

    async fn volume_create(&self, volume: &NewVolume) -> Result<Volume, OpenStackError> {
        let request = self.client.post("volume create", &["volumes"]);
        request.json(wrapped("volume", volume)).send().await?.object("volume")
    }

    async fn volume_extend(&self, id: &str, size_gib: u64) -> Result<(), OpenStackError> {
        let action = json!({"os-extend": {"new_size": size_gib}});
        self.volume_action("volume extend", id, action).await
    }

    async fn volume_set_bootable(&self, id: &str, bootable: bool) -> Result<(), OpenStackError> {
        let action = json!({"os-set_bootable": {"bootable": bootable}});
        self.volume_action("volume set bootable", id, action).await
    }

    async fn volume_set_image_metadata(
        &self,
        id: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<(), OpenStackError> {
        let action = json!({"os-set_image_metadata": {"metadata": properties}});
        self.volume_action("volume set image metadata", id, action).await
    }

    async fn volume_delete(&self, id: &str) -> Result<(), OpenStackError> {
        self.client.delete("volume delete", &["volumes", id]).send_deletion().await
    }

    async fn volume_reset_status(&self, id: &str, status: &str) -> Result<(), OpenStackError> {
        let action = json!({"os-reset_status": {"status": status}});
        self.volume_action("volume reset status", id, action).await
    }

    async fn attachment_list(&self, holder_id: &str) -> Result<Vec<Attachment>, OpenStackError> {
        let request = self.client.get("attachment list", &["attachments", "detail"]);
        let request = request.query("all_tenants", "1").query("instance_id", holder_id);
        request.all("attachments").await
    }

    async fn attachment_create(
        &self,
        attachment: &NewVolumeAttachment,
    ) -> Result<Attachment, OpenStackError> {
        let request = self.client.post("attachment create", &["attachments"]);
        request.json(wrapped("attachment", attachment)).send().await?.object("attachment")
    }

    async fn attachment_delete(&self, id: &str) -> Result<(), OpenStackError> {
        self.client.delete("attachment delete", &["attachments", id]).send_deletion().await
    }

    async fn transfer_create(&self, volume_id: &str) -> Result<Transfer, OpenStackError> {
        let request = self.client.post("transfer create", &["volume-transfers"]);
        let request = request.json(json!({"transfer": {"volume_id": volume_id}}));
        let made: CreatedTransfer = request.send().await?.object("transfer")?;
        Ok(Transfer { id: made.id, auth_key: made.auth_key.as_str().into() })
    }

    async fn transfer_accept(&self, transfer: &Transfer) -> Result<(), OpenStackError> {
        let path = ["volume-transfers", &transfer.id, "accept"];
        let body = json!({"accept": {"auth_key": transfer.auth_key.expose()}});
        self.client.post("transfer accept", &path).json(body).send().await.map(|_| ())
    }

    async fn transfer_delete(&self, id: &str) -> Result<(), OpenStackError> {
        self.client.delete("transfer delete", &["volume-transfers", id]).send_deletion().await
    }

    async fn snapshot_create(&self, snapshot: &NewSnapshot) -> Result<Snapshot, OpenStackError> {
        let request = self.client.post("snapshot create", &["snapshots"]);
        request.json(wrapped("snapshot", snapshot)).send().await?.object("snapshot")
    }

    async fn snapshot_get(&self, id: &str) -> Result<Snapshot, OpenStackError> {
        self.client.get("snapshot get", &["snapshots", id]).send().await?.object("snapshot")
    }

    async fn snapshot_list(
        &self,
        filter: &SnapshotFilter,
    ) -> Result<Vec<Snapshot>, OpenStackError> {
        let request = self.client.get("snapshot list", &["snapshots", "detail"]);
        let request = match &filter.volume_id {
            Some(id) => request.query("volume_id", id.as_str()),
            None => request,
        };
        let mut snapshots: Vec<Snapshot> = request.all("snapshots").await?;
        snapshots.retain(|snapshot| filter.lets_through(snapshot));
        Ok(snapshots)
    }

    async fn snapshot_delete(&self, id: &str) -> Result<(), OpenStackError> {
        self.client.delete("snapshot delete", &["snapshots", id]).send_deletion().await
    }

    async fn snapshot_unmanage(&self, id: &str) -> Result<(), OpenStackError> {
        let request = self.client.post("snapshot unmanage", &["snapshots", id, "action"]);
        request.json(json!({"os-unmanage": {}})).send_deletion().await
    }

    async fn manageable_snapshots(
        &self,
        host: &str,
    ) -> Result<Vec<ManageableSnapshot>, OpenStackError> {
        let path = ["manageable_snapshots", "detail"];
        let request = self.client.get("manageable snapshot list", &path).query("host", host);
        request.all("manageable-snapshots").await
    }

    async fn volume_type_list(&self) -> Result<Vec<VolumeType>, OpenStackError> {
        let request = self.client.get("volume type list", &["types"]);
        // Private ones too, where the user may see them.
        request.query("is_public", "None").all("volume_types").await
    }

    async fn volume_type_default(&self) -> Result<Option<VolumeType>, OpenStackError> {
        let request = self.client.get("volume type default", &["types", "default"]);
        match OpenStackError::or_absent(request.send().await)? {
            Some(answer) => answer.object("volume_type").map(Some),
            None => Ok(None),
        }
    }

    async fn volume_type_encrypts(&self, id: &str) -> Result<bool, OpenStackError> {
        let request = self.client.get("volume type encryption", &["types", id, "encryption"]);
        let Some(answer) = OpenStackError::or_absent(request.send().await)? else {
            return Ok(false);
        };
        // How it encrypts, in an object that nothing wraps; an empty one where it does not.
        let how: Map<String, Value> = answer.body()?;
        Ok(!how.is_empty())
    }

    async fn availability_zones(&self) -> Result<Vec<String>, OpenStackError> {
        let path = ["os-availability-zone"];
        let reply = self.client.get("availability zone list", &path).send().await?;
        let zones: Vec<AvailabilityZone> = reply.object("availabilityZoneInfo")?;
        Ok(zones.into_iter().filter(|zone| zone.state.available).map(|zone| zone.name).collect())
    }

    async fn service_list(&self) -> Result<Vec<VolumeService>, OpenStackError> {
        self.client.get("service list", &["os-services"]).send().await?.object("services")
    }

    async fn quota_usage(&self) -> Result<QuotaUsage, OpenStackError> {
        const OPERATION: &str = "quota usage";
        let project = self.client.project_id(OPERATION).await?;
        let request = self.client.get(OPERATION, &["os-quota-sets", &project]);
        request.query("usage", "true").send().await?.object("quota_set")
    }
}
