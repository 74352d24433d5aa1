use firn_core::{
    BackupMode, InstanceId, JobId, PointId, ProjectId, RepositoryId, RestoreEvent, VolumeTarget,
};
use firn_db::{BackupRequest, NewRepository, NewRestore};
use firn_driver_sdk::{Descriptor, Disk, DiskLocation, OpenRequest, Probe};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;

use super::*;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + 60 * minutes, 0).unwrap()
}

fn volume(id: Option<&str>) -> RestoreTarget {
    let wish: VolumeTarget =
        serde_json::from_value(json!({"device": "vdb", "volume_id": id})).unwrap();
    RestoreTarget::Volume(wish)
}

#[test]
fn only_restores_over_disks_that_have_ended_are_looked_at() {
    use Decision::{Leave, Look, LookOnce};
    use RestoreState::{Available, Error, Restoring};
    let file = serde_json::from_value(json!({"type": "file", "name": "f"})).unwrap();
    let (original, over, new) = (RestoreTarget::Original, volume(Some("v")), volume(None));
    let week = 7 * 24 * 60;
    for (target, state, finished_at, now, decision) in [
        (&original, Restoring, None, 20, Leave),
        (&original, Available, Some(0), 10, Look),
        (&original, Error, Some(0), 0, Look),
        (&original, Error, Some(0), 11, LookOnce),
        (&over, Available, Some(0), week, LookOnce),
        (&over, Available, Some(0), week + 1, Leave),
        // Of clocks that differ.
        (&over, Error, Some(5), 0, Look),
        (&new, Error, Some(0), 11, Leave),
        (&file, Error, Some(0), 11, Leave),
    ] {
        let decided = decide(target, state, finished_at.map(at), at(now));
        assert_eq!(decided, decision, "{target:?} {state:?} {finished_at:?} {now}");
    }
}

fn target(device: &str) -> Value {
    json!({"device": device, "driver": "ceph", "location": {"image": device}, "size_bytes": 1,
        "blank": false})
}

fn step(name: &str, output: Option<Value>) -> JobStep {
    JobStep {
        job_id: JobId::new(),
        position: 0,
        name: name.to_owned(),
        state: firn_core::StepState::Undone,
        output,
        started_at: at(0),
        finished_at: None,
    }
}

#[test]
fn the_journal_tells_which_disks_were_kept() {
    let devices = |steps: &[JobStep]| {
        let disks = disks(steps).unwrap().into_iter();
        disks.map(|disk| disk.device).collect::<Vec<_>>()
    };
    let in_place = step("plan", Some(json!({"original": {"disks": [target("vda")]}})));
    let over = step("plan", Some(json!({"volume": {"changes": []}})));
    let attach = step("attach", Some(json!([target("vdb")])));
    let keep = || step("keep", None);
    assert_eq!(devices(&[in_place.clone(), keep()]), ["vda"]);
    assert_eq!(devices(&[in_place]), [""; 0], "nothing was kept yet");
    assert_eq!(devices(&[over.clone(), attach, keep()]), ["vdb"]);
    assert_eq!(devices(&[over, keep()]), [""; 0]);
    let broken = [step("plan", Some(json!("?"))), keep()];
    assert!(disks(&broken).is_err());
}

/// A storage whose disks have these snapshots, and which answers as the test says.
#[derive(Default)]
struct Storage {
    snapshots: Mutex<HashMap<String, Vec<String>>>,
    refusal: Mutex<Option<DriverError>>,
    lists: Mutex<usize>,
}

fn image(at: &Location) -> String {
    at.0["image"].as_str().unwrap().to_owned()
}

impl Driver for Storage {
    fn descriptor(&self) -> Descriptor {
        Descriptor { name: "ceph".into(), vendor: "test".into(), version: "1".into() }
    }

    fn probe(&self, _: &DiskLocation) -> Result<Option<Probe>, DriverError> {
        Ok(None)
    }

    fn snapshot_list(&self, at: &Location) -> Result<Vec<String>, DriverError> {
        *self.lists.lock() += 1;
        match self.snapshots.lock().get(&image(at)) {
            Some(names) => Ok(names.clone()),
            None => Err(DriverError::not_found("no such image")),
        }
    }

