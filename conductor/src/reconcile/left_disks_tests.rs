use async_trait::async_trait;

use firn_cloud::{InstanceDetail, InstanceSummary};
use firn_core::{BackupMode, JobId, PointId, PowerState, RepositoryId};
use firn_db::{BackupRequest, NewBase, NewRepository};
use firn_driver_sdk::{Descriptor, Disk, DiskLocation, Driver, DriverError, OpenRequest, Probe};
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

use super::*;

const ID: &str = "3f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a04";

#[test]
fn only_disks_that_are_called_after_the_server_are_its_own() {
    let id = ID.parse().unwrap();
    let image = |name: String| json!({"fsid": "f", "pool": "vms", "image": name});
    for end in ["_disk", "_disk.eph0", "_disk.local"] {
        assert!(is_of_server(&image(format!("{ID}{end}")), id), "{end}");
    }
    for name in [
        // Another server's, a volume, one that only mentions the server, a name that Nova never gives.
        "4f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a04_disk".to_owned(),
        "volume-3f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a04".to_owned(),
        format!("old-{ID}_disk"),
        format!("{ID}_disk2"),
        ID.to_owned(),
        String::new(),
    ] {
        assert!(!is_of_server(&image(name.clone()), id), "{name}");
    }
    for location in
        [json!(format!("{ID}_disk")), json!({"path": format!("/{ID}_disk")}), json!({"image": 7})]
    {
        assert!(!is_of_server(&location, id), "{location}");
    }
}

#[test]
fn a_server_is_gone_after_two_looks_a_minute_apart() {
    let wait = |since| Decision::Wait { missing_since: at(since) };
    let remove = |since| Decision::Remove { missing_since: at(since) };
    for (server, missing_since, now, decision) in [
        (Server::Gone, None, 0, wait(0)),
        (Server::Gone, Some(0), 59, wait(0)),
        (Server::Gone, Some(0), 60, remove(0)),
        // Of clocks that differ.
        (Server::Gone, Some(90), 60, wait(90)),
        (Server::There, Some(0), 600, Decision::Leave),
        (Server::There, None, 600, Decision::Leave),
        // A cloud that does not say so has not said it twice.
        (Server::Unknown, Some(0), 600, Decision::Leave),
        (Server::Unknown, None, 600, Decision::Leave),
    ] {
        let missing = missing_since.map(at);
        assert_eq!(
            decide(server, missing, at(now)),
            decision,
            "{server:?} {missing_since:?} {now}"
        );
    }
}

/// A cloud that errs as the test says: the real one does not when it is asked to.
#[derive(Default)]
struct Answers {
    listed: bool,
    list_refused: bool,
    found: bool,
    silent: bool,
}

struct Nova(Mutex<Answers>);

fn silence() -> CloudError {
    CloudError::Unavailable { service: "nova".to_owned(), source: None }
}

#[async_trait]
impl Cloud for Nova {
    async fn instance_list(&self, project: &ProjectId) -> Result<Vec<InstanceSummary>, CloudError> {
        let answers = self.0.lock();
        if answers.list_refused {
            return Err(CloudError::Internal { source: "403".into() });
        }
        let one = InstanceSummary {
            id: ID.parse().unwrap(),
            name: "web".to_owned(),
            project_id: project.clone(),
            power_state: PowerState::ShutOff,
            metadata: None,
        };
        Ok(if answers.listed { vec![one] } else { Vec::new() })
    }

    async fn instance_get(&self, id: InstanceId) -> Result<InstanceDetail, CloudError> {
        Err(CloudError::NotFound { id })
    }

    async fn power_state(&self, id: InstanceId) -> Result<PowerState, CloudError> {
        let answers = self.0.lock();
        match (answers.silent, answers.found) {
            (true, _) => Err(silence()),
            (_, true) => Ok(PowerState::ShutOff),
            _ => Err(CloudError::NotFound { id }),
        }
    }
}

/// A storage that refuses as often as the test says, and keeps what it was asked.
#[derive(Default)]
struct Storage {
    refusal: Mutex<Option<&'static str>>,
    asked: Mutex<Vec<(String, String)>>,
}

impl Driver for Storage {
    fn descriptor(&self) -> Descriptor {
        Descriptor { name: "ceph".into(), vendor: "test".into(), version: "1".into() }
    }

    fn probe(&self, _: &DiskLocation) -> Result<Option<Probe>, DriverError> {
        Ok(None)
    }

    fn remove(&self, location: &Location, our_snapshots: &str) -> Result<(), DriverError> {
        let image = location.0["image"].as_str().unwrap().to_owned();
        self.asked.lock().push((image, our_snapshots.to_owned()));
        self.refusal.lock().map_or(Ok(()), |why| Err(DriverError::conflict(why)))
    }

    fn open(&self, _: &OpenRequest) -> Result<Box<dyn Disk>, DriverError> {
        Err(DriverError::unsupported("open"))
    }
}

