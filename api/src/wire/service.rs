use chrono::{DateTime, Utc};
use firn_db::Service;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::point::present;
use super::{Filter, Reason, ServiceKind, ServiceState};
use crate::http::{Filters, Link, Listed, SortDir, SortKey, View, object};

/// One service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServiceBody {
    pub(crate) service: ServiceView,
}

/// A page of services.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServiceListBody {
    pub(crate) services: Vec<ServiceView>,
    /// The next page, where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) services_links: Vec<Link>,
}

impl From<Listed<ServiceView>> for ServiceListBody {
    fn from(listed: Listed<ServiceView>) -> Self {
        Self { services: listed.items, services_links: listed.links }
    }
}

/// One agent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentBody {
    pub(crate) agent: ServiceView,
}

/// A page of agents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentListBody {
    pub(crate) agents: Vec<ServiceView>,
    /// The next page, where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) agents_links: Vec<Link>,
}

impl From<Listed<ServiceView>> for AgentListBody {
    fn from(listed: Listed<ServiceView>) -> Self {
        Self { agents: listed.items, agents_links: listed.links }
    }
}

/// One of Firn's services on one host. An agent is a service on a hypervisor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServiceView {
    pub(crate) id: Uuid,
    pub(crate) kind: ServiceKind,
    pub(crate) host: String,
    pub(crate) version: String,
    /// By its last heartbeat.
    pub(crate) state: ServiceState,
    /// An operator wants it to take no new work.
    pub(crate) disabled: bool,
    pub(crate) disabled_reason: Option<String>,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) heartbeat_at: DateTime<Utc>,
    /// Where it is; from 1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub(crate) links: Option<Vec<Link>>,
}

impl View for ServiceView {
    const FIELDS: &'static [&'static str] = &[
        "id",
        "kind",
        "host",
        "version",
        "state",
        "disabled",
        "disabled_reason",
        "started_at",
        "heartbeat_at",
        "links",
    ];
}

impl ServiceView {
    pub(crate) fn new(service: Service, state: ServiceState) -> Self {
        Self {
            id: service.id,
            kind: service.kind.into(),
            host: service.host,
            version: service.version,
            state,
            disabled: service.disabled,
            disabled_reason: service.disabled_reason,
            started_at: service.started_at,
            heartbeat_at: service.heartbeat_at,
            links: None,
        }
    }
}

/// A change of a service.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServicePatchBody {
    #[serde(deserialize_with = "object")]
    pub(crate) service: ServicePatch,
}

/// Whether a service takes new work.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServicePatch {
    /// `true`: it finishes what it does and takes nothing new.
    pub(crate) disabled: bool,
    /// Why it is disabled; cannot go with `"disabled": false`.
    #[serde(default, deserialize_with = "present")]
    pub(crate) disabled_reason: Option<Option<Reason>>,
}

/// Which services to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ServiceQuery {
    /// Of this kind.
    #[param(inline)]
    pub(crate) kind: Option<ServiceKind>,
    /// On this host.
    #[param(value_type = Option<Filter>, inline)]
    pub(crate) host: Option<Filter>,
    /// In this state.
    #[param(inline)]
    pub(crate) state: Option<ServiceState>,
    /// Disabled, or not.
    pub(crate) disabled: Option<bool>,
}

/// Which agents to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AgentQuery {
    /// On this host.
    #[param(value_type = Option<Filter>, inline)]
    pub(crate) host: Option<Filter>,
    /// In this state.
    #[param(inline)]
    pub(crate) state: Option<ServiceState>,
    /// Disabled, or not.
    pub(crate) disabled: Option<bool>,
}

/// What services are sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ServiceSortKey {
    Kind,
    Host,
    State,
    HeartbeatAt,
    StartedAt,
}

impl SortKey for ServiceSortKey {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("kind", Self::Kind),
        ("host", Self::Host),
        ("state", Self::State),
        ("heartbeat_at", Self::HeartbeatAt),
        ("started_at", Self::StartedAt),
    ];
    const DIRECTION: SortDir = SortDir::Asc;
}

impl Filters for ServiceQuery {
    type View = ServiceView;
    type Key = ServiceSortKey;
    type Marker = Uuid;
    const BY_PROJECT: bool = false;
}

impl Filters for AgentQuery {
    type View = ServiceView;
    type Key = ServiceSortKey;
    type Marker = Uuid;
    const BY_PROJECT: bool = false;
}
