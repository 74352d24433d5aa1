//! What a disk is to its machine, where fixtures do not show it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in the tests' helpers

use firn_agent::{Domain, LeftOutReason};
use firn_core::{DiskKind, DiskLocation, Firmware};

const UUID: &str = "5d4c3b2a-1f0e-4d9c-8b7a-665544332211";
const NOVA: &str = "<metadata><n:instance xmlns:n='http://openstack.org/xmlns/libvirt/nova/1.0'/>\
                    </metadata>";

fn read(parts: &str, disks: &[&str]) -> Domain {
    let disks: String = disks.concat();
    let xml = format!(
        "<domain type='kvm'><name>n</name><uuid>{UUID}</uuid><memory>1024</memory>{parts}\
         <devices>{disks}</devices></domain>"
    );
    Domain::parse(xml.as_bytes()).unwrap()
}

fn file(path: &str, device: &str) -> String {
    format!("<disk><source file='{path}'/><target dev='{device}'/></disk>")
}

fn kinds(domain: &Domain) -> Vec<(&str, DiskKind)> {
    domain.disks.iter().map(|disk| (disk.device.as_str(), disk.kind)).collect()
}

#[test]
fn names_mean_nothing_outside_of_nova() {
    let disks =
        [file(&format!("/vm/{UUID}/disk"), "vda"), file(&format!("/vm/{UUID}/disk.swap"), "vdb")];
    let disks: Vec<&str> = disks.iter().map(String::as_str).collect();
    let plain = read("", &disks);
    assert_eq!(kinds(&plain), [("vda", DiskKind::Root), ("vdb", DiskKind::Volume)]);
    let nova = read(NOVA, &disks);
    assert_eq!(kinds(&nova), [("vda", DiskKind::Root), ("vdb", DiskKind::Swap)]);
}

#[test]
fn nova_names_are_those_of_this_server() {
    let other = "00000000-1111-4222-8333-444444444444";
    let rbd = |image: &str, device: &str| {
        format!(
            "<disk type='network'><source protocol='rbd' name='vms/{image}'/>\
             <target dev='{device}'/></disk>"
        )
    };
    let disks = [
        rbd(&format!("{UUID}_disk"), "vda"),
        rbd(&format!("{UUID}_disk.eph12"), "vdb"),
        rbd(&format!("{UUID}_disk.local"), "vdc"),
        rbd(&format!("{UUID}_disk.eph"), "vdd"),
        rbd(&format!("{UUID}_disk.ephx"), "vde"),
        rbd(&format!("{other}_disk.swap"), "vdf"),
        file(&format!("/vm/{other}/disk.swap"), "vdg"),
        format!(
            "<disk type='block'><source dev='/dev/mapper/{UUID}_disk.swap-dmcrypt'/>\
             <target dev='vdh'/></disk>"
        ),
    ];
    let domain = read(NOVA, &disks.iter().map(String::as_str).collect::<Vec<_>>());
    let expected = [
        ("vda", DiskKind::Root),
        ("vdb", DiskKind::Ephemeral),
        ("vdc", DiskKind::Ephemeral),
        ("vdd", DiskKind::Volume),
        ("vde", DiskKind::Volume),
        ("vdf", DiskKind::Volume),
        ("vdg", DiskKind::Volume),
        ("vdh", DiskKind::Swap),
    ];
    assert_eq!(kinds(&domain), expected);
}

#[test]
fn there_is_one_root() {
    let (first, second) = (format!("/a/{UUID}/disk"), format!("/b/{UUID}/disk"));
    let domain = read(NOVA, &[&file(&first, "vdb"), &file(&second, "vda")]);
    assert_eq!(kinds(&domain), [("vdb", DiskKind::Root), ("vda", DiskKind::Volume)]);
}

#[test]
fn a_config_drive_may_be_a_disk() {
    let drive = file(&format!("/vm/{UUID}/disk.config"), "vdz");
    let root = file(&format!("/vm/{UUID}/disk"), "vda");
    let domain = read(NOVA, &[&root, &drive]);
    assert_eq!(kinds(&domain), [("vda", DiskKind::Root), ("vdz", DiskKind::ConfigDrive)]);
    assert!(!DiskKind::ConfigDrive.protected());
}

#[test]
fn the_first_disk_of_a_bus_is_told_by_its_name() {
    let disks = [file("/z", "vdaa"), file("/b", "vdb"), file("/a", "sda")];
    let domain = read("", &disks.iter().map(String::as_str).collect::<Vec<_>>());
    let root: Vec<_> = domain.disks.iter().filter(|disk| disk.kind == DiskKind::Root).collect();
    assert_eq!(root.len(), 1);
    assert_eq!(root[0].device, "vdb");
    assert_eq!(root[0].boot_order, Some(1));
}

#[test]
fn a_read_only_disk_is_root_only_when_nothing_else_is() {
    let seed = "<disk><source file='/seed'/><target dev='vda'/><readonly/></disk>";
    let system = file("/system", "vdb");
    let domain = read("", &[seed, &system]);
    assert_eq!(kinds(&domain), [("vda", DiskKind::Volume), ("vdb", DiskKind::Root)]);
    assert_eq!(kinds(&read("", &[seed])), [("vda", DiskKind::Root)]);
}

#[test]
fn a_machine_may_have_no_disk() {
    let drives = "<disk device='cdrom'><source file='/cd'/><target dev='sda'/></disk>\
                  <disk device='floppy'><target dev='fda'/></disk>";
    let domain = read("", &[drives]);
    assert!(domain.disks.is_empty());
    let left_out: Vec<_> = domain.left_out.iter().map(|out| out.reason).collect();
    assert_eq!(left_out, [LeftOutReason::Cdrom, LeftOutReason::Floppy]);
}

#[test]
fn a_chain_into_the_network_is_said_to_be_unknown() {
    let disk = "<disk><driver type='qcow2'/><source file='/top'/><backingStore type='network'>\
                <format type='raw'/><source protocol='nbd' name='e'><host name='h'/></source>\
                </backingStore><target dev='vda'/></disk>";
    let domain = read("", &[disk]);
    let DiskLocation::Unknown { description } = &domain.disks[0].location else {
        panic!("{:?}", domain.disks[0].location);
    };
    assert!(description.contains("/top") && description.contains("network"), "{description}");
}

#[test]
fn a_disk_being_copied_is_where_it_was() {
    let disk = "<disk><source file='/old'/><mirror type='file' job='copy'>\
                <format type='raw'/><source file='/new'/></mirror><target dev='vda'/></disk>";
    let DiskLocation::File { path, .. } = &read("", &[disk]).disks[0].location else { panic!() };
    assert_eq!(path.to_str(), Some("/old"));
}

#[test]
fn firmware_chosen_by_libvirt_is_uefi() {
    let os = "<os firmware='efi'><type>hvm</type>\
              <firmware><feature enabled='yes' name='secure-boot'/></firmware></os>";
    let expected = Firmware::Uefi { loader: None, nvram: None, secure_boot: true };
    assert_eq!(read(os, &[]).machine.firmware, expected);
    let rom = "<os><loader type='rom'>/usr/share/seabios/bios.bin</loader></os>";
    assert_eq!(read(rom, &[]).machine.firmware, Firmware::Bios);
}
