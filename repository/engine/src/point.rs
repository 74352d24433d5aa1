use chrono::{DateTime, Utc};
use firn_core::{BackupMode, Consistency, DiskId, DiskKind, InstanceId, PointId, ProjectId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::describe;
use crate::crypto::random;
use crate::format::{FRAME_BODY_BYTES_MAX, MAGIC_POINT, NONCE_BYTES, POINTS};
use crate::frame;
use crate::repository::Inner;
use crate::{DiskStats, MapRoot, RepositoryError, Result};

/// zstd level of records: they are small and kept for long.
const RECORD_LEVEL: i32 = 9;

/// A disk of a restore point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiskRecord {
    /// Its id.
    pub id: DiskId,
    /// Device in the guest, `vda`: unique within the point.
    pub device: String,
    /// What it was to the instance.
    pub kind: DiskKind,
    /// Size in bytes.
    pub size_bytes: u64,
    /// How to find its content.
    pub root: MapRoot,
    /// What the driver needs to tell what changed since; `None` where it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_token: Option<String>,
    /// What storing it took.
    pub stats: DiskStats,
    /// Whatever else the caller wants back: bus, serial, format, volume type, …
    #[serde(default)]
    pub attributes: serde_json::Value,
}

/// A restore point to be committed. Every root must come from the same session or from a
/// committed point of the same domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewPoint {
    /// Its id.
    pub id: PointId,
    /// Who owns it.
    pub project_id: ProjectId,
    /// Of which instance.
    pub instance_id: InstanceId,
    /// The instance's name then.
    pub instance_name: String,
    /// The moment the disks show.
    pub created_at: DateTime<Utc>,
    /// How it was made.
    pub mode: BackupMode,
    /// How consistent its disks are.
    pub consistency: Consistency,
    /// The point whose base it was made on: information only, the point is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<PointId>,
    /// Its disks.
    pub disks: Vec<DiskRecord>,
    /// Everything needed to rebuild the machine, the domain XML among it.
    #[serde(default)]
    pub identity: serde_json::Value,
}

/// A committed restore point, as the repository keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointRecord {
    /// Its id.
    pub id: PointId,
    /// Dedup domain its chunks live in.
    pub domain: String,
    /// Who owns it.
    pub project_id: ProjectId,
    /// Of which instance.
    pub instance_id: InstanceId,
    /// The instance's name then.
    pub instance_name: String,
    /// The moment the disks show.
    pub created_at: DateTime<Utc>,
    /// How it was made.
    pub mode: BackupMode,
    /// How consistent its disks are.
    pub consistency: Consistency,
    /// The point whose base it was made on: information only, the point is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<PointId>,
    /// Its disks.
    pub disks: Vec<DiskRecord>,
    /// Everything needed to rebuild the machine, the domain XML among it.
    #[serde(default)]
    pub identity: serde_json::Value,
}

impl PointRecord {
    pub(crate) fn new(domain: &str, point: NewPoint) -> Self {
        let NewPoint {
            id,
            project_id,
            instance_id,
            instance_name,
            created_at,
            mode,
            consistency,
            parent,
            disks,
            identity,
        } = point;
        Self {
            id,
            domain: domain.to_owned(),
            project_id,
            instance_id,
            instance_name,
            created_at,
            mode,
            consistency,
            parent,
            disks,
            identity,
        }
    }
}

/// One entry of the catalog.
#[derive(Clone, Debug, PartialEq)]
pub enum PointEntry {
    /// A good record.
    Good(Box<PointRecord>),
    /// A record that is there and cannot be read: nothing of it can be believed but its id.
    Damaged {
        /// From the object's name.
        id: PointId,
        /// What is wrong with it.
        reason: String,
    },
}

pub(crate) fn object(id: PointId) -> String {
    format!("{POINTS}{id}")
}

fn associated(id: PointId) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&MAGIC_POINT);
    bytes[8..].copy_from_slice(id.0.as_bytes());
    bytes
}

/// Writes a record: the commit.
pub(crate) fn write(inner: &Inner, record: &PointRecord, owner: &str) -> Result<()> {
    let json = serde_json::to_vec(record)
        .map_err(|_| RepositoryError::Internal { what: "a record does not become JSON" })?;
    if json.len() > FRAME_BODY_BYTES_MAX / 2 {
        return Err(RepositoryError::Invalid {
            what: format!("a record of {} bytes is too large", json.len()),
        });
    }
    let mut sealed = zstd::bulk::compress(&json, RECORD_LEVEL)
        .map_err(|_| RepositoryError::Internal { what: "a record does not compress" })?;
    let nonce = random::<NONCE_BYTES>()?;
    let key = inner.keyring.point(record.id.0)?;
    let tag = key.seal(nonce, &associated(record.id), &mut sealed)?;
    let body = [nonce.as_slice(), &sealed, &tag].concat();
    let frame = frame::wrap(MAGIC_POINT, &body);
    inner.storage.put(&object(record.id), vec![frame.into()], owner)
}

/// A record; `None` where there is none of this id.
pub(crate) fn find(inner: &Inner, id: PointId) -> Result<Option<PointRecord>> {
    let object = object(id);
    let Some(data) = inner.storage.find(&object)? else { return Ok(None) };
    match parse(inner, id, &data)? {
        Ok(record) => Ok(Some(record)),
        Err(what) => Err(RepositoryError::Damaged { object, what }),
    }
}

/// The record in an object's content; the inner error says what is wrong with it.
fn parse(
    inner: &Inner,
    id: PointId,
    data: &[u8],
) -> Result<std::result::Result<PointRecord, String>> {
    let body = match frame::unwrap(MAGIC_POINT, data) {
        Ok(body) => body,
        Err(error) => return Ok(Err(describe(error))),
    };
    let Some((nonce, sealed)) = body.split_first_chunk() else {
        return Ok(Err("it is cut short".to_owned()));
    };
    let mut sealed = sealed.to_vec();
    let key = inner.keyring.point(id.0)?;
    let Ok(plain) = key.open(*nonce, &associated(id), &mut sealed) else {
        return Ok(Err("it fails authentication".to_owned()));
    };
    let json = zstd::bulk::decompress(plain, FRAME_BODY_BYTES_MAX);
    let record = json.ok().and_then(|json| serde_json::from_slice::<PointRecord>(&json).ok());
    Ok(match record.filter(|record| record.id == id) {
        Some(record) => Ok(record),
        None => Err("it is no record of this point".to_owned()),
    })
}

/// Every record there is, good or not.
pub(crate) fn list(inner: &Inner) -> Result<Vec<PointEntry>> {
    let mut good = Vec::new();
    let mut damaged = Vec::new();
    for entry in inner.storage.list(POINTS)? {
        let name = entry.path.trim_start_matches(POINTS);
        let Ok(id) = Uuid::parse_str(name).map(PointId) else {
            tracing::warn!(object = entry.path, "no record has such a name");
            continue;
        };
        match find(inner, id) {
            Ok(Some(record)) => good.push(record),
            Ok(None) => {}
            Err(RepositoryError::Damaged { what, .. }) => {
                damaged.push(PointEntry::Damaged { id, reason: what });
            }
            Err(error) => return Err(error),
        }
    }
    good.sort_by_key(|record| (record.created_at, record.id));
    let good = good.into_iter().map(|record| PointEntry::Good(Box::new(record)));
    Ok(good.chain(damaged).collect())
}
