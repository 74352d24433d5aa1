use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use opendal::{Buffer, Operator, services};
use tokio::runtime::{Builder, Handle, Runtime};

use super::temporary::Folder;
use super::{Backend, ObjectEntry, StorageError};

/// A repository on a service of `opendal`.
pub(super) struct OperatorBackend {
    operator: Operator,
    runtime: Handle,
    /// Set where the service is a folder of this machine.
    folder: Option<Folder>,
}

impl OperatorBackend {
    pub(super) fn local(root: &Path) -> Result<Self, StorageError> {
        std::fs::create_dir_all(root).map_err(file)?;
        let root = root.canonicalize().map_err(file)?;
        let Some(text) = root.to_str() else {
            return Err(StorageError::Lacks { missing: "a path in UTF-8" });
        };
        let operator = Operator::new(services::Fs::default().root(text)).map_err(service)?;
        Ok(Self { operator, runtime: runtime()?, folder: Some(Folder::new(root)) })
    }

    pub(super) fn remote(operator: Operator) -> Result<Self, StorageError> {
        let capability = operator.info().capability();
        for (present, missing) in [
            (capability.read, "reads"),
            (capability.write, "writes"),
            (capability.stat, "stat"),
            (capability.list, "listings"),
            (capability.delete, "deletes"),
        ] {
            if !present {
                return Err(StorageError::Lacks { missing });
            }
        }
        Ok(Self { operator, runtime: runtime()?, folder: None })
    }

    fn put_remote(&self, object: &str, data: Buffer) -> Result<(), StorageError> {
        if self.operator.info().capability().write_with_if_not_exists {
            let write = self.operator.write_with(object, data).if_not_exists(true);
            return match self.runtime.block_on(write.into_future()) {
                Ok(_) => Ok(()),
                Err(error)
                    if matches!(
                        error.kind(),
                        opendal::ErrorKind::ConditionNotMatch | opendal::ErrorKind::AlreadyExists
                    ) =>
                {
                    Err(StorageError::Exists)
                }
                Err(error) => Err(service(error)),
            };
        }
        if self.stat(object)?.is_some() {
            return Err(StorageError::Exists);
        }
        self.runtime.block_on(self.operator.write(object, data)).map_err(service)?;
        Ok(())
    }
}

impl Backend for OperatorBackend {
    fn put(&self, object: &str, data: Vec<Bytes>, owner: &str) -> Result<(), StorageError> {
        let data = Buffer::from_iter(data);
        let Some(folder) = &self.folder else {
            return self.put_remote(object, data);
        };
        let _space = folder.take_space(data.len() as u64)?;
        let temporary = folder.temporary(owner);
        let written = self
            .runtime
            .block_on(self.operator.write(&temporary, data))
            .map_err(service)
            .and_then(|_| folder.publish(&temporary, object));
        if written.is_err() {
            folder.discard(&temporary);
        }
        written
    }

    fn get(&self, object: &str) -> Result<Vec<u8>, StorageError> {
        let data = self.runtime.block_on(self.operator.read(object)).map_err(service)?;
        Ok(data.to_vec())
    }

    fn get_range(&self, object: &str, range: Range<u64>) -> Result<Vec<u8>, StorageError> {
        let read = |range| {
            let read = self.operator.read_with(object).range(range);
            self.runtime.block_on(read.into_future())
        };
        match read(range.clone()) {
            Ok(data) => Ok(data.to_vec()),
            // The service gives all of a range or nothing; what there is of it is asked for.
            Err(error) if error.kind() == opendal::ErrorKind::RangeNotSatisfied => {
                let size = self.stat(object)?.unwrap_or(0);
                if range.start >= size {
                    return Ok(Vec::new());
                }
                let rest = range.start..size.min(range.end);
                Ok(read(rest).map_err(service)?.to_vec())
            }
            Err(error) => Err(service(error)),
        }
    }

    fn stat(&self, object: &str) -> Result<Option<u64>, StorageError> {
        match self.runtime.block_on(self.operator.stat(object)) {
            Ok(metadata) => Ok(Some(metadata.content_length())),
            Err(error) if error.kind() == opendal::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(service(error)),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<ObjectEntry>, StorageError> {
        let list = self.operator.list_with(folder).recursive(true);
        let entries = match self.runtime.block_on(list.into_future()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == opendal::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(service(error)),
        };
        Ok(entries
            .into_iter()
            .filter(|entry| entry.metadata().is_file())
            .map(|entry| {
                let size_bytes = entry.metadata().content_length();
                ObjectEntry { path: entry.path().to_owned(), size_bytes }
            })
            .collect())
    }

    fn delete(&self, object: &str) -> Result<(), StorageError> {
        self.runtime.block_on(self.operator.delete(object)).map_err(service)?;
        match &self.folder {
            Some(folder) => folder.sync_parent(object),
            None => Ok(()),
        }
    }

    fn clean(&self, owner: &str) -> Result<(), StorageError> {
        match &self.folder {
            Some(folder) => folder.clean(owner),
            None => Ok(()),
        }
    }

    fn local_path(&self, object: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.path(object))
    }
}

/// The threads that drive the service's calls. One set a process, never dropped: dropping a
/// runtime inside another one's task panics, and callers may well be in one.
fn runtime() -> Result<Handle, StorageError> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime.handle().clone());
    }
    let built = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("firn-storage")
        .enable_all()
        .build()
        .map_err(file)?;
    Ok(RUNTIME.get_or_init(|| built).handle().clone())
}

pub(super) fn file(source: std::io::Error) -> StorageError {
    StorageError::File { source }
}

fn service(source: opendal::Error) -> StorageError {
    StorageError::Service { source: Box::new(source) }
}
