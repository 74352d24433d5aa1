//! A folder of domain XML.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in the tests' helpers

use std::error::Error;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use firn_agent::{DomainSource, FolderSource, SourceError};
use firn_core::{ErrorKind, InstanceId, PowerState};
use tempfile::TempDir;

const A: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const B: &str = "bbbbbbbb-0000-4000-8000-000000000002";
const C: &str = "cccccccc-0000-4000-8000-000000000003";

fn id(uuid: &str) -> InstanceId {
    uuid.parse().unwrap()
}

fn xml(uuid: &str, name: &str) -> String {
    format!(
        "<domain type='kvm'><name>{name}</name><uuid>{uuid}</uuid><memory>1024</memory><devices>\
         <disk><source file='/vm/{name}.raw'/><target dev='vda'/></disk></devices></domain>"
    )
}

/// A folder with these files, and its source.
fn folder(files: &[(&str, String)]) -> (TempDir, FolderSource) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let source = FolderSource::new(folder.path());
    (folder, source)
}

fn names(source: &FolderSource) -> Vec<String> {
    source.list().unwrap().domains.into_iter().map(|domain| domain.name).collect()
}

/// The problems, as (file names, reason).
fn problems(source: &FolderSource, folder: &Path) -> Vec<(String, String)> {
    let folder = format!("{}/", folder.display());
    let problems = source.list().unwrap().problems.into_iter();
    problems.map(|problem| (problem.origin.replace(&folder, ""), problem.reason)).collect()
}

