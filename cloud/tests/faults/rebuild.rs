use std::error::Error;

use firn_cloud::openstack::identity::Trusts;
use firn_cloud::openstack::{OpenStackRebuild, Services, ServicesOptions};
use firn_cloud::{
    CloudError, FormerDisk, FormerMachine, Grant, InstanceDetail, PlannedServer, PlannedVolume,
    Rebuild, ServerParts,
};
use firn_core::{
    DiskKind, DiskLocation, ErrorKind, Instance, InstanceId, PowerState, ProjectId, RestoreId,
};
use serde_json::{Value, json};

use crate::scripted::{Cloud, Scripted, TOKEN, TRUST_TOKEN, patient};

/// Restores to a scripted cloud, in whose name the same user asks.
fn rebuild(cloud: &Cloud) -> OpenStackRebuild {
    let options = ServicesOptions {
        compute: patient(),
        block_storage: patient(),
        network: patient(),
        images: patient(),
    };
    let session = cloud.session();
    let admin = Services::new(&session, &options);
    OpenStackRebuild::new(admin, Trusts::new(session), options)
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

#[tokio::test]
async fn a_volume_that_cinder_encrypts_is_not_written_to() {
    let restore = RestoreId::new();
    let mut made = volume(restore, "available");
    made["encrypted"] = json!(true);
    made["volume_type"] = json!("luks");
    let cloud = Cloud::of([
        Scripted::ok(&json!({"volumes": []})),
        Scripted::json("202 Accepted", &json!({"volume": volume(restore, "creating")})),
        Scripted::ok(&json!({"volume": made})),
        Scripted::ok(&json!({"volumes": [made]})),
        Scripted::ok(&json!({"volume": made})),
        Scripted::json("202 Accepted", &json!({})),
        Scripted::json("404 Not Found", &json!({})),
    ])
    .await;
    let rebuild = rebuild(&cloud);
    let planned = PlannedVolume {
        device: "vda".to_owned(),
        size_gib: 1,
        bootable: true,
        ..PlannedVolume::default()
    };
    let refused = rebuild.volume_make(&grant(), restore, &planned).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let words = cause(&refused);
    assert!(words.contains("v1, for vda, is encrypted") && words.contains("luks"), "{words}");
    rebuild.volumes_remove(&grant(), restore).await.unwrap();
    let expected = [
        "GET /volumes/detail",
        "POST /volumes",
        "GET /volumes/v1",
        "GET /volumes/detail",
        "GET /volumes/v1",
        "DELETE /volumes/v1",
        "GET /volumes/v1",
    ];
    assert_eq!(asked(&cloud), expected);
}

/// A volume of the root disk, planned in a cloud whose default type is `luks`: the problems, and what
/// was asked in the end.
async fn planned(volume_type: Option<&str>, encryption: Value) -> (Vec<String>, Vec<String>) {
    let usage = json!({"limit": 10, "in_use": 2, "reserved": 0});
    let luks = json!({"id": "t1", "name": "luks"});
    // What is asked at once is asked in any order: each answer has all.
    let answer = json!({
        "volume_types": [luks, {"id": "t2", "name": "plain"}],
        "volume_type": luks,
        "quota_set": {"volumes": usage, "snapshots": usage, "gigabytes": usage},
        "availabilityZoneInfo": [],
    });
    let at_once = if volume_type.is_some() { 3 } else { 4 };
    let mut script = vec![Scripted::ok(&answer); at_once];
    script.push(Scripted::ok(&encryption));
    let cloud = Cloud::of(script).await;
    let mut machine = machine();
    let disk = FormerDisk { device: "vda".to_owned(), kind: DiskKind::Root, size_bytes: 1 };
    machine.disks.push(disk);
    let wish = json!({"device": "vda", "volume_type": volume_type});
    let wish = serde_json::from_value(wish).unwrap();
    let plan = rebuild(&cloud).volume_plan(&grant(), &machine, &wish).await.unwrap();
    (plan.problems, asked(&cloud).split_off(at_once))
}

#[tokio::test]
async fn a_plan_asks_whether_cinder_would_encrypt() {
    let luks = || json!({"provider": "luks", "cipher": "aes-xts-plain64", "encryption_id": "e1"});
    let (problems, asked) = planned(Some("luks"), luks()).await;
    assert!(problems[0].contains("the volume type luks, for vda, encrypts"), "{problems:?}");
    assert_eq!(asked, ["GET /types/t1/encryption"]);
    let (problems, asked) = planned(None, luks()).await;
    assert!(problems[0].contains("the default volume type luks"), "{problems:?}");
    assert_eq!(asked, ["GET /types/t1/encryption"]);
    let (problems, asked) = planned(Some("plain"), json!({})).await;
    assert_eq!(problems, [""; 0]);
    assert_eq!(asked, ["GET /types/t2/encryption"]);
    let (problems, asked) = planned(Some("other"), json!({})).await;
    assert!(problems[0].contains("may use no volume type other"), "{problems:?}");
    assert_eq!(asked, [""; 0]);
}

#[tokio::test]
async fn who_acts_for_another_says_who_asks() {
    let restore = RestoreId::new();
    let refused = Scripted::json("401 Unauthorized", &json!({}));
    let cloud = Cloud::of([
        Scripted::ok(&json!({"volumes": []})),
        // So services answer when either token has ended: the session renews the user's, then
        // the service's is renewed too.
        refused.clone(),
        refused,
        Scripted::json("202 Accepted", &json!({"volume": volume(restore, "creating")})),
        Scripted::ok(&json!({"volume": volume(restore, "available")})),
    ])
    .await;
    let planned =
        PlannedVolume { device: "vda".to_owned(), size_gib: 1, ..PlannedVolume::default() };
    rebuild(&cloud).volume_make(&grant(), restore, &planned).await.unwrap();
    let own = (Some(TOKEN), None);
    let acting = (Some(TRUST_TOKEN), Some(TOKEN));
    let seen = cloud.seen();
    let tokens: Vec<_> = seen
        .iter()
        .map(|one| (one.header("x-auth-token"), one.header("x-service-token")))
        .collect();
    assert_eq!(tokens, [own, acting, acting, acting, own]);
    assert_eq!(cloud.logins(), 4, "each of both twice");
}

/// A server as Nova shows it, busy with a task or not.
fn state(status: &str, task: Option<&str>) -> Scripted {
    Scripted::ok(&json!({"server": {"id": "s1", "status": status, "tenant_id": "p1",
        "OS-EXT-STS:task_state": task, "fault": {"message": "No room."}}}))
}

fn accepted() -> Scripted {
    Scripted::json("202 Accepted", &json!({}))
}

fn gone() -> Scripted {
    Scripted::json("404 Not Found", &json!({"itemNotFound": {"message": "Gone"}}))
}

fn busy() -> Scripted {
    Scripted::json("409 Conflict", &json!({"conflictingRequest": {"message": "Busy"}}))
}

const LOOK: &str = "GET /servers/s1";
const ASK: &str = "POST /servers/s1/action";

#[tokio::test]
async fn a_server_is_started_once_and_what_is_on_its_way_is_waited_for() {
    for (script, expected) in [
        (vec![state("ACTIVE", None)], vec![LOOK]),
        (vec![state("SHUTOFF", Some("powering-on")), state("ACTIVE", None)], vec![LOOK, LOOK]),
        (
            vec![
                state("ACTIVE", Some("powering-off")),
                state("SHUTOFF", None),
                accepted(),
                state("SHUTOFF", Some("powering-on")),
                state("ACTIVE", None),
            ],
            vec![LOOK, LOOK, ASK, LOOK, LOOK],
        ),
        // Somebody was faster, with something that passes.
        (vec![state("SHUTOFF", None), busy(), state("ACTIVE", None)], vec![LOOK, ASK, LOOK]),
    ] {
        let cloud = Cloud::of(script).await;
        rebuild(&cloud).server_start("s1").await.unwrap();
        assert_eq!(asked(&cloud), expected);
    }
}

#[tokio::test]
async fn a_server_that_can_be_neither_started_nor_stopped_is_told_at_once() {
    for status in ["PAUSED", "SUSPENDED", "RESCUE", "SHELVED_OFFLOADED", "SOFT_DELETED"] {
        let cloud = Cloud::of([state(status, None), state(status, None)]).await;
        let rebuild = rebuild(&cloud);
        for refused in [rebuild.server_start("s1").await, rebuild.server_stop("s1").await] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Conflict);
            assert!(cause(&refused).contains(&format!("s1 is {status}")), "{refused:?}");
        }
        assert_eq!(asked(&cloud), [LOOK, LOOK]);
    }
    // One that does not come up, which Nova shows as off again.
    let cloud = Cloud::of([state("SHUTOFF", None), accepted(), state("SHUTOFF", None)]).await;
    let refused = rebuild(&cloud).server_start("s1").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(cause(&refused).contains("No room."), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_goes_meanwhile_is_gone() {
    for script in [
        vec![gone()],
        vec![state("DELETED", None)],
        vec![state("ACTIVE", Some("deleting")), gone()],
        vec![state("ACTIVE", None), accepted(), state("ACTIVE", Some("deleting")), gone()],
        vec![state("ACTIVE", None), gone()],
    ] {
        let cloud = Cloud::of(script).await;
        let refused = rebuild(&cloud).server_stop("s1").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFound, "{:?}", asked(&cloud));
    }
}

