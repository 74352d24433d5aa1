use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{self, Answer};
use crate::until;

/// Bytes in a MiB.
pub const MIB: u64 = 1 << 20;

/// No job of these tests takes longer, also where the machine is busy.
const JOB_LIMIT: Duration = Duration::from_secs(180);

/// A service's API.
#[derive(Clone)]
pub struct Api {
    address: SocketAddr,
    token: Option<String>,
    /// The version of the API asked for, where it is not the oldest.
    version: Option<&'static str>,
}

/// A backup that was asked for.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Id of the restore point.
    pub point: String,
    /// Id of its job.
    pub job: String,
}

/// A job that has ended.
#[derive(Clone, Debug)]
pub struct Job(pub Value);

impl Job {
    /// Its id.
    pub fn id(&self) -> &str {
        text(&self.0["id"])
    }

    /// `succeeded`, `failed` or `cancelled`.
    pub fn status(&self) -> &str {
        text(&self.0["status"])
    }

    /// Fails the test unless it succeeded.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.status(), "succeeded", "{:#}", self.0);
        self
    }

    /// Fails the test unless it failed with `kind`; gives the message.
    #[track_caller]
    pub fn failed(&self, kind: &str) -> String {
        assert_eq!(self.status(), "failed", "{:#}", self.0);
        assert_eq!(text(&self.0["error"]["kind"]), kind, "{:#}", self.0);
        text(&self.0["error"]["message"]).to_owned()
    }
}

impl Api {
    pub(crate) fn new(address: SocketAddr, token: Option<String>) -> Self {
        Self { address, token, version: None }
    }

    /// Asks for the newest version of the API.
    pub fn latest(self) -> Self {
        Self { version: Some("instance-backup latest"), ..self }
    }

    /// Whether it answers at all.
    pub(crate) fn healthy(&self) -> bool {
        http::request(self.address, "GET", "/healthcheck", &[], b"")
            .is_ok_and(|answer| answer.status == 200)
    }

    /// Sends a request; without a body where `body` is null.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(self.token.as_deref().map(|token| ("X-Auth-Token", token)));
        headers.extend(self.version.map(|version| ("OpenStack-API-Version", version)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http::request(self.address, method, path, &headers, body.as_bytes())
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// GET that must succeed.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let answer = self.send("GET", path, &Value::Null);
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.json());
        answer.json()
    }

    /// A request that must be accepted.
    #[track_caller]
    pub fn accepted(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.send(method, path, body);
        assert_eq!(answer.status, 202, "{method} {path} {body}: {}", answer.json());
        answer.json()
    }

    /// A request that must be refused with `status`; gives the reason.
    #[track_caller]
    pub fn refused(&self, method: &str, path: &str, body: &Value, status: u16) -> String {
        let answer = self.send(method, path, body);
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.json());
        text(&answer.json()["errors"][0]["detail"]).to_owned()
    }

    /// Asks for a backup, `full` or `incremental`.
    #[track_caller]
    pub fn backup(&self, instance: &str, mode: &str) -> Backup {
        let body = json!({"restore_point": {"instance_id": instance, "mode": mode}});
        let point = &self.accepted("POST", "/v1/restore-points", &body)["restore_point"];
        assert_eq!(text(&point["status"]), "creating");
        Backup { point: text(&point["id"]).to_owned(), job: text(&point["job_id"]).to_owned() }
    }

    /// A backup that must succeed; gives the point.
    #[track_caller]
    pub fn backed_up(&self, instance: &str, mode: &str) -> Value {
        let backup = self.backup(instance, mode);
        self.wait(&backup.job).succeeded();
        let point = self.point(&backup.point);
        assert_eq!(text(&point["status"]), "available", "{point:#}");
        point
    }

    /// Asks for a restore to files; gives the job's id.
    #[track_caller]
    pub fn restore(&self, point: &str, name: &str) -> String {
        let target = json!({"type": "file", "name": name});
        let body = json!({"restore": {"restore_point_id": point, "target": target}});
        text(&self.accepted("POST", "/v1/restores", &body)["restore"]["job_id"]).to_owned()
    }

    /// Asks for a point to be read back and checked, and waits for the end.
    #[track_caller]
    pub fn verify(&self, point: &str) -> Job {
        let path = format!("/v1/restore-points/{point}/action");
        let answer = self.accepted("POST", &path, &json!({"verify": {}}));
        self.wait(text(&answer["restore_point"]["job_id"]))
    }

    /// Deletes a point, which must succeed.
    #[track_caller]
    pub fn delete(&self, point: &str) {
        let path = format!("/v1/restore-points/{point}");
        let answer = self.accepted("DELETE", &path, &Value::Null);
        self.wait(text(&answer["restore_point"]["job_id"])).succeeded();
        self.refused("GET", &path, &Value::Null, 404);
    }

    /// Asks for a job to be cancelled; gives the answer's status.
    pub fn cancel(&self, job: &str) -> u16 {
        let path = format!("/v1/jobs/{job}/action");
        self.send("POST", &path, &json!({"cancel": {}})).status
    }

    /// One restore point.
    #[track_caller]
    pub fn point(&self, id: &str) -> Value {
        self.get(&format!("/v1/restore-points/{id}"))["restore_point"].clone()
    }

    /// One job.
    #[track_caller]
    pub fn job(&self, id: &str) -> Job {
        Job(self.get(&format!("/v1/jobs/{id}"))["job"].clone())
    }

    /// Waits for a job's end.
    #[track_caller]
    pub fn wait(&self, job: &str) -> Job {
        self.wait_within(job, JOB_LIMIT)
    }

    /// Waits for a job's end, not longer than `limit`.
    #[track_caller]
    pub fn wait_within(&self, job: &str, limit: Duration) -> Job {
        until(&format!("job {job} has ended"), limit, || {
            let job = self.job(job);
            ["succeeded", "failed", "cancelled"].contains(&job.status()).then_some(job)
        })
    }

    /// What a job told, oldest first.
    #[track_caller]
    pub fn events(&self, job: &str) -> Vec<String> {
        let answer = self.get(&format!("/v1/jobs/{job}/events"));
        let events = answer["events"].as_array().unwrap();
        events.iter().map(|event| text(&event["detail"]).to_owned()).collect()
    }

    /// Every item of a list with a query, page after page; `key` is the list's name in the body.
    #[track_caller]
    pub fn list(&self, path: &str, key: &str) -> Vec<Value> {
        let mut items: Vec<Value> = Vec::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let marker = items.last().map(|item| format!("&marker={}", text(&item["id"])));
            let page = format!("{path}{joint}limit=20{}", marker.unwrap_or_default());
            let page = self.get(&page)[key].as_array().unwrap().clone();
            if page.is_empty() {
                return items;
            }
            items.extend(page);
        }
    }

    /// Every restore point.
    #[track_caller]
    pub fn points(&self) -> Vec<Value> {
        self.list("/v1/restore-points", "restore_points")
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
