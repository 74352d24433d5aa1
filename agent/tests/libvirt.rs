//! A real libvirt, through its built-in test driver, and some that are ill.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in the tests' helpers

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use firn_agent::{Domain, DomainSource, LibvirtSource, SourceError};
use firn_core::{Disk, ErrorKind, InstanceId, PowerState};
use tempfile::TempDir;

const TEST_NAMESPACE: &str = "http://libvirt.org/schemas/domain/test/1.0";

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn fixture(name: &str) -> String {
    fs::read_to_string(tests_folder().join("fixtures").join(name)).unwrap()
}

/// A libvirt whose host has these domains, each in a state by libvirt's number.
fn libvirt(domains: &[(String, u8)]) -> (TempDir, LibvirtSource) {
    let virsh = Command::new("virsh").arg("--version").output();
    let works = virsh.is_ok_and(|output| output.status.success());
    assert!(works, "virsh is missing: run `make deps` (it installs libvirt-clients)");
    let folder = tempfile::tempdir().unwrap();
    let mut node = "<node>".to_owned();
    for (number, (xml, state)) in domains.iter().enumerate() {
        let file = folder.path().join(format!("{number}.xml"));
        let state = format!("<t:runstate xmlns:t='{TEST_NAMESPACE}'>{state}</t:runstate>");
        // The test driver reads a state only from domains of its own type.
        let of_test = xml
            .replacen(
                "<domain type='qemu'",
                &format!("<domain xmlns:t='{TEST_NAMESPACE}' type='test'"),
                1,
            )
            .replacen(
                "<domain type=\"kvm\"",
                &format!("<domain xmlns:t='{TEST_NAMESPACE}' type='test'"),
                1,
            )
            .replacen("</devices>", &format!("</devices>{state}"), 1);
        fs::write(&file, of_test).unwrap();
        node += &format!("<domain file='{}'/>", file.display());
    }
    let node_file = folder.path().join("node.xml");
    fs::write(&node_file, node + "</node>").unwrap();
    let uri = format!("test://{}", node_file.display());
    // Real, so slow on a busy machine.
    (folder, LibvirtSource::new(&uri).with_deadline(Duration::from_secs(60)))
}

fn ill(program: &str, uri: &str) -> LibvirtSource {
    LibvirtSource::new(uri)
        .with_program(tests_folder().join("fake-virsh").join(program))
        .with_deadline(Duration::from_millis(1500))
}

fn some_id() -> InstanceId {
    "aaaaaaaa-0000-4000-8000-000000000001".parse().unwrap()
}

