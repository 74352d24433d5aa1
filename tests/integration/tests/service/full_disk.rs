//! The file system below the repository fills up.

use std::fs;
use std::path::{Path, PathBuf};

use firn_integration_tests::{
    Change, Content, Format, Ground, MIB, Machine, Service, nothing_left, run,
};

/// A small file system, unmounted when dropped.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(path: &Path, size_mib: u64) -> Self {
        let options = format!("size={size_mib}m,mode=700");
        let path = path.display().to_string();
        run("mount", ["-t", "tmpfs", "-o", &options, "firn-test", &path]);
        Self(path.into())
    }

    fn resize(&self, size_mib: u64) {
        let options = format!("remount,size={size_mib}m");
        run("mount", ["-o", &options, &self.0.display().to_string()]);
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily: after a failure the service may still be there.
        run("umount", ["-l", &self.0.display().to_string()]);
    }
}

fn random_machine(ground: &Ground, name: &str, size: u64, seed: u64) -> Machine {
    let content = [Change::Write(0, size, Content::Random(seed))];
    Machine::new(ground, name).disk(ground, "vda", Format::Raw, size, &content).define()
}

#[test]
fn a_full_repository() {
    let ground = Ground::new();
    let small = random_machine(&ground, "small", 24 * MIB, 1);
    let large = random_machine(&ground, "large", 160 * MIB, 2);
    // The service makes its repository first, which then moves to the small file system.
    let mut service = Service::start(&ground);
    service.stop_cleanly();
    let (repository, aside) = (ground.repository(), ground.path().join("aside"));
    fs::rename(&repository, &aside).unwrap();
    fs::create_dir(&repository).unwrap();
    let tmpfs = Tmpfs::mount(&repository, 80);
    run("cp", ["-a", &format!("{}/.", aside.display()), &repository.display().to_string()]);
    service.restart(&ground);
    let api = service.api();

    let first = api.backed_up(&small.id, "full");
    let (first, truth) = (first["id"].as_str().unwrap().to_owned(), small.truth());
    let backup = api.backup(&large.id, "full");
    let message = api.wait(&backup.job).failed("quota_exceeded");
    eprintln!("{message}");
    assert!(message.contains("space") || message.contains("full"), "{message}");
    assert_eq!(api.point(&backup.point)["status"], "error");
    nothing_left(&ground, &service);

    // Full as it is: what there was is there, and the service answers.
    small.check_restore(&api, &first, &truth);
    api.verify(&first).succeeded();
    let again = api.backup(&large.id, "full");
    api.wait(&again.job).failed("quota_exceeded");
    service.stop_cleanly();
    service.restart(&ground);
    let api = service.api();
    small.check_restore(&api, &first, &truth);

    tmpfs.resize(400);
    let point = api.backed_up(&large.id, "full");
    let point = point["id"].as_str().unwrap();
    large.check_restore(&api, point, &large.truth());
    for point in [&first, point] {
        api.verify(point).succeeded();
    }
    small.check_restore(&api, &first, &truth);
    nothing_left(&ground, &service);
    drop(service);
    drop(tmpfs);
}

/// The database is on the same full file system.
#[test]
fn a_full_state_folder() {
    let ground = Ground::new();
    let small = random_machine(&ground, "small", 16 * MIB, 3);
    let large = random_machine(&ground, "large", 128 * MIB, 4);
    fs::create_dir(ground.state()).unwrap();
    let tmpfs = Tmpfs::mount(&ground.state(), 64);
    let mut service = Service::start(&ground);
    let api = service.api();
    let first = api.backed_up(&small.id, "full");
    let (first, truth) = (first["id"].as_str().unwrap().to_owned(), small.truth());

    // The repository leaves room for the database to say so.
    for _ in 0..2 {
        let backup = api.backup(&large.id, "full");
        let message = api.wait(&backup.job).failed("quota_exceeded");
        assert!(message.contains("space"), "{message}");
        assert_eq!(api.point(&first)["status"], "available", "it still answers");
    }

    tmpfs.resize(400);
    small.check_restore(&api, &first, &truth);
    let point = api.backed_up(&large.id, "full");
    large.check_restore(&api, point["id"].as_str().unwrap(), &large.truth());
    api.verify(&first).succeeded();
    nothing_left(&ground, &service);
    service.stop_cleanly();
    service.restart(&ground);
    small.check_restore(&service.api(), &first, &truth);
    nothing_left(&ground, &service);
    drop(service);
    drop(tmpfs);
}

/// A restore that does not fit is refused by the system half way.
#[test]
fn no_space_for_a_restore() {
    let ground = Ground::new();
    let machine = random_machine(&ground, "large", 96 * MIB, 5);
    let mut service = Service::start(&ground);
    let point = service.api().backed_up(&machine.id, "full");
    let point = point["id"].as_str().unwrap();
    service.stop_cleanly();
    let tmpfs = Tmpfs::mount(&ground.restores(), 32);
    service.restart(&ground);
    let api = service.api();
    let job = api.wait(&api.restore(point, "copy"));
    let message = job.failed("quota_exceeded");
    assert!(message.contains("space") || message.contains("full"), "{message}");
    assert_eq!(fs::read_dir(ground.restores()).unwrap().count(), 0, "something is left");
    tmpfs.resize(200);
    machine.check_restore(&api, point, &machine.truth());
    nothing_left(&ground, &service);
    drop(service);
    drop(tmpfs);
}
