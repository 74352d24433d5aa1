//! What was backed up comes back, bit for bit, whatever is deleted in between.

use std::fs;
use std::os::unix::fs::MetadataExt;

use firn_integration_tests::{
    Api, Change, Content, Disk, Format, Ground, MIB, Machine, Service, Truth, nothing_left,
};

/// A qcow2 disk on two backing files, and raw ones.
fn machine(ground: &Ground) -> Machine {
    let disks = ground.disks();
    let base = Disk::create(
        "",
        &disks.join("base.qcow2"),
        Format::Qcow2,
        48 * MIB,
        &Change::mixed(48 * MIB, 1),
    );
    let middle = base.overlay("", &disks.join("middle.qcow2"));
    middle.change(&[
        Change::Write(MIB + 512, 3 * MIB, Content::Random(2)),
        // Zero here, data in the base.
        Change::Zero(8 * MIB, 4 * MIB),
    ]);
    let odd = 5 * MIB + 12_288 + 512;
    Machine::new(ground, "web")
        .overlay(
            ground,
            "vda",
            &middle,
            &[
                Change::Write(20 * MIB - 4096, 2 * MIB, Content::Text(3)),
                Change::Zero(30 * MIB, 64 * 1024),
            ],
        )
        .disk(ground, "vdb", Format::Raw, 32 * MIB, &Change::mixed(32 * MIB, 4))
        // Not a multiple of any chunk, and one that has nothing in it.
        .disk(ground, "vdc", Format::Raw, odd, &[Change::Write(odd - 700, 700, Content::Random(5))])
        .disk(ground, "vdd", Format::Qcow2, 256 * MIB, &[])
        .define()
}

#[test]
fn full_and_incrementals_restore_and_any_can_be_deleted() {
    let ground = Ground::new();
    let machine = machine(&ground);
    let service = Service::start(&ground);
    let api = service.api();

    let mut points: Vec<(String, Truth)> = Vec::new();
    for round in 0..3_u64 {
        if round > 0 {
            machine.device("vda").change(&[
                Change::Write(round * 5 * MIB + 1024, MIB, Content::Random(10 + round)),
                Change::Zero(round * 13 * MIB, MIB),
            ]);
            machine.device("vdb").change(&[
                Change::Write(round * 9 * MIB, 700_416, Content::Text(20 + round)),
                Change::Zero(3 * MIB + round * 4096, 2 * MIB),
            ]);
        }
        let truth = machine.truth();
        let mode = if round == 0 { "full" } else { "incremental" };
        let point = api.backed_up(&machine.id, mode);
        check_figures(&point, &machine, round);
        points.push((point["id"].as_str().unwrap().to_owned(), truth));
    }
    for (point, truth) in &points {
        machine.check_restore(&api, point, truth);
        api.verify(point).succeeded();
    }
    restored_files_are_sparse(&ground, &machine, &api, &points[0].0);

    // Newest, oldest: what is left is complete.
    api.delete(&points.remove(0).0);
    check_all(&api, &machine, &points);
    api.delete(&points.remove(1).0);
    check_all(&api, &machine, &points);
    let next = api.backed_up(&machine.id, "incremental");
    assert_eq!(next["new_bytes"], 0, "nothing changed since the last one: {next:#}");
    points.push((next["id"].as_str().unwrap().to_owned(), machine.truth()));
    // The middle of three.
    check_all(&api, &machine, &points);
    nothing_left(&ground, &service);
}

fn check_all(api: &Api, machine: &Machine, points: &[(String, Truth)]) {
    assert_eq!(api.points().len(), points.len());
    for (point, truth) in points {
        machine.check_restore(api, point, truth);
        api.verify(point).succeeded();
    }
}

fn check_figures(point: &serde_json::Value, machine: &Machine, round: u64) {
    let number = |key: &str| point[key].as_u64().unwrap_or_else(|| panic!("{key}: {point:#}"));
    let size: u64 = machine.truth().values().map(|disk| disk.size_bytes()).sum();
    assert_eq!(number("size_bytes"), size);
    assert!(number("read_bytes") < size, "holes are not read: {point:#}");
    assert!(number("new_bytes") <= number("read_bytes"));
    assert!(number("stored_bytes") <= number("new_bytes") + MIB, "{point:#}");
    if round > 0 {
        assert!(number("new_bytes") < 16 * MIB, "only what changed is stored: {point:#}");
    }
    assert!(point["consistency"].is_string(), "{point:#}");
    let disks = point["disks"].as_array().unwrap();
    let devices: Vec<_> = disks.iter().map(|disk| disk["device"].as_str().unwrap()).collect();
    assert_eq!(devices, ["vda", "vdb", "vdc", "vdd"]);
}

fn restored_files_are_sparse(ground: &Ground, machine: &Machine, api: &Api, point: &str) {
    let job = api.restore(point, "sparse");
    api.wait(&job).succeeded();
    let file = ground.restores().join("sparse/vdd.raw");
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!((metadata.len(), metadata.blocks()), (256 * MIB, 0));
    // The name is taken now.
    let target = serde_json::json!({"type": "file", "name": "sparse"});
    let body = serde_json::json!({"restore": {"restore_point_id": point, "target": target}});
    assert!(api.refused("POST", "/v1/restores", &body, 409).contains("sparse"));
    // So is one of a folder that no restore made.
    fs::create_dir(ground.restores().join("foreign")).unwrap();
    let job = api.restore(point, "foreign");
    assert!(api.wait(&job).failed("conflict").contains("foreign"));
    assert_eq!(fs::read_dir(ground.restores().join("foreign")).unwrap().count(), 0);
    assert_eq!(machine.restored("sparse").len(), 4, "the first one stays");
}

#[test]
fn a_point_of_one_machine_is_none_of_another() {
    let ground = Ground::new();
    let one = Machine::new(&ground, "one")
        .disk(&ground, "vda", Format::Raw, 8 * MIB, &Change::mixed(8 * MIB, 1))
        .define();
    let two = Machine::new(&ground, "two")
        .disk(&ground, "vda", Format::Qcow2, 8 * MIB, &Change::mixed(8 * MIB, 2))
        .define();
    let service = Service::start(&ground);
    let api = service.api();
    let first = api.backed_up(&one.id, "full");
    // An incremental without a point before it is a full one.
    let second = api.backed_up(&two.id, "incremental");
    assert!(second["parent_id"].is_null(), "{second:#}");
    for (machine, point) in [(&one, &first), (&two, &second)] {
        assert_eq!(point["instance_id"], machine.id);
        machine.check_restore(&api, point["id"].as_str().unwrap(), &machine.truth());
    }
    let listed = api.list(&format!("/v1/restore-points?instance_id={}", one.id), "restore_points");
    assert_eq!(listed.len(), 1);
    nothing_left(&ground, &service);
}
