//! What an incremental reads, and when it does not believe what it is told of changes.

use firn_integration_tests::{
    Api, Change, Content, Format, Ground, MIB, Machine, Service, nothing_left, run,
};
use serde_json::Value;

const SIZE: u64 = 128 * MIB;

fn tracked_machine(ground: &Ground) -> Machine {
    let machine = Machine::new(ground, "db")
        .disk(ground, "vda", Format::Qcow2, SIZE, &Change::mixed(SIZE, 7))
        .define();
    bitmap(&machine, "--add");
    machine
}

fn bitmap(machine: &Machine, action: &str) {
    let path = machine.device("vda").path.display().to_string();
    run("qemu-img", ["bitmap", action, &path, "daily"]);
}

/// About one per cent of the disk, in small pieces.
fn one_per_cent(machine: &Machine, seed: u64) {
    let piece = |at: u64| {
        let offset = (at * 11 + seed % 7) * MIB + seed % 16 * 4096;
        Change::Write(offset, 128 * 1024, Content::Random(seed + at))
    };
    machine.device("vda").change(&(0..10).map(piece).collect::<Vec<_>>());
}

fn number(point: &Value, key: &str) -> u64 {
    point[key].as_u64().unwrap_or_else(|| panic!("{key}: {point:#}"))
}

/// Backs up and compares; gives the point and what the job told.
#[track_caller]
fn incremental(api: &Api, machine: &Machine) -> (Value, String) {
    let truth = machine.truth();
    let point = api.backed_up(&machine.id, "incremental");
    machine.check_restore(api, point["id"].as_str().unwrap(), &truth);
    let told = api.events(point["job_id"].as_str().unwrap()).join("\n");
    (point, told)
}

#[test]
fn a_dirty_bitmap_limits_what_is_read() {
    let ground = Ground::new();
    let machine = tracked_machine(&ground);
    let service = Service::start(&ground);
    let api = service.api();
    let instance = api.get(&format!("/v1/instances/{}", machine.id));
    assert_eq!(instance["instance"]["disks"][0]["changed_blocks"], true, "{instance:#}");
    let full = api.backed_up(&machine.id, "full");
    assert!(number(&full, "read_bytes") > SIZE / 2, "{full:#}");

    for day in 1..=2 {
        one_per_cent(&machine, 100 * day);
        let (point, told) = incremental(&api, &machine);
        // A firmly bounded multiple: each piece of 128 KiB touches at most two chunks of 1 MiB,
        // and the bitmap keeps what the days before wrote.
        let (read, most) = (number(&point, "read_bytes"), day * 10 * 2 * MIB);
        assert!(read <= most && read < SIZE / 2, "{read} bytes read, at most {most}\n{told}");
        assert!(number(&point, "new_bytes") <= read);
        assert!(!told.contains("reading everything"), "{told}");
    }
    // Nothing changed: nothing new.
    let (point, _) = incremental(&api, &machine);
    assert_eq!(number(&point, "new_bytes"), 0, "{point:#}");
    nothing_left(&ground, &service);
}

#[test]
fn without_a_bitmap_all_is_read_and_only_changes_are_stored() {
    let ground = Ground::new();
    let machine = Machine::new(&ground, "plain")
        .disk(&ground, "vda", Format::Qcow2, SIZE, &Change::mixed(SIZE, 8))
        .define();
    let service = Service::start(&ground);
    let api = service.api();
    let full = api.backed_up(&machine.id, "full");
    one_per_cent(&machine, 300);
    let (point, told) = incremental(&api, &machine);
    let (read, new) = (number(&point, "read_bytes"), number(&point, "new_bytes"));
    assert!(read >= number(&full, "read_bytes") / 10 * 9, "{point:#}");
    assert!(new > 0 && new <= 20 * MIB, "{point:#}");
    assert!(told.contains("vda") && told.contains("reading everything"), "{told}");
    nothing_left(&ground, &service);
}

/// Each of these breaks the history that a bitmap tells; believing it would lose data.
#[test]
fn a_broken_history_is_noticed() {
    let ground = Ground::new();
    let machine = tracked_machine(&ground);
    let service = Service::start(&ground);
    let api = service.api();
    one_per_cent(&machine, 400);
    let full = api.backed_up(&machine.id, "full");
    let all = number(&full, "read_bytes") / 10 * 9;

    let breaks: [(&str, &dyn Fn()); 4] = [
        ("cleared", &|| bitmap(&machine, "--clear")),
        ("removed and made anew", &|| {
            bitmap(&machine, "--remove");
            bitmap(&machine, "--add");
        }),
        ("not recording for a while", &|| {
            bitmap(&machine, "--disable");
            machine.device("vda").change(&[Change::Write(77 * MIB, 512, Content::Random(9))]);
            bitmap(&machine, "--clear");
            bitmap(&machine, "--enable");
        }),
        ("removed", &|| bitmap(&machine, "--remove")),
    ];
    for (number_of, (name, break_it)) in (5..).zip(breaks) {
        one_per_cent(&machine, 100 * number_of);
        // What is believed next time must have something to lose.
        let (_, _) = incremental(&api, &machine);
        one_per_cent(&machine, 100 * number_of + 50);
        break_it();
        let (point, told) = incremental(&api, &machine);
        let read = number(&point, "read_bytes");
        assert!(read >= all, "{name}: only {read} bytes read: {told}");
        let reason = told.lines().find(|line| line.contains("reading everything"));
        let reason = reason.unwrap_or_else(|| panic!("{name}: no reason given: {told:?}"));
        assert!(reason.contains("vda") && reason.len() > 40, "{name}: {reason}");
    }
    nothing_left(&ground, &service);
}

/// A bitmap that was empty at the last point has no bit whose loss could tell.
#[test]
fn an_empty_bitmap_that_was_made_anew_loses_nothing() {
    let ground = Ground::new();
    let machine = tracked_machine(&ground);
    let service = Service::start(&ground);
    let api = service.api();
    api.backed_up(&machine.id, "full");
    one_per_cent(&machine, 1000);
    bitmap(&machine, "--remove");
    bitmap(&machine, "--add");
    machine.device("vda").change(&[Change::Write(3 * MIB, 4096, Content::Random(1))]);
    incremental(&api, &machine);
    nothing_left(&ground, &service);
}

#[test]
fn resized_disks() {
    let ground = Ground::new();
    let machine = tracked_machine(&ground);
    let service = Service::start(&ground);
    let api = service.api();
    let path = machine.device("vda").path.display().to_string();
    let first = api.backed_up(&machine.id, "full");
    let before = machine.truth();

    run("qemu-img", ["resize", "-q", "-f", "qcow2", &path, "+33M"]);
    machine.device("vda").change(&[
        Change::Write(SIZE + 5 * MIB, 2 * MIB, Content::Random(11)),
        Change::Write(MIB, 4096, Content::Random(12)),
    ]);
    let (point, told) = incremental(&api, &machine);
    assert_eq!(number(&point, "size_bytes"), SIZE + 33 * MIB, "{told}");

    bitmap(&machine, "--remove");
    run("qemu-img", ["resize", "-q", "-f", "qcow2", "--shrink", &path, "100M"]);
    let (point, told) = incremental(&api, &machine);
    assert_eq!(number(&point, "size_bytes"), 100 * MIB, "{told}");
    machine.check_restore(&api, first["id"].as_str().unwrap(), &before);
    nothing_left(&ground, &service);
}
