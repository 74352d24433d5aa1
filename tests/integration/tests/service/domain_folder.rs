//! A folder of domain files where not all are good.

use std::fs;
use std::os::unix::fs::symlink;

use firn_integration_tests::{Change, Format, Ground, MIB, Machine, Service, nothing_left, run};
use serde_json::{Value, json};

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

fn bomb() -> String {
    let mut text = String::from("<!DOCTYPE d [<!ENTITY a0 'aaaaaaaaaa'>");
    for level in 1..20 {
        let inner = format!("&a{};", level - 1).repeat(10);
        text.push_str(&format!("<!ENTITY a{level} '{inner}'>"));
    }
    text + "]><domain type='kvm'><name>&a19;</name></domain>"
}

/// Files that are no domain, or one that must not be believed.
fn hostile(ground: &Ground, good: &Machine) {
    let folder = ground.domains();
    let put = |name: &str, content: &[u8]| fs::write(folder.join(name), content).unwrap();
    put("empty.xml", b"");
    put("text.xml", b"this is no XML");
    put("cut.xml", &good.domain_xml("").into_bytes()[..150]);
    put("binary.xml", &[0, 255, 254, 1, 2, 3]);
    put("bomb.xml", bomb().as_bytes());
    put(
        "entity.xml",
        b"<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain><name>&x;</name></domain>",
    );
    put("deep.xml", "<domain>".repeat(200_000).as_bytes());
    put("large.xml", "<domain><!-- x -->".repeat(2_000_000).as_bytes());
    put("other-root.xml", b"<network><name>default</name></network>");
    put("no-uuid.xml", b"<domain type='kvm'><name>x</name><devices/></domain>");
    let uuid = |at: u32| format!("00000000-0000-4000-9000-{at:012}");
    let domain = |at: u32, name: &str, disk: &str| {
        format!(
            "<domain type='kvm'><name>{name}</name><uuid>{}</uuid><devices>{disk}</devices></domain>",
            uuid(at)
        )
    };
    let disk = |target: &str| {
        format!(
            "<disk type='file' device='disk'><driver name='qemu' type='raw'/>\
             <source file='/etc/hostname'/><target dev='{target}' bus='virtio'/></disk>"
        )
    };
    put("target-escape.xml", domain(1, "escape", &disk("../../../tmp/x")).as_bytes());
    put("target-twice.xml", domain(2, "twice", &(disk("vda") + &disk("vda"))).as_bytes());
    put("bad-uuid.xml", b"<domain><name>x</name><uuid>../..</uuid></domain>");
    symlink("/nowhere", folder.join("dangling.xml")).unwrap();
    symlink("/dev/zero", folder.join("endless.xml")).unwrap();
    fs::create_dir(folder.join("folder.xml")).unwrap();
    run("mkfifo", [folder.join("pipe.xml")]);
    put(".hidden.xml", domain(3, "hidden", &disk("vda")).as_bytes());
    put("not-xml.txt", domain(4, "not-xml", &disk("vda")).as_bytes());
}

#[test]
fn hostile_files_beside_good_ones() {
    let ground = Ground::new();
    let disk = |name: &str, seed| {
        Machine::new(&ground, name)
            .disk(&ground, "vda", Format::Raw, 4 * MIB, &Change::mixed(4 * MIB, seed))
            .define()
    };
    let machines = [disk("alpha", 1), disk("beta", 2)];
    hostile(&ground, &machines[0]);
    let service = Service::start(&ground);
    let api = service.api();
    let listed = api.list("/v1/instances", "instances");
    for machine in &machines {
        let found = listed.iter().find(|instance| instance["id"] == machine.id);
        assert_eq!(found.expect("a good one is listed")["name"], machine.name);
        let point = api.backed_up(&machine.id, "full");
        machine.check_restore(&api, point["id"].as_str().unwrap(), &machine.truth());
    }
    for name in ["hidden", "not-xml", "escape"] {
        assert!(listed.iter().all(|instance| instance["name"] != name), "{name}: {listed:?}");
    }
    // Whatever else is listed can be asked for without harm.
    for instance in &listed {
        let path = format!("/v1/instances/{}", instance["id"].as_str().unwrap());
        assert!(api.send("GET", &path, &Value::Null).status < 500, "{path}");
    }
    let log = service.log();
    for name in ["empty.xml", "bomb.xml", "cut.xml", "target-escape.xml"] {
        assert!(log.contains(name), "nobody is told of {name}");
    }
    assert!(!log.contains("panicked") && !log.contains("root:x:0"));
    nothing_left(&ground, &service);
}

