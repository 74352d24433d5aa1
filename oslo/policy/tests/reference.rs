//! The same rules, callers and targets, decided by Python's oslo.policy and by this crate.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use oslo_policy::{Credentials, Enforcer, Options};
use serde_json::{Value, json};

/// Checks of every sort, whole rules by themselves.
const CHECKS: &[&str] = &[
    "",
    "@",
    "!",
    " ",
    "role:admin",
    "role:ADMIN",
    "role:Member",
    "role:%(role)s",
    "role:",
    "role:compute:admin",
    "rule:admin",
    "rule:missing",
    "rule:",
    "not rule:admin",
    "not @",
    "not !",
    "not not @",
    "@ and !",
    "@ or !",
    "! or @ and !",
    "@ or ! and !",
    "(! or @) and @",
    "((@))",
    "( @ )",
    "not (@ and !)",
    "@ AND @",
    "! Or @",
    "NOT !",
    "user_id:u1",
    "user_id:%(user_id)s",
    "project_id:%(project_id)s",
    "project_id:%(target.project_id)s",
    "project_id:%(missing)s",
    "not project_id:%(missing)s",
    "domain_id:None",
    "system_scope:all",
    "system:all",
    "is_admin:True",
    "is_admin:False",
    "is_admin:true",
    "is_admin_project:True",
    "roles:member",
    "roles:MEMBER",
    "'p1':%(project_id)s",
    "\"p1\":%(project_id)s",
    "True:%(enabled)s",
    "False:%(enabled)s",
    "None:%(nothing)s",
    "5:%(number)s",
    "'5':%(number)s",
    "5.0:%(number)s",
    "'None':%(nothing)s",
    "'a''b':%(x)s",
    "'p1':'p1'",
    "'p1'",
    "\"quoted\"",
    "'':%(empty)s",
    "token.project.id:p1",
    "token.roles.name:member",
    "token.roles.id:2",
    "token.missing.id:x",
    "token.user.domain.id:%(domain)s",
    "token.project:x",
    "unknown:x",
    "unknown:%(user_id)s",
    "user_id:",
    "user_id:%(user_id)s%(user_id)s",
    "user_id:x%(user_id)s",
    "project_id:%(project_id)s-x",
    "'100%':100%%",
    "user_id:%s",
    "user_id:%",
    "user_id:%(user_id)d",
    "user_id:%(user_id)",
    "1a:x",
    "a b",
    "a:b c:d",
    "nonsense",
    "nonsense or @",
    "not nonsense",
    "(@",
    "@)",
    "()",
    "( )",
    "@ and",
    "and @",
    "or",
    "not",
    "@ @",
    "@ not @",
    "not and @",
    "a.:x",
    ".a:x",
    ":x",
    "::",
    "a::b",
    "user_id::u1",
    "role:admin and (project_id:%(project_id)s or is_admin:True)",
    "role:reader and system_scope:all or role:member and project_id:%(project_id)s",
    "(role:admin and is_admin:True) or (project_id:%(project_id)s and role:member)",
    "rule:admin or rule:owner",
    "rule:owner and not role:reader",
    "rule:chain",
    "not rule:owner",
    "http://localhost:1/",
    "https://localhost:1/",
    "@\tor\n!",
    "@\u{a0}or !",
    "role:ünï",
    "role:ÜNÏ",
    "-5:%(minus)s",
    "user-id:x",
    "True:True",
    "None:None",
    "7:7",
    "'x':x",
    "x:'x'",
    "@:@",
    "!:!",
];

/// Whole files.
const FILES: &[&str] = &[
    "",
    "# c\n",
    "a: '@'\n",
    "a: \"@\"\nb: \"!\"\n",
    "a: []\nb: [[]]\nc: [\"@\"]\nd: [[\"@\", \"!\"], [\"@\"]]\n",
    "a: [[\"@\", \"!\"]]\nb: [[\"!\"], \"@\"]\nc: [\"!\", [\"role:admin\"]]\nd: [[\"role:member\", \"user_id:u1\"]]\n",
    "{\"a\": \"role:admin\", \"b\": \"rule:a\"}",
    "a: role:admin # comment\n",
    "a: >\n  role:admin or\n  role:member\n",
    "a: &x role:member\nb: *x\n",
    "- a\n",
    "text",
    "a: [",
    "a: @\n",
    "a: \"\"\nb: ''\n",
    "'a:b': 'rule:c:d'\n'c:d': role:member\n",
    "a: [\"@ or !\"]\n",
    "---\na: '@'\n",
    "a: \"role:m\\\n  ember\"\n",
    "a: [\"\", \"!\"]\nb: [\"\"]\n",
];

