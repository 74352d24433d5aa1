//! Bodies as they are on the wire, and how rows become them. Field names are part of the API:
//! they are added, never changed.

mod discovery;
mod driver;
mod enums;
mod instance;
mod job;
mod plan;
mod plan_document;
mod point;
mod quota;
mod repository;
mod restore;
mod restore_target;
mod service;
mod text;
mod time;

pub(crate) use discovery::{Health, Version, VersionBody, VersionsBody};
pub(crate) use driver::{DriverListBody, DriverView};
pub(crate) use enums::{
    Consistency, DiskKind, JobKind, JobStatus, Mode, PlanStatus, PointStatus, PowerState,
    RepositoryStatus, RestoreStatus, RunStatus, RunTrigger, ServiceKind, ServiceState, Severity,
    StepStatus,
};
pub(crate) use instance::{
    InstanceBody, InstanceListBody, InstanceQuery, InstanceSortKey, InstanceSummary, InstanceView,
};
pub(crate) use job::{
    EventListBody, EventQuery, EventView, JobActionBody, JobBody, JobListBody, JobQuery,
    JobSummary, JobView,
};
pub(crate) use plan::{
    PlanActionBody, PlanBody, PlanCreateBody, PlanListBody, PlanPatchBody, PlanQuery, PlanView,
    RunListBody, RunQuery, RunView,
};
pub(crate) use point::{
    PointActionBody, PointBody, PointCreate, PointCreateBody, PointListBody, PointPatch,
    PointPatchBody, PointQuery, PointView, VerifyOptions,
};
pub(crate) use quota::{
    LimitsView, QuotaBody, QuotaDefaultsBody, QuotaUpdate, QuotaUpdateBody, QuotaView,
    UsageListBody, UsageQuery, UsageView,
};
pub(crate) use repository::{PointSums, RepositoryBody, RepositoryListBody, RepositoryView};
pub(crate) use restore::{
    RestoreBody, RestoreCreate, RestoreCreateBody, RestoreListBody, RestoreQuery, RestoreView,
};
pub(crate) use service::{
    AgentBody, AgentListBody, AgentQuery, ServiceBody, ServiceListBody, ServicePatch,
    ServicePatchBody, ServiceQuery, ServiceSortKey, ServiceView,
};
pub(crate) use text::{Description, Filter, Name, Reason, TargetName, plain};
