//! What the conductor reads and answers. A change of a message that keeps its version fails here; the
//! API's own list has the same fingerprints.

use firn_cloud::InstanceDetail;
use firn_core::{Disk, DiskKind, DiskLocation, ImageFormat, JobId};
use firn_driver_host::ProbeError;
use firn_driver_sdk::{Location, Probe};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::discover::ProbedDisk;
use crate::requests::{InstanceList, InstanceShow};
use crate::saga::SnapshotBy;
use crate::view;

fn instance() -> InstanceDetail {
    let detail = json!({
        "instance": {
            "id": Uuid::nil(),
            "name": "web",
            "project_id": "p",
            "power_state": "running",
            "disks": [],
            "domain_xml": "<domain/>",
        },
        "machine": {
            "domain_name": "instance-1",
            "memory_bytes": 1,
            "vcpus": 1,
            "hypervisor": "kvm",
            "firmware": { "type": "bios" },
        },
    });
    serde_json::from_value(detail).unwrap()
}

fn disk(full: bool) -> ProbedDisk {
    let disk = Disk {
        device: "vda".to_owned(),
        kind: DiskKind::Root,
        bus: "virtio".to_owned(),
        serial: full.then(|| "s".to_owned()),
        boot_order: full.then_some(1),
        read_only: false,
        shareable: false,
        encrypted: false,
        location: DiskLocation::File {
            path: "/disk".into(),
            format: ImageFormat::Raw,
            backing: Vec::new(),
        },
    };
    let probe = Probe {
        storage: "file:/dev/vda".to_owned(),
        location: Location(Value::Null),
        size_bytes: 1,
        changed_blocks: false,
        in_use: false,
    };
    let unread = ProbeError::NoDriver { asked: Vec::new(), disabled: Vec::new() };
    let probe = if full { Ok(("file".to_owned(), probe)) } else { Err(unread) };
    ProbedDisk { disk, snapshot_by: SnapshotBy::Nobody, probe }
}

oslo_messaging::schema_fingerprints! { messages_do_not_change_silently:
    "firn.job.wake/1" = "6ae4e06681ad99b1" => [json!({ "job_id": JobId::new() })],
    "instance.list/1" = "27f9c8c67d17b2e3" as InstanceList => [json!({ "project_id": "p" })],
    "instance.list/1 answer" = "9fa336c56e7d9ca9" => [
        json!({ "instances": [view::summary(&instance().summary())] }),
    ],
    "instance.show/1" = "6c5e4d544262be69" as InstanceShow => [json!({ "instance_id": Uuid::nil() })],
    "instance.show/1 answer" = "95901843e6a8a3b6" => [
        json!({ "instance": view::detail(&instance(), &[disk(true), disk(false)]) }),
    ],
}
