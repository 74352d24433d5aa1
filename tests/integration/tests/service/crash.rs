//! `kill -9` at random moments: of the worker and of the whole service.

use std::thread;
use std::time::{Duration, Instant};

use firn_integration_tests::rand::rngs::StdRng;
use firn_integration_tests::rand::{Rng, SeedableRng};
use firn_integration_tests::{
    Backup, Change, Content, Disk, Format, Ground, MIB, Machine, Service, Signal, Truth, kill,
    nothing_left, random_seed,
};

const SIZE: u64 = 96 * MIB;

/// Everything that a round works with.
struct Scene {
    ground: Ground,
    machine: Machine,
    service: Service,
    random: StdRng,
    /// Every point that must be there, with what it must hold.
    points: Vec<(String, Truth)>,
    /// How long an undisturbed backup takes.
    typical: Duration,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    /// Kills that met a job under way.
    hits: usize,
    succeeded: usize,
    failed: usize,
}

#[derive(Clone, Copy, Debug)]
enum Victim {
    Worker,
    Service,
}

#[test]
fn fifty_crashes_lose_nothing() {
    let rounds = std::env::var("FIRN_CRASH_ROUNDS");
    let rounds: usize = rounds.map_or(50, |text| text.parse().expect("FIRN_CRASH_ROUNDS"));
    let mut scene = Scene::new(random_seed("FIRN_CRASH_SEED"));
    for round in 0..rounds {
        let victim = if round % 2 == 0 { Victim::Worker } else { Victim::Service };
        let mode = if round % 4 < 2 { "full" } else { "incremental" };
        scene.crash_backup(round, mode, victim);
        if round % 5 == 4 {
            scene.crash_restore(victim);
        }
        if round % 10 == 9 {
            scene.delete_one(victim);
        }
        scene.check_round();
    }
    scene.check_all();
    eprintln!("{:?}, {} points", scene.tally, scene.points.len());
    assert!(scene.tally.hits * 2 >= rounds, "most kills came too late: {:?}", scene.tally);
    assert!(scene.points.len() > rounds / 4, "hardly a backup survived: {:?}", scene.tally);
    assert!(scene.tally.succeeded > 0, "no interrupted job went on: {:?}", scene.tally);
}

impl Scene {
    fn new(seed: u64) -> Self {
        let ground = Ground::new();
        let base = ground.disks().join("base.qcow2");
        let base = Disk::create("", &base, Format::Qcow2, SIZE, &Change::mixed(SIZE, seed));
        let machine = Machine::new(&ground, "victim")
            .overlay(&ground, "vda", &base, &[])
            .disk(&ground, "vdb", Format::Raw, SIZE, &Change::mixed(SIZE, seed + 1))
            .define();
        let service = Service::start(&ground);
        let random = StdRng::seed_from_u64(seed);
        let (points, tally) = (Vec::new(), Tally::default());
        let typical = Duration::ZERO;
        let mut scene = Self { ground, machine, service, random, points, typical, tally };
        let truth = scene.change();
        let begin = Instant::now();
        let point = scene.service.api().backed_up(&scene.machine.id, "full");
        scene.typical = begin.elapsed();
        scene.points.push((point["id"].as_str().unwrap().to_owned(), truth));
        scene
    }

    /// New content on about a third of each disk.
    fn change(&mut self) -> Truth {
        for device in ["vda", "vdb"] {
            let mut changes = Vec::new();
            for _ in 0..4 {
                let length = self.random.random_range(1..16 * MIB / 512) * 512;
                let offset = self.random.random_range(0..(SIZE - length) / 4096) * 4096;
                let content = Content::Random(self.random.random());
                changes.push(Change::Write(offset, length, content));
            }
            let offset = self.random.random_range(0..SIZE / MIB - 3) * MIB;
            changes.push(Change::Zero(offset, 2 * MIB));
            self.machine.device(device).change(&changes);
        }
        self.machine.truth()
    }

    /// A moment at which a backup is probably under way.
    fn moment(&mut self) -> Duration {
        self.typical.mul_f64(self.random.random_range(0.0..0.95))
    }

