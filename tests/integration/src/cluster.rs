use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::keystone::{Keystone, User};
use crate::service::free_address;
use crate::{Api, Ground, kill, program, until, within};

/// The machine may be busy with other tests.
const START_LIMIT: Duration = Duration::from_secs(90);
const LOG_LINES: usize = 120;

/// What a cluster's processes share.
#[derive(Clone, Debug)]
pub struct Backing {
    /// `[database] connection`.
    pub database: String,
    /// `transport_url`.
    pub broker: String,
    /// The service's own user in Keystone.
    pub service_user: User,
    /// Keystone's URL.
    pub auth_url: String,
    /// More lines of the configuration, with their sections.
    pub more: String,
}

/// The service as operators run it: several processes, one configuration file. Dropped, they are
/// killed; where the test fails, the ends of their logs are printed.
pub struct Cluster {
    root: PathBuf,
    config: PathBuf,
    address: SocketAddr,
    processes: BTreeMap<String, Process>,
    /// Where systemd listens, and how often it wants a sign of life.
    systemd: Option<(PathBuf, Duration)>,
}

struct Process {
    child: Child,
    log: PathBuf,
}

impl Cluster {
    /// Writes the configuration, makes the database's tables and the repository. Nothing runs.
    pub fn new(ground: &Ground, backing: &Backing) -> Self {
        let root = ground.path().to_owned();
        let address = free_address();
        let config = root.join("firn.conf");
        fs::write(&config, configuration(ground, address, backing)).unwrap();
        // Names of such restores are shared by all projects, so usually only administrators may.
        let policy = "\"instance-backup:restores:create_file\": \"role:member\"\n";
        fs::write(root.join("policy.yaml"), policy).unwrap();
        let processes = BTreeMap::new();
        let cluster = Self { root, config, address, processes, systemd: None };
        cluster.manage(&["db", "sync"]);
        cluster.manage(&["repository", "create"]);
        cluster
    }

    /// Adds lines, with their sections, to the configuration of processes that start later.
    pub fn configure(&self, more: &str) {
        let mut file = File::options().append(true).open(&self.config).unwrap();
        file.write_all(more.as_bytes()).unwrap();
    }

    /// Starts processes from now on as systemd does a `Type=notify` unit with a watchdog.
    pub fn notify(&mut self, socket: &Path, watchdog: Duration) {
        self.systemd = Some((socket.to_owned(), watchdog));
    }

    /// Runs `firn-manage` to its good end; gives what it printed.
    #[track_caller]
    pub fn manage(&self, arguments: &[&str]) -> String {
        let output = Command::new(program("firn-manage"))
            .arg("--config-file")
            .arg(&self.config)
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "firn-manage {arguments:?}: {said}\n{errors}");
        said
    }

    /// Starts the API and waits until it is ready.
    pub fn start_api(&mut self) {
        self.spawn("api", "firn-api", "");
        until("the API answers", START_LIMIT, || {
            self.check_alive("api");
            self.api("").healthy().then_some(())
        });
    }

    /// Starts a conductor of this name and waits until it takes jobs.
    pub fn start_conductor(&mut self, name: &str) {
        self.start(name, "firn-conductor");
    }

    /// Starts an agent of this name and waits until it answers.
    pub fn start_agent(&mut self, name: &str) {
        self.start(name, "firn-agent");
    }

    /// Starts a program with configuration of its own that it cannot work with: it must end by
    /// itself, with an error.
    #[track_caller]
    pub fn start_in_vain(&mut self, name: &str, program: &str, own: &str) {
        self.spawn(name, program, own);
        let mut process = self.processes.remove(name).unwrap();
        let ended = within(START_LIMIT, || process.child.try_wait().unwrap());
        let ended = ended.unwrap_or_else(|| {
            let _ = process.child.kill();
            panic!("{name} runs with {own:?}\n{}", tail(&process.log))
        });
        assert!(!ended.success(), "{name} ends well with {own:?}");
    }

    fn start(&mut self, name: &str, program: &str) {
        let before = self.log(name).len();
        self.spawn(name, program, &format!("[DEFAULT]\nhost = {name}\n"));
        until(&format!("{name} is ready"), START_LIMIT, || {
            self.check_alive(name);
            let log = self.log(name);
            let ready = ["] ready", "\"message\":\"ready\""];
            ready.iter().any(|told| log[before..].contains(told)).then_some(())
        });
    }

    fn spawn(&mut self, name: &str, named: &str, own: &str) {
        let folder = self.root.join(format!("{name}.conf.d"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("own.conf"), own).unwrap();
        let log = self.root.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let child = self
            .command(named)
            .arg("--config-file")
            .arg(&self.config)
            .arg("--config-dir")
            .arg(folder)
            // Also marks every process of this test.
            .env("TMPDIR", self.root.join("tmp"))
            .env("RUST_BACKTRACE", "1")
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        self.processes.insert(name.to_owned(), Process { child, log });
    }

    fn command(&self, named: &str) -> Command {
        let Some((socket, watchdog)) = &self.systemd else { return Command::new(program(named)) };
        let mut command = Command::new("sh");
        // The watchdog is meant for one process id, which is known only once there is a process.
        command.args(["-c", "export WATCHDOG_PID=$$; exec \"$@\"", "sh"]).arg(program(named));
        command.env("NOTIFY_SOCKET", socket);
        command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        command
    }

    fn check_alive(&mut self, name: &str) {
        let process = self.processes.get_mut(name).unwrap();
        if let Some(status) = process.child.try_wait().unwrap() {
            panic!("{name} ended at its start with {status}\n{}", tail(&process.log));
        }
    }

    /// The API, as seen with a token (empty: none).
    pub fn api(&self, token: &str) -> Api {
        Api::new(self.address, (!token.is_empty()).then(|| token.to_owned())).latest()
    }

    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A process's id.
    pub fn pid(&self, name: &str) -> u32 {
        self.processes[name].child.id()
    }

    /// `kill -9`, as a crash would.
    pub fn crash(&mut self, name: &str) {
        let mut process = self.processes.remove(name).unwrap();
        let _ = process.child.kill();
        let _ = process.child.wait();
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self, name: &str, limit: Duration) -> ExitStatus {
        let mut process = self.processes.remove(name).unwrap();
        kill(process.child.id(), Signal::TERM);
        let ended = within(limit, || process.child.try_wait().unwrap());
        ended.unwrap_or_else(|| {
            let _ = process.child.kill();
            panic!("{name} did not end within {limit:?} of SIGTERM\n{}", tail(&process.log))
        })
    }

    /// Everything that a process of this name logged so far.
    pub fn log(&self, name: &str) -> String {
        let log = fs::read(self.root.join(format!("{name}.log"))).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let names: Vec<_> = self.processes.keys().cloned().collect();
        for name in names {
            if thread::panicking() {
                let log = &self.processes[&name].log;
                eprintln!("---- {name} warned ----\n{}", warnings(log));
                eprintln!("---- {name} ----\n{}", tail(log));
            }
            self.crash(&name);
        }
        // Workers end when their conductor is gone.
        let gone = || crate::processes::using(&self.root, &[]).is_empty().then_some(());
        if within(Duration::from_secs(10), gone).is_none() && !thread::panicking() {
            panic!("processes outlive the cluster: {:?}", crate::processes::using(&self.root, &[]));
        }
    }
}

