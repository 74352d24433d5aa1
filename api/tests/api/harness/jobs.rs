//! What a conductor would do to jobs, done by hand.

use chrono::{TimeDelta, Utc};
use firn_core::{Consistency, DiskId, DiskKind, ErrorKind, JobId};
use firn_db::{Claim, JobEnd, JobError, JobProgress, PointDisk, PointFigures};
use serde_json::Value;

use super::Harness;

pub(crate) fn job_of(view: &Value) -> JobId {
    view["job_id"].as_str().unwrap().parse().unwrap()
}

impl Harness {
    pub(crate) async fn claim(&self, job: JobId) -> Claim {
        let lease = TimeDelta::seconds(60);
        self.database
            .run(move |conn| firn_db::job_claim(conn, job, "conductor1", lease, Utc::now()))
            .await
            .unwrap()
            .expect("nobody else claims")
            .claim
    }

    /// What the conductor is told beyond what the API shows.
    pub(crate) async fn job_spec(&self, job: JobId) -> Value {
        let get = move |conn: &mut _| firn_db::job_get(conn, &firn_db::Scope::All, job);
        self.database.run(get).await.unwrap().spec
    }

    pub(crate) async fn end(&self, claim: Claim, end: JobEnd) {
        self.database
            .run(move |conn| firn_db::job_finish(conn, &claim, &end, Utc::now()))
            .await
            .unwrap();
    }

    pub(crate) async fn fail(&self, job: JobId, message: &'static str) {
        let claim = self.claim(job).await;
        let error = JobError { kind: ErrorKind::Unavailable, message: message.to_owned() };
        self.database
            .run(move |conn| firn_db::job_unwind(conn, &claim, Some(&error), Utc::now()))
            .await
            .unwrap();
        self.end(claim, JobEnd::Unwound).await;
    }

    pub(crate) async fn beat(&self, claim: Claim, progress: JobProgress) {
        self.database
            .run(move |conn| {
                let until = Utc::now() + TimeDelta::seconds(60);
                firn_db::job_heartbeat(conn, &claim, Some(progress), until, Utc::now())
            })
            .await
            .unwrap();
    }

    /// A point that can be restored.
    pub(crate) async fn available_point(&self) -> Value {
        let point = self.backup().await;
        let claim = self.claim(job_of(&point)).await;
        self.fill(claim).await;
        let path = format!("/v1/restore-points/{}", point["id"].as_str().unwrap());
        self.get(&path).await.body["restore_point"].clone()
    }

    /// Ends the job of a new point well.
    pub(crate) async fn fill(&self, claim: Claim) {
        let disk = PointDisk {
            id: DiskId::new(),
            device: "vda".to_owned(),
            kind: DiskKind::Root,
            driver: "file".to_owned(),
            size_bytes: 8 << 30,
            read_bytes: 3 << 30,
            new_bytes: 2 << 30,
            stored_bytes: 1 << 30,
        };
        let figures = PointFigures {
            consistency: Consistency::Application,
            parent_id: None,
            disks: vec![disk],
        };
        self.end(claim, JobEnd::PointCreated(figures)).await;
    }
}