#[test]
fn unknown_and_unprotectable_instances() {
    let ground = Ground::new();
    let diskless = Machine::new(&ground, "diskless").define();
    let service = Service::start(&ground);
    let api = service.api();
    api.refused("GET", &format!("/v1/instances/{UNKNOWN}"), &Value::Null, 404);
    let body = |id: &str| json!({"restore_point": {"instance_id": id, "mode": "full"}});
    let said = api.refused("POST", "/v1/restore-points", &body(UNKNOWN), 404);
    assert!(said.contains(UNKNOWN), "{said}");
    let said = api.refused("POST", "/v1/restore-points", &body(&diskless.id), 409);
    assert!(said.contains("disk"), "{said}");
    assert!(api.points().is_empty());
    nothing_left(&ground, &service);
}

#[test]
fn drives_without_a_disk_are_left_out() {
    let ground = Ground::new();
    let machine = Machine::new(&ground, "drives")
        .disk(&ground, "vda", Format::Raw, 4 * MIB, &Change::mixed(4 * MIB, 1))
        .define();
    let iso = ground.disks().join("install.iso");
    fs::write(&iso, b"not really").unwrap();
    let devices = format!(
        "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>\
         <target dev='sda' bus='sata'/><readonly/></disk>\
         <disk type='file' device='cdrom'><driver name='qemu' type='raw'/>\
         <source file='{}'/><target dev='sdb' bus='sata'/><readonly/></disk>\
         <disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>",
        iso.display()
    );
    fs::write(ground.domains().join("drives.xml"), machine.domain_xml(&devices)).unwrap();
    let service = Service::start(&ground);
    let api = service.api();
    let instance = api.get(&format!("/v1/instances/{}", machine.id));
    let disks = instance["instance"]["disks"].as_array().unwrap();
    let devices: Vec<_> = disks.iter().map(|disk| disk["device"].as_str().unwrap()).collect();
    assert_eq!(devices, ["vda"]);
    let point = api.backed_up(&machine.id, "full");
    machine.check_restore(&api, point["id"].as_str().unwrap(), &machine.truth());
    nothing_left(&ground, &service);
}

/// Machines come and go while the service runs.
#[test]
fn changes_of_the_folder_are_seen() {
    let ground = Ground::new();
    let service = Service::start(&ground);
    let api = service.api();
    assert!(api.list("/v1/instances", "instances").is_empty());
    let machine = Machine::new(&ground, "late")
        .disk(&ground, "vda", Format::Raw, 4 * MIB, &Change::mixed(4 * MIB, 1))
        .define();
    let truth = machine.truth();
    let point = api.backed_up(&machine.id, "full");
    fs::remove_file(ground.domains().join("late.xml")).unwrap();
    fs::remove_file(&machine.device("vda").path).unwrap();
    assert!(api.list("/v1/instances", "instances").is_empty());
    // The day it is needed.
    machine.check_restore(&api, point["id"].as_str().unwrap(), &truth);
    fs::remove_dir_all(ground.domains()).unwrap();
    machine.check_restore(&api, point["id"].as_str().unwrap(), &truth);
    fs::create_dir(ground.domains()).unwrap();
    nothing_left(&ground, &service);
}
