//! What projects may have, and that they do not get more.

mod limits;
mod options;
mod reserve;

pub use limits::{QuotaLimits, QuotaResource, quota_get, quota_reset, quota_set, quotas_set};
pub use options::QuotaOptions;
pub(crate) use reserve::project_lock;
pub use reserve::{QuotaDemand, quota_check, quota_reserve};
