//! Files, environment and declarations together.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and nobody uses its types"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use oslo_config::{ConfigError, Group, Loader, ProblemKind, Severity, Uri};
use tempfile::TempDir;

oslo_config::choices! {
    /// How a log line looks.
    #[derive(Copy, Eq)]
    pub enum LogFormat {
        /// For people.
        Text = "text",
        /// For machines.
        Json = "json",
    }
}

oslo_config::options! {
    /// What every program has.
    pub struct ServiceOptions in "DEFAULT" {
        /// Folder of the service's own files.
        pub state_path: PathBuf = "/var/lib/firn";
        /// Locks.
        pub lock_path: PathBuf = "$state_path/lock";
        /// The host's name.
        pub host: String = "here".to_owned() + "-1", sample "<hostname>";
        /// Log format.
        pub log_format: LogFormat = LogFormat::Text;
        /// Levels of single modules.
        pub log_levels: BTreeMap<String, String> = [("hyper", "warn")];
        /// More to load.
        pub extension: Vec<String>, multi;
        /// Raw.
        pub r#type: Option<String>;
    }
}

oslo_config::options! {
    /// The database.
    pub struct DatabaseOptions in "database" {
        /// URL.
        pub connection: String = "sqlite:///$state_path/firn.sqlite", secret;
        /// Most connections.
        pub max_pool_size: u32 = 20, min 1, max 1000, deprecated "pool", deprecated "sql.max_pool";
        /// Drivers.
        pub enabled_drivers: Vec<String> = ["file"];
        /// Ports.
        pub ports: Vec<u16> = [1, 2];
        /// Rate.
        pub rate: f64 = 0.5, max 1;
        /// Broker.
        pub broker: Option<Uri>;
        /// Interface.
        pub interface: String = "internal", choices ["public", "internal"];
        /// Retry.
        pub retry: bool = true;
        /// Domain.
        pub domain: Option<String>;
    }
}

oslo_config::options! {
    /// Must be set.
    struct NeedyOptions in "needy" {
        /// Secret.
        password: String, secret;
        /// Number.
        number: i64;
    }
}

fn groups() -> Vec<Group> {
    vec![ServiceOptions::group(), DatabaseOptions::group()]
}

struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn loader(&self, names: &[&str]) -> Loader {
        bare().files(names.iter().map(|name| self.path(name)))
    }
}

fn bare() -> Loader {
    Loader::new("firn-test-without-files").environment(Vec::new())
}

/// `file:line: [group] option: message` without the folder, errors and warnings.
fn problems(loader: &Loader, groups: &[Group], folder: &Files) -> Vec<String> {
    let prefix = format!("{}/", folder.0.path().display());
    let show = |problem: &oslo_config::Problem| {
        let mark = if problem.severity == Severity::Warning { "warning " } else { "" };
        format!("{mark}{problem}").replace(&prefix, "")
    };
    loader.read(groups).problems.iter().map(show).collect()
}

