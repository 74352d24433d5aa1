use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use firn_cloud::{
    Cloud, CloudError, Delegated, Delegation, DelegationError, Grant, InstanceDetail,
    InstanceSummary,
};
use firn_core::plan::{PlanSettings, Timetable};
use firn_core::*;
use firn_db::*;
use parking_lot::Mutex;
use serde_json::Value;
use tempfile::TempDir;

use super::super::clock::Clock;
use super::super::turn::{Scheduler, Settings};
use super::super::wake::Waker;

pub(super) const PROJECT: &str = "p1";
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(40);

pub(super) fn utc(text: &str) -> DateTime<Utc> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc()
}

/// How the identity service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    Grants,
    Refuses,
    Silent,
    OtherProject,
}

pub(super) struct Outside {
    pub(super) now: Mutex<DateTime<Utc>>,
    pub(super) instances: Mutex<Vec<(InstanceSummary, BTreeMap<String, String>)>>,
    pub(super) cloud_silent: Mutex<bool>,
    pub(super) identity: Mutex<Identity>,
    pub(super) asked: Mutex<Vec<Grant>>,
    pub(super) woken: Mutex<Vec<JobId>>,
    /// A wake-up never comes back: whoever sends it stays where it is.
    pub(super) wake_hangs: Mutex<bool>,
}

impl Clock for Outside {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock()
    }
}

#[async_trait]
impl Cloud for Outside {
    async fn instance_list(&self, _: &ProjectId) -> Result<Vec<InstanceSummary>, CloudError> {
        if *self.cloud_silent.lock() {
            return Err(CloudError::Unavailable { service: "nova".to_owned(), source: None });
        }
        // A cloud that forgets to look at the project.
        Ok(self.instances.lock().iter().map(|(summary, _)| summary.clone()).collect())
    }

    async fn instance_get(&self, id: InstanceId) -> Result<InstanceDetail, CloudError> {
        let instances = self.instances.lock();
        let found = instances.iter().find(|(summary, _)| summary.id == id);
        let (summary, metadata) = found.ok_or(CloudError::NotFound { id })?;
        Ok(InstanceDetail {
            instance: Instance {
                id,
                name: summary.name.clone(),
                project_id: summary.project_id.clone(),
                power_state: summary.power_state,
                disks: Vec::new(),
                domain_xml: String::new(),
            },
            machine: MachineIdentity {
                domain_name: summary.name.clone(),
                title: None,
                memory_bytes: 1,
                vcpus: 1,
                hypervisor: "kvm".to_owned(),
                architecture: None,
                machine_type: None,
                firmware: Firmware::Bios,
                tpm: false,
                interfaces: Vec::new(),
                nova: None,
                openstack: None,
                metadata: metadata.clone(),
            },
            host: None,
        })
    }

    async fn power_state(&self, _: InstanceId) -> Result<PowerState, CloudError> {
        Ok(PowerState::ShutOff)
    }
}

#[async_trait]
impl Delegation for Outside {
    async fn obtain(&self, grant: &Grant) -> Result<Delegated, DelegationError> {
        self.asked.lock().push(grant.clone());
        let (project_id, user_id) = (grant.project_id.clone(), grant.user_id.clone());
        match *self.identity.lock() {
            Identity::Grants => Ok(Delegated { project_id, user_id }),
            Identity::OtherProject => {
                Ok(Delegated { project_id: ProjectId("other".to_owned()), user_id })
            }
            Identity::Refuses => {
                Err(DelegationError::Refused { project_id, source: "the trust is gone".into() })
            }
            Identity::Silent => {
                Err(DelegationError::Unavailable { source: "no route to keystone".into() })
            }
        }
    }
}

#[async_trait]
impl Waker for Outside {
    async fn wake(&self, job: JobId, _: &str) {
        if *self.wake_hangs.lock() {
            std::future::pending::<()>().await;
        }
        self.woken.lock().push(job);
    }
}

pub(super) struct World {
    pub(super) outside: Arc<Outside>,
    pub(super) database: Database,
    pub(super) repository: RepositoryId,
    _folder: TempDir,
}

