//! Every fixture is read as the JSON beside it says.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in the tests' helpers

use std::fs;
use std::path::{Path, PathBuf};

use firn_agent::Domain;
use firn_core::PowerState;
use serde_json::{Value, json};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "xml"))
        .collect();
    files.sort();
    assert!(files.len() >= 15, "fixtures are missing: {files:?}");
    files
}

fn reading(domain: &Domain) -> Value {
    let left_out: Vec<_> = domain
        .left_out
        .iter()
        .map(|out| json!({ "device": out.device, "reason": format!("{:?}", out.reason) }))
        .collect();
    json!({
        "id": domain.id,
        "name": domain.name,
        "project_id": domain.project_id(),
        "machine": domain.machine,
        "disks": domain.disks,
        "left_out": left_out,
    })
}

#[test]
fn fixtures_are_read_as_expected() {
    for file in fixtures() {
        let xml = fs::read(&file).unwrap();
        let domain = Domain::parse(&xml).unwrap_or_else(|error| panic!("{file:?}: {error:?}"));
        let actual = reading(&domain);
        let expected = file.with_extension("json");
        if std::env::var_os("FIRN_UPDATE_FIXTURES").is_some() {
            let text = serde_json::to_string_pretty(&actual).unwrap() + "\n";
            fs::write(&expected, text).unwrap();
        }
        let expected: Value = serde_json::from_slice(&fs::read(&expected).unwrap()).unwrap();
        assert_eq!(actual, expected, "{file:?}");
    }
}

#[test]
fn a_guest_agent_is_known_by_its_channel() {
    for file in fixtures() {
        let xml = fs::read_to_string(&file).unwrap();
        let domain = Domain::parse(xml.as_bytes()).unwrap();
        assert_eq!(domain.guest_agent, xml.contains("org.qemu.guest_agent.0"), "{file:?}");
        // A channel for something else, or by another way, is none.
        for other in ["com.redhat.spice.0", "org.qemu.guest_agent.1"] {
            let xml = xml.replace("org.qemu.guest_agent.0", other);
            assert!(!Domain::parse(xml.as_bytes()).unwrap().guest_agent, "{file:?}");
        }
    }
}

#[test]
fn the_same_machine_reads_alike_running_and_off() {
    let read = |name: &str| {
        let file = fixtures().into_iter().find(|file| file.ends_with(name)).unwrap();
        Domain::parse(&fs::read(file).unwrap()).unwrap()
    };
    let (running, off) = (read("virt-install-boot-order.xml"), read("etc-libvirt-qemu.xml"));
    assert_eq!(running.disks, off.disks);
    assert_eq!(running.machine, off.machine);
}

#[test]
fn xml_is_kept_without_passwords() {
    for (name, secret) in [("virt-install.xml", "hunter2"), ("handwritten.xml", "letmein")] {
        let file = fixtures().into_iter().find(|file| file.ends_with(name)).unwrap();
        let given = fs::read_to_string(file).unwrap();
        assert!(given.contains(secret), "{name} no longer tests anything");
        let domain = Domain::parse(given.as_bytes()).unwrap();
        let instance = domain.instance(PowerState::ShutOff);
        assert!(!format!("{domain:?}").contains(secret));
        let again = Domain::parse(instance.domain_xml.as_bytes()).unwrap();
        assert_eq!(again, domain, "removing a password changed something else");
    }
}

#[test]
fn xml_without_passwords_is_kept_to_the_byte() {
    for file in fixtures() {
        let given = fs::read_to_string(&file).unwrap();
        if !given.contains("passwd") && !given.contains("data=") {
            assert_eq!(Domain::parse(given.as_bytes()).unwrap().xml, given, "{file:?}");
        }
    }
}
