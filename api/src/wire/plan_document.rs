//! The parts of a plan as the document describes them: their types are the domain's, which knows
//! nothing of OpenAPI. Tests hold what is answered against these.
#![expect(dead_code, reason = "for the document only")]

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Consistency;

/// What a plan is made from.
#[derive(ToSchema)]
#[schema(as = PlanSettings)]
pub(crate) struct PlanSettingsDocument {
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    #[schema(max_length = 1024)]
    description: Option<String>,
    /// Which instances of the project it protects.
    instances: InstancesDocument,
    /// When it runs; only on demand where left out.
    schedule: Option<ScheduleDocument>,
    /// Every how many points of an instance are full; 0: only the first.
    #[schema(required = false, default = 0, maximum = 10000)]
    full_every: u32,
    /// What is kept; everything where left out.
    #[schema(required = false)]
    retention: RetentionDocument,
    /// The least grade that a point must have; one that does not reach it fails.
    #[schema(required = false, default = "crash")]
    consistency: Consistency,
    /// Devices that are not read.
    #[schema(required = false, max_items = 64, example = json!(["vdb"]))]
    excluded_disks: Vec<String>,
    /// How fast each backup may read; as fast as it can where left out.
    #[schema(minimum = 65536)]
    bandwidth_bytes_per_second: Option<u64>,
    /// Where points go; to the default repository where left out.
    repository_id: Option<Uuid>,
}

/// What to change; what is left out stays, `null` clears what can be cleared.
#[derive(ToSchema)]
#[schema(as = PlanPatch)]
pub(crate) struct PlanPatchDocument {
    #[schema(required = false, min_length = 1, max_length = 255)]
    name: String,
    #[schema(max_length = 1024)]
    description: Option<String>,
    #[schema(required = false)]
    instances: InstancesDocument,
    /// Replaced as a whole.
    schedule: Option<ScheduleDocument>,
    #[schema(required = false, maximum = 10000)]
    full_every: u32,
    /// Replaced as a whole.
    #[schema(required = false)]
    retention: RetentionDocument,
    #[schema(required = false)]
    consistency: Consistency,
    /// Replaced as a whole.
    #[schema(required = false, max_items = 64)]
    excluded_disks: Vec<String>,
    #[schema(minimum = 65536)]
    bandwidth_bytes_per_second: Option<u64>,
    repository_id: Option<Uuid>,
}

/// Which instances of its project a plan protects: exactly one of these.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PlanInstances)]
pub(crate) enum InstancesDocument {
    /// These; at least one.
    Ids(Vec<Uuid>),
    /// Those whose name fits a shell pattern.
    #[schema(example = "web-*")]
    NamePattern(String),
    /// Those that carry this metadata.
    Metadata(MetadataDocument),
    /// Every one, also those made later: `true`.
    All(bool),
}

/// A key of an instance's metadata with the value it must have.
#[derive(Serialize, ToSchema)]
#[schema(as = PlanMetadata)]
pub(crate) struct MetadataDocument {
    #[schema(min_length = 1, max_length = 255)]
    key: String,
    #[schema(max_length = 255)]
    value: String,
}

/// When a plan runs.
#[derive(ToSchema)]
#[schema(as = PlanSchedule)]
pub(crate) struct ScheduleDocument {
    /// Five fields, or a word such as `@daily`.
    #[schema(example = "0 2 * * *")]
    cron: String,
    /// IANA name of the time zone that the fields are meant in.
    #[schema(required = false, default = "UTC", example = "Europe/Berlin")]
    time_zone: String,
    /// A run starts at most this long after its time, or is skipped; `null`: however late.
    #[schema(minimum = 1, maximum = 10080)]
    window_minutes: Option<u32>,
    /// Each run starts up to this much after its time.
    #[schema(required = false, default = 0, maximum = 86400)]
    jitter_seconds: u32,
}

/// How many points of an instance are kept; all zero keeps everything.
#[derive(ToSchema)]
#[schema(as = PlanRetention)]
pub(crate) struct RetentionDocument {
    /// The newest points.
    #[schema(required = false, default = 0)]
    last: u32,
    /// Newest points of an hour.
    #[schema(required = false, default = 0)]
    hourly: u32,
    /// Newest points of a day.
    #[schema(required = false, default = 0)]
    daily: u32,
    /// Newest points of an ISO week.
    #[schema(required = false, default = 0)]
    weekly: u32,
    /// Newest points of a month.
    #[schema(required = false, default = 0)]
    monthly: u32,
    /// Newest points of a year.
    #[schema(required = false, default = 0)]
    yearly: u32,
}