struct Scene {
    _folder: tempfile::TempDir,
    database: Database,
    nova: Nova,
    storage: Arc<Storage>,
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

impl Scene {
    /// With a disk of this name, recorded at 0.
    fn new(image: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("firn.sqlite").display());
        let database = Database::open(&url).unwrap();
        database.migrate().unwrap();
        let base = NewBase {
            id: Uuid::new_v4(),
            instance_id: ID.parse().unwrap(),
            project_id: ProjectId("p".to_owned()),
            driver: "ceph".to_owned(),
            location: json!({"fsid": "f", "pool": "vms", "image": image}),
            snapshot_prefix: "backup.7.snap.".to_owned(),
        };
        database.run_blocking(|conn| firn_db::base_record(conn, &base, at(0))).unwrap();
        let (nova, storage) = (Nova(Mutex::default()), Arc::default());
        Self { _folder: folder, database, nova, storage }
    }

    async fn turn(&self, seconds: i64) {
        let (storages, now) = (Storages::from(&self.storage), move || at(seconds));
        let look = Look { database: &self.database, cloud: &self.nova, storages, now };
        look.turn().await.unwrap();
    }

    fn row(&self) -> Option<Base> {
        let list = |conn: &mut _| firn_db::base_list_due(conn, at(1_000_000), 9);
        self.database.run_blocking(list).unwrap().pop()
    }

    fn asked(&self) -> usize {
        self.storage.asked.lock().len()
    }
}

#[tokio::test]
async fn a_disk_goes_after_two_looks_that_find_no_server() {
    let scene = Scene::new(&format!("{ID}_disk"));
    scene.turn(59).await;
    assert_eq!(scene.row().unwrap().checked_at, at(0), "too soon");
    scene.turn(60).await;
    assert_eq!(scene.row().unwrap().missing_since, Some(at(60)));
    // Another conductor, right after.
    scene.turn(61).await;
    assert_eq!(scene.asked(), 0);
    scene.turn(120).await;
    let asked = scene.storage.asked.lock().clone();
    assert_eq!(asked, [(format!("{ID}_disk"), "backup.7.snap.".to_owned())]);
    assert_eq!(scene.row(), None);
}

#[tokio::test]
async fn nothing_goes_while_any_answer_says_otherwise() {
    type Change = fn(&mut Answers);
    let answers: [(&str, Change); 4] = [
        ("listed", |nova| nova.listed = true),
        // A user that may not see the server gets a 404 for it.
        ("list refused", |nova| nova.list_refused = true),
        ("found by its id", |nova| nova.found = true),
        ("silent", |nova| nova.silent = true),
    ];
    for (what, change) in answers {
        let scene = Scene::new(&format!("{ID}_disk"));
        scene.turn(60).await;
        change(&mut scene.nova.0.lock());
        for minute in 2..9 {
            scene.turn(60 * minute).await;
        }
        assert_eq!((scene.asked(), scene.row().unwrap().missing_since), (0, None), "{what}");
        // The count begins anew.
        *scene.nova.0.lock() = Answers::default();
        scene.turn(600).await;
        assert_eq!(scene.asked(), 0, "{what}");
        scene.turn(660).await;
        assert_eq!((scene.asked(), scene.row()), (1, None), "{what}");
    }
}

#[tokio::test]
async fn a_disk_that_is_called_otherwise_is_never_asked_for() {
    let scene = Scene::new("volume-1");
    for minute in 1..5 {
        scene.turn(60 * minute).await;
    }
    assert_eq!(scene.asked(), 0);
    assert!(scene.row().unwrap().refusal.unwrap().contains("not called"));
}

#[tokio::test]
async fn what_the_storage_refuses_stays_and_is_tried_again() {
    let scene = Scene::new(&format!("{ID}_disk.eph0"));
    *scene.storage.refusal.lock() = Some("it has a snapshot of somebody else");
    for minute in 1..4 {
        scene.turn(60 * minute).await;
    }
    let row = scene.row().unwrap();
    assert_eq!((scene.asked(), row.missing_since), (2, Some(at(60))));
    assert!(row.refusal.unwrap().contains("somebody else"));
    *scene.storage.refusal.lock() = None;
    scene.turn(240).await;
    assert_eq!((scene.asked(), scene.row()), (3, None));
}

#[tokio::test]
async fn a_job_on_the_server_is_waited_for() {
    let scene = Scene::new(&format!("{ID}_disk"));
    let repository = NewRepository {
        id: RepositoryId::new(),
        name: "default".to_owned(),
        url: "file:///r".to_owned(),
        chunk_bytes: 262_144,
    };
    let request = BackupRequest {
        point_id: PointId::new(),
        job_id: JobId::new(),
        project_id: ProjectId("p".to_owned()),
        instance_id: ID.parse().unwrap(),
        instance_name: "web".to_owned(),
        name: None,
        description: None,
        repository_id: repository.id,
        mode: BackupMode::Full,
        spec: json!({}),
        request_id: "req-1".to_owned(),
    };
    let make = |conn: &mut _| {
        firn_db::repository_create(conn, repository.clone(), at(0))?;
        firn_db::backup_request_create(conn, request.clone(), at(0))
    };
    let (_, job) = scene.database.run_blocking(make).unwrap();
    for minute in 1..5 {
        scene.turn(60 * minute).await;
    }
    assert_eq!((scene.asked(), scene.row().unwrap().missing_since), (0, Some(at(60))));
    let cancel = |conn: &mut _| {
        firn_db::job_request_cancel(conn, &firn_db::Scope::All, job.id, at(300)).map(drop)
    };
    scene.database.run_blocking(cancel).unwrap();
    scene.turn(360).await;
    assert_eq!((scene.asked(), scene.row()), (1, None));
}