fn variable(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn defaults() {
    let service = ServiceOptions::defaults().unwrap();
    assert_eq!(service.lock_path, PathBuf::from("/var/lib/firn/lock"));
    assert_eq!(service.host, "here-1");
    assert_eq!(service.log_format, LogFormat::Text);
    assert_eq!(service.log_levels["hyper"], "warn");
    assert!(service.extension.is_empty());
    assert_eq!(service.r#type, None);

    let config = bare().load(&groups()).unwrap();
    let database: DatabaseOptions = config.get().unwrap();
    assert_eq!(database.connection, "sqlite:////var/lib/firn/firn.sqlite");
    assert_eq!(database.ports, [1, 2]);
    assert_eq!(database.enabled_drivers, ["file"]);
    assert!(config.files_used().is_empty() && config.warnings().is_empty());
}

#[test]
fn later_places_win_and_the_environment_wins_over_files() {
    let files = Files::new(&[
        (
            "a.conf",
            "[DEFAULT]\nstate_path = /a\nextension = 1\nextension = 2\n[database]\nretry = no\n",
        ),
        ("d/2.conf", "[Database]\nmax_pool_size = 2\n"),
        ("d/1.conf", "[database]\nmax_pool_size = 1\n[DEFAULT]\nextension = 3\n"),
        ("d/.hidden.conf", "[database]\nmax_pool_size = 3\n"),
        ("d/other.txt", "[database]\nmax_pool_size = 4\n"),
    ]);
    let loader = files
        .loader(&["a.conf"])
        .dirs([files.path("d")])
        .environment([variable("OS_DEFAULT__STATE_PATH", "/e")]);
    let config = loader.load(&groups()).unwrap();
    let service: ServiceOptions = config.get().unwrap();
    let database: DatabaseOptions = config.get().unwrap();
    assert_eq!(service.state_path, PathBuf::from("/e"));
    assert_eq!(service.extension, ["1", "2", "3"]);
    assert_eq!(database.connection, "sqlite:////e/firn.sqlite");
    assert_eq!(database.max_pool_size, 2);
    assert!(!database.retry);
    assert_eq!(
        config.files_used(),
        [files.path("a.conf"), files.path("d/1.conf"), files.path("d/2.conf")]
    );

    let config = loader.set("database", "max_pool_size", "9").load(&groups()).unwrap();
    assert_eq!(config.get::<DatabaseOptions>().unwrap().max_pool_size, 9);
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let files = Files::new(&[
        (
            "a.conf",
            "stray = 1\n\
             [DEFAULT]\n\
             max_pool_size = 3\n\
             log_format = yaml\n\
             [database]\n\
             conection = x\n\
             max_pool_size = 0\n\
             ports = 1, x\n\
             rate = 2\n\
             interface = admin\n\
             domain = ${nowhere}\n\
             gibberish\n\
             broker = nonsense\n",
        ),
        ("b.conf", "[databse]\nx = 1\n[elsewhere]\n[database]\nretry = 1\nretry = 0\npool = 7\n"),
    ]);
    let loader = files
        .loader(&["a.conf", "b.conf", "missing.conf"])
        .environment([variable("OS_DATABASE__RETRI", "1")]);
    let expected = [
        "missing.conf: cannot be read: No such file or directory (os error 2)",
        "a.conf:1: an option before the first section",
        "warning a.conf:3: [DEFAULT] max_pool_size: unknown option; it belongs in [database]",
        "a.conf:4: [DEFAULT] log_format: 'yaml' is none of text, json",
        "a.conf:6: [database] conection: unknown option; did you mean connection?",
        "a.conf:8: [database] ports: 'x' is no integer",
        "a.conf:9: [database] rate: '2' is more than 1",
        "a.conf:10: [database] interface: 'admin' is none of public, internal",
        "a.conf:11: [database] domain: refers to $nowhere, and there is no such option; write $$ for a dollar sign",
        "a.conf:12: neither '=' nor ':' in the line",
        "a.conf:13: [database] broker: 'nonsense' is no URI with a scheme and a host",
        "warning b.conf:1: [databse]: unknown group; did you mean database?",
        "warning b.conf:3: [elsewhere]: unknown group",
        "warning b.conf:6: [database] retry: is set twice in the file, before at b.conf:5",
        "warning b.conf:7: [database] pool: is an old name; use max_pool_size in [database]",
        "warning environment OS_DATABASE__RETRI: [database] retri: unknown option; did you mean retry?",
    ];
    assert_eq!(problems(&loader, &groups(), &files), expected);
    let error = loader.load(&groups()).unwrap_err();
    assert_eq!(error.to_string().lines().count(), 1 + expected.len());
}

#[test]
fn what_other_programs_declare_is_an_error_for_a_strict_check() {
    let files = Files::new(&[("a.conf", "[other]\nx = 1\n[DEFAULT]\nx = 1\n")]);
    let loader = files.loader(&["a.conf"]);
    assert!(loader.load(&groups()).is_ok());
    let error = loader.strict(true).load(&groups()).unwrap_err();
    assert_eq!(error.problems()[0].kind, ProblemKind::UnknownGroup);
    assert_eq!(error.problems()[1].kind, ProblemKind::UnknownOption);
    assert!(error.problems().iter().all(|problem| problem.severity == Severity::Error));
}

#[test]
fn what_others_read_in_a_shared_group_is_a_warning_and_a_slip_of_the_pen_an_error() {
    let files = Files::new(&[
        ("theirs.conf", "[Database]\nconnection_recycle_time = 10\nlock_path = /l\n"),
        ("slip.conf", "[database]\nconection = x\nmax_pool_sise = 1\n"),
    ]);
    let shared = [ServiceOptions::group(), DatabaseOptions::group().shared()];
    let theirs = files.loader(&["theirs.conf"]);
    let expected = [
        "warning theirs.conf:2: [database] connection_recycle_time: unknown option; it has no effect here",
        "warning theirs.conf:3: [database] lock_path: unknown option; it has no effect here; it belongs in [DEFAULT]",
    ];
    assert_eq!(problems(&theirs, &shared, &files), expected);
    // It stays one where a command knows all of our programs: theirs is none of them.
    assert_eq!(problems(&theirs.clone().strict(true), &shared, &files), expected);
    assert!(theirs.load(&groups()).is_err());
    assert_eq!(
        problems(&files.loader(&["slip.conf"]), &shared, &files),
        [
            "slip.conf:2: [database] conection: unknown option; did you mean connection?",
            "slip.conf:3: [database] max_pool_sise: unknown option; did you mean max_pool_size?",
        ]
    );
    // One part of a program that says so is enough.
    let twice = [ServiceOptions::group(), shared[1].clone(), DatabaseOptions::group()];
    assert!(theirs.load(&twice).is_ok());
}

#[test]
fn old_names() {
    let files = Files::new(&[
        ("old.conf", "[sql]\nmax_pool = 5\nother = 1\n"),
        ("both.conf", "[database]\npool = 6\nmax_pool_size = 7\n"),
        ("later.conf", "[database]\npool = 8\n"),
    ]);
    let size = |names: &[&str]| {
        let config = files.loader(names).load(&groups()).unwrap();
        config.get::<DatabaseOptions>().unwrap().max_pool_size
    };
    assert_eq!(size(&["old.conf"]), 5);
    assert_eq!(size(&["both.conf"]), 7);
    assert_eq!(size(&["both.conf", "later.conf"]), 8);
    assert_eq!(
        problems(&files.loader(&["old.conf"]), &groups(), &files),
        [
            "warning old.conf:2: [sql] max_pool: is an old name; use max_pool_size in [database]",
            "warning old.conf:3: [sql] other: unknown option",
        ]
    );
}

#[test]
fn options_without_default_must_be_set_and_secrets_stay_out_of_errors() {
    let files = Files::new(&[
        ("empty.conf", "[needy]\n"),
        ("secret.conf", "[needy]\npassword = hunter2\nnumber = $password\n"),
        ("good.conf", "[needy]\npassword = hunter2\nnumber = 1\n"),
    ]);
    let needy = [NeedyOptions::group()];
    assert_eq!(
        problems(&files.loader(&["empty.conf"]), &needy, &files),
        [
            "[needy] number: is not set, and there is no default",
            "[needy] password: is not set, and there is no default",
        ]
    );
    assert_eq!(
        problems(&files.loader(&["secret.conf"]), &needy, &files),
        ["secret.conf:3: [needy] number: the value is no integer"]
    );
    let config = files.loader(&["good.conf"]).load(&needy).unwrap();
    let options: NeedyOptions = config.get().unwrap();
    assert_eq!((options.password.as_str(), options.number), ("hunter2", 1));
    let shown = format!("{options:?} {config:?} {:#?} {:?}", options, config.dump());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("password: ***"), "{shown}");
}

#[test]
fn what_refers_to_a_secret_is_one() {
    let files = Files::new(&[(
        "a.conf",
        "[database]\nconnection = hunter2\ndomain = x${connection}\nbroker = rabbit://u:hunter3@h/\n",
    )]);
    let config = files.loader(&["a.conf"]).load(&groups()).unwrap();
    assert_eq!(config.text("database", "domain").unwrap(), ["xhunter2"]);
    let dump = config.dump().join("\n");
    assert!(!dump.contains("hunter"), "{dump}");
    assert!(dump.contains("database.domain = ***"), "{dump}");
    assert!(dump.contains("database.broker = rabbit://u:***@h/"), "{dump}");
}

#[test]
fn references_in_circles() {
    let files = Files::new(&[("a.conf", "[DEFAULT]\nstate_path = $lock_path\nhost = ${host}\n")]);
    let lines = problems(&files.loader(&["a.conf"]), &groups(), &files);
    assert!(
        lines.contains(&"a.conf:3: [DEFAULT] host: refers to $host, which leads back here".into())
    );
    assert!(lines.iter().any(|line| line.starts_with("a.conf:2: [DEFAULT] state_path: refers to")));
}

#[test]
fn open_groups() {
    let files = Files::new(&[(
        "a.conf",
        "[database]\nenabled_drivers = ceph, nfs\n[driver:one]\npath = $state_path/x\nown = $path\n\
         [ceph]\npool = p\npool = q\n[nfs2]\n",
    )]);
    let mut groups = groups();
    groups.push(Group::open("driver:*", &[" A driver's options."]));
    groups.push(Group::open_listed_in("database", "enabled_drivers"));
    let loader = files.loader(&["a.conf"]).environment([variable("OS_NFS__SHARE", "s")]);
    let config = loader.load(&groups).unwrap();
    assert_eq!(config.sections().collect::<Vec<_>>(), ["ceph", "driver:one", "nfs"]);
    let one = config.raw("driver:one").unwrap();
    assert_eq!(one["path"], "/var/lib/firn/x");
    assert_eq!(one["own"], "/var/lib/firn/x");
    assert_eq!(config.raw("ceph").unwrap()["pool"], "q");
    assert_eq!(config.raw("nfs").unwrap()["share"], "s");
    assert!(config.raw("nfs2").is_none());
    assert_eq!(config.warnings().len(), 1, "{:?}", config.warnings());
}

#[test]
fn files_beside_the_configuration() {
    let files = Files::new(&[
        ("a/a.conf", ""),
        ("a/policy.yaml", ""),
        ("b/b.conf", ""),
        ("b/policy.yaml", ""),
        ("d/policy.d/x", ""),
    ]);
    let loader = files.loader(&["a/a.conf", "b/b.conf"]).dirs([files.path("d")]);
    let config = loader.load(&groups()).unwrap();
    let find = |name: &str| config.find_file(std::path::Path::new(name));
    assert_eq!(find("policy.yaml"), Some(files.path("b/policy.yaml")));
    assert_eq!(find("policy.d"), Some(files.path("d/policy.d")));
    assert_eq!(find("nothing.yaml"), None);
    let absolute = files.path("a/policy.yaml");
    assert_eq!(config.find_file(&absolute), Some(absolute));
}

#[test]
fn one_form_in_two_sections() {
    let files = Files::new(&[("a.conf", "[one]\nrate = 0.1\n[two]\nrate = 0.2\n")]);
    let groups = [
        ServiceOptions::group(),
        DatabaseOptions::group_as("one"),
        DatabaseOptions::group_as("two"),
    ];
    let config = files.loader(&["a.conf"]).load(&groups).unwrap();
    assert_eq!(config.get_as::<DatabaseOptions>("one").unwrap().rate, 0.1);
    assert_eq!(config.get_as::<DatabaseOptions>("two").unwrap().rate, 0.2);
    let error = config.get::<DatabaseOptions>().unwrap_err();
    assert!(matches!(error, ConfigError::NotDeclared { group } if group == "database"));
}

#[test]
fn reloading_tells_what_changed() {
    let files = Files::new(&[("a.conf", "[database]\nrate = 0.1\n")]);
    let config = files.loader(&["a.conf"]).load(&groups()).unwrap();
    assert_eq!(config.changes(&config.reload().unwrap()), []);
    fs::write(files.path("a.conf"), "[database]\nrate = 0.2\ndomain = x\n").unwrap();
    let changes = config.changes(&config.reload().unwrap());
    let names: Vec<_> = changes.iter().map(|change| change.option.as_str()).collect();
    assert_eq!(names, ["domain", "rate"]);
    fs::write(files.path("a.conf"), "[database]\nrate = x\n").unwrap();
    assert!(config.reload().is_err());
}

#[test]
fn declared_twice() {
    let twice = [ServiceOptions::group(), ServiceOptions::group()];
    assert!(bare().load(&twice).is_ok());
    oslo_config::options! {
        struct Other in "DEFAULT" {
            host: u8 = 1;
        }
    }
    let error = bare().load(&[ServiceOptions::group(), Other::group()]).unwrap_err();
    assert_eq!(error.problems()[0].kind, ProblemKind::Declaration);
}

#[test]
fn values_that_the_program_sets_must_be_declared() {
    let error = bare().set("database", "nothing", "1").load(&groups()).unwrap_err();
    assert_eq!(error.problems()[0].to_string(), "command line: [database] nothing: unknown option");
}
