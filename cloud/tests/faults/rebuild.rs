use std::error::Error;

use firn_cloud::openstack::identity::Trusts;
use firn_cloud::openstack::{OpenStackRebuild, Services, ServicesOptions};
use firn_cloud::{
    CloudError, FormerMachine, Grant, InstanceDetail, PlannedServer, PlannedVolume, Rebuild,
    ServerParts,
};
use firn_core::{DiskLocation, ErrorKind, Instance, InstanceId, PowerState, ProjectId, RestoreId};
use serde_json::{Value, json};

use crate::scripted::{Cloud, Scripted, patient};

/// Restores to a scripted cloud, in whose name the same user asks.
fn rebuild(cloud: &Cloud) -> OpenStackRebuild {
    let options = ServicesOptions {
        compute: patient(),
        block_storage: patient(),
        network: patient(),
        images: patient(),
    };
    let admin = Services::new(&cloud.session(), &options);
    OpenStackRebuild::new(admin, Trusts::new(cloud.session()), options)
}

fn grant() -> Grant {
    Grant {
        trust_id: Some("t1".to_owned()),
        project_id: ProjectId("p1".to_owned()),
        user_id: "u".to_owned(),
    }
}

/// Methods and paths below the service, without queries.
fn asked(cloud: &Cloud) -> Vec<String> {
    let seen = cloud.seen();
    let lines = seen.iter().map(|seen| seen.line.trim_end_matches(" HTTP/1.1"));
    let lines = lines.map(|line| line.split('?').next().unwrap_or_default());
    lines.map(|line| line.replace("/volume/v3/p1", "").replace("/compute/v2.1", "")).collect()
}

fn cause(error: &CloudError) -> String {
    error.source().unwrap().to_string()
}

fn volume(restore: RestoreId, status: &str) -> Value {
    json!({"id": "v1", "status": status, "size": 1,
        "metadata": {"firn_restore": restore.to_string(), "firn_disk": "vda"}})
}

#[tokio::test]
async fn a_volume_whose_making_nobody_heard_of_is_found() {
    let restore = RestoreId::new();
    let cloud = Cloud::of([
        Scripted::ok(&json!({"volumes": []})),
        Scripted::Close,
        Scripted::ok(&json!({"volumes": [volume(restore, "creating")]})),
        Scripted::ok(&json!({"volume": volume(restore, "available")})),
    ])
    .await;
    let rebuild = rebuild(&cloud);
    let planned =
        PlannedVolume { device: "vda".to_owned(), size_gib: 1, ..PlannedVolume::default() };
    let lost = rebuild.volume_make(&grant(), restore, &planned).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Unavailable);
    assert_eq!(rebuild.volume_make(&grant(), restore, &planned).await.unwrap(), "v1");
    let expected =
        ["GET /volumes/detail", "POST /volumes", "GET /volumes/detail", "GET /volumes/v1"];
    assert_eq!(asked(&cloud), expected);
}

fn machine() -> FormerMachine {
    let identity = json!({"domain_name": "i", "memory_bytes": 1, "vcpus": 1, "hypervisor": "kvm",
        "firmware": {"type": "bios"}});
    let instance = Instance {
        id: InstanceId::new(),
        name: "shop".to_owned(),
        project_id: ProjectId("p1".to_owned()),
        power_state: PowerState::ShutOff,
        disks: Vec::new(),
        domain_xml: String::new(),
    };
    let machine = serde_json::from_value(identity).unwrap();
    FormerMachine { detail: InstanceDetail { instance, machine, host: None }, disks: Vec::new() }
}

#[tokio::test]
async fn a_server_whose_making_nobody_heard_of_is_found_and_its_fault_told() {
    let restore = RestoreId::new();
    let server = |status: &str| {
        json!({"id": "s1", "status": status, "tenant_id": "p1",
            "metadata": {"firn_restore": restore.to_string()},
            "fault": {"message": "No valid host was found."}})
    };
    let cloud = Cloud::of([
        Scripted::ok(&json!({"servers": []})),
        Scripted::Close,
        Scripted::ok(&json!({"servers": [server("BUILD")]})),
        Scripted::ok(&json!({"server": server("ERROR")})),
    ])
    .await;
    let rebuild = rebuild(&cloud);
    let (plan, machine, parts) = (PlannedServer::default(), machine(), ServerParts::default());
    let grant = grant();
    let make = || rebuild.server_make(&grant, restore, &plan, &machine, &parts);
    assert_eq!(make().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let failed = make().await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Conflict);
    assert!(cause(&failed).contains("No valid host was found."), "{failed:?}");
    let expected =
        ["GET /servers/detail", "POST /servers", "GET /servers/detail", "GET /servers/s1"];
    assert_eq!(asked(&cloud), expected);
}

fn attachment(info: Value) -> Value {
    json!({"id": "a1", "volume_id": "v1", "status": "attaching", "instance": "r",
        "connection_info": info})
}

#[tokio::test]
async fn an_attachment_that_was_never_connected_is_made_again() {
    let rbd = json!({"driver_volume_type": "rbd", "name": "volumes/volume-v1"});
    let of_other = json!({"id": "a0", "volume_id": "v0", "status": "attaching",
        "connection_info": rbd});
    let cloud = Cloud::of([
        Scripted::ok(&json!({"attachments": [of_other, attachment(json!({}))]})),
        Scripted::ok(&json!({"attachments": []})),
        Scripted::ok(&json!({"attachment": attachment(rbd)})),
    ])
    .await;
    let location = rebuild(&cloud).volume_attach(RestoreId::new(), "v1").await.unwrap();
    assert!(matches!(location, DiskLocation::Rbd { .. }), "{location:?}");
    let expected = ["GET /attachments/detail", "DELETE /attachments/a1", "POST /attachments"];
    assert_eq!(asked(&cloud), expected);
}

#[tokio::test]
async fn a_volume_on_other_storage_is_given_back() {
    let iscsi = attachment(json!({"driver_volume_type": "iscsi", "auth_password": "hunter2"}));
    let cloud = Cloud::of([
        Scripted::ok(&json!({"attachments": []})),
        Scripted::ok(&json!({"attachment": iscsi})),
        Scripted::ok(&json!({"attachments": []})),
    ])
    .await;
    let error = rebuild(&cloud).volume_attach(RestoreId::new(), "v1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(cause(&error).contains("iscsi") && !format!("{error:?}").contains("hunter2"));
    let expected = ["GET /attachments/detail", "POST /attachments", "DELETE /attachments/a1"];
    assert_eq!(asked(&cloud), expected);
}