fn callers() -> Vec<Value> {
    let base = json!({
        "user_id": "u1", "user_domain_id": "default", "project_id": "p1",
        "project_domain_id": "default", "domain_id": null, "system_scope": null,
        "roles": ["member", "reader"], "is_admin": false, "is_admin_project": true,
        "service_user_id": null, "service_user_domain_id": null, "service_project_id": null,
        "service_project_domain_id": null, "service_roles": [],
        "token": {
            "project": {"id": "p1"}, "user": {"domain": {"id": "default"}},
            "roles": [{"id": "1", "name": "member"}, {"id": "2", "name": "reader"}],
        },
    });
    let with = |changes: Value| {
        let mut caller = base.clone();
        caller.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        caller
    };
    vec![
        base.clone(),
        with(json!({"roles": ["Admin"], "project_id": "p2", "is_admin": true})),
        with(json!({"roles": [], "user_id": "u2", "token": {}})),
        with(json!({"roles": ["admin"], "project_id": null, "system_scope": "all"})),
        with(
            json!({"roles": ["ünÏ", "compute:admin"], "domain_id": "default", "project_id": null}),
        ),
    ]
}

fn targets() -> Vec<Value> {
    vec![
        json!({}),
        json!({
            "user_id": "u1", "project_id": "p1", "target.project_id": "p1", "role": "Member",
            "enabled": true, "nothing": null, "number": 5, "empty": "", "domain": "default",
            "minus": -5,
        }),
        json!({"user_id": "u2", "project_id": "p2", "role": "admin", "enabled": false, "number": 5.0}),
        json!({"user_id": "None", "project_id": null, "role": "", "nothing": "None", "number": "5"}),
    ]
}

struct Case {
    rules: Value,
    default: Option<&'static str>,
    target: Value,
    caller: Value,
}

fn reference(cases: &[Case]) -> Vec<Value> {
    let input: Vec<Value> = cases
        .iter()
        .map(|case| {
            json!({
                "rules": case.rules, "default": case.default, "target": case.target,
                "creds": case.caller,
            })
        })
        .collect();
    let mut child = Command::new("/usr/bin/python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("/usr/bin/python3 runs");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        stdin.write_all(json!(input).to_string().as_bytes()).unwrap();
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "needs Debian's python3-oslo.policy (tests/install/deps.sh)");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whether both lack something that they then compare: the one place where a sound rule is
/// decided more strictly here.
fn nothing_meets_nothing(case: &Case) -> bool {
    let nothing = |value: &Value| value.is_null() || value == "None";
    let has_nothing = |of: &Value| of.as_object().unwrap().values().any(nothing);
    has_nothing(&case.caller) && has_nothing(&case.target)
}

#[derive(Default)]
struct Tally {
    same: usize,
    stricter: usize,
    wrong: Vec<String>,
}

fn compare(cases: &[Case]) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    let mut tally = Tally::default();
    for (case, expected) in cases.iter().zip(reference(cases)) {
        let text = match &case.rules {
            Value::String(text) => text.clone(),
            rules => rules.to_string(),
        };
        std::fs::write(&path, text).unwrap();
        let options = Options {
            default_rule: case.default.unwrap_or_default().to_owned(),
            ..Options::default()
        };
        let enforcer = match Enforcer::with_options(&[], Some(&path), options) {
            Ok(enforcer) => enforcer,
            Err(error) if expected == "error" => {
                assert!(error.to_string().contains("policy.yaml"));
                tally.same += 1;
                continue;
            }
            Err(error) => {
                tally.wrong.push(format!("{error} for {}", case.rules));
                continue;
            }
        };
        if expected == "error" {
            tally.wrong.push(format!("oslo.policy refuses {}", case.rules));
            continue;
        }
        let caller: Credentials = serde_json::from_value(case.caller.clone()).unwrap();
        let may_be_stricter = !enforcer.defects().is_empty() || nothing_meets_nothing(case);
        for (rule, theirs) in expected.as_object().unwrap() {
            let ours = enforcer.enforce(rule, &case.target, &caller).is_ok();
            // An exception there lets nobody in either.
            if ours == (*theirs == json!(true)) {
                tally.same += 1;
            } else if !ours && may_be_stricter {
                tally.stricter += 1;
            } else {
                let Case { rules, default, target, caller } = case;
                tally.wrong.push(format!(
                    "{rule}: {ours}, oslo.policy {theirs}: {rules} {default:?} {target} {caller}"
                ));
            }
        }
    }
    tally
}