/// What libvirt itself makes of a domain is the oracle for what we make of it.
#[test]
fn libvirt_understands_the_fixtures_as_we_do() {
    let mut files: Vec<_> = fs::read_dir(tests_folder().join("fixtures"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // The same machine as in virt-install-boot-order.xml.
        .filter(|name| name.ends_with(".xml") && name != "etc-libvirt-qemu.xml")
        .collect();
    files.sort();
    let domains: Vec<_> = files.iter().map(|name| (fixture(name), 1)).collect();
    let (_folder, source) = libvirt(&domains);
    let list = source.list().unwrap();
    assert_eq!(list.problems, []);
    assert_eq!(list.domains.len(), files.len());
    let by_device = |domain: &Domain| {
        let mut disks: Vec<Disk> = domain.disks.clone();
        disks.sort_by(|a, b| a.device.cmp(&b.device));
        disks
    };
    for (name, (xml, _)) in files.iter().zip(&domains) {
        let ours = Domain::parse(xml.as_bytes()).unwrap();
        let theirs = source.domain(ours.id).unwrap();
        assert_eq!(by_device(&theirs), by_device(&ours), "{name}");
        assert_eq!(theirs.machine.nova, ours.machine.nova, "{name}");
        assert_eq!(theirs.machine.firmware, ours.machine.firmware, "{name}");
        assert_eq!(theirs.machine.memory_bytes, ours.machine.memory_bytes, "{name}");
        assert_eq!(theirs.machine.vcpus, ours.machine.vcpus, "{name}");
        assert_eq!(theirs.name, ours.name, "{name}");
        let macs = |domain: &Domain| -> Vec<_> {
            domain.machine.interfaces.iter().map(|interface| interface.mac.clone()).collect()
        };
        assert_eq!(macs(&theirs), macs(&ours), "{name}");
        let listed = list.domains.iter().find(|listed| listed.id == ours.id).unwrap();
        assert_eq!(listed.name, ours.machine.domain_name);
    }
}

#[test]
fn power_states() {
    let states = [
        ("luks.xml", 1, PowerState::Running),
        ("snapshot-chain.xml", 3, PowerState::Running),
        ("nova-rbd.xml", 5, PowerState::ShutOff),
        ("nova-lvm.xml", 6, PowerState::Running),
    ];
    let domains: Vec<_> = states.iter().map(|(name, state, _)| (fixture(name), *state)).collect();
    let (_folder, source) = libvirt(&domains);
    let list = source.list().unwrap();
    for (name, _, expected) in states {
        let domain = Domain::parse(fixture(name).as_bytes()).unwrap();
        assert_eq!(source.power_state(domain.id).unwrap(), expected, "{name}");
        let listed = list.domains.iter().find(|listed| listed.id == domain.id).unwrap();
        assert_eq!(listed.power_state, expected, "{name}");
    }
}

#[test]
fn passwords_are_removed_from_live_xml_too() {
    let (_folder, source) = libvirt(&[(fixture("handwritten.xml"), 1)]);
    let id = Domain::parse(fixture("handwritten.xml").as_bytes()).unwrap().id;
    assert!(!source.domain_xml(id).unwrap().contains("letmein"));
}

#[test]
fn a_domain_that_libvirt_does_not_know() {
    let (_folder, source) = libvirt(&[]);
    assert_eq!(source.list().unwrap().domains, []);
    for error in [
        source.domain_xml(some_id()).unwrap_err(),
        source.power_state(some_id()).unwrap_err(),
        source.domain(some_id()).unwrap_err(),
    ] {
        assert!(matches!(error, SourceError::NotFound { .. }), "{error:?}");
    }
}

#[test]
fn no_libvirt_at_all() {
    let missing = LibvirtSource::system().with_program("/nonexistent/virsh");
    let error = missing.list().unwrap_err();
    assert!(matches!(&error, SourceError::Absent { .. }), "{error:?}");
    assert!(error.to_string().contains("install libvirt-clients"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let (_folder, _) = libvirt(&[]);
    let stopped = LibvirtSource::new("qemu+unix:///system?socket=/nonexistent/libvirt-sock")
        .with_deadline(Duration::from_secs(60));
    let error = stopped.domain(some_id()).unwrap_err();
    assert!(matches!(&error, SourceError::Absent { .. }), "{error:?}");
    assert!(error.to_string().contains("No such file or directory"), "{error}");
}

#[test]
fn a_libvirt_that_hangs_is_given_up_and_its_virsh_killed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let source = ill("hang", file.path().to_str().unwrap());
    let begun = Instant::now();
    let error = source.power_state(some_id()).unwrap_err();
    assert!(matches!(&error, SourceError::TimedOut { .. }), "{error:?}");
    assert!(error.to_string().contains("virsh domstate aaaaaaaa-"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let process: u32 = fs::read_to_string(file.path()).unwrap().trim().parse().unwrap();
    let gone = || !Path::new(&format!("/proc/{process}")).exists();
    while !gone() {
        assert!(begun.elapsed() < Duration::from_secs(40), "process {process} is left");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What Nova calls suspended is shut off to libvirt, and its disks are not at rest.
#[test]
fn a_guest_whose_memory_is_saved_is_not_off() {
    let folder = tempfile::tempdir().unwrap();
    let source = ill("virsh", folder.path().to_str().unwrap());
    fs::write(folder.path().join("state"), "shut off\n").unwrap();
    assert_eq!(source.power_state(some_id()).unwrap(), PowerState::ShutOff);
    fs::write(folder.path().join("saved"), "yes\n").unwrap();
    assert_eq!(source.power_state(some_id()).unwrap(), PowerState::Unknown);
}

#[test]
fn a_child_of_virsh_that_lives_on_does_not_hold_the_answer() {
    let begun = Instant::now();
    let error = ill("leave-child", "x").list().unwrap_err();
    assert!(matches!(error, SourceError::TimedOut { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_millis(4500), "{:?}", begun.elapsed());
}

#[test]
fn answers_without_end_or_sense_are_refused() {
    let flood = ill("flood", "x").with_deadline(Duration::from_secs(60));
    let error = flood.domain(some_id()).unwrap_err();
    assert!(error.to_string().contains("more than 16 MiB"), "{error}");
    let error = ill("garbage", "x").list().unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
    let error = ill("other-domain", "x").domain(some_id()).unwrap_err();
    assert!(error.to_string().contains("the XML of 00000000-1111-"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let list = ill("other-domain", "x").list().unwrap();
    assert_eq!(list.domains, []);
    assert!(list.problems[0].reason.contains("a line without UUID"), "{list:?}");
    let state = ill("other-domain", "x").power_state(some_id()).unwrap();
    assert_eq!(state, PowerState::Unknown);
}
