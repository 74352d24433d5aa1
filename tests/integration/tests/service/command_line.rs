//! The human commands.

use std::process::{Command, Stdio};
use std::time::Duration;

use firn_integration_tests::{
    Change, Content, Format, Ground, MIB, Machine, Service, ServiceOptions, firn, nothing_left,
    until,
};

/// What a command did.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Refused with one clear line.
    #[track_caller]
    fn bad(self) -> String {
        assert_eq!(self.code, Some(1), "{self:?}");
        let lines: Vec<_> = self.err.trim().lines().collect();
        assert!(lines.len() == 1 && lines[0].starts_with("firn: "), "{self:?}");
        assert!(lines[0].len() > 20, "{self:?}");
        lines[0].to_owned()
    }
}

fn command(service: &Service, arguments: &[&str]) -> Command {
    let mut command = Command::new(firn());
    command.args(arguments).env("FIRN_URL", format!("http://{}", service.address()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn firn_does(service: &Service, arguments: &[&str]) -> Ran {
    let output = command(service, arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn machine(ground: &Ground) -> Machine {
    Machine::new(ground, "web-1")
        .disk(ground, "vda", Format::Qcow2, 24 * MIB, &Change::mixed(24 * MIB, 1))
        .disk(ground, "vdb", Format::Raw, 8 * MIB, &Change::mixed(8 * MIB, 2))
        .define()
}

/// The row of a table whose first cell is `id`.
#[track_caller]
fn row<'a>(table: &'a str, id: &str) -> &'a str {
    let found = table.lines().find(|line| line.starts_with(id));
    found.unwrap_or_else(|| panic!("{id} is not in\n{table}"))
}

#[test]
fn a_day_with_the_commands() {
    let ground = Ground::new();
    let machine = machine(&ground);
    let service = Service::start(&ground);
    let run = |arguments: &[&str]| firn_does(&service, arguments);

    let instances = run(&["instance", "list"]).good();
    let line = row(&instances, &machine.id);
    for word in ["web-1", "vda", "vdb", "24.0 MiB", "8.0 MiB"] {
        assert!(line.contains(word), "{word}: {instances}");
    }

    let said = run(&["backup", "web-1"]).good();
    assert!(said.contains("restore point"), "{said}");
    let truth = machine.truth();
    machine.device("vda").change(&[Change::Write(MIB, 65_536, Content::Random(9))]);
    let said = run(&["backup", "web-1", "--incremental"]).good();
    assert!(said.contains("32.0 MiB of disks"), "sizes are told: {said}");
    assert!(said.contains("reading everything"), "and why all is read: {said}");

    let points = service.api().points();
    let id = |at: usize| points[at]["id"].as_str().unwrap().to_owned();
    let (newest, oldest) = (id(0), id(1));
    let table = run(&["point", "list"]).good();
    for (id, mode) in [(&newest, "incremental"), (&oldest, "full")] {
        let line = row(&table, id);
        for word in [mode, "available", "web-1", "32.0 MiB"] {
            assert!(line.contains(word), "{word}: {table}");
        }
    }
    let table = run(&["point", "list", "--instance", "web-1"]).good();
    assert_eq!(table.lines().count(), 3, "{table}");

    // The beginning of an id is enough.
    let said = run(&["verify", &oldest[..13]]).good();
    assert!(said.contains(&oldest), "{said}");
    run(&["verify", &newest, "--sample", "0.5"]).good();
    run(&["restore", &oldest, "--name", "monday"]).good();
    machine.compare("monday", &truth);

    let jobs = run(&["job", "list"]).good();
    assert_eq!(jobs.matches("succeeded").count(), 5, "{jobs}");
    // Without a point: all of them.
    let said = run(&["verify"]).good();
    assert!(said.contains(&oldest) && said.contains(&newest), "{said}");
    let job = points[0]["job_id"].as_str().unwrap();
    run(&["job", "watch", job]).good();

    run(&["point", "delete", &oldest]).good();
    let table = run(&["point", "list"]).good();
    assert!(table.contains(&newest) && !table.contains(&oldest), "{table}");
    nothing_left(&ground, &service);
}

#[test]
fn cancelling_ends_the_command_that_waits() {
    let ground = Ground::new();
    let size = 128 * MIB;
    let machine = Machine::new(&ground, "big")
        .disk(&ground, "vda", Format::Raw, size, &[Change::Write(0, size, Content::Text(1))])
        .define();
    let service = Service::start_with(&ground, ServiceOptions::default().slow());
    let waiting = command(&service, &["backup", &machine.id]).spawn().unwrap();
    service.worker();
    let jobs = service.api().list("/v1/jobs", "jobs");
    let job = jobs[0]["id"].as_str().unwrap();
    let watching = command(&service, &["job", "watch", job]).spawn().unwrap();
    until("it is told as running", Duration::from_secs(20), || {
        let table = firn_does(&service, &["job", "list"]).good();
        row(&table, job).contains("running").then_some(())
    });
    let said = firn_does(&service, &["job", "cancel", job]).good();
    assert!(said.contains(job), "{said}");
    for child in [waiting, watching] {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("cancelled"), "{said}");
    }
    let said = firn_does(&service, &["job", "watch", job]).bad();
    assert!(said.contains("cancelled"), "{said}");
    nothing_left(&ground, &service);
}

#[test]
fn mistakes_get_one_clear_line() {
    let ground = Ground::new();
    let machine = machine(&ground);
    let mut service = Service::start(&ground);
    let point = service.api().backed_up(&machine.id, "full");
    let point = point["id"].as_str().unwrap().to_owned();
    let bad = |arguments: &[&str]| firn_does(&service, arguments).bad();
    let unknown = "00000000-0000-4000-8000-000000000000";

    assert!(bad(&["backup", "nobody"]).contains("nobody"));
    assert!(bad(&["backup", ""]).contains("instance"));
    assert!(bad(&["restore", unknown, "--name", "x"]).contains(unknown));
    assert!(bad(&["restore", &point, "--name", "../x"]).contains("name"));
    assert!(bad(&["verify", unknown]).contains(unknown));
    assert!(bad(&["verify", &point, "--sample", "7"]).contains("sample"));
    assert!(bad(&["point", "delete", unknown]).contains(unknown));
    assert!(bad(&["job", "watch", unknown]).contains(unknown));
    assert!(bad(&["job", "cancel", unknown]).contains(unknown));
    assert!(bad(&["point", "list", "--instance", "nobody"]).contains("nobody"));
    let job = service.api().point(&point)["job_id"].as_str().unwrap().to_owned();
    assert!(bad(&["job", "cancel", &job]).contains("succeeded"));

    // A job that fails fails the command, with the job's reason.
    std::fs::remove_file(&machine.device("vdb").path).unwrap();
    let said = bad_after_events(&service, &["backup", "web-1"]);
    assert!(said.contains("vdb"), "{said}");
    nothing_left(&ground, &service);

    service.stop_cleanly();
    let said = firn_does(&service, &["point", "list"]).bad();
    assert!(said.contains(&service.address().to_string()) && said.contains("firn serve"), "{said}");
    // Usage errors are the parser's.
    assert_eq!(firn_does(&service, &["restore"]).code, Some(2));
    assert_eq!(firn_does(&service, &[]).code, Some(2));
    assert!(firn_does(&service, &["--version"]).good().starts_with("firn "));
    assert!(!firn_does(&service, &["--help"]).good().contains("worker"));
}

/// The last line of a command that tells events first.
fn bad_after_events(service: &Service, arguments: &[&str]) -> String {
    let ran = firn_does(service, arguments);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let last = ran.err.trim().lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with("firn: "), "{ran:?}");
    last
}
