//! What other services are told about jobs, in oslo.messaging's form.

use firn_core::{JobKind, RestoreId, RestoreTarget, chain};
use firn_db::{Database, Job, Restore, Scope};
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
    /// Who asked, where the request tells it; backups of a plan have the plan instead.
    user_id: Option<&'a str>,
    plan_id: Option<&'a str>,
    instance_id: Option<String>,
    repository_id: Option<String>,
    /// What is made, read or restored.
    restore_point_id: Option<String>,
    /// Of restores only.
    target: Option<Target<'a>>,
    /// Of restores only: whether the target stays as it is.
    dry_run: Option<bool>,
    attempts: u32,
    status: &'static str,
    /// For the project's own people: the same as the API shows.
    error: Option<&'a str>,
}

/// Where a restore writes to, in the API's words.
#[derive(Default, Serialize)]
struct Target<'a> {
    r#type: &'static str,
    /// Of the new instance, volume or folder.
    name: Option<&'a str>,
    /// The volume whose content is replaced.
    volume_id: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn of(target: &'a RestoreTarget) -> Self {
        match target {
            RestoreTarget::File { name } => {
                Self { r#type: "file", name: Some(name.as_str()), ..Self::default() }
            }
            RestoreTarget::NewInstance(new) => {
                Self { r#type: "new_instance", name: new.name.as_deref(), ..Self::default() }
            }
            RestoreTarget::Original => Self { r#type: "original", ..Self::default() },
            RestoreTarget::Volume(volume) => Self {
                r#type: "volume",
                name: volume.name.as_deref(),
                volume_id: volume.volume_id.as_deref(),
            },
        }
    }
}

/// The restore that a job does, for [`tell`]. A database that does not answer makes what is told
/// shorter, and no more.
pub(crate) async fn restore_of(database: &Database, job: &Job) -> Option<Restore> {
    if job.kind != JobKind::Restore {
        return None;
    }
    let id = RestoreId(job.resource_id);
    let found = database.run(move |conn| firn_db::restore_get(conn, &Scope::All, id)).await;
    if let Err(error) = &found {
        tracing::warn!(error = chain(error), "notifications do not tell what is restored");
    }
    found.ok()
}

/// Tells that a job came to a phase; `restore` is what [`restore_of`] gave.
pub(crate) fn tell(
    notifier: &dyn Notifier,
    job: &Job,
    restore: Option<&Restore>,
    phase: &Phase<'_>,
) {
    let (suffix, status, error) = match phase {
        Phase::Start => ("start", "running", None),
        Phase::End => ("end", "succeeded", None),
        Phase::Error(error) => ("error", "failed", Some(error.message.as_str())),
        Phase::Cancelled => ("end", "cancelled", None),
    };
    let user_id = job.spec["grant"]["user_id"].as_str();
    let restore_point_id = match job.kind {
        JobKind::Restore => restore.map(|restore| restore.point_id.to_string()),
        _ => Some(job.resource_id.to_string()),
    };
    let payload = Payload {
        job_id: job.id.to_string(),
        resource_id: job.resource_id.to_string(),
        project_id: &job.project_id.0,
        user_id,
        plan_id: job.spec["plan_id"].as_str(),
        instance_id: job.instance_id.map(|id| id.to_string()),
        repository_id: job.repository_id.map(|id| id.to_string()),
        restore_point_id,
        target: restore.map(|restore| Target::of(&restore.target)),
        dry_run: job.spec["dry_run"].as_bool(),
        attempts: job.attempts,
        status,
        error,
    };
    let event_type = format!("instance_backup.{}.{suffix}", verb(job.kind));
    let mut notification = match phase {
        Phase::Error(_) => Notification::error(&event_type, &payload),
        _ => Notification::info(&event_type, &payload),
    }
    .context("request_id", job.request_id.as_str())
    .context("project_id", job.project_id.0.as_str());
    if let Some(user_id) = user_id {
        notification = notification.context("user_id", user_id);
    }
    notifier.notify(notification);
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

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use firn_core::{
        ErrorKind, FileName, InstanceId, JobId, JobState, PointId, ProjectId, RestoreState,
        VolumeTarget,
    };
    use oslo_messaging::{InProcessNotifier, Priority};
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn job(kind: JobKind, spec: Value) -> Job {
        Job {
            id: JobId::new(),
            project_id: ProjectId("p".to_owned()),
            kind,
            state: JobState::Running,
            resource_id: Uuid::new_v4(),
            repository_id: None,
            instance_id: Some(InstanceId::new()),
            spec,
            request_id: "req-1".to_owned(),
            attempts: 1,
            generation: 1,
            lease_owner: None,
            lease_until: None,
            done_bytes: 0,
            total_bytes: 0,
            rate_bytes_per_second: None,
            eta_seconds: None,
            error_kind: None,
            error_message: None,
            created_at: Utc::now(),
            updated_at: Utc::now(),
            started_at: None,
            finished_at: None,
        }
    }

    fn restore(job: &Job, target: RestoreTarget) -> Restore {
        Restore {
            id: RestoreId(job.resource_id),
            project_id: job.project_id.clone(),
            point_id: PointId::new(),
            job_id: job.id,
            target,
            state: RestoreState::Restoring,
            error_message: None,
            created_at: Utc::now(),
            updated_at: Utc::now(),
            finished_at: None,
            result: None,
        }
    }

    fn told(job: &Job, restore: Option<&Restore>, phase: &Phase<'_>) -> Notification {
        let notifier = InProcessNotifier::default();
        tell(&notifier, job, restore, phase);
        notifier.take().remove(0)
    }

    #[test]
    fn a_restore_tells_who_asked_and_what_goes_where() {
        let grant = json!({ "trust_id": "t", "project_id": "q", "user_id": "u" });
        let job = job(JobKind::Restore, json!({ "dry_run": false, "grant": grant }));
        let volume = VolumeTarget {
            device: "vdb".to_owned(),
            volume_id: Some("v".to_owned()),
            name: None,
            volume_type: None,
            availability_zone: None,
        };
        let file = RestoreTarget::File { name: FileName::new("web-1").unwrap() };
        let new = RestoreTarget::NewInstance(Default::default());
        for (of, expected) in [
            (file, ["file", "web-1", ""]),
            (new, ["new_instance", "", ""]),
            (RestoreTarget::Original, ["original", "", ""]),
            (RestoreTarget::Volume(volume), ["volume", "", "v"]),
        ] {
            let restore = restore(&job, of);
            let told = told(&job, Some(&restore), &Phase::End);
            assert_eq!(told.event_type, "instance_backup.restore.end");
            assert_eq!(told.priority, Priority::Info);
            assert_eq!(told.payload["user_id"], "u");
            assert_eq!(told.payload["restore_point_id"], restore.point_id.to_string());
            assert_eq!(told.payload["resource_id"], restore.id.to_string());
            let target = ["type", "name", "volume_id"]
                .map(|field| told.payload["target"][field].as_str().unwrap_or_default());
            assert_eq!(target, expected);
            assert_eq!(told.payload["dry_run"], false);
            assert_eq!(told.context["user_id"], "u");
            // A trust's id lets nobody act, and is nobody's business.
            assert!(!told.payload.to_string().contains("trust"), "{told:?}");
        }
        let told = told(&job, None, &Phase::Start);
        assert_eq!(told.payload["user_id"], "u");
        assert_eq!(told.payload["restore_point_id"], Value::Null);
        assert_eq!(told.payload["target"], Value::Null);
    }

    #[test]
    fn a_backup_of_a_plan_tells_its_point_and_its_plan() {
        let job = job(JobKind::CreatePoint, json!({ "plan_id": "plan-1" }));
        let error = JobError::new(ErrorKind::Unavailable, "no");
        let told = told(&job, None, &Phase::Error(&error));
        assert_eq!(told.event_type, "instance_backup.create.error");
        assert_eq!(told.priority, Priority::Error);
        assert_eq!(told.payload["restore_point_id"], job.resource_id.to_string());
        assert_eq!(told.payload["plan_id"], "plan-1");
        assert_eq!(told.payload["user_id"], Value::Null);
        assert_eq!(told.payload["target"], Value::Null);
        assert_eq!(told.payload["error"], "no");
        assert!(!told.context.contains_key("user_id"), "{told:?}");
    }
}
