//! The same files, read by Python's oslo.config and by this crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and nobody uses its types"
)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use oslo_config::{Group, Loader, ProblemKind, Severity};
use serde_json::{Value, json};

mod odd_files;

oslo_config::options! {
    struct Top in "DEFAULT" {
        path: String = "/var";
        lock: String = "$path/lock";
        debug: bool = false;
        multi: Vec<String>, multi;
    }
}

oslo_config::options! {
    struct Other in "group" {
        text: Option<String>;
        flag: Option<bool>;
        number: Option<i64>, min 1, max 1000;
        rate: Option<f64>;
        list: Option<Vec<String>>;
        numbers: Option<Vec<i64>>;
        dict: Option<BTreeMap<String, String>>;
        choice: Option<String>, choices ["a", "b"];
        renamed: Option<String>, deprecated "legacy.older", deprecated "old";
        multi: Vec<String> = ["x"], multi;
    }
}

struct Case {
    files: Vec<String>,
    env: Vec<(String, String)>,
}

fn groups() -> Vec<Group> {
    vec![Top::group(), Other::group()]
}

/// What oslo.config makes of the cases.
fn reference(cases: &[Case]) -> Vec<Value> {
    let input: Vec<Value> = cases
        .iter()
        .map(|case| json!({"files": case.files, "env": BTreeMap::from_iter(case.env.clone())}))
        .collect();
    let mut child = Command::new("/usr/bin/python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("/usr/bin/python3 runs");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(json!(input).to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "needs Debian's python3-oslo.config (tests/install/deps.sh)");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What this crate makes of a case, in the form that `reference.py` prints.
fn ours(case: &Case) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let mut loader = Loader::new("none").default_files(false).environment(case.env.clone());
    for (index, text) in case.files.iter().enumerate() {
        let path = folder.path().join(format!("{index}.conf"));
        std::fs::write(&path, text).unwrap();
        loader = loader.files([path]);
    }
    let outcome = loader.read(&groups());
    if outcome.problems.iter().any(|problem| problem.kind == ProblemKind::Syntax) {
        return json!("error");
    }
    let failed: Vec<_> = outcome
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .filter(|problem| problem.kind != ProblemKind::UnknownOption)
        .map(|p| (p.group.clone().unwrap(), p.option.clone().unwrap()))
        .collect();
    let mut values = serde_json::Map::new();
    for group in groups() {
        for option in &group.options {
            let key = (group.name.clone(), option.name.to_owned());
            let value = match failed.contains(&key) {
                true => json!("error"),
                false => json!(outcome.config.text(&group.name, option.name)),
            };
            values.insert(format!("{}.{}", group.name, option.name), value);
        }
    }
    Value::Object(values)
}

fn compare(cases: &[Case]) {
    let expected = reference(cases);
    assert_eq!(expected.len(), cases.len());
    let mut different = Vec::new();
    for (case, expected) in cases.iter().zip(expected) {
        let ours = ours(case);
        let keys = groups().into_iter().flat_map(|group| {
            let name = group.name.clone();
            group.options.into_iter().map(move |option| format!("{name}.{}", option.name))
        });
        for key in keys {
            // A whole file refused is one word in place of the table of options.
            let value = |of: &Value| of.get(&key).unwrap_or(of).clone();
            let (ours, theirs) = (value(&ours), value(&expected));
            if ours != theirs {
                let (files, env) = (&case.files, &case.env);
                different.push(format!("{files:?} {env:?} {key}: {ours}, oslo.config {theirs}"));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn odd_files_are_read_as_oslo_config_reads_them() {
    let mut cases: Vec<Case> = odd_files::FILES
        .iter()
        .map(|files| Case {
            files: files.iter().map(|&file| file.to_owned()).collect(),
            env: Vec::new(),
        })
        .collect();
    for (option, values) in odd_files::VALUES {
        for value in *values {
            let file = format!("[group]\n{option} = {value}\n");
            cases.push(Case { files: vec![file], env: Vec::new() });
            // The environment takes texts that no line of a file can hold.
            let name = format!("OS_GROUP__{}", option.to_uppercase());
            cases.push(Case { files: Vec::new(), env: vec![(name, (*value).to_owned())] });
        }
    }
    compare(&cases);
}

/// Files put together by chance from pieces that matter.
#[test]
fn random_files_are_read_as_oslo_config_reads_them() {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut pick = |from: &[&'static str]| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        from[usize::try_from(state % from.len() as u64).unwrap()]
    };
    let mut cases = Vec::new();
    for _ in 0..1500 {
        let mut file = String::from(pick(odd_files::STARTS));
        for _ in 0..6 {
            let line = [
                pick(odd_files::KEYS),
                pick(odd_files::SIGNS),
                pick(odd_files::PIECES),
                pick(odd_files::PIECES),
                pick(odd_files::ENDS),
            ];
            file.push_str(&line.concat());
        }
        cases.push(Case { files: vec![file], env: Vec::new() });
    }
    compare(&cases);
}
