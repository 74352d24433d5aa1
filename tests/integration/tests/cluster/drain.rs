//! Conductors that are told to go, or to take nothing new.

use std::time::Duration;

use firn_integration_tests::until;
use serde_json::json;

use crate::world::World;

#[test]
fn a_conductor_that_is_told_to_go_ends_its_jobs_first() {
    let mut world = World::start();
    let api = world.api(&world.alice);
    let machines: Vec<_> =
        (0..8).map(|at| world.machine(&world.alice, &format!("m{at}"), at)).collect();
    let jobs: Vec<_> = machines.iter().map(|machine| api.backup(&machine.id, "full")).collect();
    let status = world.cluster.stop("conductor-1", Duration::from_secs(60));
    assert!(status.success(), "{status}");
    for (machine, backup) in machines.iter().zip(&jobs) {
        api.wait(&backup.job).succeeded();
        machine.check_restore(&api, &backup.point, &machine.truth());
    }
    let log = world.cluster.log("conductor-1");
    assert!(!log.contains("stopping the running jobs"), "it had to stop jobs:\n{log}");
}

#[test]
fn a_disabled_conductor_takes_nothing_new() {
    let mut world = World::start();
    world.cluster.stop("conductor-2", Duration::from_secs(60));
    let admin = world.cluster.api(world.keystone.admin_token());
    let services = admin.list("/v1/services", "services");
    let conductor = services
        .iter()
        .find(|service| service["host"] == "conductor-1")
        .unwrap_or_else(|| panic!("{services:#?}"));
    let path = format!("/v1/services/{}", conductor["id"].as_str().unwrap());
    let body = json!({"service": {"disabled": true, "disabled_reason": "maintenance"}});
    let changed = admin.send("PATCH", &path, &body);
    assert_eq!(changed.status, 200, "{}", changed.json());
    // Its next sign of life tells it.
    let told = |what: &str| {
        until(what, Duration::from_secs(60), || {
            world.cluster.log("conductor-1").contains(what).then_some(())
        });
    };
    told("disabled: taking no new jobs");
    let api = world.api(&world.alice);
    let machine = world.machine(&world.alice, "web", 1);
    let backup = api.backup(&machine.id, "full");
    // Longer than it takes to look for jobs unasked.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(api.job(&backup.job).status(), "queued");
    let body = json!({"service": {"disabled": false}});
    assert_eq!(admin.send("PATCH", &path, &body).status, 200);
    api.wait(&backup.job).succeeded();
    told("enabled: taking jobs again");
}
