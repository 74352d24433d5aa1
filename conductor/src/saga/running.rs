use std::sync::Arc;

use firn_core::{ErrorKind, InstanceId, JobKind, PointId, RepositoryId, RestoreId, chain};
use firn_db::{Claim, Connection, DbError, Job, Point, Restore, Scope};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::{JobContext, JobError};
use crate::lease::Lease;
use crate::services::Services;
use crate::worker::Share;
use crate::worker::protocol::{Limits, Task, Work};

/// A job that this conductor has claimed, as its steps see it.
pub(crate) struct RunningJob {
    pub(crate) services: Arc<Services>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) claim: Claim,
    pub(crate) kind: JobKind,
    /// The point or restore it works on.
    pub(crate) resource_id: Uuid,
    repository_id: Option<RepositoryId>,
    spec: Value,
}

impl RunningJob {
    pub(crate) fn new(
        services: Arc<Services>,
        lease: Arc<Lease>,
        claim: Claim,
        job: &Job,
    ) -> Arc<Self> {
        Arc::new(Self {
            services,
            lease,
            claim,
            kind: job.kind,
            resource_id: job.resource_id,
            repository_id: job.repository_id,
            spec: job.spec.clone(),
        })
    }

    /// What the request said beyond its resource.
    pub(super) fn spec<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        serde_json::from_value(self.spec.clone()).map_err(|error| {
            JobError::from_chain(ErrorKind::Internal, "reading the job's request", &error)
        })
    }

    /// Runs a worker on the job's data.
    pub(super) async fn work(&self, work: Work, context: &JobContext) -> Result<Value, JobError> {
        let config = &self.services.config;
        let reads = matches!(work, Work::Backup(_));
        let mut share = reads.then(|| config.bandwidth.share());
        let bandwidth_bytes_per_second = share.as_mut().and_then(Share::bytes_per_second);
        let task = Task {
            job_id: context.id,
            repository: config.repository.clone(),
            drivers: config.drivers.clone(),
            limits: Limits { bandwidth_bytes_per_second, ..config.limits },
            work,
        };
        Ok(config.worker.run(&task, self.lease.as_ref(), &context.stop, share).await?)
    }

    /// The row of the point that the job works on.
    pub(super) async fn point(&self) -> Result<Point, JobError> {
        let id = PointId(self.resource_id);
        self.query(move |conn| firn_db::point_get(conn, &Scope::All, id)).await
    }

    /// The row of the restore that the job works on.
    pub(super) async fn restore(&self) -> Result<Restore, JobError> {
        let id = RestoreId(self.resource_id);
        self.query(move |conn| firn_db::restore_get(conn, &Scope::All, id)).await
    }

    /// The newest available point of an instance in the job's repository.
    pub(super) async fn newest_point(&self, id: InstanceId) -> Result<Option<PointId>, JobError> {
        let Some(repository) = self.repository_id else { return Ok(None) };
        let newest =
            move |conn: &mut Connection| firn_db::points_latest_available(conn, id, repository, 1);
        Ok(self.query(newest).await?.first().map(|point| point.id))
    }

    pub(super) async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, JobError> {
        let answer = self.services.database.run(query).await;
        answer.map_err(|error| JobError::new(error.kind(), chain(&error)))
    }
}