#[tokio::test]
async fn a_server_in_error_can_be_shut_off() {
    let cloud = Cloud::of([
        state("ERROR", None),
        accepted(),
        state("ERROR", Some("powering-off")),
        state("SHUTOFF", None),
    ])
    .await;
    rebuild(&cloud).server_stop("s1").await.unwrap();
    assert_eq!(asked(&cloud), [LOOK, ASK, LOOK, LOOK]);
}

#[tokio::test]
async fn a_restore_locks_a_server_and_ends_its_own_lock_only() {
    let restore = RestoreId::new();
    let server = |locked: bool, reason: Option<&str>| {
        Scripted::ok(&json!({"server": {"id": "s1", "status": "ACTIVE", "tenant_id": "p1",
            "locked": locked, "locked_reason": reason}}))
    };
    let cloud = Cloud::of([server(false, None), accepted()]).await;
    rebuild(&cloud).server_lock(restore, "s1").await.unwrap();
    assert_eq!(asked(&cloud), [LOOK, ASK]);
    let body: Value = serde_json::from_str(&cloud.seen()[1].body).unwrap();
    let reason = body["lock"]["locked_reason"].as_str().unwrap();
    assert!(reason.contains(&restore.to_string()), "{reason}");

    let cloud = Cloud::of([server(true, Some("paid late"))]).await;
    rebuild(&cloud).server_lock(restore, "s1").await.unwrap();
    assert_eq!(asked(&cloud), [LOOK], "a lock of somebody else's stays");

    for (script, expected) in [
        (vec![server(true, Some(reason)), accepted()], vec![LOOK, ASK]),
        (vec![server(true, Some(reason)), gone()], vec![LOOK, ASK]),
        (vec![server(true, Some("paid late"))], vec![LOOK]),
        (vec![server(true, None)], vec![LOOK]),
        (vec![server(false, None)], vec![LOOK]),
        (vec![gone()], vec![LOOK]),
    ] {
        let cloud = Cloud::of(script).await;
        rebuild(&cloud).server_unlock(restore, "s1").await.unwrap();
        assert_eq!(asked(&cloud), expected);
    }
}

#[tokio::test]
async fn a_state_that_is_neither_on_nor_off_is_named() {
    for (script, named) in [
        (state("ACTIVE", None), None),
        (state("SHUTOFF", None), None),
        (gone(), None),
        (state("PAUSED", None), Some("PAUSED")),
        (state("RESCUE", None), Some("RESCUE")),
        (state("ERROR", None), Some("ERROR")),
    ] {
        let obstacle = rebuild(&Cloud::of([script]).await).server_obstacle("s1").await.unwrap();
        assert_eq!(obstacle.as_deref(), named);
    }
}
