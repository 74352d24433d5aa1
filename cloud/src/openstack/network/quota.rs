use serde::Deserialize;

/// How many ports a project may have, and has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct PortQuota {
    /// -1: any number.
    pub limit: i64,
    /// Those that there are.
    pub used: i64,
    /// Those that are being made.
    #[serde(default)]
    pub reserved: i64,
}

/// How Neutron wraps it.
#[derive(Deserialize)]
pub(super) struct Details {
    pub(super) port: PortQuota,
}

impl PortQuota {
    /// How many may still be made; none where there is no limit.
    pub fn left(&self) -> Option<u64> {
        let used = self.used.saturating_add(self.reserved);
        (self.limit >= 0).then(|| self.limit.saturating_sub(used).max(0).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_never_below_nothing() {
        let left = |text: &str| serde_json::from_str::<Details>(text).unwrap().port.left();
        let details = r#"{"network": {"limit": 1, "used": 0, "reserved": 0},
            "port": {"limit": 10, "used": 3, "reserved": 2}}"#;
        assert_eq!(left(details), Some(5));
        assert_eq!(left(r#"{"port": {"limit": 3, "used": 4}}"#), Some(0));
        assert_eq!(left(r#"{"port": {"limit": -1, "used": 4}}"#), None);
    }
}
