use firn_core::{ProjectId, VolumeTarget};
use serde_json::{Value, json};

use super::{machine, read, storage};
use crate::openstack::block_storage::Volume;
use crate::openstack::rebuild::plan::{new_volume, replaced_volume};
use crate::{VolumePlan, VolumeUse};

fn volume_wish(device: &str) -> VolumeTarget {
    read(json!({ "device": device }))
}

#[test]
fn a_disk_becomes_a_volume() {
    let made = |wish: &VolumeTarget| {
        let plan = new_volume(&storage(), &machine(), wish);
        let VolumePlan { volume: VolumeUse::Make(volume), problems, .. } = plan else {
            panic!("{plan:?}")
        };
        (volume, problems)
    };
    let (root, problems) = made(&volume_wish("vda"));
    assert_eq!(problems, [""; 0]);
    assert_eq!((root.name.as_str(), root.bootable, root.boots), ("shop-vda", true, false));
    assert_eq!(root.image_metadata["hw_disk_bus"], "scsi");

    let (data, problems) = made(&volume_wish("vdc"));
    assert_eq!(problems, [""; 0]);
    assert_eq!((data.name.as_str(), data.volume_type.as_deref()), ("data", Some("fast")));
    assert_eq!((data.tag, data.delete_on_termination), (None, false));

    let wish = json!({"device": "vdc", "name": "copy", "volume_type": "x",
        "availability_zone": "there"});
    let (copy, problems) = made(&read(wish));
    assert!(problems[0].contains("no volume type x"), "{problems:?}");
    assert_eq!((copy.name.as_str(), copy.availability_zone.as_deref()), ("copy", Some("there")));

    let wish = json!({"device": "vda", "availability_zone": "nowhere"});
    let (_, problems) = made(&read(wish));
    assert!(problems[0].contains("no availability zone nowhere is up in Cinder"), "{problems:?}");

    let (_, problems) = made(&volume_wish("vdz"));
    assert_eq!(problems, ["the restore point has no disk vdz: it has vda, vdb, vdc"]);

    let mut encrypting = storage();
    encrypting.encrypted_types.insert("standard".to_owned());
    let plan = |wish: Value| new_volume(&encrypting, &machine(), &read(wish)).problems;
    assert_eq!(plan(json!({"device": "vdc"})), [""; 0]);
    let problems = plan(json!({"device": "vdc", "volume_type": "standard"}));
    assert!(problems[0].contains("the volume type standard, for vdc, encrypts"), "{problems:?}");
    let problems = plan(json!({"device": "vda"}));
    assert!(problems[0].contains("the default volume type standard"), "{problems:?}");
    assert_eq!(plan(json!({"device": "vda", "volume_type": "fast"})), [""; 0]);

    let mut full = storage();
    full.quota.volumes.limit = 2;
    let plan = new_volume(&full, &machine(), &volume_wish("vda"));
    assert!(plan.problems[0].contains("1 volumes are needed"), "{:?}", plan.problems);
}

#[test]
fn a_volume_is_replaced_where_that_works() {
    let rows: [(Value, &[&str]); 6] = [
        (json!({}), &[]),
        (json!({"os-vol-tenant-attr:tenant_id": "other"}), &["has no volume v9"]),
        (json!({"status": "in-use"}), &["v9 is in-use"]),
        (json!({"encrypted": true}), &["v9 is encrypted"]),
        (json!({"size": 1}), &["v9 has 1 GiB, and vdc has 2"]),
        (json!({"size": 1, "status": "error"}), &["v9 is error", "v9 has 1 GiB"]),
    ];
    for (alter, expected) in rows {
        let mut volume = json!({"id": "v9", "status": "available", "size": 2,
            "os-vol-tenant-attr:tenant_id": "p"});
        volume.as_object_mut().unwrap().extend(alter.as_object().unwrap().clone());
        let volume: Volume = read(volume);
        let project = ProjectId("p".to_owned());
        let wish = volume_wish("vdc");
        let plan = replaced_volume(Some(&volume), &project, &machine(), &wish, "v9");
        assert_eq!(plan.problems.len(), expected.len(), "{alter}: {:?}", plan.problems);
        for (sentence, words) in plan.problems.iter().zip(expected) {
            assert!(sentence.contains(words), "{sentence:?} lacks {words:?}");
        }
    }
    let project = ProjectId("p".to_owned());
    let absent = replaced_volume(None, &project, &machine(), &volume_wish("vdx"), "v9");
    assert_eq!(absent.problems.len(), 2, "{:?}", absent.problems);
    let mut machine = machine();
    machine.detail.instance.disks[2].encrypted = true;
    let available: Volume = read(json!({"id": "v9", "status": "available", "size": 2,
        "os-vol-tenant-attr:tenant_id": "p"}));
    let wish = volume_wish("vdc");
    let plan = replaced_volume(Some(&available), &project, &machine, &wish, "v9");
    assert!(plan.problems[0].contains("vdc was encrypted"), "{:?}", plan.problems);
}
