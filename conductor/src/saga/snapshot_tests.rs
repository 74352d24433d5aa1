//! The step with a guest that is frozen, in a cloud that errs as the test says.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use firn_cloud::{
    Cloud, CloudError, Freeze, Guests, InstanceDetail, InstanceSummary, VolumeSnapshot,
    VolumeSnapshots,
};
use firn_core::{
    BackupMode, InstanceId, JobId, JobKind, PointId, PowerState, ProjectId, RepositoryId,
};
use firn_db::{BackupRequest, Database, NewRepository};
use oslo_messaging::NoNotifier;
use parking_lot::Mutex;
use serde_json::json;

use super::*;
use crate::ConductorConfig;
use crate::lease::{Beat, Heart, Lease, Pulse};
use crate::saga::quiesce::tests::running;
use crate::saga::{DbJournal, Ended, execute};
use crate::services::CloudAccess;
use crate::stop::{Stop, StopReason};
use crate::worker::protocol::{DriverAccess, Limits, RepositoryAccess};
use crate::worker::{Bandwidth, WorkerCommand};

/// What the cloud does, and what was asked of it.
struct Clouds {
    instance: InstanceDetail,
    freeze: fn() -> Freeze,
    held: bool,
    take_fails: bool,
    /// Cancels the job while snapshots are taken.
    cancels: Option<Stop>,
    log: Mutex<Vec<&'static str>>,
    snapshots: Mutex<Vec<VolumeSnapshot>>,
}

impl Clouds {
    fn new(power_state: PowerState) -> Self {
        let mut instance = running(true);
        instance.instance.power_state = power_state;
        Self {
            instance,
            freeze: || Freeze::Frozen,
            held: true,
            take_fails: false,
            cancels: None,
            log: Mutex::default(),
            snapshots: Mutex::default(),
        }
    }
}

#[async_trait]
impl Cloud for Clouds {
    async fn instance_list(&self, _: &ProjectId) -> Result<Vec<InstanceSummary>, CloudError> {
        Ok(Vec::new())
    }
    async fn instance_get(&self, _: InstanceId) -> Result<InstanceDetail, CloudError> {
        Ok(self.instance.clone())
    }
    async fn power_state(&self, _: InstanceId) -> Result<PowerState, CloudError> {
        Ok(self.instance.instance.power_state)
    }
}

#[async_trait]
impl Guests for Clouds {
    async fn freeze(&self, _: &str, _: InstanceId, _: JobId) -> Result<Freeze, CloudError> {
        self.log.lock().push("freeze");
        Ok((self.freeze)())
    }
    async fn thaw(&self, _: &str, _: InstanceId, _: JobId) -> Result<bool, CloudError> {
        let mut log = self.log.lock();
        let frozen = log.iter().rfind(|did| matches!(**did, "freeze" | "thaw")) == Some(&"freeze");
        log.push("thaw");
        Ok(frozen && self.held)
    }
}

#[async_trait]
impl VolumeSnapshots for Clouds {
    async fn take(&self, _: JobId, volume_id: &str) -> Result<VolumeSnapshot, CloudError> {
        self.log.lock().push("take");
        if let Some(stop) = &self.cancels {
            stop.request(StopReason::Cancelled);
            while self.log.lock().last() != Some(&"thaw") {
                tokio::task::yield_now().await;
            }
        }
        let taken = VolumeSnapshot { id: volume_id.to_owned(), name: format!("s-{volume_id}") };
        self.snapshots.lock().push(taken.clone());
        // It is there nevertheless.
        if self.take_fails {
            return Err(CloudError::Internal { source: "made to fail".into() });
        }
        Ok(taken)
    }
    async fn of_job(&self, _: JobId) -> Result<Vec<VolumeSnapshot>, CloudError> {
        Ok(self.snapshots.lock().clone())
    }
    async fn jobs(&self) -> Result<Vec<JobId>, CloudError> {
        Ok(Vec::new())
    }
    async fn remove(&self, id: &str) -> Result<(), CloudError> {
        self.log.lock().push("remove");
        self.snapshots.lock().retain(|one| one.id != id);
        Ok(())
    }
    async fn release(&self, _: &str) -> Result<(), CloudError> {
        Ok(())
    }
    async fn keeps(&self, _: &str) -> Result<bool, CloudError> {
        Ok(true)
    }
}

struct Beating;

