//! Two machines that share most of their content, backed up at the same time.

use firn_integration_tests::{
    Change, Content, Disk, Format, Ground, MIB, Machine, Service, nothing_left, run,
};

const BASE: u64 = 300 * MIB;
/// What each machine has for itself.
const OWN: u64 = 3 * MIB;

/// Bytes of everything in the repository.
fn stored(ground: &Ground) -> u64 {
    let path = ground.repository().display().to_string();
    let said = run("du", ["-s", "--bytes", "--apparent-size", &path]);
    said.split_whitespace().next().unwrap().parse().unwrap()
}

/// A machine whose disk is a copy of the base with differences of its own.
fn machine(ground: &Ground, base: &Disk, name: &str, seed: u64) -> Machine {
    let mut machine = Machine::new(ground, name);
    let path = ground.disks().join(format!("{name}.raw"));
    std::fs::copy(&base.path, &path).unwrap();
    let disk = Disk { device: "vda".to_owned(), path, ..base.clone() };
    let piece =
        |at: u64| Change::Write((seed * 7 + at * 90) * MIB, MIB, Content::Random(seed + at));
    disk.change(&(0..OWN / MIB).map(piece).collect::<Vec<_>>());
    machine.disks.push(disk);
    machine.define()
}

fn base(ground: &Ground) -> Disk {
    let path = ground.disks().join("base.raw");
    // All random: what is stored twice shows in full.
    let content = [Change::Write(0, BASE, Content::Random(42))];
    Disk::create("vda", &path, Format::Raw, BASE, &content)
}

#[test]
fn what_two_machines_share_is_stored_once_even_at_the_same_time() {
    let alone = {
        let ground = Ground::new();
        let machine = machine(&ground, &base(&ground), "one", 1);
        let service = Service::start(&ground);
        service.api().backed_up(&machine.id, "full");
        nothing_left(&ground, &service);
        stored(&ground)
    };
    assert!(alone > BASE, "random content cannot shrink: {alone}");

    let ground = Ground::new();
    let base = base(&ground);
    let machines = [machine(&ground, &base, "one", 1), machine(&ground, &base, "two", 2)];
    std::fs::remove_file(&base.path).unwrap();
    let service = Service::start(&ground);
    let api = service.api();
    let backups: Vec<_> = machines.iter().map(|machine| api.backup(&machine.id, "full")).collect();
    for backup in &backups {
        api.wait(&backup.job).succeeded();
    }
    let times = backups.iter().map(|backup| api.job(&backup.job).0);
    let times: Vec<_> = times
        .map(|job| ["started_at", "finished_at"].map(|key| job[key].as_str().unwrap().to_owned()))
        .collect();
    assert!(times[0][0] < times[1][1] && times[1][0] < times[0][1], "not at once: {times:?}");

    let (together, most) = (stored(&ground), (alone + OWN) / 100 * 105);
    eprintln!("alone {alone}, together {together}, at most {most}");
    assert!(together <= most, "{together} bytes stored; one alone has {alone}");
    for (machine, backup) in machines.iter().zip(&backups) {
        machine.check_restore(&api, &backup.point, &machine.truth());
        api.verify(&backup.point).succeeded();
    }
    nothing_left(&ground, &service);
}
