//! No guest stays frozen. The libvirt is a script that does what it is told to do wrong; real ones are
//! asked at the end and in `tests/cloud`.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in the tests' helpers

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use firn_agent::{
    FreezeError, FreezeOptions, Freezes, GuestFreezer, LibvirtSource, SourceError, Thawed,
};
use firn_core::{InstanceId, JobId};
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(3600);
const PATIENCE: Duration = Duration::from_secs(60);
const CHILD_FOLDER: &str = "FIRN_TEST_FREEZE_FOLDER";

fn id() -> InstanceId {
    "aaaaaaaa-0000-4000-8000-000000000001".parse().unwrap()
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake-virsh")
}

/// Waits for what must come.
fn until(what: &str, mut there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(begun.elapsed() < PATIENCE, "{what}: never");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A guest whose libvirt is the script, and the folder of the records.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn freezes(&self) -> Freezes {
        open(self.folder.path())
    }

    fn frozen(&self) -> bool {
        self.path("frozen").exists()
    }

    fn recorded(&self) -> bool {
        self.record().exists()
    }

    fn record(&self) -> PathBuf {
        self.path("records").join(id().to_string())
    }

    fn fail(&self, command: &str, message: &str) {
        fs::write(self.path(&format!("fail-{command}")), message).unwrap();
    }

    fn work_again(&self, command: &str) {
        fs::remove_file(self.path(&format!("fail-{command}"))).unwrap();
    }

    fn count(&self, command: &str) -> usize {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        log.lines().filter(|line| *line == command).count()
    }

    /// Nobody else freezes the guest before it is thawed, which it is when it can be.
    fn held_until_thaws_work(&self, freezes: &Freezes) {
        let error = freezes.freeze(id(), JobId::new(), LONG).unwrap_err();
        assert!(matches!(error, FreezeError::Held), "{error:?}");
        self.work_again("domfsthaw");
        self.until_forgotten();
    }

    fn until_forgotten(&self) {
        until("the end of the freeze", || !self.recorded());
        assert!(!self.frozen());
    }
}

fn open(folder: &Path) -> Freezes {
    let libvirt = LibvirtSource::new(folder.to_str().unwrap())
        .with_program(scripts().join("virsh"))
        .with_deadline(Duration::from_secs(5));
    let options = FreezeOptions {
        records: folder.join("records"),
        longest: LONG,
        patience: PATIENCE,
        retry: Duration::from_millis(10),
    };
    Freezes::open(Box::new(libvirt), options).unwrap()
}

#[test]
fn a_thaw_in_time_says_that_the_guest_was_held_and_leaves_nothing() {
    let world = World::new();
    let freezes = world.freezes();
    let job = JobId::new();
    for _ in 0..2 {
        assert_eq!(freezes.freeze(id(), job, LONG).unwrap(), 2);
        assert!(world.frozen() && world.recorded());
        assert_eq!(freezes.thaw(id(), job).unwrap(), Thawed { held: true, file_systems: 2 });
        assert!(!world.frozen() && !world.recorded());
        assert_eq!(freezes.thaw(id(), job).unwrap(), Thawed::default());
    }
    assert_eq!(world.count("domfsthaw"), 2, "nothing is thawed that is not frozen");
}

#[test]
fn at_the_deadline_the_guest_is_thawed_and_the_thaw_knows() {
    let world = World::new();
    let freezes = world.freezes();
    let job = JobId::new();
    freezes.freeze(id(), job, Duration::from_millis(50)).unwrap();
    world.until_forgotten();
    assert_eq!(freezes.thaw(id(), job).unwrap(), Thawed::default());
}

#[test]
fn nobody_holds_a_guest_longer_than_the_host_allows() {
    let world = World::new();
    let libvirt = LibvirtSource::new(world.folder.path().to_str().unwrap())
        .with_program(scripts().join("virsh"));
    let options = FreezeOptions {
        records: world.path("records"),
        longest: Duration::from_millis(50),
        patience: PATIENCE,
        retry: Duration::from_millis(10),
    };
    let freezes = Freezes::open(Box::new(libvirt), options).unwrap();
    freezes.freeze(id(), JobId::new(), LONG).unwrap();
    world.until_forgotten();
}