fn assert_same(cases: &[Case]) {
    let Tally { same, stricter, wrong } = compare(cases);
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
    // Strictness must stay the exception, or this compares nothing.
    assert!(stricter * 8 < same, "{stricter} stricter, {same} the same");
}

#[test]
fn a_table_of_rules_callers_and_targets() {
    let mut cases = Vec::new();
    for check in CHECKS {
        let rules = json!({
            "admin": "role:admin",
            "owner": "project_id:%(project_id)s",
            "chain": "rule:owner or rule:admin",
            "tested": check,
            "default": "user_id:u1",
        });
        for caller in callers() {
            for target in targets() {
                for default in [None, Some("default")] {
                    let (rules, caller, target) = (rules.clone(), caller.clone(), target.clone());
                    cases.push(Case { rules, default, target, caller });
                }
            }
        }
    }
    assert_same(&cases);
}

#[test]
fn a_table_of_files() {
    let mut cases = Vec::new();
    for file in FILES {
        for caller in callers() {
            let target = targets().remove(1);
            cases.push(Case { rules: json!(file), default: None, target, caller });
        }
    }
    assert_same(&cases);
}

/// Sets of rules put together by chance; now and then out of pieces that make no sense.
#[test]
fn random_rules() {
    let mut state: u64 = 0x2545_f491_4f6c_dd1d;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit as u64).unwrap()
    };
    let words = [
        "@",
        "!",
        "role:admin",
        "role:member",
        "role:%(role)s",
        "user_id:%(user_id)s",
        "project_id:%(project_id)s",
        "is_admin:True",
        "True:%(enabled)s",
        "rule:r0",
        "rule:r1",
        "rule:r2",
        "rule:r3",
        "token.roles.name:member",
        "'p1':%(project_id)s",
        "system_scope:all",
    ];
    let noise = ["(", ")", "and", "or", "not", "nonsense", "'q'", "rule:r9", "x:%(y", "((@)"];
    let (callers, targets) = (callers(), targets());
    let mut cases = Vec::new();
    for _ in 0..4000 {
        let mut rules = serde_json::Map::new();
        let noisy = below(8) == 0;
        for rule in 0..4 {
            let mut text = String::new();
            let mut open = 0;
            for place in 0..=below(5) {
                if place > 0 {
                    text.push_str([" and ", " or "][below(2)]);
                }
                if below(3) == 0 {
                    text.push_str("not ");
                }
                if below(4) == 0 {
                    text.push('(');
                    open += 1;
                }
                // Rules lead only to those after them unless there is noise, so that most sets
                // have no circles.
                let word = loop {
                    let word = words[below(words.len())];
                    let to = word.strip_prefix("rule:r").and_then(|to| to.parse::<i32>().ok());
                    if noisy || to.is_none_or(|to| to > rule) {
                        break word;
                    }
                };
                text.push_str(word);
                if noisy && below(3) == 0 {
                    text.push(' ');
                    text.push_str(noise[below(noise.len())]);
                }
                if open > 0 && below(2) == 0 {
                    text.push(')');
                    open -= 1;
                }
            }
            text.push_str(&")".repeat(open));
            rules.insert(format!("r{rule}"), json!(text));
        }
        let default = [None, Some("r3")][below(2)];
        let (target, caller) =
            (targets[below(targets.len())].clone(), callers[below(callers.len())].clone());
        cases.push(Case { rules: Value::Object(rules), default, target, caller });
    }
    assert_same(&cases);
}
