//! What other services are told about jobs, in oslo.messaging's form.

use firn_core::JobKind;
use firn_db::Job;
use oslo_messaging::{Notification, Notifier};
use serde::Serialize;

use crate::saga::JobError;

/// The phases of a job, as OpenStack's notifications name them.
pub(crate) enum Phase<'a> {
    /// Claimed for the first time.
    Start,
    /// Succeeded.
    End,
    /// Failed and unwound.
    Error(&'a JobError),
    /// Cancelled and unwound.
    Cancelled,
}

/// What a notification is about.
#[derive(Serialize)]
struct Payload<'a> {
    job_id: String,
    /// The restore point or the restore.
    resource_id: String,
    project_id: &'a str,
    instance_id: Option<String>,
    repository_id: Option<String>,
    attempts: u32,
    status: &'static str,
    /// For the project's own people: the same as the API shows.
    error: Option<&'a str>,
}

/// Tells that a job came to a phase.
pub(crate) fn tell(notifier: &dyn Notifier, job: &Job, phase: &Phase<'_>) {
    let (suffix, status, error) = match phase {
        Phase::Start => ("start", "running", None),
        Phase::End => ("end", "succeeded", None),
        Phase::Error(error) => ("error", "failed", Some(error.message.as_str())),
        Phase::Cancelled => ("end", "cancelled", None),
    };
    let payload = Payload {
        job_id: job.id.to_string(),
        resource_id: job.resource_id.to_string(),
        project_id: &job.project_id.0,
        instance_id: job.instance_id.map(|id| id.to_string()),
        repository_id: job.repository_id.map(|id| id.to_string()),
        attempts: job.attempts,
        status,
        error,
    };
    let event_type = format!("instance_backup.{}.{suffix}", verb(job.kind));
    let notification = match phase {
        Phase::Error(_) => Notification::error(&event_type, &payload),
        _ => Notification::info(&event_type, &payload),
    };
    notifier.notify(
        notification
            .context("request_id", job.request_id.as_str())
            .context("project_id", job.project_id.0.as_str()),
    );
}

/// The kind of job as a verb on a backup.
fn verb(kind: JobKind) -> &'static str {
    match kind {
        JobKind::CreatePoint => "create",
        JobKind::DeletePoint => "delete",
        JobKind::VerifyPoint => "verify",
        JobKind::Restore => "restore",
    }
}