impl World {
    /// One project with two instances; Monday, 2026-11-23 12:00 UTC.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:///{}", folder.path().join("firn.db").display());
        // Whether three or four slashes begin an absolute path, this is one.
        let database =
            Database::open(&url.replace("////", "///")).or_else(|_| Database::open(&url)).unwrap();
        database.migrate().unwrap();
        let repository = RepositoryId::new();
        let now = utc("2026-11-23 12:00");
        let new = NewRepository {
            id: repository,
            name: "default".to_owned(),
            url: "file:///repository".to_owned(),
            chunk_bytes: 262_144,
        };
        database.run_blocking(|conn| repository_create(conn, new.clone(), now)).unwrap();
        let outside = Arc::new(Outside {
            now: Mutex::new(now),
            instances: Mutex::default(),
            cloud_silent: Mutex::new(false),
            identity: Mutex::new(Identity::Grants),
            asked: Mutex::default(),
            woken: Mutex::default(),
            wake_hangs: Mutex::new(false),
        });
        let world = Self { outside, database, repository, _folder: folder };
        world.instance("web-1", PROJECT, &[]);
        world.instance("web-2", PROJECT, &[]);
        world
    }

    pub(super) fn instance(
        &self,
        name: &str,
        project: &str,
        metadata: &[(&str, &str)],
    ) -> InstanceId {
        let id = InstanceId::new();
        let summary = InstanceSummary {
            id,
            name: name.to_owned(),
            project_id: ProjectId(project.to_owned()),
            power_state: PowerState::ShutOff,
            metadata: None,
        };
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        self.outside.instances.lock().push((summary, metadata.iter().map(owned).collect()));
        id
    }

    pub(super) fn scheduler(&self, owner: &str) -> Scheduler {
        let settings = Settings {
            owner: owner.to_owned(),
            lease: LEASE,
            deadline: Duration::from_secs(5),
            repository: self.repository,
            quotas: QuotaLimits::default(),
        };
        let outside = &self.outside;
        Scheduler::new(
            settings,
            self.database.clone(),
            Arc::clone(outside) as _,
            Arc::clone(outside) as _,
            Arc::clone(outside) as _,
            Arc::clone(outside) as _,
        )
    }

    pub(super) fn run<T>(&self, queries: impl FnOnce(&mut Connection) -> Result<T, DbError>) -> T {
        self.database.run_blocking(queries).unwrap()
    }

    pub(super) fn plan(&self, settings: Value) -> PlanRow {
        let new = NewPlan {
            id: PlanId::new(),
            project_id: ProjectId(PROJECT.to_owned()),
            user_id: "u1".to_owned(),
            trust_id: Some("t1".to_owned()),
            settings: serde_json::from_value::<PlanSettings>(settings).unwrap(),
        };
        let now = self.now();
        self.run(|conn| plan_create(conn, new, now))
    }

    pub(super) fn plan_now(&self, plan: &PlanRow) -> PlanRow {
        self.run(|conn| plan_get(conn, &Scope::All, plan.plan.id))
    }

    /// All runs of a plan, oldest first.
    pub(super) fn runs(&self, plan: &PlanRow) -> Vec<PlanRun> {
        let mut runs =
            self.run(|conn| plan_run_list(conn, &Scope::All, plan.plan.id, None, 10_000));
        runs.reverse();
        runs
    }

    pub(super) fn points(&self, plan: &PlanRow) -> Vec<Point> {
        self.run(|conn| points_of_plan(conn, plan.plan.id, None))
    }

    pub(super) fn events(&self, run: &PlanRun) -> Vec<PlanRunEvent> {
        self.run(|conn| plan_run_event_list(conn, run.id, None, 1000))
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        *self.outside.now.lock()
    }

    pub(super) fn advance(&self, by: TimeDelta) {
        *self.outside.now.lock() += by;
    }

    pub(super) fn at(&self, text: &str) {
        *self.outside.now.lock() = utc(text);
    }

    /// Does what conductors do with the jobs there are; backups of `failing` fail.
    pub(super) fn work(&self, failing: &[InstanceId]) {
        let now = self.now();
        let length = TimeDelta::seconds(60);
        while let Some(claimed) = self.run(|conn| job_claim_next(conn, "c", length, now)) {
            let claim = claimed.claim;
            let failed = claimed.job.instance_id.is_some_and(|id| failing.contains(&id));
            let end = match claimed.job.kind {
                JobKind::CreatePoint if failed => {
                    let error = JobError { kind: ErrorKind::Internal, message: "no".to_owned() };
                    self.run(|conn| job_unwind(conn, &claim, Some(&error), now));
                    JobEnd::Unwound
                }
                JobKind::CreatePoint => JobEnd::PointCreated(PointFigures {
                    consistency: Consistency::Crash,
                    parent_id: None,
                    disks: Vec::new(),
                }),
                JobKind::DeletePoint => JobEnd::PointDeleted,
                other => panic!("nobody asked for {other:?}"),
            };
            self.run(|conn| job_finish(conn, &claim, &end, now));
        }
    }

    /// Every scheduled time after the plan was made and until `until` was dealt with once: as a
    /// run, or as missed by one. Those between `until` and now may have been, too.
    pub(super) fn check_nothing_lost_or_doubled(&self, plan: &PlanRow, until: DateTime<Utc>) {
        let timetable: Timetable = plan.plan.settings.timetable().unwrap().unwrap();
        let runs = self.runs(plan);
        let mut expected = Vec::new();
        let mut time = plan.plan.created_at;
        while let Some(next) = timetable.next_after(time).filter(|next| *next <= self.now()) {
            expected.push(next);
            time = next;
        }
        let mut dealt = 0;
        for run in &runs {
            dealt += run.missed as usize + 1;
            assert_eq!(expected.get(dealt - 1), Some(&run.scheduled_at), "{run:?}");
        }
        let least = expected.iter().filter(|time| **time <= until).count();
        assert!(dealt >= least, "{least} were due: {runs:?}");
        let points = self.points(plan);
        for run in runs.iter().filter(|run| run.started_at.is_some()) {
            let made = points.iter().filter(|point| point.plan_run_id == Some(run.id)).count();
            assert_eq!(made, run.instances as usize, "{run:?}");
        }
    }
}
