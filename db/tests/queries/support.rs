use chrono::{DateTime, TimeDelta, Utc};
use firn_core::*;
use firn_db::*;
use serde_json::json;

use crate::engines::Place;

/// A fresh, migrated database with one repository in it.
pub(crate) struct Db {
    pub(crate) database: Database,
    pub(crate) repository: RepositoryId,
    pub(crate) place: Place,
}

impl Db {
    pub(crate) fn new(engine: Engine) -> Self {
        Self::at(Place::new(engine))
    }

    pub(crate) fn at(place: Place) -> Self {
        let database = Database::open(&place.url).unwrap();
        database.migrate().unwrap();
        let repository = RepositoryId::new();
        let new = NewRepository {
            id: repository,
            name: "default".to_owned(),
            url: "file:///var/lib/firn/repository".to_owned(),
            chunk_bytes: 262_144,
        };
        database.run_blocking(|conn| repository_create(conn, new, at(0))).unwrap();
        Self { database, repository, place }
    }

    pub(crate) fn run<T>(&self, queries: impl FnOnce(&mut Connection) -> Result<T, DbError>) -> T {
        self.database.run_blocking(queries).unwrap()
    }

    pub(crate) fn kind<T>(
        &self,
        queries: impl FnOnce(&mut Connection) -> Result<T, DbError>,
    ) -> ErrorKind {
        match self.database.run_blocking(queries) {
            Ok(_) => panic!("the query should have failed"),
            Err(error) => error.kind(),
        }
    }

    pub(crate) fn backup_request(&self, project: &str) -> BackupRequest {
        BackupRequest {
            point_id: PointId::new(),
            job_id: JobId::new(),
            project_id: ProjectId(project.to_owned()),
            instance_id: InstanceId::new(),
            instance_name: "web".to_owned(),
            name: None,
            description: None,
            repository_id: self.repository,
            mode: BackupMode::Full,
            spec: json!({"disks": ["vda"]}),
            request_id: "req-1".to_owned(),
        }
    }

    pub(crate) fn backup(&self, project: &str, seconds: i64) -> (Point, Job) {
        let request = self.backup_request(project);
        self.run(|conn| backup_request_create(conn, request, at(seconds)))
    }

    pub(crate) fn claim(&self, job: JobId, seconds: i64) -> Claim {
        let owner = "conductor-1";
        self.run(|conn| job_claim(conn, job, owner, lease(), at(seconds))).expect("claimable").claim
    }

    /// A point that went all the way to `Available`.
    pub(crate) fn available(&self, project: &str, seconds: i64) -> Point {
        self.fill(self.backup_request(project), seconds)
    }

    pub(crate) fn fill(&self, request: BackupRequest, seconds: i64) -> Point {
        let (point, job) = self.run(|conn| backup_request_create(conn, request, at(seconds)));
        let claim = self.claim(job.id, seconds);
        let end = JobEnd::PointCreated(figures(&["vda", "vdb"]));
        self.run(|conn| job_finish(conn, &claim, &end, at(seconds + 1)));
        self.point(point.id)
    }

    pub(crate) fn point(&self, id: PointId) -> Point {
        self.run(|conn| point_get(conn, &Scope::All, id))
    }

    pub(crate) fn job(&self, id: JobId) -> Job {
        self.run(|conn| job_get(conn, &Scope::All, id))
    }

    pub(crate) fn restore(&self, point: PointId, seconds: i64) -> (Restore, Job) {
        let request = restore_request(point);
        self.run(|conn| restore_request_create(conn, &Scope::All, request, at(seconds)))
    }
}

/// A fixed start plus seconds.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 123_456_000).unwrap() + TimeDelta::seconds(seconds)
}

pub(crate) fn lease() -> TimeDelta {
    TimeDelta::seconds(30)
}

pub(crate) fn project(name: &str) -> Scope {
    Scope::Project(ProjectId(name.to_owned()))
}

pub(crate) fn figures(devices: &[&str]) -> PointFigures {
    let disk = |device: &&str| PointDisk {
        id: DiskId::new(),
        device: (*device).to_owned(),
        kind: DiskKind::Root,
        driver: "file".to_owned(),
        size_bytes: 1000,
        read_bytes: 100,
        new_bytes: 10,
        stored_bytes: 1,
    };
    PointFigures {
        consistency: Consistency::Crash,
        parent_id: None,
        disks: devices.iter().map(disk).collect(),
    }
}

pub(crate) fn restore_request(point: PointId) -> RestoreRequest {
    RestoreRequest {
        restore_id: RestoreId::new(),
        job_id: JobId::new(),
        point_id: point,
        target: RestoreTarget::File { name: FileName::new("copy1").unwrap() },
        spec: json!({}),
        request_id: "req-2".to_owned(),
    }
}

pub(crate) fn point_request(point: PointId) -> PointRequest {
    PointRequest {
        job_id: JobId::new(),
        point_id: point,
        spec: json!({}),
        request_id: "req-3".to_owned(),
    }
}

pub(crate) fn failure(message: &str) -> JobError {
    JobError { kind: ErrorKind::Unavailable, message: message.to_owned() }
}
