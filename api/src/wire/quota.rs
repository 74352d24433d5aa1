use firn_db::{ProjectUsage, QuotaLimits, QuotaResource};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::point::present;
use crate::http::{Link, Listed, object};

/// What a project may have.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotaBody {
    pub(crate) quota: QuotaView,
}

/// What a project may have, and what it has of it. -1: any number.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotaView {
    pub(crate) project_id: String,
    pub(crate) limits: LimitsView,
    pub(crate) in_use: InUseView,
}

/// Limits; -1: any number.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitsView {
    /// Instances with at least one restore point.
    #[schema(minimum = -1)]
    pub(crate) instances: i64,
    /// Restore points in any state.
    #[schema(minimum = -1)]
    pub(crate) restore_points: i64,
    /// Bytes that the restore points added to the repositories.
    #[schema(minimum = -1)]
    pub(crate) stored_bytes: i64,
    /// Jobs that have not ended.
    #[schema(minimum = -1)]
    pub(crate) concurrent_jobs: i64,
}

/// What is in use of each limit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InUseView {
    pub(crate) instances: u64,
    pub(crate) restore_points: u64,
    pub(crate) stored_bytes: u64,
    pub(crate) concurrent_jobs: u64,
}

/// A limit that anything fits under.
const UNLIMITED: i64 = -1;

fn limit(limit: Option<u64>) -> i64 {
    limit.map_or(UNLIMITED, |limit| i64::try_from(limit).unwrap_or(i64::MAX))
}

impl From<QuotaLimits> for LimitsView {
    fn from(limits: QuotaLimits) -> Self {
        Self {
            instances: limit(limits.instances),
            restore_points: limit(limits.restore_points),
            stored_bytes: limit(limits.stored_bytes),
            concurrent_jobs: limit(limits.concurrent_jobs),
        }
    }
}

impl From<ProjectUsage> for InUseView {
    fn from(usage: ProjectUsage) -> Self {
        Self {
            instances: usage.instances,
            restore_points: usage.restore_points,
            stored_bytes: usage.stored_bytes,
            concurrent_jobs: usage.concurrent_jobs,
        }
    }
}

/// The limits of a project that has none of its own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotaDefaultsBody {
    pub(crate) quota_defaults: LimitsView,
}

/// New limits of a project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuotaUpdateBody {
    #[serde(deserialize_with = "object")]
    pub(crate) quota: QuotaUpdate,
}

/// Limits to set; what is left out stays. -1: any number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuotaUpdate {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, nullable = false, minimum = -1)]
    instances: Option<Limit>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, nullable = false, minimum = -1)]
    restore_points: Option<Limit>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, nullable = false, minimum = -1)]
    stored_bytes: Option<Limit>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, nullable = false, minimum = -1)]
    concurrent_jobs: Option<Limit>,
}

/// A limit as it is written: -1, or a number from 0.
#[derive(Clone, Copy, Debug)]
struct Limit(Option<u64>);

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            UNLIMITED => Ok(Self(None)),
            limit => u64::try_from(limit).map(|limit| Self(Some(limit))).map_err(|_| {
                serde::de::Error::custom("must be -1 for any number, or a number from 0")
            }),
        }
    }
}

impl QuotaUpdate {
    /// The limits that it names.
    pub(crate) fn limits(&self) -> Vec<(QuotaResource, Option<u64>)> {
        [
            (QuotaResource::Instances, self.instances),
            (QuotaResource::RestorePoints, self.restore_points),
            (QuotaResource::StoredBytes, self.stored_bytes),
            (QuotaResource::ConcurrentJobs, self.concurrent_jobs),
        ]
        .into_iter()
        .filter_map(|(resource, limit)| limit.map(|limit| (resource, limit.0)))
        .collect()
    }
}

/// What projects have.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageListBody {
    /// One entry a project.
    pub(crate) usage: Vec<UsageView>,
    /// The next page, where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) usage_links: Vec<Link>,
}

impl From<Listed<UsageView>> for UsageListBody {
    fn from(listed: Listed<UsageView>) -> Self {
        Self { usage: listed.items, usage_links: listed.links }
    }
}

/// What one project has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageView {
    pub(crate) project_id: String,
    /// Instances with at least one restore point.
    pub(crate) instances: u64,
    /// Restore points in any state.
    pub(crate) restore_points: u64,
    /// Sum of the sizes of all disks of all restore points.
    pub(crate) virtual_bytes: u64,
    /// Bytes of content that the restore points brought and the repositories did not hold before.
    pub(crate) unique_bytes: u64,
    /// What these take there.
    pub(crate) stored_bytes: u64,
    /// Jobs that have not ended.
    pub(crate) concurrent_jobs: u64,
}

impl UsageView {
    pub(crate) fn new(project_id: String, usage: ProjectUsage) -> Self {
        Self {
            project_id,
            instances: usage.instances,
            restore_points: usage.restore_points,
            virtual_bytes: usage.virtual_bytes,
            unique_bytes: usage.unique_bytes,
            stored_bytes: usage.stored_bytes,
            concurrent_jobs: usage.concurrent_jobs,
        }
    }
}

/// Whose usage to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageQuery {
    /// That of all projects that have anything, for administrators; only the own where left out.
    pub(crate) all_projects: bool,
    /// At most that many.
    #[param(minimum = 1)]
    pub(crate) limit: Option<u32>,
    /// The project of the last entry of the page before.
    pub(crate) marker: Option<String>,
}
