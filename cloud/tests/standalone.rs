//! A cloud of one machine.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in the tests' helpers

use std::sync::Arc;
use std::time::{Duration, Instant};

use firn_cloud::{Cloud, CloudError, InstanceDetail, InstanceSummary, Machines, Standalone};
use firn_core::{
    ErrorKind, Firmware, Instance, InstanceId, MachineIdentity, PowerState, ProjectId,
};

/// A host with these machines, which takes its time.
struct Host {
    machines: Vec<InstanceDetail>,
    delay: Duration,
}

impl Host {
    fn find(&self, id: InstanceId) -> Result<&InstanceDetail, CloudError> {
        std::thread::sleep(self.delay);
        let found = self.machines.iter().find(|machine| machine.instance.id == id);
        found.ok_or(CloudError::NotFound { id })
    }
}

impl Machines for Host {
    fn list(&self) -> Result<Vec<InstanceSummary>, CloudError> {
        std::thread::sleep(self.delay);
        Ok(self.machines.iter().map(InstanceDetail::summary).collect())
    }

    fn get(&self, id: InstanceId) -> Result<InstanceDetail, CloudError> {
        self.find(id).cloned()
    }

    fn power_state(&self, id: InstanceId) -> Result<PowerState, CloudError> {
        self.find(id).map(|machine| machine.instance.power_state)
    }
}

fn machine(number: u128, name: &str, project: &str) -> InstanceDetail {
    InstanceDetail {
        instance: Instance {
            id: InstanceId(uuid::Uuid::from_u128(number)),
            name: name.to_owned(),
            project_id: ProjectId(project.to_owned()),
            power_state: PowerState::Running,
            disks: Vec::new(),
            domain_xml: "<domain/>".to_owned(),
        },
        machine: MachineIdentity {
            domain_name: name.to_owned(),
            title: None,
            memory_bytes: 1 << 30,
            vcpus: 2,
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

fn cloud(delay: Duration) -> Arc<dyn Cloud> {
    let machines =
        vec![machine(2, "web", "standalone"), machine(3, "db", "7c1f2a9b"), machine(1, "web", "x")];
    let host = Host { machines, delay };
    Arc::new(Standalone::new(Arc::new(host)).with_deadline(Duration::from_millis(500)))
}

fn id(number: u128) -> InstanceId {
    InstanceId(uuid::Uuid::from_u128(number))
}

#[tokio::test]
async fn all_machines_are_of_the_one_project() {
    let cloud = cloud(Duration::ZERO);
    let list = cloud.instance_list(&ProjectId::standalone()).await.unwrap();
    let listed: Vec<_> =
        list.iter().map(|instance| (instance.name.as_str(), instance.id)).collect();
    assert_eq!(listed, [("db", id(3)), ("web", id(1)), ("web", id(2))]);
    assert!(list.iter().all(|instance| instance.project_id == ProjectId::standalone()));
    let shown = cloud.instance_get(id(3)).await.unwrap();
    assert_eq!(shown.instance.project_id, ProjectId::standalone());
    assert_eq!(shown.summary(), list[0]);
    assert_eq!(cloud.power_state(id(3)).await.unwrap(), PowerState::Running);
}

#[tokio::test]
async fn another_project_has_no_instances() {
    let other = ProjectId("7c1f2a9b".to_owned());
    assert_eq!(cloud(Duration::ZERO).instance_list(&other).await.unwrap(), []);
}

#[tokio::test]
async fn an_unknown_id_is_not_found() {
    let cloud = cloud(Duration::ZERO);
    let shown = cloud.instance_get(id(9)).await.unwrap_err();
    assert_eq!(shown.kind(), ErrorKind::NotFound);
    assert!(shown.to_string().contains(&id(9).to_string()));
    assert_eq!(cloud.power_state(id(9)).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_host_that_hangs_is_unavailable_in_time() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let cloud = cloud(Duration::from_secs(5));
    let begun = Instant::now();
    runtime.block_on(async {
        let errors = [
            cloud.instance_list(&ProjectId::standalone()).await.unwrap_err(),
            cloud.instance_get(id(1)).await.unwrap_err(),
            cloud.power_state(id(1)).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.to_string().contains("does not answer"), "{error}");
        }
    });
    assert!(begun.elapsed() < Duration::from_millis(4500), "{:?}", begun.elapsed());
    // The hung thread must not hold the process either.
    runtime.shutdown_background();
}

#[tokio::test]
async fn a_panic_behind_the_port_is_an_error() {
    struct Broken;
    impl Machines for Broken {
        fn list(&self) -> Result<Vec<InstanceSummary>, CloudError> {
            panic!("as a defect would")
        }
        fn get(&self, id: InstanceId) -> Result<InstanceDetail, CloudError> {
            Err(CloudError::InvalidInput { id, source: "two roots".into() })
        }
        fn power_state(&self, _: InstanceId) -> Result<PowerState, CloudError> {
            Err(CloudError::Unavailable { service: "libvirt".to_owned(), source: None })
        }
    }
    let cloud = Standalone::new(Arc::new(Broken));
    let list = cloud.instance_list(&ProjectId::standalone()).await.unwrap_err();
    assert_eq!(list.kind(), ErrorKind::Internal);
    let error = cloud.instance_get(id(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(!error.to_string().contains("two roots"), "the cause is the source's to say");
    assert_eq!(cloud.power_state(id(1)).await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn the_json_of_restore_points_reads_back() {
    let mut detail = machine(1, "web", "standalone");
    detail.machine.firmware = Firmware::Uefi {
        loader: Some("/usr/share/OVMF/OVMF_CODE.fd".into()),
        nvram: None,
        secure_boot: true,
    };
    let text = serde_json::to_string(&detail).unwrap();
    assert_eq!(serde_json::from_str::<InstanceDetail>(&text).unwrap(), detail);
    // What an older version has not written reads as absent.
    let old = r#"{"domain_name":"a","memory_bytes":1,"vcpus":1,"hypervisor":"kvm",
                  "firmware":{"type":"uefi"}}"#;
    let old: MachineIdentity = serde_json::from_str(old).unwrap();
    assert!(old.interfaces.is_empty() && old.nova.is_none() && !old.tpm);
}
