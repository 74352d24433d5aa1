//! An enforcer with defaults and a policy file.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oslo_policy::{
    Credentials, Enforcer, Operation, Options, PolicyError, PolicyRule, Reason, sample,
};
use serde_json::json;
use tempfile::TempDir;

const RULES: &[PolicyRule] = &[
    PolicyRule::helper("admin", "role:admin"),
    PolicyRule::helper("reader", "role:reader and project_id:%(project_id)s"),
    PolicyRule {
        name: "plans:show",
        check_str: "rule:admin or rule:reader",
        description: "Show a plan, with everything that a person who is allowed to look at it may \
                      want to know.\n\nSecond paragraph.",
        operations: &[
            Operation { method: "GET", path: "/v1/plans/{id}" },
            Operation { method: "HEAD", path: "/v1/plans/{id}" },
        ],
        scope_types: &["project"],
    },
    PolicyRule {
        name: "services:list",
        check_str: "role:admin and 'all':%(\"x\")s or rule:admin",
        description: "List services.",
        operations: &[],
        scope_types: &["system", "project"],
    },
];

struct File {
    folder: TempDir,
}

impl File {
    fn new(text: &str) -> Self {
        let file = Self { folder: tempfile::tempdir().unwrap() };
        file.write(text);
        file
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("policy.yaml")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    /// An enforcer that looks at the file at every call.
    fn enforcer(&self) -> Enforcer {
        let options = Options { recheck: Duration::ZERO, ..Options::default() };
        Enforcer::with_options(RULES, Some(&self.path()), options).unwrap()
    }
}

fn caller(role: &str, project: &str) -> Credentials {
    Credentials {
        project_id: Some(project.to_owned()),
        roles: vec![role.to_owned()],
        ..Credentials::default()
    }
}

fn allowed(enforcer: &Enforcer, rule: &str, role: &str) -> bool {
    enforcer.enforce(rule, &[("project_id", "p1")], &caller(role, "p1")).is_ok()
}

#[test]
fn defaults_alone() {
    let enforcer = Enforcer::new(RULES, None).unwrap();
    assert!(allowed(&enforcer, "plans:show", "admin"));
    assert!(allowed(&enforcer, "plans:show", "Reader"));
    assert!(!allowed(&enforcer, "plans:show", "member"));
    let denied = enforcer
        .enforce("plans:show", &[("project_id", "p2")], &caller("reader", "p1"))
        .unwrap_err();
    assert_eq!(denied.reason, Reason::Rule);
    assert_eq!(denied.to_string(), "plans:show is disallowed by policy");
    assert!(enforcer.enforce("plans:show", &(), &caller("reader", "p1")).is_err());
    let denied = enforcer.enforce("nothing", &(), &caller("admin", "p1")).unwrap_err();
    assert_eq!(denied.reason, Reason::UnknownRule);
    assert_eq!(enforcer.names(), ["admin", "plans:show", "reader", "services:list"]);
}

#[test]
fn scopes() {
    let enforcer = Enforcer::new(RULES, None).unwrap();
    let mut system = caller("admin", "");
    system.project_id = None;
    system.system_scope = Some("all".to_owned());
    let mut domain = system.clone();
    domain.system_scope = None;
    domain.domain_id = Some("default".to_owned());
    assert!(enforcer.enforce("services:list", &(), &system).is_ok());
    let denied = enforcer.enforce("plans:show", &(), &system).unwrap_err();
    assert_eq!(denied.reason, Reason::Scope { wanted: &["project"], found: "system" });
    let denied = enforcer.enforce("services:list", &(), &domain).unwrap_err();
    assert_eq!(denied.reason, Reason::Scope { wanted: &["system", "project"], found: "domain" });

    let options = Options { enforce_scope: false, ..Options::default() };
    let lax = Enforcer::with_options(RULES, None, options).unwrap();
    assert!(lax.enforce("plans:show", &(), &system).is_ok());
    // The operator's own rule does not lift the program's scopes.
    let file = File::new("\"plans:show\": \"@\"\n");
    assert!(file.enforcer().enforce("plans:show", &(), &system).is_err());
}

#[test]
fn the_file_goes_over_the_defaults() {
    let file = File::new(
        "\"reader\": \"role:auditor\"\n\
         \"own\": \"role:operator\"\n\
         \"services:list\": [[\"rule:own\", \"project_id:p1\"], [\"rule:admin\"]]\n",
    );
    let enforcer = file.enforcer();
    assert!(enforcer.defects().is_empty(), "{:?}", enforcer.defects());
    assert!(allowed(&enforcer, "plans:show", "auditor"));
    assert!(!allowed(&enforcer, "plans:show", "reader"));
    assert!(allowed(&enforcer, "services:list", "operator"));
    assert!(allowed(&enforcer, "services:list", "admin"));
}

#[test]
fn bad_rules_never_hold_and_are_named() {
    let file = File::new(
        "\"reader\": \"role:reader and\"\n\
         \"services:list\": \"not rule:reader\"\n\
         \"remote\": \"http://other/%(name)s or role:admin\"\n\
         \"gone\": \"not rule:missing\"\n\
         \"empty\":\n\
         \"table\": {\"a\": \"b\"}\n",
    );
    let enforcer = file.enforcer();
    assert!(!allowed(&enforcer, "reader", "reader"));
    assert!(!allowed(&enforcer, "services:list", "member"), "not turns no doubt into a yes");
    assert!(allowed(&enforcer, "plans:show", "admin"), "what is beside it still counts");
    assert!(allowed(&enforcer, "remote", "admin"));
    for rule in ["remote", "gone", "empty", "table"] {
        assert!(!allowed(&enforcer, rule, "member"), "{rule}");
    }
    let path = file.path().display().to_string();
    let mut defects: Vec<_> =
        enforcer.defects().iter().map(|d| d.to_string().replace(&path, "F")).collect();
    defects.sort();
    assert_eq!(
        defects,
        [
            "F:1: rule reader: 'role:reader and' cannot be understood: a check is missing before the end",
            "F:3: rule remote: 'http:' asks another server, which is not supported",
            "F:4: rule gone: refers to rule:missing, and there is no such rule",
            "F:5: rule empty: has no value; write \"\" for always, or \"!\" for never",
            "F:6: rule table: is a table, not a rule",
        ]
    );
}

#[test]
fn rules_in_circles() {
    let file = File::new(
        "\"a\": \"rule:b or role:one\"\n\"b\": \"not rule:c\"\n\"c\": \"rule:a or role:two\"\n\
         \"self\": \"rule:self or role:one\"\n\"beside\": \"rule:a or role:three\"\n\"before\": \"role:three or rule:a\"\n",
    );
    let enforcer = file.enforcer();
    assert_eq!(enforcer.defects().len(), 4);
    let table = [
        ("a", "one", false),
        ("b", "other", false),
        ("c", "two", false),
        ("self", "one", false),
        ("beside", "one", false),
        ("beside", "three", false),
        ("before", "three", true),
        ("before", "one", false),
    ];
    for (rule, role, expected) in table {
        assert_eq!(allowed(&enforcer, rule, role), expected, "{rule} {role}");
    }
}

#[test]
fn the_default_rule() {
    let file = File::new("\"default\": \"role:admin\"\n\"x\": \"rule:unknown\"\n");
    let enforcer = file.enforcer();
    assert!(allowed(&enforcer, "never:heard", "admin"));
    assert!(!allowed(&enforcer, "never:heard", "reader"));
    assert!(allowed(&enforcer, "x", "admin"));
    file.write("\"default\": \"role:one or rule:unknown\"\n");
    assert!(!allowed(&enforcer, "never:heard", "admin"));
    assert!(allowed(&enforcer, "never:heard", "one"));
    assert_eq!(enforcer.defects().len(), 1);
}

#[test]
fn defaults_must_be_right() {
    let wrong = [
        PolicyRule::helper("bad", "role:"),
        PolicyRule::helper("bad", "nonsense"),
        PolicyRule::helper("bad", "rule:missing"),
        PolicyRule::helper("bad", "rule:bad"),
        PolicyRule::helper("admin", "@"),
    ];
    for rule in &wrong[1..] {
        let rules = [PolicyRule::helper("admin", "role:admin"), *rule];
        let error = Enforcer::new(&rules, None).unwrap_err();
        assert!(matches!(error, PolicyError::Default { .. }), "{rule:?}");
    }
}

#[test]
fn changes_are_seen_and_broken_files_are_not() {
    let file = File::new("\"plans:show\": \"role:one\"\n");
    let enforcer = file.enforcer();
    assert!(allowed(&enforcer, "plans:show", "one"));

    // At once, of the same size, written in place: only the text tells.
    for role in ["two", "six", "ten", "one", "two"] {
        file.write(&format!("\"plans:show\": \"role:{role}\"\n"));
        assert!(allowed(&enforcer, "plans:show", role), "{role}");
    }
    // Another file in its place.
    let other = file.folder.path().join("new");
    fs::write(&other, "\"plans:show\": \"role:three\"\n").unwrap();
    fs::rename(&other, file.path()).unwrap();
    assert!(allowed(&enforcer, "plans:show", "three"));

    for broken in ["\"plans:show\": [", "- list\n", "a: b\na: c\n"] {
        file.write(broken);
        assert!(allowed(&enforcer, "plans:show", "three"), "{broken}");
        assert!(matches!(enforcer.reload(), Err(PolicyError::Syntax { .. })));
    }
    fs::write(file.path(), b"a: \xff\n").unwrap();
    assert!(matches!(enforcer.reload(), Err(PolicyError::Unreadable { .. })));
    fs::remove_file(file.path()).unwrap();
    assert!(allowed(&enforcer, "plans:show", "three"));
    assert!(!allowed(&enforcer, "plans:show", "reader"));

    file.write("");
    assert!(allowed(&enforcer, "plans:show", "reader"), "an empty file brings the defaults back");
    assert!(!allowed(&enforcer, "plans:show", "three"));
}

#[test]
fn a_file_may_come_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    let options = Options { recheck: Duration::ZERO, ..Options::default() };
    let enforcer = Enforcer::with_options(RULES, Some(&path), options).unwrap();
    assert!(allowed(&enforcer, "plans:show", "reader"));
    fs::write(&path, "\"plans:show\": \"!\"\n").unwrap();
    assert!(!allowed(&enforcer, "plans:show", "reader"));
}

