use firn_core::ImageFormat;
use serde_json::{Value, json};

use super::*;

const SERVER: &str = "11111111-1111-4111-8111-111111111111";
const VOLUME: &str = "22222222-2222-4222-8222-222222222222";
const COPY: &str = "33333333-3333-4333-8333-333333333333";

fn server(image: Value) -> Server {
    let server = json!({"id": SERVER, "status": "ACTIVE", "tenant_id": "p", "image": image,
        "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda"});
    serde_json::from_value(server).unwrap()
}

fn of_image() -> Server {
    server(json!({"id": "i"}))
}

fn attachment(device: &str) -> VolumeAttachment {
    serde_json::from_value(json!({"volumeId": VOLUME, "device": device})).unwrap()
}

fn volume(extra: Value) -> Volume {
    let mut volume = json!({"id": VOLUME, "status": "in-use", "size": 1});
    volume.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::from_value(volume).unwrap()
}

fn disk(device: &str, kind: DiskKind, image: &str, serial: Option<&str>) -> Disk {
    Disk {
        device: device.to_owned(),
        kind,
        bus: "virtio".to_owned(),
        serial: serial.map(str::to_owned),
        boot_order: None,
        read_only: false,
        shareable: false,
        encrypted: false,
        location: DiskLocation::Rbd {
            pool: "p".to_owned(),
            namespace: None,
            image: image.to_owned(),
            monitors: Vec::new(),
            user: None,
        },
    }
}

fn root() -> Disk {
    disk("vda", DiskKind::Root, &format!("{SERVER}_disk"), None)
}

fn attached(image: &str) -> Disk {
    disk("vdb", DiskKind::Volume, image, Some(VOLUME))
}

fn volume_image() -> String {
    format!("volume-{VOLUME}")
}

#[test]
fn novas_disks_keep_their_kinds_and_volumes_get_what_cinder_knows() {
    let known = volume(json!({"multiattach": true, "encrypted": true}));
    let eph = disk("vdc", DiskKind::Ephemeral, &format!("{SERVER}_disk.eph0"), None);
    let given = vec![root(), attached(&volume_image()), eph];
    let joined = disks(&of_image(), &[attachment("/dev/vdb")], &[known], given).unwrap();
    let kinds: Vec<_> = joined.iter().map(|disk| (disk.device.as_str(), disk.kind)).collect();
    let expected =
        [("vda", DiskKind::Root), ("vdb", DiskKind::Volume), ("vdc", DiskKind::Ephemeral)];
    assert_eq!(kinds, expected);
    assert!(joined[1].shareable && joined[1].encrypted);
    assert!(!joined[0].shareable && !joined[0].encrypted);
}

#[test]
fn a_server_without_image_boots_from_the_volume_at_its_root_device() {
    let booted = |server, device| {
        let given = vec![disk("vda", DiskKind::Volume, &volume_image(), Some(VOLUME))];
        let joined = disks(&server, &[attachment(device)], &[volume(json!({}))], given);
        joined.unwrap()[0].kind
    };
    assert_eq!(booted(server(json!("")), "/dev/vda"), DiskKind::Root);
    assert_eq!(booted(server(json!("")), "/dev/vdb"), DiskKind::Volume);
    assert_eq!(booted(of_image(), "/dev/vda"), DiskKind::Volume, "its root is Nova's");
}

#[test]
fn a_file_of_novas_is_known_by_its_folder() {
    let path = format!("/var/lib/nova/instances/{SERVER}/disk").into();
    let location = DiskLocation::File { path, format: ImageFormat::Qcow2, backing: Vec::new() };
    let given = vec![Disk { location, ..root() }];
    assert_eq!(disks(&of_image(), &[], &[], given.clone()).unwrap(), given);
}

#[test]
fn what_does_not_agree_is_an_error() {
    let fails = |known: Value, given: Vec<Disk>| {
        disks(&of_image(), &[attachment("/dev/vdb")], &[volume(known)], given).unwrap_err()
    };
    let volume_id = || VOLUME.to_owned();
    let missing = fails(json!({}), vec![root()]);
    assert_eq!(missing, JoinError::NotInDomain { volume_id: volume_id() });

    let moving = fails(json!({"status": "retyping"}), vec![attached(&volume_image())]);
    assert_eq!(moving, JoinError::Moving { volume_id: volume_id() });
    assert_eq!(moving.kind(), ErrorKind::Conflict);

    let more = disk("vdc", DiskKind::Volume, "volume-x", Some(COPY));
    let more = fails(json!({}), vec![attached(&volume_image()), more]);
    let expected = JoinError::NotAttached { device: "vdc".to_owned(), volume_id: COPY.to_owned() };
    assert_eq!(more, expected);

    for serial in [None, Some("by-hand")] {
        let foreign = disk("vdd", DiskKind::Volume, "other", serial);
        let foreign = fails(json!({}), vec![attached(&volume_image()), foreign]);
        assert_eq!(foreign, JoinError::Foreign { device: "vdd".to_owned() });
        assert_eq!(foreign.kind(), ErrorKind::InvalidInput);
    }

    // The agent takes a disk to be the root where nothing else can be: that is no proof.
    let guessed = disk("vda", DiskKind::Root, "other", None);
    let guessed = fails(json!({}), vec![guessed, attached(&volume_image())]);
    assert_eq!(guessed, JoinError::Foreign { device: "vda".to_owned() });
}

#[test]
fn a_migrated_volume_lies_under_another_id() {
    let migrated = json!({"os-vol-mig-status-attr:name_id": COPY, "migration_status": "success"});
    let join = |image: &str| {
        let given = vec![root(), attached(image)];
        disks(&of_image(), &[attachment("/dev/vdb")], &[volume(migrated.clone())], given)
    };
    assert!(join(&format!("volume-{COPY}")).is_ok());
    let stale = join(&volume_image()).unwrap_err();
    assert!(matches!(stale, JoinError::Elsewhere { .. }), "{stale:?}");
}
