//! Instances and drivers as the API shows them.

use firn_cloud::{InstanceDetail, InstanceSummary};
use firn_core::chain;
use firn_driver_host::{DriverEntry, DriverState};
use firn_driver_sdk::Driver;
use serde_json::{Value, json};

use crate::discover::ProbedDisk;
use crate::saga::SnapshotBy;
use crate::services::Services;

/// An instance in a list, without its disks.
pub(crate) fn summary(instance: &InstanceSummary) -> Value {
    json!({
        "id": instance.id,
        "name": instance.name,
        "project_id": instance.project_id,
        "power_state": instance.power_state,
    })
}

/// An instance with what is known of each disk.
pub(crate) fn detail(instance: &InstanceDetail, disks: &[ProbedDisk]) -> Value {
    let mut view = summary(&instance.summary());
    view["disks"] = disks.iter().map(disk).collect();
    view
}

fn disk(ProbedDisk { disk, snapshot_by, probe }: &ProbedDisk) -> Value {
    let mut view = json!({
        "device": disk.device,
        "kind": disk.kind,
        "bus": disk.bus,
        "serial": disk.serial,
        "boot_order": disk.boot_order,
        "read_only": disk.read_only,
        "shareable": disk.shareable,
        "encrypted": disk.encrypted,
        "location": disk.location,
        "size_bytes": null,
        "driver": null,
        "storage": null,
        "changed_blocks": null,
        "protected": disk.kind.protected(),
        "reason": null,
    });
    match probe {
        Ok((driver, probe)) => {
            view["driver"] = json!(driver);
            view["storage"] = json!(probe.storage);
            view["size_bytes"] = json!(probe.size_bytes);
            view["changed_blocks"] = json!(probe.changed_blocks);
            if probe.in_use && *snapshot_by == SnapshotBy::Nobody {
                view["reason"] = json!("in use by a running VM: it can be backed up when shut off");
            }
        }
        Err(error) => view["reason"] = json!(chain(error)),
    }
    if !disk.kind.protected() {
        view["reason"] = json!("made anew at every restore, so it is not backed up");
    }
    view
}

/// The drivers of this conductor, those that could not be loaded with the reason.
pub(crate) fn drivers(services: &Services) -> Value {
    let drivers = services.drivers.drivers().iter();
    let driver = |entry: &DriverEntry| {
        let mut view = json!({
            "name": entry.name,
            "host": services.config.host,
            "status": "disabled",
            "vendor": null,
            "version": null,
            "reason": null,
        });
        match &entry.state {
            DriverState::Loaded(driver) => {
                let descriptor = driver.descriptor();
                view["status"] = json!("enabled");
                view["vendor"] = json!(descriptor.vendor);
                view["version"] = json!(descriptor.version);
            }
            DriverState::Disabled { reason } => view["reason"] = json!(reason.chain()),
        }
        view
    };
    json!({ "drivers": drivers.map(driver).collect::<Vec<_>>() })
}