#[test]
fn folders_with_more_files() {
    let file = File::new("\"plans:show\": \"role:main\"\n\"services:list\": \"role:main\"\n");
    let folder = file.folder.path().join("policy.d");
    let options = Options {
        recheck: Duration::ZERO,
        policy_dirs: vec![folder.clone(), file.folder.path().join("none.d")],
        ..Options::default()
    };
    let enforcer = Enforcer::with_options(RULES, Some(&file.path()), options.clone()).unwrap();
    assert!(allowed(&enforcer, "plans:show", "main"));
    fs::create_dir_all(folder.join("deeper")).unwrap();
    fs::write(folder.join("1.yaml"), "\"plans:show\": \"role:one\"\n").unwrap();
    assert!(allowed(&enforcer, "plans:show", "one"));
    assert!(allowed(&enforcer, "services:list", "main"));
    fs::write(folder.join("2.yaml"), "\"plans:show\": \"role:two\"\n").unwrap();
    fs::write(folder.join(".3.yaml"), "\"plans:show\": \"role:three\"\n").unwrap();
    assert!(allowed(&enforcer, "plans:show", "two"));
    fs::write(folder.join("2.yaml"), "- broken\n").unwrap();
    assert!(allowed(&enforcer, "plans:show", "two"));
    fs::remove_file(folder.join("2.yaml")).unwrap();
    assert!(allowed(&enforcer, "plans:show", "one"));
    fs::write(folder.join("1.yaml"), "\"plans:show\": \"not\"\n").unwrap();
    assert!(!allowed(&enforcer, "plans:show", "main"));
    let place = enforcer.defects().remove(0).place.unwrap();
    assert_eq!(place, (folder.join("1.yaml"), 1));

    let without = Enforcer::with_options(RULES, None, options).unwrap();
    assert!(!allowed(&without, "plans:show", "reader"));
    assert!(allowed(&without, "services:list", "admin"));
}

