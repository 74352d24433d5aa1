//! Limits that hold for all conductors together, and for each.

use std::time::{Duration, Instant};

use firn_ground::shared;
use firn_integration_tests::{MIB, until};

use crate::world::{Engine, World};

const RATE: u64 = 4 * MIB;

fn world(limits: &str) -> World {
    let more = format!("[conductor]\nbandwidth_mib = {}\n{limits}\n", RATE / MIB);
    let mut world = World::prepare(Engine::MariaDb, &shared("mariadb"), &more);
    world.start_all();
    world
}

#[test]
fn one_hypervisor_is_read_by_one_job_at_a_time() {
    let world = world("jobs_per_hypervisor = 1");
    let api = world.api(&world.alice);
    let machines: Vec<_> =
        (0..5).map(|at| world.machine(&world.alice, &format!("m{at}"), at)).collect();
    let jobs: Vec<_> = machines.iter().map(|machine| api.backup(&machine.id, "full")).collect();
    let (mut most, mut seen) = (0, 0);
    until("all jobs have ended", Duration::from_secs(120), || {
        let all = api.list("/v1/jobs", "jobs");
        let having = |status: &str| all.iter().filter(|job| job["status"] == status).count();
        most = most.max(having("running"));
        seen += having("running");
        (having("succeeded") == jobs.len()).then_some(())
    });
    assert_eq!(most, 1, "jobs that ran at once");
    assert!(seen >= jobs.len(), "too few looks to tell: {seen}");
    for (machine, backup) in machines.iter().zip(&jobs) {
        machine.check_restore(&api, &backup.point, &machine.truth());
    }
}

#[test]
fn a_conductors_jobs_share_its_bandwidth() {
    let mut world = world("");
    world.cluster.stop("conductor-2", Duration::from_secs(60));
    let api = world.api(&world.alice);
    let machines: Vec<_> =
        (0..3).map(|at| world.machine(&world.alice, &format!("m{at}"), at)).collect();
    let begin = Instant::now();
    let jobs: Vec<_> = machines.iter().map(|machine| api.backup(&machine.id, "full")).collect();
    for backup in &jobs {
        api.wait(&backup.job).succeeded();
    }
    let took = begin.elapsed().as_secs_f64();
    let read: u64 =
        jobs.iter().map(|backup| api.point(&backup.point)["read_bytes"].as_u64().unwrap()).sum();
    assert!(read > 4 * MIB, "{read} bytes are too few to tell");
    // A quarter of a second's worth is free to each, and one reading.
    let least = 0.5 * read as f64 / RATE as f64;
    assert!(took >= least, "{read} bytes in {took:.2} s");
}
