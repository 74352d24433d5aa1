use super::QuotaLimits;

oslo_config::options! {
    /// What a project may have that has no limits of its own; -1: any number.
    pub struct QuotaOptions in "quota" {
        /// Instances with at least one restore point.
        pub instances: i64 = -1, min -1;
        /// Restore points in any state.
        pub restore_points: i64 = -1, min -1;
        /// Bytes that the restore points of the project added to the repositories.
        pub stored_bytes: i64 = -1, min -1;
        /// Jobs that have not ended.
        pub concurrent_jobs: i64 = -1, min -1;
    }
}

impl QuotaOptions {
    /// As the database takes them.
    pub fn limits(&self) -> QuotaLimits {
        let limit = |limit: i64| u64::try_from(limit).ok();
        QuotaLimits {
            instances: limit(self.instances),
            restore_points: limit(self.restore_points),
            stored_bytes: limit(self.stored_bytes),
            concurrent_jobs: limit(self.concurrent_jobs),
        }
    }
}