#[test]
fn a_file_that_is_broken_at_the_start_is_an_error() {
    let file = File::new("\"a\": \"role:x\"\n\"b\n");
    let error = Enforcer::new(RULES, Some(&file.path())).unwrap_err();
    assert!(error.to_string().starts_with(&format!("{}:", file.path().display())), "{error}");
    let folder = Path::new("/");
    assert!(matches!(Enforcer::new(RULES, Some(folder)), Err(PolicyError::Unreadable { .. })));
}

#[test]
fn the_file_is_looked_at_only_so_often() {
    let file = File::new("\"plans:show\": \"role:one\"\n");
    let options = Options { recheck: Duration::from_secs(3600), ..Options::default() };
    let enforcer = Enforcer::with_options(RULES, Some(&file.path()), options).unwrap();
    assert!(allowed(&enforcer, "plans:show", "one"));
    file.write("\"plans:show\": \"role:two\"\n");
    assert!(allowed(&enforcer, "plans:show", "one"));
    enforcer.reload().unwrap();
    assert!(allowed(&enforcer, "plans:show", "two"));
}

#[test]
fn callers_from_tokens() {
    let answer = json!({"token": {
        "user": {"id": "u1", "domain": {"id": "default"}},
        "project": {"id": "p1", "domain": {"id": "d1"}},
        "roles": [{"id": "1", "name": "member"}, {"id": "2", "name": "Reader"}],
        "is_admin_project": false,
    }});
    let caller = Credentials::from_token(&answer);
    let rules = [
        PolicyRule::helper("a", "user_id:u1 and user_domain_id:default and project_domain_id:d1"),
        PolicyRule::helper("b", "role:reader and role:MEMBER and not role:admin"),
        PolicyRule::helper("c", "token.project.domain.id:d1 and token.roles.name:Reader"),
        PolicyRule::helper("d", "is_admin_project:False and is_admin:False"),
        PolicyRule::helper("e", "token.user.nothing:x or token.user.id.more:x"),
    ];
    let enforcer = Enforcer::new(&rules, None).unwrap();
    let results = enforcer.check_all(&(), &caller);
    let passed: Vec<_> = results.iter().filter(|r| r.1.is_ok()).map(|r| r.0.as_str()).collect();
    assert_eq!(passed, ["a", "b", "c", "d"]);
    let system = Credentials::from_token(&json!({"system": {"all": true}, "roles": []}));
    assert_eq!(system.scope(), "system");
}

