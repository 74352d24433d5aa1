use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{DiskKind, Filter, PowerState};
use crate::http::{Filters, Link, Listed, SortDir, SortKey, View};

/// One instance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InstanceBody {
    pub(crate) instance: InstanceView,
}

/// A page of instances.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InstanceListBody {
    pub(crate) instances: Vec<InstanceSummary>,
    /// The next page, where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) instances_links: Vec<Link>,
}

impl From<Listed<InstanceSummary>> for InstanceListBody {
    fn from(listed: Listed<InstanceSummary>) -> Self {
        Self { instances: listed.items, instances_links: listed.links }
    }
}

/// An instance in a list. As all that a conductor answers, it may come with more than is known
/// here, which is left out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct InstanceSummary {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) project_id: String,
    pub(crate) power_state: PowerState,
    /// Where it is; from 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub(crate) links: Option<Vec<Link>>,
}

impl View for InstanceSummary {
    const FIELDS: &'static [&'static str] = &["id", "name", "project_id", "power_state", "links"];
}

/// An instance and what of it can be protected.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct InstanceView {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) project_id: String,
    pub(crate) power_state: PowerState,
    /// Its disks, without empty and optical drives.
    pub(crate) disks: Vec<InstanceDiskView>,
    /// Where it is; from 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub(crate) links: Option<Vec<Link>>,
}

impl View for InstanceView {
    const FIELDS: &'static [&'static str] =
        &["id", "name", "project_id", "power_state", "disks", "links"];
}

/// A disk of an instance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct InstanceDiskView {
    /// Target device in the guest.
    #[schema(example = "vda")]
    pub(crate) device: String,
    pub(crate) kind: DiskKind,
    /// Guest bus.
    #[schema(example = "virtio")]
    pub(crate) bus: Option<String>,
    pub(crate) serial: Option<String>,
    /// Place in the boot order, from 1.
    pub(crate) boot_order: Option<u32>,
    /// `null` where no driver could tell.
    pub(crate) size_bytes: Option<u64>,
    /// The driver that reads it.
    #[schema(example = "file")]
    pub(crate) driver: Option<String>,
    /// The storage that it lies on, as limits and people name it.
    pub(crate) storage: Option<String>,
    /// Where it lies; shown to administrators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, required = false)]
    pub(crate) location: Option<serde_json::Value>,
    /// Whether an incremental reads only what changed; `null` where no driver could tell.
    pub(crate) changed_blocks: Option<bool>,
    /// The guest cannot write to it.
    #[serde(default)]
    pub(crate) read_only: bool,
    /// Several instances may write to it at once.
    #[serde(default)]
    pub(crate) shareable: bool,
    /// The hypervisor decrypts it: it is backed up as it lies.
    #[serde(default)]
    pub(crate) encrypted: bool,
    /// Whether a backup holds it.
    #[serde(default)]
    pub(crate) protected: bool,
    /// Why it is not protected, or less well than it could be.
    pub(crate) reason: Option<String>,
}

/// Which instances to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InstanceQuery {
    /// With this name.
    #[param(value_type = Option<Filter>, inline)]
    pub(crate) name: Option<Filter>,
    /// In this state.
    #[param(inline)]
    pub(crate) power_state: Option<PowerState>,
}

/// What instances are sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InstanceSortKey {
    Name,
    PowerState,
}

impl SortKey for InstanceSortKey {
    const WORDS: &'static [(&'static str, Self)] =
        &[("name", Self::Name), ("power_state", Self::PowerState)];
    const DIRECTION: SortDir = SortDir::Asc;
}

impl Filters for InstanceQuery {
    type View = InstanceSummary;
    type Key = InstanceSortKey;
    type Marker = Uuid;
}
