//! A conductor that knows a few instances, and a listener on the queue of jobs.

use std::time::Duration;

use oslo_messaging::{Consumer, Envelope, InProcess, RemoteError, Transport};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

pub(crate) const INSTANCE: &str = "6f2c0b5e-5a0e-4d57-8f0e-0a4b6f0f0001";
pub(crate) const OTHER_INSTANCE: &str = "6f2c0b5e-5a0e-4d57-8f0e-0a4b6f0f0002";
pub(crate) const DISKLESS: &str = "6f2c0b5e-5a0e-4d57-8f0e-0a4b6f0f0003";
/// The conductor fails.
pub(crate) const BROKEN: &str = "6f2c0b5e-5a0e-4d57-8f0e-0a4b6f0f0004";
/// The conductor cannot understand the instance.
pub(crate) const UNUSABLE: &str = "6f2c0b5e-5a0e-4d57-8f0e-0a4b6f0f0006";
/// The conductor answers something else.
pub(crate) const NONSENSE: &str = "6f2c0b5e-5a0e-4d57-8f0e-0a4b6f0f0005";

/// What a conductor answers.
fn answer(method: &str, arguments: &Value) -> Result<Value, RemoteError> {
    let error = |code: &str, message: &str| {
        Err(RemoteError { code: code.to_owned(), message: message.to_owned() })
    };
    match (method, arguments["instance_id"].as_str()) {
        ("driver.list", _) => Ok(json!({ "drivers": [
            {"name": "file", "host": "conductor1", "status": "enabled", "vendor": "Firn",
             "version": "0.1.0", "reason": null, "of_a_later_version": 1},
            {"name": "ceph", "host": "conductor1", "status": "disabled", "vendor": null,
             "version": null, "reason": "librbd.so.1 is missing"},
        ]})),
        ("instance.list", _) => Ok(json!({ "instances": [
            summary(OTHER_INSTANCE, "web2"), summary(INSTANCE, "web1"), summary(DISKLESS, "diskless"),
        ]})),
        ("instance.show", Some(id @ (INSTANCE | OTHER_INSTANCE))) => {
            let name = if id == INSTANCE { "web1" } else { "web2" };
            let mut instance = summary(id, name);
            instance["disks"] = json!([
                disk("vda", "root", json!("file"), Value::Null),
                disk("vdb", "volume", Value::Null, json!("no driver reads it")),
            ]);
            Ok(json!({ "instance": instance }))
        }
        ("instance.show", Some(DISKLESS)) => {
            let mut instance = summary(DISKLESS, "diskless");
            instance["disks"] = json!([]);
            Ok(json!({ "instance": instance }))
        }
        ("instance.show", Some(BROKEN)) => error("internal", "secret"),
        ("instance.show", Some(UNUSABLE)) => error("conflict", "its XML makes no sense"),
        ("instance.show", Some(NONSENSE)) => Ok(json!({"secret": 1})),
        ("instance.show", _) => error("not_found", "no such instance"),
        _ => error("unsupported", "no such method"),
    }
}

fn summary(id: &str, name: &str) -> Value {
    let power_state = if name == "web2" { "running" } else { "shut_off" };
    json!({"id": id, "name": name, "project_id": "standalone", "power_state": power_state})
}

fn disk(device: &str, kind: &str, driver: Value, reason: Value) -> Value {
    json!({
        "device": device, "kind": kind, "bus": "virtio", "serial": null, "boot_order": 1,
        "read_only": false, "shareable": false, "encrypted": false,
        "location": {"type": "file", "path": "/var/lib/vm/disk.qcow2", "format": "qcow2"},
        "size_bytes": 8_u64 << 30, "driver": driver, "storage": "file:/dev/vda2",
        "changed_blocks": null, "protected": true, "reason": reason, "of_a_later_version": {},
    })
}

/// A conductor that answers until it is dropped.
pub(crate) struct Running(JoinHandle<()>);

impl Running {
    pub(crate) async fn start(transport: &InProcess) -> Self {
        Self::start_at(transport, "firn.conductor").await
    }

    /// One that answers at this target.
    pub(crate) async fn start_at(transport: &InProcess, target: &str) -> Self {
        let mut server = transport.serve(target, 16).await.unwrap();
        Self(tokio::spawn(async move {
            while let Some(request) = server.next().await {
                let question = request.envelope.clone();
                let (method, version) = question.schema.split_once('/').unwrap();
                assert_eq!(version, "1");
                let sent = match answer(method, &question.body) {
                    Ok(body) => request.answer(Envelope { body, ..question }).await,
                    Err(error) => request.refuse(error).await,
                };
                sent.unwrap();
            }
        }))
    }

    pub(crate) async fn stop(self) {
        self.0.abort();
        let _ = self.0.await;
    }
}

/// The wake-ups that were sent.
pub(crate) struct Wakes(Mutex<Box<dyn Consumer>>);

impl Wakes {
    pub(crate) async fn start(transport: &InProcess) -> Self {
        Self(Mutex::new(transport.consume("firn.jobs", 1).await.unwrap()))
    }

    /// The job of the next one.
    pub(crate) async fn next(&self) -> String {
        let mut consumer = self.0.lock().await;
        let next = tokio::time::timeout(Duration::from_secs(5), consumer.next()).await;
        let delivery = next.expect("a wake-up was sent").unwrap();
        delivery.envelope.expect("firn.job.wake", 1).unwrap();
        let job = delivery.envelope.body["job_id"].as_str().unwrap().to_owned();
        delivery.ack().await.unwrap();
        job
    }
}
