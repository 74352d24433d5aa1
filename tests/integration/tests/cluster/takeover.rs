//! Conductors that die.

use std::collections::BTreeSet;
use std::time::Duration;

use firn_integration_tests::{Change, Format, MIB, Machine, until};

use crate::world::World;

#[test]
fn a_killed_conductors_job_goes_on_with_another_one() {
    let mut world = World::start();
    let api = world.api(&world.alice);
    let content = Change::mixed(192 * MIB, 7);
    let machine = Machine::new(&world.ground, "large")
        .owned_by(&world.alice.project)
        .disk(&world.ground, "vda", Format::Raw, 192 * MIB, &content)
        .define();
    let truth = machine.truth();
    for round in 0..2 {
        let backup = api.backup(&machine.id, "full");
        // Whoever has it tells so in its log.
        let owner = until("a conductor has the job", Duration::from_secs(60), || {
            ["conductor-1", "conductor-2"].into_iter().find(|name| {
                let log = world.cluster.log(name);
                log.lines().any(|line| line.contains(&backup.job) && line.contains("job claimed"))
            })
        });
        world.cluster.crash(owner);
        let job = api.wait(&backup.job).succeeded();
        machine.check_restore(&api, &backup.point, &truth);
        eprintln!("round {round}: {owner} died, {} attempts", job.0["attempts"]);
        world.cluster.start_conductor(owner);
    }
    let sessions = world.ground.repository().join("sessions");
    let left: BTreeSet<_> =
        std::fs::read_dir(sessions).into_iter().flatten().flatten().map(|e| e.path()).collect();
    assert!(left.is_empty(), "sessions are left: {left:?}");
}