#[test]
fn a_guest_is_one_jobs_at_a_time() {
    let world = World::new();
    let freezes = world.freezes();
    let (first, second) = (JobId::new(), JobId::new());
    freezes.freeze(id(), first, LONG).unwrap();
    for job in [first, second] {
        let error = freezes.freeze(id(), job, LONG).unwrap_err();
        assert!(matches!(error, FreezeError::Held), "{error:?}");
    }
    assert_eq!(freezes.thaw(id(), second).unwrap(), Thawed::default());
    assert!(world.frozen(), "another job's thaw changes nothing");
    assert!(freezes.thaw(id(), first).unwrap().held);
    assert_eq!(world.count("domfsfreeze"), 1);
}

#[test]
fn a_guest_that_thawed_itself_was_not_held() {
    let world = World::new();
    let freezes = world.freezes();
    let job = JobId::new();
    freezes.freeze(id(), job, LONG).unwrap();
    // As Windows does after ten seconds.
    fs::remove_file(world.path("frozen")).unwrap();
    assert_eq!(freezes.thaw(id(), job).unwrap(), Thawed::default());
}

#[test]
fn a_thaw_that_fails_is_repeated_until_it_does_not() {
    let world = World::new();
    let freezes = world.freezes();
    world.fail("domfsthaw", "error: Timed out during operation: cannot acquire state change lock");
    freezes.freeze(id(), JobId::new(), Duration::ZERO).unwrap();
    until("three tries", || world.count("domfsthaw") >= 3);
    assert!(world.frozen() && world.recorded());
    world.held_until_thaws_work(&freezes);
}

#[test]
fn a_guest_that_is_shut_off_needs_no_thaw_and_a_paused_one_does() {
    let world = World::new();
    let freezes = world.freezes();
    world.fail("domfsthaw", "error: Requested operation is not valid: domain is not running");
    fs::write(world.path("state"), "paused").unwrap();
    freezes.freeze(id(), JobId::new(), Duration::ZERO).unwrap();
    until("three tries", || world.count("domfsthaw") >= 3);
    assert!(world.recorded());
    fs::write(world.path("state"), "shut off").unwrap();
    until("the end of the freeze", || !world.recorded());
}

#[test]
fn a_guest_that_is_gone_needs_no_thaw() {
    let world = World::new();
    let freezes = world.freezes();
    let job = JobId::new();
    for message in [
        "error: failed to get domain 'x'",
        "error: argument unsupported: QEMU guest agent is not configured",
    ] {
        freezes.freeze(id(), job, LONG).unwrap();
        world.fail("domfsthaw", message);
        assert_eq!(freezes.thaw(id(), job).unwrap(), Thawed::default());
        assert!(!world.recorded());
        world.work_again("domfsthaw");
    }
}

#[test]
fn refusals_of_libvirt_are_told_apart_and_only_doubt_is_thawed() {
    type Expected = fn(&FreezeError) -> bool;
    let cases: [(&str, Expected, bool); 7] = [
        (
            "error: argument unsupported: QEMU guest agent is not configured",
            |error| matches!(error, FreezeError::NoGuestAgent),
            false,
        ),
        (
            "error: Guest agent is not responding: QEMU guest agent is not connected",
            |error| matches!(error, FreezeError::NoGuestAgent),
            false,
        ),
        (
            "error: Requested operation is not valid: domain is not running",
            |error| matches!(error, FreezeError::NotRunning),
            false,
        ),
        (
            "error: internal error: unable to execute QEMU agent command 'guest-fsfreeze-freeze': \
             Command guest-fsfreeze-freeze has been disabled: the command is not allowed",
            |error| matches!(error, FreezeError::Forbidden),
            false,
        ),
        (
            "error: failed to connect to the hypervisor",
            |error| matches!(error, FreezeError::Unasked { .. }),
            false,
        ),
        (
            "error: Guest agent is not responding: Guest agent not available for now",
            |error| matches!(error, FreezeError::Unsure { .. }),
            true,
        ),
        ("error: internal error", |error| matches!(error, FreezeError::Unsure { .. }), true),
    ];
    for (message, expected, thawed) in cases {
        let world = World::new();
        let freezes = world.freezes();
        world.fail("domfsfreeze", message);
        let error = freezes.freeze(id(), JobId::new(), LONG).unwrap_err();
        assert!(expected(&error), "{message}: {error:?}");
        until(message, || !world.recorded());
        assert_eq!(world.count("domfsthaw") > 0, thawed, "{message}");
    }
}

