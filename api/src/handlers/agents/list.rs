use actix_web::HttpResponse;

use crate::handlers::refusals::Refused;
use crate::handlers::{rule, shown};
use crate::http::{Allow, ApiError, List};
use crate::wire::{AgentListBody, AgentQuery};

rule!(
    /// May list agents.
    AgentListRule, "agents:list", Admin, V1_1
);

/// List agents.
#[utoipa::path(get, path = "/v1/agents", operation_id = "agents_list", tag = "agents",
    params(List<AgentQuery>),
    responses((status = 200, description = "A page of agents", body = AgentListBody), Refused))]
pub(crate) async fn list(
    call: Allow<AgentListRule>,
    list: List<AgentQuery>,
) -> Result<HttpResponse, ApiError> {
    let listed = call.agent_list(&list).await?;
    Ok(shown(AgentListBody::from(listed), &list.fields))
}