#[async_trait]
impl Heart for Beating {
    async fn beat(&self, _: Beat) -> Option<Pulse> {
        Some(Pulse::Ours)
    }
}

fn config() -> ConductorConfig {
    ConductorConfig {
        host: "c1".to_owned(),
        worker: WorkerCommand { program: PathBuf::from("/nonexistent"), arguments: Vec::new() },
        drivers: DriverAccess::default(),
        repository: RepositoryAccess {
            path: "/nonexistent".into(),
            key_file: "/nonexistent".into(),
            cache_dir: "/nonexistent".into(),
        },
        restores_dir: "/nonexistent".into(),
        limits: Limits {
            threads: 1,
            memory_bytes: 1,
            compression_level: 1,
            bandwidth_bytes_per_second: None,
        },
        bandwidth: Bandwidth::new(None),
        concurrent_jobs: 1,
        job_limits: firn_db::JobLimits::default(),
        lease: Duration::from_secs(60),
        reconcile_interval: Duration::from_secs(60),
        probe_deadline: Duration::from_secs(60),
    }
}

/// How the step ended, and what the job's owner was told.
struct Outcome {
    ended: Ended,
    taken: Option<Vec<Taken>>,
    events: Vec<String>,
}

/// Runs the step on two volumes, for a request with that demand.
async fn run(clouds: &Arc<Clouds>, demanded: Option<&str>) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("firn.sqlite").display());
    let database = Database::open(&url).unwrap();
    database.migrate().unwrap();
    let now = Utc::now();
    let repository = RepositoryId::new();
    let request = BackupRequest {
        point_id: PointId::new(),
        job_id: JobId::new(),
        project_id: clouds.instance.instance.project_id.clone(),
        instance_id: clouds.instance.instance.id,
        instance_name: "web".to_owned(),
        name: None,
        description: None,
        repository_id: repository,
        mode: BackupMode::Full,
        spec: json!({ "consistency": demanded }),
        request_id: "req-1".to_owned(),
    };
    let claimed = database.run_blocking(|conn| {
        let row = NewRepository {
            id: repository,
            name: "default".to_owned(),
            url: "file:///repository".to_owned(),
            chunk_bytes: 262_144,
        };
        firn_db::repository_create(conn, row, now)?;
        let (_, job) = firn_db::backup_request_create(conn, request.clone(), now)?;
        firn_db::job_claim(conn, job.id, "c1", TimeDelta::seconds(60), now)
    });
    let claimed = claimed.unwrap().unwrap();
    assert_eq!(claimed.job.kind, JobKind::CreatePoint);

    let access = CloudAccess {
        cloud: Arc::clone(clouds) as Arc<dyn Cloud>,
        volume_snapshots: Some(Arc::clone(clouds) as Arc<dyn VolumeSnapshots>),
        guests: Some(Arc::clone(clouds) as Arc<dyn Guests>),
        rebuild: None,
    };
    let services = Services::new(config(), database.clone(), access, Arc::new(NoNotifier));
    let stop = clouds.cancels.clone().unwrap_or_default();
    let journal = || DbJournal::new(database.clone(), claimed.claim);
    let length = Duration::from_secs(60);
    let lease = Lease::new(Box::new(Beating), Arc::new(journal()), stop.clone(), length);
    let job = RunningJob::new(Arc::new(services), Arc::new(lease), claimed.claim, &claimed.job);
    let context = JobContext::new(claimed.job.id, stop, Duration::ZERO);
    let disk = |volume: &str| {
        json!({
            "disk": {
                "device": "vda", "kind": "volume", "bus": "virtio", "serial": volume,
                "location": { "type": "rbd", "pool": "p", "image": volume },
            },
            "driver": "ceph", "location": {}, "size_bytes": 1,
            "snapshot_by": { "by": "cloud", "volume_id": volume },
        })
    };
    let discovered = json!({
        "instance": clouds.instance, "disks": [disk("v1"), disk("v2")],
        "consistency": "crash", "parent_id": null,
    });
    context.set_output(DISCOVER, discovered);
    let steps: Vec<Box<dyn Step>> = vec![Box::new(TakeSnapshots(job))];
    let ended = execute(&steps, &context, &journal()).await;
    let events = database
        .run_blocking(|conn| firn_db::job_event_list(conn, claimed.job.id, None, 10))
        .unwrap();
    Outcome {
        ended,
        taken: context.output(SNAPSHOT).ok(),
        events: events.into_iter().map(|event| event.detail).collect(),
    }
}

