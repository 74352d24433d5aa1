use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A snapshot of a volume.
#[derive(Clone, Debug, Deserialize)]
pub struct Snapshot {
    /// UUID; on RBD the snapshot is `snapshot-<id>`.
    pub id: String,
    /// Name, not unique.
    #[serde(default)]
    pub name: Option<String>,
    /// `creating`, `available`, `deleting`, `error`, `error_deleting`, ...
    pub status: String,
    /// The volume.
    pub volume_id: String,
    /// Size of the volume then.
    #[serde(rename = "size")]
    pub size_gib: u64,
    /// Key and value pairs.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// When it was asked for, in Cinder's form (UTC).
    #[serde(default)]
    pub created_at: Option<String>,
    /// Who owns it.
    #[serde(default, rename = "os-extended-snapshot-attributes:project_id")]
    pub project_id: Option<String>,
}

/// A snapshot to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewSnapshot {
    /// The volume, available or in use: the versions spoken need no `force`.
    pub volume_id: String,
    /// Name.
    pub name: String,
    /// Key and value pairs: what tells that it is ours, and whose work it belongs to.
    pub metadata: BTreeMap<String, String>,
}

/// Which snapshots to list; what is not set lets all through.
#[derive(Clone, Debug, Default)]
pub struct SnapshotFilter {
    /// Those of this volume.
    pub volume_id: Option<String>,
    /// Those whose names begin so.
    pub name_prefix: Option<String>,
    /// Those with all of these pairs.
    pub metadata: BTreeMap<String, String>,
}

impl SnapshotFilter {
    /// Whether it lets a snapshot through. Decided here, because which filters Cinder knows is up
    /// to its configuration.
    pub fn lets_through(&self, snapshot: &Snapshot) -> bool {
        let Self { volume_id, name_prefix, metadata } = self;
        let name = snapshot.name.as_deref().unwrap_or_default();
        volume_id.as_ref().is_none_or(|id| *id == snapshot.volume_id)
            && name_prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix.as_str()))
            && metadata.iter().all(|(key, value)| snapshot.metadata.get(key) == Some(value))
    }
}

/// A snapshot on a storage.
#[derive(Clone, Debug, Deserialize)]
pub struct ManageableSnapshot {
    /// Its name there.
    pub reference: SourceName,
    /// The volume's name there.
    pub source_reference: SourceName,
    /// Its id, where Cinder knows it.
    #[serde(default)]
    pub cinder_id: Option<String>,
}

/// What a storage calls a volume or a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SourceName {
    /// The name.
    #[serde(rename = "source-name")]
    pub source_name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_lets_through_what_has_all_it_names() {
        let text = r#"{"id": "s", "status": "available", "volume_id": "v", "size": 1,
            "name": "firn-1", "metadata": {"firn": "job", "x": "y"}}"#;
        let snapshot: Snapshot = serde_json::from_str(text).unwrap();
        let filter = |volume: Option<&str>, prefix: Option<&str>, pair: Option<(&str, &str)>| {
            let pair = pair.map(|(key, value)| (key.to_owned(), value.to_owned()));
            let filter = SnapshotFilter {
                volume_id: volume.map(str::to_owned),
                name_prefix: prefix.map(str::to_owned),
                metadata: pair.into_iter().collect(),
            };
            filter.lets_through(&snapshot)
        };
        assert!(filter(None, None, None));
        assert!(filter(Some("v"), Some("firn-"), Some(("firn", "job"))));
        assert!(!filter(Some("w"), None, None));
        assert!(!filter(None, Some("firn-2"), None));
        assert!(!filter(None, None, Some(("firn", "other"))));
        assert!(!filter(None, None, Some(("absent", ""))));
    }
}
