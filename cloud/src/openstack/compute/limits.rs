use serde::Deserialize;

/// What the session's own project may have in Nova, and has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ComputeLimits {
    /// Servers; -1: no limit.
    #[serde(rename = "maxTotalInstances")]
    pub instances: i64,
    /// Servers that there are.
    #[serde(rename = "totalInstancesUsed")]
    pub instances_used: i64,
    /// Virtual CPUs; -1: no limit.
    #[serde(rename = "maxTotalCores")]
    pub cores: i64,
    /// Virtual CPUs of all servers.
    #[serde(rename = "totalCoresUsed")]
    pub cores_used: i64,
    /// Memory in MiB; -1: no limit.
    #[serde(rename = "maxTotalRAMSize")]
    pub memory_mib: i64,
    /// Memory of all servers, in MiB.
    #[serde(rename = "totalRAMUsed")]
    pub memory_used_mib: i64,
    /// Servers of one user in one server group; -1: no limit.
    #[serde(default = "unlimited", rename = "maxServerGroupMembers")]
    pub group_members: i64,
}

const fn unlimited() -> i64 {
    -1
}

/// How Nova wraps them.
#[derive(Deserialize)]
pub(super) struct Limits {
    pub(super) absolute: ComputeLimits,
}

impl ComputeLimits {
    /// How many servers may still be made; none where there is no limit.
    pub fn instances_left(&self) -> Option<u64> {
        left(self.instances, self.instances_used)
    }

    /// How many virtual CPUs may still be used; none where there is no limit.
    pub fn cores_left(&self) -> Option<u64> {
        left(self.cores, self.cores_used)
    }

    /// How much memory may still be used, in MiB; none where there is no limit.
    pub fn memory_left_mib(&self) -> Option<u64> {
        left(self.memory_mib, self.memory_used_mib)
    }

    /// How many servers of a user may still join a server group that has `members` of theirs; none
    /// where there is no limit.
    pub fn group_members_left(&self, members: usize) -> Option<u64> {
        left(self.group_members, i64::try_from(members).unwrap_or(i64::MAX))
    }
}

fn left(limit: i64, used: i64) -> Option<u64> {
    (limit >= 0).then(|| limit.saturating_sub(used).max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_never_below_nothing() {
        let text = r#"{"absolute": {"maxTotalInstances": 10, "totalInstancesUsed": 3,
            "maxTotalCores": 4, "totalCoresUsed": 5, "maxTotalRAMSize": -1, "totalRAMUsed": 512,
            "maxServerMeta": 128}}"#;
        let limits = serde_json::from_str::<Limits>(text).unwrap().absolute;
        assert_eq!(limits.instances_left(), Some(7));
        assert_eq!(limits.cores_left(), Some(0));
        assert_eq!(limits.memory_left_mib(), None);
        assert_eq!(limits.group_members_left(99), None, "it is not told");
        let limits = ComputeLimits { group_members: 10, ..limits };
        assert_eq!(limits.group_members_left(9), Some(1));
        assert_eq!(limits.group_members_left(11), Some(0));
    }
}
