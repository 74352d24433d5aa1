use firn_core::{
    Disk, DiskKind, DiskLocation, Firmware, Instance, InstanceId, MachineIdentity, PowerState,
    ProjectId,
};
use serde_json::json;

use super::*;

pub(in crate::saga) fn instance(disks: &[(&str, DiskKind)]) -> InstanceDetail {
    let disk = |(device, kind): &(&str, DiskKind)| Disk {
        device: (*device).to_owned(),
        kind: *kind,
        bus: "virtio".to_owned(),
        serial: None,
        boot_order: None,
        read_only: false,
        shareable: false,
        encrypted: false,
        location: DiskLocation::Unknown { description: "none".to_owned() },
    };
    InstanceDetail {
        instance: Instance {
            id: InstanceId::new(),
            name: "web".to_owned(),
            project_id: ProjectId::standalone(),
            power_state: PowerState::ShutOff,
            disks: disks.iter().map(disk).collect(),
            domain_xml: String::new(),
        },
        machine: MachineIdentity {
            domain_name: "web".to_owned(),
            title: None,
            memory_bytes: 1,
            vcpus: 1,
            hypervisor: "kvm".to_owned(),
            architecture: None,
            machine_type: None,
            firmware: Firmware::Bios,
            tpm: false,
            interfaces: Vec::new(),
            nova: None,
            openstack: None,
            metadata: Default::default(),
        },
        host: None,
    }
}

#[test]
fn a_grade_below_the_demand_is_refused_and_names_both() {
    use Consistency::{Application as A, Crash as C, Filesystem as F};
    for (reached, demanded, well) in [
        (C, None, true),
        (C, Some(C), true),
        (C, Some(F), false),
        (C, Some(A), false),
        (F, Some(C), true),
        (F, Some(F), true),
        (F, Some(A), false),
        (A, Some(C), true),
        (A, Some(F), true),
        (A, Some(A), true),
    ] {
        assert_eq!(check_grade(reached, demanded).is_ok(), well, "{reached:?} for {demanded:?}");
    }
    let error = check_grade(C, Some(F)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("filesystem") && error.message.contains("crash"), "{error}");
}

#[test]
fn a_point_has_the_grade_of_its_snapshots_and_of_old_journals_what_was_discovered() {
    use Consistency::{Application as A, Crash as C, Filesystem as F};
    let taken = |grade: &str| -> Vec<Taken> {
        let one = json!({ "name": "s", "cloud_id": null, "consistency": grade });
        serde_json::from_value(json!([one, one])).unwrap()
    };
    assert_eq!(grade(C, &taken("filesystem")), F);
    assert_eq!(grade(A, &taken("crash")), C, "it was started after it was discovered");
    let old = json!([{ "name": "s", "cloud_id": null }, { "name": null, "cloud_id": null }]);
    let old: Vec<Taken> = serde_json::from_value(old).unwrap();
    assert_eq!((grade(A, &old), grade(C, &old)), (A, C));
}

#[test]
fn excluded_disks_are_not_read_and_unknown_names_are_seen() {
    let instance =
        instance(&[("vda", DiskKind::Root), ("vdb", DiskKind::Volume), ("vdc", DiskKind::Swap)]);
    let names = |excluded: &[&str]| {
        let excluded = excluded.iter().map(|name| (*name).to_owned()).collect();
        let (wanted, there) = choose(&instance, &excluded);
        let wanted: Vec<_> = wanted.into_iter().map(|disk| disk.device).collect();
        (wanted, there.into_iter().collect::<Vec<_>>())
    };
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&[]), (list(&["vda", "vdb"]), list(&[])));
    assert_eq!(names(&["vdb", "vdz"]), (list(&["vda"]), list(&["vdb"])));
    assert_eq!(names(&["vdc"]), (list(&["vda", "vdb"]), list(&["vdc"])));
    assert_eq!(names(&["vda", "vdb"]), (list(&[]), list(&["vda", "vdb"])));
    let everything = ["vda".to_owned()].into();
    let error = readable_disks(Vec::new(), &everything).unwrap_err();
    assert!(error.message.contains("excluded"), "{error}");
}

#[test]
fn a_request_by_hand_demands_nothing() {
    let spec: Spec = serde_json::from_value(json!({})).unwrap();
    assert!(spec.consistency.is_none() && spec.excluded_disks.is_empty());
    let spec: Spec = serde_json::from_value(json!({
        "plan_id": "x", "consistency": "filesystem", "excluded_disks": ["vdb"],
        "bandwidth_bytes_per_second": 1000,
    }))
    .unwrap();
    assert_eq!(spec.consistency, Some(Consistency::Filesystem));
    assert_eq!(spec.bandwidth_bytes_per_second, Some(1000));
}

#[tokio::test]
async fn nothing_is_begun_where_the_agent_is_disabled() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("firn.sqlite").display());
    let database = Database::open(&url).unwrap();
    database.migrate().unwrap();
    demand_agent(&database, "h1").await.unwrap();
    let report = firn_db::ServiceReport {
        kind: ServiceKind::Agent,
        host: "h1".to_owned(),
        version: "1".to_owned(),
        started_at: chrono::Utc::now(),
    };
    let id = uuid::Uuid::new_v4();
    let beat = |conn: &mut _| firn_db::service_heartbeat(conn, &report, id, report.started_at);
    let agent = database.run_blocking(beat).unwrap();
    demand_agent(&database, "h1").await.unwrap();
    let disable = |conn: &mut _| firn_db::service_disable(conn, agent.id, Some("new memory"));
    database.run_blocking(disable).unwrap();
    let error = demand_agent(&database, "h1").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("new memory"), "{error}");
    demand_agent(&database, "h2").await.unwrap();
}
