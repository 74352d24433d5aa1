//! A restore in place and other work on the same instance do not go together: what is older goes
//! first, what is newer fails and says so.

use firn_core::{ErrorKind, InstanceId, JobId, JobKind, RestoreId, RestoreTarget};
use firn_db::{Connection, DbError, Job, Scope};

use super::{JobError, RunningJob};

impl RunningJob {
    /// Fails a backup while its instance is restored in place.
    pub(super) async fn yield_to_restore(
        &self,
        id: JobId,
        instance: InstanceId,
    ) -> Result<(), JobError> {
        self.yield_to(id, instance, restores_in_place).await
    }

    /// Fails a restore in place while its instance is backed up or restored in place.
    pub(super) async fn yield_to_others(
        &self,
        id: JobId,
        instance: InstanceId,
    ) -> Result<(), JobError> {
        let stands_in_the_way = |conn: &mut Connection, job: &Job| match job.kind {
            JobKind::CreatePoint => Ok(true),
            _ => restores_in_place(conn, job),
        };
        self.yield_to(id, instance, stands_in_the_way).await
    }

    async fn yield_to(
        &self,
        id: JobId,
        instance: InstanceId,
        matters: impl Fn(&mut Connection, &Job) -> Result<bool, DbError> + Send + 'static,
    ) -> Result<(), JobError> {
        let older = move |conn: &mut Connection| {
            let jobs = firn_db::jobs_unfinished_of_instance(conn, instance)?;
            for job in jobs.iter().take_while(|job| job.id != id) {
                if matters(conn, job)? {
                    return Ok(Some(job.id));
                }
            }
            Ok(None)
        };
        match self.query(older).await? {
            None => Ok(()),
            Some(job) => Err(JobError::new(
                ErrorKind::Conflict,
                format!("job {job} works on the same instance: try again when it has ended"),
            )),
        }
    }
}

fn restores_in_place(conn: &mut Connection, job: &Job) -> Result<bool, DbError> {
    if job.kind != JobKind::Restore {
        return Ok(false);
    }
    let restore = firn_db::restore_get(conn, &Scope::All, RestoreId(job.resource_id))?;
    Ok(restore.target == RestoreTarget::Original)
}