    /// Kills, and starts what a person or systemd would start again.
    fn kill(&mut self, victim: Victim) {
        match victim {
            Victim::Service => {
                self.service.crash();
                self.service.restart(&self.ground);
            }
            Victim::Worker => {
                for worker in self.service.workers() {
                    kill(worker, Signal::KILL);
                }
            }
        }
    }

    /// Whether `job` is under way now.
    fn under_way(&self, job: &str) -> bool {
        matches!(self.service.api().job(job).status(), "queued" | "running")
    }

    fn crash_backup(&mut self, round: usize, mode: &str, victim: Victim) {
        let truth = self.change();
        let Backup { point, job } = self.service.api().backup(&self.machine.id, mode);
        let moment = self.moment();
        thread::sleep(moment);
        let hit = self.under_way(&job);
        self.kill(victim);
        if !hit {
            // Too late: the machine is faster now than when the typical backup was measured.
            self.typical = self.typical.min(moment);
        }
        let api = self.service.api();
        let ended = api.wait(&job);
        let status = api.point(&point)["status"].as_str().unwrap().to_owned();
        eprintln!("round {round}: {mode}, {victim:?} after {moment:?}, hit {hit}: {status}");
        match ended.status() {
            "succeeded" => {
                assert_eq!(status, "available");
                self.points.push((point, truth));
                self.tally.succeeded += usize::from(hit);
            }
            "failed" => {
                assert_eq!(status, "error");
                self.tally.failed += usize::from(hit);
            }
            other => panic!("nobody cancelled it, and it is {other}"),
        }
        self.tally.hits += usize::from(hit);
    }

    /// A restore is interrupted: it ends whole, or leaves nothing.
    fn crash_restore(&mut self, victim: Victim) {
        let (point, truth) = self.any_point();
        let name = format!("interrupted-{}", self.random.random::<u32>());
        let job = self.service.api().restore(&point, &name);
        let moment = self.moment() / 2;
        thread::sleep(moment);
        self.kill(victim);
        let ended = self.service.api().wait(&job);
        let folder = self.ground.restores().join(&name);
        eprintln!("restore, {victim:?} after {moment:?}: {}", ended.status());
        match ended.status() {
            "succeeded" => {
                self.machine.compare(&name, &truth);
                std::fs::remove_dir_all(folder).unwrap();
            }
            _ => assert!(!folder.exists(), "a failed restore left {}", folder.display()),
        }
    }

    /// A deletion is interrupted: the point is there or not, and every other one stays whole.
    fn delete_one(&mut self, victim: Victim) {
        let at = self.random.random_range(0..self.points.len());
        let (point, truth) = self.points.remove(at);
        let api = self.service.api();
        let path = format!("/v1/restore-points/{point}");
        let answer = api.accepted("DELETE", &path, &serde_json::Value::Null);
        self.kill(victim);
        let job = answer["restore_point"]["job_id"].as_str().unwrap();
        match self.service.api().wait(job).status() {
            "succeeded" => {}
            _ => self.points.push((point, truth)),
        }
    }

    fn any_point(&mut self) -> (String, Truth) {
        let at = self.random.random_range(0..self.points.len());
        self.points[at].clone()
    }

    fn check_round(&mut self) {
        let api = self.service.api();
        let mut available: Vec<_> = api
            .list("/v1/restore-points?status=available", "restore_points")
            .iter()
            .map(|point| point["id"].as_str().unwrap().to_owned())
            .collect();
        let mut expected: Vec<_> = self.points.iter().map(|(point, _)| point.clone()).collect();
        available.sort();
        expected.sort();
        assert_eq!(available, expected);
        let (point, truth) = self.any_point();
        self.machine.check_restore(&api, &point, &truth);
        let (point, _) = self.any_point();
        api.verify(&point).succeeded();
        nothing_left(&self.ground, &self.service);
    }

    fn check_all(&mut self) {
        let api = self.service.api();
        for (point, truth) in &self.points {
            self.machine.check_restore(&api, point, truth);
        }
        for (point, _) in &self.points {
            api.verify(point).succeeded();
        }
        nothing_left(&self.ground, &self.service);
    }
}
