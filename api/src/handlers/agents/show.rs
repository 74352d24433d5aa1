use actix_web::HttpResponse;
use uuid::Uuid;

use crate::handlers::refusals::Refused;
use crate::handlers::{rule, shown};
use crate::http::{Allow, ApiError, PathId, Show};
use crate::wire::{AgentBody, ServiceView};

rule!(
    /// May see an agent.
    AgentShowRule, "agents:show", Admin, V1_1
);

/// Show an agent.
#[utoipa::path(get, path = "/v1/agents/{id}", operation_id = "agents_show", tag = "agents",
    params(("id" = uuid::Uuid, Path), Show<ServiceView>),
    responses((status = 200, description = "It", body = AgentBody), Refused))]
pub(crate) async fn show(
    call: Allow<AgentShowRule>,
    id: PathId<Uuid>,
    show: Show<ServiceView>,
) -> Result<HttpResponse, ApiError> {
    let agent = call.agent_show(id.0).await?;
    Ok(shown(AgentBody { agent }, &show.fields))
}
