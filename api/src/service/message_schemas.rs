//! What the API asks and reads. A change of a message that keeps its version fails here; the
//! conductor's own list has the same fingerprints.

use firn_core::{JobId, ProjectId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::instances::{Instances, Shown};
use super::wake;

fn summary() -> Value {
    json!({ "id": Uuid::nil(), "name": "web", "project_id": "p", "power_state": "running" })
}

fn shown() -> Value {
    let disk = json!({
        "device": "vda",
        "kind": "root",
        "bus": "virtio",
        "serial": "s",
        "boot_order": 1,
        "read_only": false,
        "shareable": false,
        "encrypted": false,
        "location": { "type": "file", "path": "/disk", "format": "raw" },
        "size_bytes": 1,
        "driver": "file",
        "storage": "file:/dev/vda",
        "changed_blocks": false,
        "protected": true,
        "reason": null,
    });
    let mut unread = disk.clone();
    for field in ["serial", "boot_order", "size_bytes", "driver", "storage", "changed_blocks"] {
        unread[field] = Value::Null;
    }
    unread["reason"] = json!("no driver reads this disk");
    let mut instance = summary();
    instance["disks"] = json!([disk, unread]);
    json!({ "instance": instance })
}

oslo_messaging::schema_fingerprints! { messages_do_not_change_silently:
    "firn.job.wake/1" = "6ae4e06681ad99b1" => [wake::body(JobId::new())],
    "instance.list/1" = "3997b7c5a458e558" => [
        json!({ "project_id": ProjectId("p".to_owned()) }),
        json!({ "project_id": Option::<ProjectId>::None }),
    ],
    "instance.list/1 answer" = "9fa336c56e7d9ca9" as Instances => [json!({ "instances": [summary()] })],
    "instance.show/1" = "6c5e4d544262be69" => [json!({ "instance_id": Uuid::nil() })],
    "instance.show/1 answer" = "95901843e6a8a3b6" as Shown => [shown()],
}