fn tail(log: &Path) -> String {
    last_lines(log, |_| true)
}

/// What went wrong long before the end may be told far above the last lines; what became better
/// again, as a connection does, tells when.
fn warnings(log: &Path) -> String {
    last_lines(log, |line| {
        [" WARN ", " ERROR ", "connected to", "receiving again"]
            .iter()
            .any(|sign| line.contains(sign))
    })
}

fn last_lines(log: &Path, wanted: impl Fn(&str) -> bool) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines: Vec<_> = text.lines().filter(|line| wanted(line)).collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

fn configuration(ground: &Ground, address: SocketAddr, backing: &Backing) -> String {
    let state = ground.state();
    let state = state.display();
    let root = ground.path().display();
    let drivers = program("firn");
    let drivers = drivers.parent().unwrap().display();
    let user = &backing.service_user;
    format!(
        "[DEFAULT]\n\
         transport_url = {broker}\n\
         [api]\n\
         listen = {host}\n\
         port = {port}\n\
         [database]\n\
         connection = {database}\n\
         [keystone_authtoken]\n\
         auth_url = {auth_url}\n\
         www_authenticate_uri = {auth_url}\n\
         username = {user_name}\n\
         password = {password}\n\
         project_name = {project}\n\
         user_domain_name = Default\n\
         project_domain_name = Default\n\
         region_name = RegionOne\n\
         [conductor]\n\
         cloud = agents\n\
         state_path = {state}\n\
         restores_dir = {state}/restores\n\
         lease_seconds = 5\n\
         reconcile_interval = 2\n\
         [storage]\n\
         driver_path = {drivers}\n\
         [repository]\n\
         path = {state}/repository\n\
         key_file = {state}/firn.key\n\
         [agent]\n\
         libvirt_uri =\n\
         domain_dir = {domains}\n\
         report_interval = 2\n\
         [oslo_policy]\n\
         policy_file = {root}/policy.yaml\n\
         {more}\n",
        broker = backing.broker,
        host = address.ip(),
        port = address.port(),
        database = backing.database,
        auth_url = backing.auth_url,
        user_name = user.name,
        password = user.password,
        project = user.project_name,
        domains = ground.domains().display(),
        more = backing.more,
    )
}

impl Backing {
    /// A service user of this Keystone, a database and a broker.
    pub fn new(keystone: &Keystone, database: String, broker: &Value) -> Self {
        let name = format!("firn-{}", uuid::Uuid::new_v4());
        let project = keystone.project(&name);
        let service_user = keystone.user(&name, &project, "service");
        keystone.grant(&service_user.id, &project, "admin");
        Self {
            database,
            broker: broker["url"].as_str().unwrap().to_owned(),
            service_user,
            auth_url: keystone.url(),
            more: String::new(),
        }
    }
}
