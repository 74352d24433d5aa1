//! Writes a restore point's disks to a folder of raw files.
//!
//! The worker fills a hidden folder; only when all of it is durable is it renamed to the name
//! that was asked for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use firn_core::{ErrorKind, FileName};
use serde_json::{Value, json};

use crate::saga::{JobContext, JobError, RunningJob, Step};
use crate::worker::protocol::{Restore, RestoreTo, Work};

/// Every folder that is not a finished restore begins with this; a restore's name cannot.
pub(crate) const PARTIAL_PREFIX: &str = ".partial-";

pub(super) fn steps(job: &Arc<RunningJob>, name: FileName) -> Vec<Box<dyn Step>> {
    let folders = Folders::new(job, &name);
    let write = Write { job: Arc::clone(job), folders: folders.clone() };
    vec![Box::new(write), Box::new(Publish(folders))]
}

/// Where a restore is written and where it ends up.
#[derive(Clone)]
struct Folders {
    partial: PathBuf,
    finished: PathBuf,
}

impl Folders {
    fn new(job: &RunningJob, name: &FileName) -> Self {
        let root = &job.services.config.restores_dir;
        Self {
            partial: root.join(format!("{PARTIAL_PREFIX}{}", job.resource_id)),
            finished: root.join(name.as_str()),
        }
    }
}

struct Write {
    job: Arc<RunningJob>,
    folders: Folders,
}

#[async_trait]
impl Step for Write {
    fn name(&self) -> &'static str {
        "write"
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let Folders { partial, finished } = &self.folders;
        if finished.exists() {
            return Err(exists(finished));
        }
        let point_id = self.job.restore().await?.point_id;
        let to = RestoreTo::Folder { path: partial.clone() };
        self.job.work(Work::Restore(Restore { point_id, to }), context).await
    }

    async fn undo(&self, _: &JobContext) -> Result<(), JobError> {
        let partial = &self.folders.partial;
        match tokio::fs::remove_dir_all(partial).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("removing", partial, &error))
            }
            _ => Ok(()),
        }
    }
}

struct Publish(Folders);

#[async_trait]
impl Step for Publish {
    fn name(&self) -> &'static str {
        "publish"
    }

    async fn run(&self, _: &JobContext) -> Result<Value, JobError> {
        let Folders { partial, finished } = &self.0;
        // The step before left the partial folder; where it is gone, an earlier attempt at this
        // step has renamed it.
        if partial.exists() || !finished.exists() {
            rename(partial, finished)?;
        }
        Ok(json!({ "path": finished }))
    }

    async fn undo(&self, _: &JobContext) -> Result<(), JobError> {
        let Folders { partial, finished } = &self.0;
        if !partial.exists() && finished.exists() {
            rename(finished, partial)?;
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
