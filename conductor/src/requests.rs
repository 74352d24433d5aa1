//! What comes in by messages: wake-ups for jobs, and questions of the API.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use firn_agent::rpc::{AGENT_REPORT, AgentReport};
use firn_cloud::CloudError;
use firn_core::{ErrorKind, InstanceId, ProjectId, chain};
use firn_db::{ServiceKind, ServiceReport};
use oslo_messaging::{Envelope, RemoteError, Request, Schema, Transport};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::Instrument;
use uuid::Uuid;

use crate::saga::JobError;
use crate::services::Services;
use crate::{discover, view};

/// The queue of wake-ups.
pub(crate) const JOBS: &str = "firn.jobs";
/// A wake-up: `{job_id}`.
pub(crate) const WAKE: &str = "firn.job.wake";
/// Where questions go to.
const CONDUCTOR: &str = "firn.conductor";
/// `{project_id}` → `{instances}`; of all projects with `null`.
const INSTANCE_LIST: &str = "instance.list";
/// `{instance_id, project_id}` → `{instance}`; whosever it is with `null`.
const INSTANCE_SHOW: &str = "instance.show";
/// `{}` → `{drivers}`: those of the conductor that answers.
const DRIVER_LIST: &str = "driver.list";
/// The newest version of each of these that is understood here.
const VERSION: u32 = 1;
/// How many questions are answered at once.
const PREFETCH: u16 = 16;
/// Wait before a lost connection is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Passes wake-ups on. The job's row is the truth, so a wake-up is acknowledged at once, whatever
/// becomes of the job.
pub(crate) async fn wake_ups(transport: &dyn Transport, wake: &Notify) {
    loop {
        match transport.consume(JOBS, PREFETCH).await {
            Ok(mut consumer) => {
                while let Some(delivery) = consumer.next().await {
                    let known = delivery.envelope.expect(WAKE, VERSION);
                    let settled = match known {
                        Ok(_) => {
                            wake.notify_one();
                            delivery.ack().await
                        }
                        Err(error) => {
                            tracing::warn!(%error, "a message in {JOBS} is refused");
                            delivery.nack(false).await
                        }
                    };
                    if let Err(error) = settled {
                        tracing::warn!(error = chain(&error), "a wake-up will come again");
                    }
                }
            }
            Err(error) => tracing::warn!(error = chain(&error), "cannot receive wake-ups"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Answers questions, and tells `ready` when the first one could come.
pub(crate) async fn questions(transport: &dyn Transport, services: &Arc<Services>, ready: &Notify) {
    let own = format!("{CONDUCTOR}.{}", services.config.host);
    tokio::join!(
        serve(transport, services, CONDUCTOR, Some(ready)),
        // What only this one can tell.
        serve(transport, services, &own, None),
    );
}

async fn serve(
    transport: &dyn Transport,
    services: &Arc<Services>,
    target: &str,
    ready: Option<&Notify>,
) {
    let mut answering = JoinSet::new();
    loop {
        match transport.serve(target, PREFETCH).await {
            Ok(mut server) => {
                if let Some(ready) = ready {
                    ready.notify_one();
                }
                while let Some(request) = server.next().await {
                    let span = tracing::info_span!(
                        "question",
                        request_id = request.envelope.request_id,
                        schema = request.envelope.schema
                    );
                    answering.spawn(reply(Arc::clone(services), request).instrument(span));
                    while answering.try_join_next().is_some() {}
                }
            }
            Err(error) => tracing::warn!(error = chain(&error), "cannot receive questions"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn reply(services: Arc<Services>, request: Request) {
    let schema = request.envelope.schema.clone();
    let request_id = request.envelope.request_id.clone();
    let answering = answer(&services, &request.envelope);
    let sent = match crate::request::within(request_id.clone(), answering).await {
        Ok(body) => {
            // Every few seconds, and nobody's request.
            if !schema.starts_with(AGENT_REPORT) {
                tracing::info!("answered");
            }
            request.answer(Envelope { schema, request_id, body }).await
        }
        Err(error) => {
            tracing::info!(%error, "refused");
            request.refuse(refusal(&error)).await
        }
    };
    if let Err(error) = sent {
        tracing::warn!(error = chain(&error), "an answer could not be sent");
    }
}

async fn answer(services: &Services, question: &Envelope) -> Result<Value, JobError> {
    let schema: Schema = question.schema.parse().map_err(|error| {
        JobError::from_chain(ErrorKind::InvalidInput, "reading a question", &error)
    })?;
    match (schema.name.as_str(), schema.version) {
        (INSTANCE_LIST, 1..=VERSION) => instance_list(services, arguments(question)?).await,
        (INSTANCE_SHOW, 1..=VERSION) => instance_show(services, arguments(question)?).await,
        (DRIVER_LIST, 1..=VERSION) => Ok(view::drivers(services)),
        (AGENT_REPORT, 1..=VERSION) => agent_report(services, arguments(question)?).await,
        _ => Err(JobError::new(
            ErrorKind::Unsupported,
            format!("this conductor does not know the question {schema}: upgrade it"),
        )),
    }
}

#[derive(Deserialize)]
pub(crate) struct InstanceList {
    /// `None`: those of all projects.
    project_id: Option<ProjectId>,
}

async fn instance_list(services: &Services, asked: InstanceList) -> Result<Value, JobError> {
    let instances = match &asked.project_id {
        Some(project) => services.cloud.instance_list(project).await,
        None => services.cloud.instance_list_all().await,
    };
    let instances =
        instances.map_err(|error: CloudError| JobError::new(error.kind(), chain(&error)))?;
    Ok(json!({ "instances": instances.iter().map(view::summary).collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
pub(crate) struct InstanceShow {
    instance_id: InstanceId,
    /// Whose it must be; `None`: anybody's.
    #[serde(default)]
    project_id: Option<ProjectId>,
}

async fn instance_show(services: &Services, asked: InstanceShow) -> Result<Value, JobError> {
    let instance = discover::instance(services, asked.instance_id).await?;
    // Another project's instance is not there, before anybody looks at its disks.
    if asked.project_id.is_some_and(|project| project != instance.instance.project_id) {
        let message = format!("no instance has the id {}", asked.instance_id);
        return Err(JobError::new(ErrorKind::NotFound, message));
    }
    let disks = discover::probe(services, &instance, &instance.instance.disks).await?;
    Ok(json!({ "instance": view::detail(&instance, &disks) }))
}

/// Agents have no way to the database of their own.
async fn agent_report(services: &Services, report: AgentReport) -> Result<Value, JobError> {
    let started_at = DateTime::parse_from_rfc3339(&report.started_at).map_err(|error| {
        JobError::from_chain(ErrorKind::InvalidInput, "reading an agent's report", &error)
    })?;
    let report = ServiceReport {
        kind: ServiceKind::Agent,
        host: report.host,
        version: report.version,
        started_at: started_at.to_utc(),
    };
    let beat =
        move |conn: &mut _| firn_db::service_heartbeat(conn, &report, Uuid::new_v4(), Utc::now());
    let kept = services.database.run(beat).await;
    kept.map_err(|error| JobError::from_chain(error.kind(), "keeping an agent's report", &error))?;
    Ok(json!({}))
}

fn arguments<T: DeserializeOwned>(question: &Envelope) -> Result<T, JobError> {
    serde_json::from_value(question.body.clone()).map_err(|error| {
        JobError::from_chain(ErrorKind::InvalidInput, "reading a question", &error)
    })
}

/// The code is the error kind's own word.
fn refusal(error: &JobError) -> RemoteError {
    // A domain that cannot be understood is no fault of the question.
    let kind = match error.kind {
        ErrorKind::InvalidInput => ErrorKind::Conflict,
        kind => kind,
    };
    let code = serde_json::to_value(kind).ok();
    let code = code.as_ref().and_then(Value::as_str).unwrap_or("internal").to_owned();
    RemoteError { code, message: error.message.clone() }
}
