use chrono::{DateTime, Utc};
use firn_db::Service;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ServiceKind, ServiceState};

/// All services.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServiceListBody {
    pub(crate) services: Vec<ServiceView>,
}

/// One of Firn's services on one host.
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
        }
    }
}
