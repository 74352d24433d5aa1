use chrono::{DateTime, Utc};
use firn_db::Repository;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::RepositoryStatus;

/// One repository.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RepositoryBody {
    pub(crate) repository: RepositoryView,
}

/// All repositories.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RepositoryListBody {
    pub(crate) repositories: Vec<RepositoryView>,
}

/// A place that restore points are stored in. Figures are as last reported by a conductor, and
/// `null` where none was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RepositoryView {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// Where it lies.
    pub(crate) url: String,
    pub(crate) status: RepositoryStatus,
    /// Why it cannot be reached.
    pub(crate) status_reason: Option<String>,
    pub(crate) chunk_bytes: u64,
    /// Size of its storage.
    pub(crate) capacity_bytes: Option<u64>,
    /// Free space of its storage.
    pub(crate) free_bytes: Option<u64>,
    /// What it occupies.
    pub(crate) stored_bytes: Option<u64>,
    /// Sum of the sizes of all disks of all its points.
    pub(crate) virtual_bytes: Option<u64>,
    /// Bytes of disks for each byte of content kept: what leaving out zeros and finding the same
    /// content again save.
    pub(crate) dedup_ratio: Option<f64>,
    /// Bytes of content for each byte of storage.
    pub(crate) compression_ratio: Option<f64>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

/// What the points of a repository add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PointSums {
    /// Content that was new when they were made.
    pub(crate) new_bytes: u64,
    /// What storing it took.
    pub(crate) stored_bytes: u64,
}

impl RepositoryView {
    pub(crate) fn new(repository: Repository, sums: PointSums) -> Self {
        let compression = ratio(sums.new_bytes, sums.stored_bytes);
        let whole = match (repository.virtual_bytes, repository.stored_bytes) {
            (Some(virtual_bytes), Some(stored)) => ratio(virtual_bytes, stored),
            _ => None,
        };
        Self {
            id: repository.id.0,
            name: repository.name,
            url: repository.url,
            status: repository.status.into(),
            status_reason: repository.status_reason,
            chunk_bytes: repository.chunk_bytes,
            capacity_bytes: repository.capacity_bytes,
            free_bytes: repository.free_bytes,
            stored_bytes: repository.stored_bytes,
            virtual_bytes: repository.virtual_bytes,
            // The two together are the whole, also after points were deleted.
            dedup_ratio: whole.zip(compression).map(|(whole, packed)| round(whole / packed)),
            compression_ratio: compression.map(round),
            created_at: repository.created_at,
            updated_at: repository.updated_at,
        }
    }
}

fn ratio(large: u64, small: u64) -> Option<f64> {
    (large > 0 && small > 0).then(|| large as f64 / small as f64)
}

fn round(ratio: f64) -> f64 {
    (ratio * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_need_something_to_divide() {
        assert_eq!(ratio(0, 5), None);
        assert_eq!(ratio(5, 0), None);
        assert_eq!(ratio(5, 2).map(round), Some(2.5));
    }
}