#[test]
fn a_freeze_that_does_not_come_back_is_thawed() {
    let world = World::new();
    let freezes = world.freezes();
    fs::write(world.path("hang-domfsfreeze"), "").unwrap();
    let error = freezes.freeze(id(), JobId::new(), LONG).unwrap_err();
    let timed_out = matches!(&error, FreezeError::Unsure { source: SourceError::TimedOut { .. } });
    assert!(timed_out, "{error:?}");
    world.until_forgotten();
    assert_eq!(world.count("domfsthaw"), 1);
}

#[test]
fn what_cannot_be_written_down_is_not_frozen() {
    let world = World::new();
    let freezes = world.freezes();
    fs::write(world.path("records"), "a file where the folder should be").unwrap();
    let error = freezes.freeze(id(), JobId::new(), LONG).unwrap_err();
    assert!(matches!(error, FreezeError::Unrecorded { .. }), "{error:?}");
    assert_eq!(world.count("domfsfreeze"), 0);
}

#[test]
fn a_process_that_is_stopped_thaws_and_freezes_no_more() {
    let world = World::new();
    let freezes = world.freezes();
    freezes.freeze(id(), JobId::new(), LONG).unwrap();
    assert_eq!(freezes.stop(), 0);
    assert!(!world.frozen() && !world.recorded());
    let error = freezes.freeze(id(), JobId::new(), LONG).unwrap_err();
    assert!(matches!(error, FreezeError::Stopping), "{error:?}");
}

/// Kills a process when a test ends otherwise.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs itself once more in a process of its own, with the folder in its environment, and kills that.
#[test]
fn after_a_kill_the_next_start_thaws() {
    if let Ok(folder) = std::env::var(CHILD_FOLDER) {
        open(Path::new(&folder)).freeze(id(), JobId::new(), LONG).unwrap();
        thread::sleep(LONG);
    }
    let world = World::new();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "after_a_kill_the_next_start_thaws"])
        .env(CHILD_FOLDER, world.folder.path())
        .spawn();
    let mut child = Killed(child.unwrap());
    until("the freeze", || world.frozen());
    child.0.kill().unwrap();
    assert_eq!(child.0.wait().unwrap().signal(), Some(libc::SIGKILL));
    assert!(world.frozen() && world.recorded());

    world.fail("domfsthaw", "error: failed to connect to the hypervisor");
    let freezes = world.freezes();
    world.held_until_thaws_work(&freezes);
}

/// The program itself, with the script as its `virsh`.
#[test]
fn the_agent_thaws_at_its_start() {
    let world = World::new();
    let records = world.path("state-path/frozen");
    fs::create_dir_all(&records).unwrap();
    fs::write(records.join(id().to_string()), "").unwrap();
    fs::write(world.path("frozen"), "").unwrap();
    let config = format!(
        "[DEFAULT]\nhost = h\ntransport_url = rabbit://127.0.0.1:1/\n[agent]\nlibvirt_uri = {}\n\
         state_path = {}\n",
        world.folder.path().display(),
        world.path("state-path").display(),
    );
    fs::write(world.path("firn.conf"), config).unwrap();
    let path = format!("{}:{}", scripts().display(), std::env::var("PATH").unwrap());
    let agent = Command::new(env!("CARGO_BIN_EXE_firn-agent"))
        .arg("--config-file")
        .arg(world.path("firn.conf"))
        .env("PATH", path)
        .spawn();
    let _agent = Killed(agent.unwrap());
    until("the thaw", || !world.frozen());
    until("the end of the freeze", || !records.join(id().to_string()).exists());
}

/// libvirt's own test driver: its guest has two file systems, and forgets a freeze with its connection.
#[test]
fn what_a_real_libvirt_says_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let domain = format!(
        "<domain type='test'><name>vm</name><uuid>{}</uuid><memory>1024</memory>\
         <os><type>hvm</type></os></domain>",
        id()
    );
    fs::write(folder.path().join("vm.xml"), domain).unwrap();
    let node = folder.path().join("node.xml");
    fs::write(&node, "<node><domain file='vm.xml'/></node>").unwrap();
    let libvirt = LibvirtSource::new(&format!("test://{}", node.display())).with_deadline(PATIENCE);
    assert_eq!(libvirt.freeze(id()).unwrap(), 2);
    assert_eq!(libvirt.thaw(id()).unwrap(), Some(0));
    let other = "aaaaaaaa-0000-4000-8000-000000000002".parse().unwrap();
    assert!(matches!(libvirt.freeze(other), Err(FreezeError::NotRunning)));
    assert_eq!(libvirt.thaw(other).unwrap(), None);
}
