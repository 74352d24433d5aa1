use actix_web::HttpResponse;
use actix_web::http::header::{ETAG, LOCATION};

use crate::handlers::refusals::{ChangeRefused, Refused};
use crate::handlers::rule;
use crate::http::{Allow, ApiError, Body, NoQuery, Query};
use crate::wire::{PlanBody, PlanCreateBody};

rule!(
    /// May make a plan.
    PlanCreateRule, "plans:create", Member, V1_1
);

/// Make a plan, which runs in the caller's name.
#[utoipa::path(post, path = "/v1/plans", operation_id = "plans_create", tag = "plans",
    request_body = PlanCreateBody,
    responses(
        (status = 201, description = "Made", body = PlanBody,
            headers(
                ("Location" = String, description = "Where it is"),
                ("ETag" = String, description = "Which state of it this is"),
            )),
        Refused,
        ChangeRefused,
    ))]
pub(crate) async fn create(
    call: Allow<PlanCreateRule>,
    _: Query<NoQuery>,
    body: Body<PlanCreateBody>,
) -> Result<HttpResponse, ApiError> {
    let plan = call.plan_create(body.0.plan).await?;
    let location = call.link_to(&format!("/v1/plans/{}", plan.id));
    let tag = plan.tag().to_string();
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .insert_header((ETAG, tag))
        .json(PlanBody { plan }))
}