    fn snapshot_delete(&self, at: &Location, name: &str) -> Result<(), DriverError> {
        if self.refusal.lock().is_some() {
            return Err(DriverError::conflict("protected"));
        }
        let mut disks = self.snapshots.lock();
        disks.get_mut(&image(at)).unwrap().retain(|one| one != name);
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
    restore: RestoreId,
}

impl Scene {
    /// With a restore in place that kept what vda and vdb held, and is still at work.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("firn.sqlite").display());
        let database = Database::open(&url).unwrap();
        database.migrate().unwrap();
        let (restore, job_id, point_id) = (RestoreId::new(), JobId::new(), PointId::new());
        let repository = NewRepository {
            id: RepositoryId::new(),
            name: "default".to_owned(),
            url: "file:///r".to_owned(),
            chunk_bytes: 262_144,
        };
        // Any job will do for a journal.
        let request = BackupRequest {
            point_id,
            job_id,
            project_id: ProjectId("p".to_owned()),
            instance_id: InstanceId::new(),
            instance_name: "web".to_owned(),
            name: None,
            description: None,
            repository_id: repository.id,
            mode: BackupMode::Full,
            spec: json!({}),
            request_id: "req-1".to_owned(),
        };
        let new = NewRestore {
            id: restore,
            project_id: ProjectId("p".to_owned()),
            point_id,
            job_id,
            target: RestoreTarget::Original,
        };
        let plan = json!({"original": {"disks": [target("vda"), target("vdb")]}});
        let make = |conn: &mut _| {
            firn_db::repository_create(conn, repository.clone(), at(0))?;
            firn_db::backup_request_create(conn, request.clone(), at(0))?;
            let claimed = firn_db::job_claim(conn, job_id, "c", TimeDelta::hours(1), at(0))?;
            let claim = claimed.unwrap().claim;
            firn_db::job_step_start(conn, &claim, 0, "plan", at(0))?;
            firn_db::job_step_done(conn, &claim, 0, Some(plan.clone()), at(0))?;
            firn_db::job_step_start(conn, &claim, 1, "keep", at(0))?;
            firn_db::restore_create(conn, new.clone(), at(0))
        };
        database.run_blocking(make).unwrap();
        let storage = Arc::<Storage>::default();
        let names = vec![snapshot(restore), "firn-base".to_owned(), snapshot(RestoreId::new())];
        for device in ["vda", "vdb"] {
            storage.snapshots.lock().insert(device.to_owned(), names.clone());
        }
        Self { _folder: folder, database, storage, restore }
    }

    fn end(&self, minutes: i64) {
        let id = self.restore;
        let end = move |conn: &mut _| {
            let event = RestoreEvent::Failed;
            firn_db::restore_finish(conn, id, event, Some("cancelled"), at(minutes)).map(drop)
        };
        self.database.run_blocking(end).unwrap();
    }

    fn look(&self) -> Look<'_> {
        Look::new(&self.database, Storages::from(&self.storage))
    }

    /// How many snapshots each disk has.
    fn left(&self) -> Vec<usize> {
        let disks = self.storage.snapshots.lock();
        ["vda", "vdb"].iter().filter_map(|disk| disks.get(*disk).map(Vec::len)).collect()
    }

    fn lists(&self) -> usize {
        std::mem::take(&mut self.storage.lists.lock())
    }
}

#[tokio::test]
async fn what_a_restore_kept_goes_when_it_has_ended() {
    let scene = Scene::new();
    let mut look = scene.look();
    look.turn(at(30)).await.unwrap();
    assert_eq!((scene.left(), scene.lists()), (vec![3, 3], 0), "it is what its undo needs");
    scene.end(30);
    look.turn(at(31)).await.unwrap();
    assert_eq!((scene.left(), scene.lists()), (vec![2, 2], 2), "others' stay");
    for minute in [32, 41, 42, 43] {
        look.turn(at(minute)).await.unwrap();
    }
    assert_eq!(scene.lists(), 4, "after ten minutes it is looked at once more");
}

#[tokio::test]
async fn what_a_storage_refuses_is_tried_again_for_a_week() {
    let scene = Scene::new();
    let mut look = scene.look();
    scene.end(0);
    *scene.storage.refusal.lock() = Some(DriverError::conflict("protected"));
    for minute in [1, 60, 61] {
        look.turn(at(minute)).await.unwrap();
    }
    assert_eq!(scene.left(), [3, 3]);
    let why = look.refusals.get(&scene.restore).unwrap();
    assert!(why.contains("vda") && why.contains("protected"), "{why}");
    *scene.storage.refusal.lock() = None;
    look.turn(at(8 * 24 * 60)).await.unwrap();
    assert_eq!(scene.left(), [3, 3], "too old");
    look.turn(at(120)).await.unwrap();
    assert_eq!(scene.left(), [2, 2]);
}

#[tokio::test]
async fn a_disk_that_is_gone_has_nothing_left() {
    let scene = Scene::new();
    scene.end(0);
    scene.storage.snapshots.lock().remove("vda");
    let mut look = scene.look();
    for minute in [60, 61] {
        look.turn(at(minute)).await.unwrap();
    }
    assert_eq!((scene.left(), scene.lists()), (vec![2], 2), "one look is enough");
}
