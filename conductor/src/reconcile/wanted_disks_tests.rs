use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use firn_cloud::{CloudError, InstanceDetail, InstanceSummary};
use firn_core::{InstanceId, PowerState, ProjectId};
use firn_db::NewBase;
use firn_driver_sdk::{Descriptor, Disk, DiskLocation, OpenRequest, Probe};
use parking_lot::Mutex;
use serde_json::json;
use uuid::Uuid;

use super::*;

const PREFIX: &str = "backup.x.snap.";

/// A cloud that tells whose disks it is about to remove; `None` is none that answers.
struct Nova(Option<Vec<InstanceId>>);

#[async_trait]
impl Cloud for Nova {
    async fn instance_list(&self, _: &ProjectId) -> Result<Vec<InstanceSummary>, CloudError> {
        Ok(Vec::new())
    }
    async fn instance_get(&self, id: InstanceId) -> Result<InstanceDetail, CloudError> {
        Err(CloudError::NotFound { id })
    }
    async fn power_state(&self, id: InstanceId) -> Result<PowerState, CloudError> {
        Err(CloudError::NotFound { id })
    }
    async fn instances_losing_disks(&self) -> Result<Vec<InstanceId>, CloudError> {
        let silence = || CloudError::Unavailable { service: "nova".to_owned(), source: None };
        self.0.clone().ok_or_else(silence)
    }
}

/// Images with their snapshots; one called `held` cannot be removed.
#[derive(Default)]
struct Storage(Mutex<BTreeMap<String, Vec<String>>>);

impl Storage {
    fn snapshots(&self, image: &str) -> Vec<String> {
        self.0.lock()[image].clone()
    }
}

fn image(location: &Location) -> String {
    location.0["image"].as_str().unwrap().to_owned()
}

impl Driver for Storage {
    fn descriptor(&self) -> Descriptor {
        Descriptor { name: "ceph".into(), vendor: "test".into(), version: "1".into() }
    }
    fn probe(&self, _: &DiskLocation) -> Result<Option<Probe>, DriverError> {
        Ok(None)
    }
    fn snapshot_list(&self, location: &Location) -> Result<Vec<String>, DriverError> {
        let found = self.0.lock().get(&image(location)).cloned();
        found.ok_or_else(|| DriverError::not_found("no such image"))
    }
    fn snapshot_delete(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        if name.ends_with("held") {
            return Err(DriverError::conflict("held"));
        }
        let mut images = self.0.lock();
        images.get_mut(&image(location)).unwrap().retain(|other| other != name);
        Ok(())
    }
    fn open(&self, _: &OpenRequest) -> Result<Box<dyn Disk>, DriverError> {
        Err(DriverError::unsupported("open"))
    }
}

struct Scene {
    _folder: tempfile::TempDir,
    database: Database,
    storage: Arc<Storage>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("firn.db").display());
        let database = Database::open(&url).unwrap();
        database.migrate().unwrap();
        Self { _folder: folder, database, storage: Arc::default() }
    }

    /// A disk that a backup recorded, with these snapshots; none where the image is gone.
    fn disk(&self, instance_id: InstanceId, image: &str, snapshots: Option<&[&str]>) {
        if let Some(names) = snapshots {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            self.storage.0.lock().insert(image.to_owned(), names);
        }
        let base = NewBase {
            id: Uuid::new_v4(),
            instance_id,
            project_id: ProjectId("p".to_owned()),
            driver: "ceph".to_owned(),
            location: json!({ "fsid": "f", "pool": "vms", "image": image }),
            snapshot_prefix: PREFIX.to_owned(),
        };
        self.database.run_blocking(|conn| firn_db::base_record(conn, &base, Utc::now())).unwrap();
    }

    async fn turn(&self, losing: Option<Vec<InstanceId>>) -> Result<(), String> {
        let cloud = Nova(losing);
        let storages = Storages::from(&self.storage);
        Look { database: &self.database, cloud: &cloud, storages }.turn().await
    }
}

#[tokio::test]
async fn our_snapshots_go_from_disks_that_are_wanted_away_and_from_no_others() {
    let scene = Scene::new();
    let (rebuilt, other) = (InstanceId::new(), InstanceId::new());
    let (first, second) = (format!("{PREFIX}1"), format!("{PREFIX}2"));
    let held = format!("{PREFIX}held");
    scene.disk(rebuilt, "root", Some(&[&first, "nova-resize", &second]));
    scene.disk(rebuilt, "gone", None);
    scene.disk(rebuilt, "stuck", Some(&[&held]));
    scene.disk(rebuilt, "ephemeral", Some(&[&first]));
    scene.disk(other, "others", Some(&[&first]));
    scene.turn(Some(Vec::new())).await.unwrap();
    assert_eq!(scene.storage.snapshots("root").len(), 3);
    for _ in 0..2 {
        scene.turn(Some(vec![rebuilt, InstanceId::new()])).await.unwrap();
        assert_eq!(scene.storage.snapshots("root"), ["nova-resize"]);
        assert_eq!(scene.storage.snapshots("ephemeral"), [""; 0]);
        assert_eq!(scene.storage.snapshots("stuck"), [held.as_str()]);
        assert_eq!(scene.storage.snapshots("others"), [first.as_str()]);
    }
}

#[tokio::test]
async fn a_cloud_is_asked_only_where_it_matters() {
    let scene = Scene::new();
    scene.turn(None).await.unwrap();
    scene.disk(InstanceId::new(), "root", Some(&[]));
    let error = scene.turn(None).await.unwrap_err();
    assert!(error.contains("nova"), "{error}");
}