#[tokio::test]
async fn a_running_instance_is_frozen_while_all_snapshots_are_taken() {
    for demanded in [None, Some("crash"), Some("filesystem")] {
        let clouds = Arc::new(Clouds::new(PowerState::Running));
        let outcome = run(&clouds, demanded).await;
        assert_eq!(outcome.ended, Ended::Succeeded);
        let grades: Vec<_> = outcome.taken.unwrap().iter().map(|one| one.consistency).collect();
        assert_eq!(grades, [Some(Consistency::Filesystem); 2]);
        assert_eq!(outcome.events, [""; 0]);
        // The first thaw is of what an earlier try may have left.
        assert_eq!(*clouds.log.lock(), ["thaw", "freeze", "take", "take", "thaw"]);
    }
}

#[tokio::test]
async fn without_a_freeze_the_point_is_crash_consistent_and_its_owner_knows() {
    let refuses = || Freeze::Refused { reason: "its guest agent sleeps".to_owned() };
    for (freeze, held, why) in [
        (refuses as fn() -> Freeze, true, "its guest agent sleeps"),
        (|| Freeze::Frozen, false, "thawed before"),
    ] {
        let cloud = || Arc::new(Clouds { freeze, held, ..Clouds::new(PowerState::Running) });
        let clouds = cloud();
        let outcome = run(&clouds, None).await;
        assert_eq!(outcome.ended, Ended::Succeeded);
        assert_eq!(outcome.taken.unwrap()[0].consistency, Some(Consistency::Crash));
        assert!(outcome.events[0].contains(why), "{:?}", outcome.events);

        // A demand is looked at after the snapshots; they go.
        let clouds = cloud();
        let outcome = run(&clouds, Some("filesystem")).await;
        let Ended::Failed(error) = outcome.ended else { panic!("{:?}", outcome.ended) };
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains("demands filesystem"), "{error}");
        assert!(outcome.events[0].contains(why), "{:?}", outcome.events);
        assert_eq!(*clouds.snapshots.lock(), []);
        assert!(clouds.log.lock().ends_with(&["thaw", "remove", "remove"]));
    }
}

#[tokio::test]
async fn an_instance_that_is_off_is_not_frozen() {
    let clouds = Arc::new(Clouds::new(PowerState::ShutOff));
    let outcome = run(&clouds, Some("application")).await;
    assert_eq!(outcome.ended, Ended::Succeeded);
    assert_eq!(outcome.taken.unwrap()[0].consistency, Some(Consistency::Application));
    assert!(!clouds.log.lock().contains(&"freeze"));
}

#[tokio::test]
async fn an_instance_that_was_started_after_it_was_discovered_is_below_application() {
    let clouds = Arc::new(Clouds::new(PowerState::Running));
    let outcome = run(&clouds, Some("application")).await;
    assert!(matches!(outcome.ended, Ended::Failed(_)), "{:?}", outcome.ended);
    assert_eq!(*clouds.snapshots.lock(), []);
}

#[tokio::test]
async fn a_snapshot_that_fails_thaws_the_guest_before_anything_is_undone() {
    let clouds = Arc::new(Clouds { take_fails: true, ..Clouds::new(PowerState::Running) });
    let outcome = run(&clouds, None).await;
    assert!(matches!(outcome.ended, Ended::Failed(_)), "{:?}", outcome.ended);
    let log = ["thaw", "freeze", "take", "take", "thaw", "thaw", "remove", "remove"];
    assert_eq!(*clouds.log.lock(), log);
    assert_eq!(*clouds.snapshots.lock(), []);
}

#[tokio::test]
async fn a_cancel_thaws_the_guest_while_its_snapshots_are_still_taken() {
    let cancels = Some(Stop::default());
    let clouds = Arc::new(Clouds { cancels, ..Clouds::new(PowerState::Running) });
    let outcome = run(&clouds, None).await;
    assert_eq!(outcome.ended, Ended::Cancelled);
    // Both snapshots came after the thaw, and are removed.
    assert_eq!(*clouds.snapshots.lock(), []);
    let log = ["thaw", "freeze", "take", "take", "thaw", "thaw", "remove", "remove"];
    assert_eq!(*clouds.log.lock(), log);
}
