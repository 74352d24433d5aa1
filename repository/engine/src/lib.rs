//! The deduplicating store for disk images.
//!
//! A repository keeps restore points of disks in objects of a storage. `docs/FORMAT.md`
//! specifies every byte of it.
//!
//! Invariants:
//! - objects are written once and never changed; what is visible is complete;
//! - a point is committed by its record, the last object written; whatever it needs was durable
//!   before;
//! - every point is complete: its map leads to every chunk, and no other point is needed;
//! - data that leaves a repository was authenticated and compared with its chunk's name: wrong
//!   bytes are an error, never a result;
//! - any number of processes may write at once; nothing is locked.
//!
//! It must not know of instances beyond their record, of drivers, jobs, clouds or databases.
//! All calls block; from async code they belong on blocking threads.

mod chunk;
mod config;
mod control;
mod crypto;
mod endpoint;
mod error;
mod fetch;
mod format;
mod frame;
mod index;
mod map;
mod pack;
mod plan;
mod point;
mod quarantine;
mod queue;
mod read;
mod rebuild;
mod report;
mod repository;
mod session;
mod storage;
mod verify;

pub use chunk::{ChunkId, ChunkSize};
pub use control::{Control, ProgressFn};
pub use crypto::MasterKey;
pub use endpoint::{EndpointError, Sink, SinkError, Source, SourceError};
pub use error::{RepositoryError, Result};
pub use plan::{DiskImage, DiskPlan, DiskStats, MapRoot};
pub use point::{DiskRecord, NewPoint, PointEntry, PointRecord};
pub use read::{DiskReader, RestoreOptions};
pub use report::{Affected, Damage, RebuildReport, RestoreStats, Usage, VerifyReport, VerifyScope};
pub use repository::{CreateOptions, OpenOptions, Repository};
pub use session::Session;
pub use storage::{Backend, ObjectEntry, Storage, StorageError};
