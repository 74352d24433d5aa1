//! Writes a restore point's disks to a folder of raw files.
//!
//! The worker fills a hidden folder; only when all of it is durable is it renamed to the name
//! that was asked for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use firn_core::{ErrorKind, RestoreTarget};
use serde_json::{Value, json};

use super::{JobContext, JobError, RunningJob, Step};
use crate::worker::protocol::{Restore, Work};

/// Every folder that is not a finished restore begins with this; a restore's name cannot.
pub(crate) const PARTIAL_PREFIX: &str = ".partial-";

pub(super) fn steps(job: &Arc<RunningJob>) -> Vec<Box<dyn Step>> {
    vec![Box::new(Write(Arc::clone(job))), Box::new(Publish(Arc::clone(job)))]
}

/// Where a restore is written and where it ends up.
struct Folders {
    partial: PathBuf,
    finished: PathBuf,
}

async fn folders(job: &RunningJob) -> Result<Folders, JobError> {
    let root = &job.services.config.restores_dir;
    let RestoreTarget::File { name } = job.restore().await?.target;
    Ok(Folders {
        partial: root.join(format!("{PARTIAL_PREFIX}{}", job.resource_id)),
        finished: root.join(name.as_str()),
    })
}

struct Write(Arc<RunningJob>);

#[async_trait]
impl Step for Write {
    fn name(&self) -> &'static str {
        "write"
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let Folders { partial, finished } = folders(&self.0).await?;
        if finished.exists() {
            return Err(exists(&finished));
        }
        let point_id = self.0.restore().await?.point_id;
        self.0.work(Work::Restore(Restore { point_id, folder: partial }), context).await
    }

    async fn undo(&self, _: &JobContext) -> Result<(), JobError> {
        let Folders { partial, .. } = folders(&self.0).await?;
        match tokio::fs::remove_dir_all(&partial).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("removing", &partial, &error))
            }
            _ => Ok(()),
        }
    }
}

struct Publish(Arc<RunningJob>);

#[async_trait]
impl Step for Publish {
    fn name(&self) -> &'static str {
        "publish"
    }

    async fn run(&self, _: &JobContext) -> Result<Value, JobError> {
        let Folders { partial, finished } = folders(&self.0).await?;
        // The step before left the partial folder; where it is gone, an earlier attempt at this
        // step has renamed it.
        if partial.exists() || !finished.exists() {
            rename(&partial, &finished)?;
        }
        Ok(json!({ "path": finished }))
    }

    async fn undo(&self, _: &JobContext) -> Result<(), JobError> {
        let Folders { partial, finished } = folders(&self.0).await?;
        if !partial.exists() && finished.exists() {
            rename(&finished, &partial)?;
        }
        Ok(())
    }
}

/// Renames without ever replacing, durably.
fn rename(from: &Path, to: &Path) -> Result<(), JobError> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(|error| match error {
        rustix::io::Errno::EXIST | rustix::io::Errno::NOTEMPTY => exists(to),
        error => failed("publishing", to, &error.into()),
    })?;
    let parent = to.parent().unwrap_or(Path::new("/"));
    std::fs::File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed("flushing", parent, &error))
}

fn exists(folder: &Path) -> JobError {
    let folder = folder.display();
    JobError::new(ErrorKind::Conflict, format!("{folder} exists: restore under another name"))
}

fn failed(doing: &str, folder: &Path, error: &io::Error) -> JobError {
    JobError::from_chain(ErrorKind::Internal, &format!("{doing} {}", folder.display()), error)
}
