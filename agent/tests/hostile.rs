//! Domain XML that must be refused, each with the reason that must be named.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in the tests' helpers

use std::error::Error;
use std::time::{Duration, Instant};

use firn_agent::{Domain, DomainError};
use firn_core::ErrorKind;

const UUID: &str = "5d4c3b2a-1f0e-4d9c-8b7a-665544332211";
const GOOD_DISK: &str = r#"<disk><source file="/a.raw"/><target dev="vda"/></disk>"#;

/// A machine around these devices.
fn machine(devices: &str) -> String {
    format!(
        "<domain type='kvm'><name>n</name><uuid>{UUID}</uuid><memory>1024</memory>\
         <devices>{devices}</devices></domain>"
    )
}

fn disk(inner: &str) -> String {
    machine(&format!("<disk>{inner}</disk>"))
}

fn source_file(path: &str) -> String {
    disk(&format!("<source file='{path}'/><target dev='vda'/>"))
}

fn network(source: &str) -> String {
    machine(&format!("<disk type='network'><source {source}</source><target dev='vda'/></disk>"))
}

/// The message with all its causes, as an operator reads it.
fn refusal(xml: impl AsRef<[u8]>) -> String {
    let error: DomainError = Domain::parse(xml.as_ref()).expect_err("must be refused");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[track_caller]
fn refused(xml: impl AsRef<[u8]>, reason: &str) {
    let message = refusal(xml);
    assert!(message.contains(reason), "{message:?} does not say {reason:?}");
    assert!(message.len() < 1000, "a message of {} bytes", message.len());
}

#[test]
fn the_machine_that_the_refused_ones_differ_from_is_accepted() {
    assert_eq!(Domain::parse(machine(GOOD_DISK).as_bytes()).unwrap().disks.len(), 1);
}

#[test]
fn documents_that_are_not_a_domain() {
    refused("", "no element");
    refused("hello", "text outside of all elements");
    refused("<domain", "line 1");
    refused("<network/>", "<network>: a domain XML begins with <domain>");
    refused("<domstatus><domain/></domstatus>", "<domstatus>");
    refused("<domain/><domain/>", "second outermost element");
    refused("<domain/>trailing", "text outside of all elements");
    refused(machine(GOOD_DISK).replace("</devices>", ""), "line 1");
    refused(machine(GOOD_DISK).trim_end_matches("</domain>"), "never closed");
    refused("<x:domain xmlns:x='urn:x'/>", "begins with <domain>");
    refused("<x:domain/>", "the prefix x is not declared");
    refused("<domain name='a' name='b'/>", "there twice");
    refused("<domain name='<'/>", "holds a `<`");
    refused("<domain name='&'/>", "begins no reference");
}

#[test]
fn document_types_and_entities() {
    let laughs = "<!DOCTYPE d [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>";
    refused(format!("{laughs}{}", machine("&b;")), "document types");
    refused("<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>", "document types");
    let external = "<!DOCTYPE d [<!ENTITY x SYSTEM 'http://127.0.0.1/x'>]>";
    refused(format!("{external}{}", machine(GOOD_DISK)), "document types");
    refused(machine("&xxe;"), "entities");
    refused(source_file("/a&xxe;"), "entities");
}

#[test]
fn characters_and_encodings() {
    refused(b"<domain>\xff\xfe</domain>", "byte 8 is not UTF-8");
    refused("<?xml version='1.0' encoding='UTF-16'?><domain/>", "other than UTF-8");
    let utf16: Vec<u8> = "<domain/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused(utf16, "U+0000");
    refused(source_file("/a\0b"), "U+0000");
    refused(source_file("/a&#0;b"), "line 1");
    refused(source_file("/a&#x1b;b"), "U+001B");
    refused(source_file("/a&#xD800;b"), "line 1");
    refused(source_file("/a&#99999999999;b"), "line 1");
    refused("<domain>\n\n\u{1}</domain>", "line 3: the character U+0001");
}

#[test]
fn more_than_any_machine_has() {
    refused(vec![b' '; 5 * 1024 * 1024], "longer than 4 MiB");
    refused("<a>".repeat(500_000), "more than 256 nested elements");
    refused(machine(&"<a/>".repeat(100_000)), "more than 65536 elements");
    let attributes: String = (0..100_000).map(|i| format!(" a{i}=''")).collect();
    refused(format!("<domain{attributes}/>"), "more than 64 attributes");
    refused(source_file(&format!("/{}", "a".repeat(100_000))), "more than 65536 bytes");
    refused(machine(&"a&lt;".repeat(50_000)), "more than 65536 bytes of text");
    let nested: String = (0..200).map(|i| format!("<a xmlns:p{i}='urn:{i}'>")).collect();
    refused(nested, "more than 64 namespaces");
    refused(format!("<{}/>", "a".repeat(100_000)), "more than 65536 bytes in a name");
}

#[test]
fn hostile_documents_are_refused_quickly() {
    let attributes: String = (0..300_000).map(|i| format!(" a{i}=''")).collect();
    let bindings: String = (0..100_000).map(|i| format!("<a xmlns:p{i}='urn:{i}'>")).collect();
    let documents = [
        format!("<domain{attributes}/>"),
        bindings,
        "<a>".repeat(1_300_000),
        "<a/>".repeat(1_000_000),
        machine(&"&lt;".repeat(900_000)),
        machine(&"\n".repeat(4_000_000)),
        "<!--".repeat(1_000_000),
        "<![CDATA[".repeat(400_000),
        "&".repeat(4_000_000),
    ];
    for document in documents {
        let begun = Instant::now();
        let _ = Domain::parse(document.as_bytes());
        let took = begun.elapsed();
        let begins: String = document.chars().take(20).collect();
        assert!(took < Duration::from_secs(5), "{begins}… took {took:?}");
    }
}

#[test]
fn what_every_machine_needs() {
    let without = |element: &str| machine(GOOD_DISK).replace(element, "");
    refused(without(&format!("<uuid>{UUID}</uuid>")), "<uuid> in <domain> is missing");
    refused(without("<name>n</name>"), "<name> in <domain> is missing");
    refused(without("<memory>1024</memory>"), "<memory> is missing");
    refused(without(" type='kvm'"), "<domain>: the attribute type is missing");
    refused(machine(GOOD_DISK).replace(UUID, "../../etc"), "must be a UUID");
    refused(machine(GOOD_DISK).replace(UUID, "5d4c3b2a"), "must be a UUID");
    refused(machine(GOOD_DISK).replace(">1024<", ">-1<"), "<memory> is \"-1\"");
    refused(machine(GOOD_DISK).replace(">1024<", ">99999999999999999999<"), "<memory>");
    let memory = machine(GOOD_DISK).replace("<memory>", "<memory unit='EiB'>");
    refused(memory, "libvirt knows b, KB");
    let most =
        machine(GOOD_DISK).replace("<memory>1024", "<memory unit='TiB'>18446744073709551615");
    refused(most, "number in range");
    let long = machine(GOOD_DISK).replace(">n<", &format!(">{}<", "n".repeat(300)));
    refused(long, "1 to 255 characters");
    refused(machine(GOOD_DISK).replace(">n<", ">a&#10;b<"), "control characters");
}

#[test]
fn device_names_that_are_no_file_names() {
    for name in ["../vda", "vda/..", "VDA", "vd a", "vda.raw", ".", "vdä", "vda%00", "-vda"] {
        let disk = disk(&format!("<source file='/a'/><target dev='{name}'/>"));
        refused(disk, "lower-case letters and digits");
    }
    let long = "v".repeat(33);
    refused(disk(&format!("<source file='/a'/><target dev='{long}'/>")), "up to 32");
    refused(disk("<source file='/a'/><target dev=''/>"), "number 1: <target>: the attribute dev");
    refused(disk("<source file='/a'/><target/>"), "number 1: <target>: the attribute dev");
    refused(disk("<source file='/a'/>"), "<disk> number 1: <target> is missing");
    refused(machine(&GOOD_DISK.repeat(2)), "two disks have the target device vda");
    let drive = "<disk device='cdrom'><target dev='vda'/></disk>";
    refused(machine(&format!("{drive}{GOOD_DISK}")), "two disks have the target device vda");
    refused(machine(&format!("{GOOD_DISK}{drive}")), "two disks have the target device vda");
}

#[test]
fn disks_that_are_nowhere_for_certain() {
    refused(source_file("disk.qcow2"), "<disk> vda: <source file> is \"disk.qcow2\"");
    refused(source_file("../disk.qcow2"), "absolute path");
    refused(source_file("/srv/../etc/shadow"), "must not contain `..`");
    refused(source_file("/srv/a&#10;b"), "control characters");
    refused(source_file(""), "the attribute file is missing");
    refused(disk("<target dev='vda'/>"), "<disk> vda: <source> is missing");
    refused(disk("<source dev='/dev/sda'/><target dev='vda'/>"), "the attribute file");
    refused(disk("<source file='/a'/><target dev='zda'/>"), "the attribute bus is missing");
    refused(disk("<source file='/a'/><target dev='vda' bus='../x'/>"), "one lower-case word");
    let order =
        |n: &str| disk(&format!("<source file='/a'/><target dev='vda'/><boot order='{n}'/>"));
    refused(order("0"), "counts from 1");
    refused(order("-1"), "<boot order> is \"-1\"");
    refused(order("4294967296"), "number in range");
    let odd = "<disk device='tape'><source file='/a'/><target dev='vda'/></disk>";
    refused(machine(odd), "cdrom and floppy");
    let chain = |store: &str| disk(&format!("<source file='/a'/>{store}<target dev='vda'/>"));
    refused(
        chain("<backingStore type='file'><source file='/b'/></backingStore>"),
        "<backingStore> 1: <format type> is missing",
    );
    refused(
        chain("<backingStore><format type='raw'/><source file='b'/></backingStore>"),
        "<backingStore> 1: <source file> is \"b\"",
    );
}

#[test]
fn network_disks_that_are_nowhere_for_certain() {
    for name in ["image", "/image", "pool/", "a/b/c/d", "pool//image", "pool/image@snap"] {
        refused(network(&format!("protocol='rbd' name='{name}'>")), "pool/image");
    }
    refused(network("protocol='rbd'>"), "the attribute name is missing");
    refused(network("name='a'>"), "the attribute protocol is missing");
    refused(network("protocol='iscsi' name='iqn.x/1'>"), "<host> is missing");
    refused(network("protocol='iscsi' name='iqn.x/one'><host name='h'/>"), "the LUN is \"one\"");
    refused(network("protocol='nbd' name='e'>"), "<host> is missing");
    refused(
        network("protocol='nbd' name='e'><host name='h' port='65536'/>"),
        "<host> port is \"65536\"",
    );
    refused(machine("<disk type='volume'><source pool='p'/><target dev='vda'/></disk>"), "volume");
}

#[test]
fn interfaces_and_metadata() {
    refused(machine("<interface/>"), "<interface>: the attribute type");
    let mac =
        |mac: &str| machine(&format!("<interface type='a'><mac address='{mac}'/></interface>"));
    for bad in ["", "52:54:00", "52:54:00:00:00:zz", "52:54:00:00:00:00:00", "525400000000"] {
        refused(mac(bad), "six pairs");
    }
    let nova = |inner: &str| {
        machine(GOOD_DISK).replace(
            "<devices>",
            &format!(
                "<metadata><n:instance xmlns:n='http://openstack.org/xmlns/libvirt/nova/1.1'>\
                 {inner}</n:instance></metadata><devices>"
            ),
        )
    };
    assert!(Domain::parse(nova("").as_bytes()).unwrap().machine.nova.is_some());
    refused(nova("<n:flavor><n:memory>much</n:memory></n:flavor>"), "<nova:memory> is \"much\"");
    refused(nova("<n:owner><n:project uuid=''/></n:owner>"), "<nova:project>");
    refused(nova("<n:owner><n:project uuid='a&#10;b'/></n:owner>"), "control characters");
}