#[test]
fn an_empty_folder_has_no_domains() {
    let (_folder, source) = folder(&[]);
    assert_eq!(source.list().unwrap(), Default::default());
    assert!(matches!(source.domain_xml(id(A)), Err(SourceError::NotFound { .. })));
    assert_eq!(source.power_state(id(A)).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn domains_are_listed_by_name() {
    let (_folder, source) =
        folder(&[("1.xml", xml(B, "web")), ("2.xml", xml(A, "db")), ("3.xml", xml(C, "db"))]);
    let list = source.list().unwrap();
    let listed: Vec<_> = list.domains.iter().map(|d| (d.name.as_str(), d.id)).collect();
    assert_eq!(listed, [("db", id(A)), ("db", id(C)), ("web", id(B))]);
    assert!(list.domains.iter().all(|domain| domain.power_state == PowerState::Unknown));
    assert!(list.problems.is_empty());
    assert_eq!(source.domain_xml(id(B)).unwrap(), xml(B, "web"));
    assert_eq!(source.domain(id(B)).unwrap().disks[0].device, "vda");
    assert_eq!(source.power_state(id(B)).unwrap(), PowerState::Unknown);
}

#[test]
fn a_bad_file_does_not_hide_the_good_ones() {
    let (folder, source) = folder(&[
        ("good.xml", xml(A, "good")),
        ("empty.xml", String::new()),
        ("broken.xml", xml(B, "broken").replace("</devices>", "")),
        ("path.xml", xml(C, "path").replace("/vm/", "../vm/")),
        ("long.xml", " ".repeat(5 * 1024 * 1024)),
        ("entity.xml", "<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain/>".to_owned()),
    ]);
    fs::write(folder.path().join("bytes.xml"), b"\xff\xff").unwrap();
    assert_eq!(names(&source), ["good"]);
    let problems = problems(&source, folder.path());
    let expected = [
        ("broken.xml", "line 1"),
        ("bytes.xml", "not UTF-8"),
        ("empty.xml", "there is no element"),
        ("entity.xml", "document types"),
        ("long.xml", "longer than 4 MiB"),
        ("path.xml", "<disk> vda: <source file> is \"../vm/path.raw\": it must be an absolute"),
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for ((file, reason), (expected_file, expected_reason)) in problems.iter().zip(expected) {
        assert_eq!(file, expected_file);
        assert!(reason.contains(expected_reason), "{file}: {reason}");
    }
}

#[test]
fn who_asks_for_a_bad_domain_is_told_what_is_wrong() {
    let (_folder, source) = folder(&[("path.xml", xml(C, "path").replace("/vm/", "../vm/"))]);
    let error = source.domain(id(C)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("path.xml"), "{error}");
    assert!(error.source().unwrap().to_string().contains("<disk> vda"), "{error:?}");
}

#[test]
fn two_files_of_one_uuid_are_both_refused() {
    let (folder, source) =
        folder(&[("1.xml", xml(A, "one")), ("2.xml", xml(A, "two")), ("3.xml", xml(B, "three"))]);
    assert_eq!(names(&source), ["three"]);
    let reported = problems(&source, folder.path());
    assert_eq!(reported.len(), 1);
    assert_eq!(reported[0].0, "1.xml, 2.xml");
    assert!(reported[0].1.contains("keep one of them"), "{reported:?}");
    let error = source.domain(id(A)).unwrap_err();
    assert!(matches!(&error, SourceError::Duplicate { origins, .. } if origins.len() == 2));
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    fs::remove_file(folder.path().join("1.xml")).unwrap();
    assert_eq!(source.domain(id(A)).unwrap().name, "two");
    assert!(source.list().unwrap().problems.is_empty());
}

#[test]
fn a_bad_file_takes_nothing_from_a_good_one_of_the_same_uuid() {
    let bad = xml(A, "bad").replace("/vm/", "../vm/");
    let (_folder, source) = folder(&[("bad.xml", bad), ("good.xml", xml(A, "good"))]);
    assert_eq!(source.domain(id(A)).unwrap().name, "good");
    assert_eq!(names(&source), ["good"]);
}

#[test]
fn only_regular_files_are_read() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("outside.xml");
    fs::write(&target, xml(A, "outside")).unwrap();
    let (folder, source) = folder(&[
        ("good.xml", xml(B, "good")),
        (".hidden.xml", "not looked at".to_owned()),
        ("notes.txt", "not looked at".to_owned()),
        ("noextension", "not looked at".to_owned()),
    ]);
    symlink(&target, folder.path().join("link.xml")).unwrap();
    symlink("/nowhere", folder.path().join("dangling.xml")).unwrap();
    fs::create_dir(folder.path().join("folder.xml")).unwrap();
    let pipe = folder.path().join("pipe.xml");
    assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    assert_eq!(names(&source), ["good"]);
    let reported = problems(&source, folder.path());
    let files: Vec<_> = reported.iter().map(|(file, _)| file.as_str()).collect();
    assert_eq!(files, ["dangling.xml", "folder.xml", "link.xml", "pipe.xml"]);
    assert!(reported[2].1.contains("symbolic link"), "{reported:?}");
    assert!(reported.iter().all(|(_, reason)| reason.contains("only regular files are read")));
    assert!(matches!(source.domain(id(A)), Err(SourceError::NotFound { .. })));
}

#[test]
fn changes_are_seen_at_once() {
    let (folder, source) = folder(&[("vm.xml", xml(A, "one"))]);
    let file = folder.path().join("vm.xml");
    assert_eq!(names(&source), ["one"]);
    // Same length, same second: only the content differs.
    for name in ["two", "six", "ten", "one"] {
        fs::write(&file, xml(A, name)).unwrap();
        assert_eq!(names(&source), [name]);
        assert!(source.domain_xml(id(A)).unwrap().contains(name));
    }
    fs::write(&file, "half a fi").unwrap();
    assert!(names(&source).is_empty());
    fs::write(folder.path().join("new.xml"), xml(A, "new")).unwrap();
    fs::rename(folder.path().join("new.xml"), &file).unwrap();
    assert_eq!(names(&source), ["new"]);
    fs::remove_file(&file).unwrap();
    assert_eq!(source.list().unwrap(), Default::default());
}

#[test]
fn a_settled_file_is_read_again_when_it_is_replaced() {
    let (folder, source) = folder(&[("vm.xml", xml(A, "old"))]);
    // Beyond the coarsest clock of file systems, so that the reading is kept.
    std::thread::sleep(std::time::Duration::from_millis(3100));
    assert_eq!(names(&source), ["old"]);
    assert_eq!(names(&source), ["old"]);
    let file = folder.path().join("vm.xml");
    let times = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, xml(A, "new")).unwrap();
    // Even when the time of modification is put back.
    fs::File::options().write(true).open(&file).unwrap().set_modified(times).unwrap();
    assert_eq!(names(&source), ["new"]);
}

#[test]
fn a_missing_folder_is_an_error_until_it_is_there() {
    let parent = tempfile::tempdir().unwrap();
    let folder: PathBuf = parent.path().join("domains");
    let source = FolderSource::new(&folder);
    let error = source.list().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("domains cannot be read"), "{error}");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("vm.xml"), xml(A, "vm")).unwrap();
    assert_eq!(names(&source), ["vm"]);
}

#[test]
fn files_may_be_rewritten_while_they_are_read() {
    let (folder, source) = folder(&[("vm.xml", xml(A, "one"))]);
    let path = folder.path().to_owned();
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            for round in 0..300 {
                let new = path.join("new");
                fs::write(&new, xml(A, if round % 2 == 0 { "two" } else { "one" })).unwrap();
                fs::rename(&new, path.join("vm.xml")).unwrap();
            }
        });
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let list = source.list().unwrap();
                        assert_eq!(list.problems, []);
                        assert_eq!(list.domains.len(), 1);
                        assert!(source.domain(id(A)).is_ok());
                    }
                })
            })
            .collect();
        writer.join().unwrap();
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}
