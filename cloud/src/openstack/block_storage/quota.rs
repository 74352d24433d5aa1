use serde::Deserialize;

/// A project's quota in Cinder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct QuotaUsage {
    /// Volumes.
    pub volumes: Usage,
    /// Snapshots.
    pub snapshots: Usage,
    /// GiB of volumes and snapshots.
    #[serde(rename = "gigabytes")]
    pub size_gib: Usage,
    /// GiB of one volume; nothing is ever used of it.
    #[serde(default = "Usage::unlimited", rename = "per_volume_gigabytes")]
    pub per_volume_gib: Usage,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Usage {
    /// -1: none.
    pub limit: i64,
    /// Used.
    pub in_use: i64,
    /// About to be used.
    pub reserved: i64,
}

impl Usage {
    const fn unlimited() -> Self {
        Self { limit: -1, in_use: 0, reserved: 0 }
    }

    /// What may still be used; none where there is no limit.
    pub fn left(&self) -> Option<u64> {
        let used = self.in_use.saturating_add(self.reserved);
        (self.limit >= 0).then(|| self.limit.saturating_sub(used).max(0).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_never_below_nothing() {
        let left = |limit, in_use, reserved| Usage { limit, in_use, reserved }.left();
        assert_eq!(left(10, 3, 2), Some(5));
        assert_eq!(left(10, 12, 0), Some(0));
        assert_eq!(left(-1, 12, 0), None);
    }
}