#[test]
fn no_project_is_not_the_same_as_no_project() {
    let rules = [
        PolicyRule::helper("owner", "project_id:%(project_id)s"),
        PolicyRule::helper("none", "project_id:None"),
        PolicyRule::helper("global", "None:%(project_id)s"),
    ];
    let enforcer = Enforcer::new(&rules, None).unwrap();
    let nobody = Credentials::default();
    let target = json!({"project_id": null});
    assert!(enforcer.enforce("owner", &target, &nobody).is_err());
    assert!(enforcer.enforce("none", &target, &nobody).is_ok());
    assert!(enforcer.enforce("global", &target, &nobody).is_ok());
}

#[test]
fn the_sample() {
    let expected = "\
#\"admin\": \"role:admin\"

#\"reader\": \"role:reader and project_id:%(project_id)s\"

# Show a plan, with everything that a person who is allowed to look at it
# may want to know.
# Second paragraph.
# GET    /v1/plans/{id}
# HEAD   /v1/plans/{id}
# Intended scope(s): project
#\"plans:show\": \"rule:admin or rule:reader\"

# List services.
# Intended scope(s): system, project
#\"services:list\": \"role:admin and 'all':%(\\\"x\\\")s or rule:admin\"
";
    assert_eq!(sample(RULES), expected);
    // Taken in, it changes nothing.
    let rules: String = expected
        .lines()
        .filter_map(|line| line.strip_prefix("#\""))
        .map(|line| format!("\"{line}\n"))
        .collect();
    let file = File::new(&rules);
    let (with, without) = (file.enforcer(), Enforcer::new(RULES, None).unwrap());
    assert_eq!(with.names(), without.names());
    assert!(with.defects().is_empty());
    for role in ["admin", "reader", "member"] {
        for rule in with.names() {
            assert_eq!(allowed(&with, &rule, role), allowed(&without, &rule, role));
        }
    }
}
