//! A folder with a live libvirt on top.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in the tests' helpers

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use firn_agent::{CombinedSource, Domain, DomainList, DomainSource, DomainSummary, SourceError};
use firn_core::{DiskLocation, InstanceId, PowerState};

const LISTED: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const SECOND: &str = "bbbbbbbb-0000-4000-8000-000000000002";
const UNLISTED: &str = "cccccccc-0000-4000-8000-000000000003";

fn id(uuid: &str) -> InstanceId {
    uuid.parse().unwrap()
}

fn xml(id: InstanceId, disk: &str) -> String {
    format!(
        "<domain type='kvm'><name>vm</name><uuid>{id}</uuid><memory>1</memory><devices>\
         <disk><source file='{disk}'/><target dev='vda'/></disk></devices></domain>"
    )
}

/// What a source answers, and how often it was asked.
#[derive(Clone)]
struct Fake {
    domains: Vec<&'static str>,
    disk: &'static str,
    power_state: PowerState,
    failure: Option<fn() -> SourceError>,
    /// The only domain that the failure is about.
    ill: Option<&'static str>,
    asked: Arc<AtomicUsize>,
}

impl Fake {
    fn new(domains: &[&'static str], disk: &'static str, power_state: PowerState) -> Self {
        let asked = Arc::default();
        Self { domains: domains.to_vec(), disk, power_state, failure: None, ill: None, asked }
    }

    fn failing(failure: fn() -> SourceError) -> Self {
        Self { failure: Some(failure), ..Self::new(&[], "", PowerState::Unknown) }
    }

    fn answer<T>(&self, id: InstanceId, answer: T) -> Result<T, SourceError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let concerned = self.ill.is_none_or(|ill| ill == id.to_string());
        if let Some(failure) = self.failure.filter(|_| concerned) {
            return Err(failure());
        }
        let known = self.domains.iter().any(|known| *known == id.to_string());
        if known { Ok(answer) } else { Err(SourceError::NotFound { id }) }
    }
}

impl DomainSource for Fake {
    fn list(&self) -> Result<DomainList, SourceError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(failure) = self.failure.filter(|_| self.ill.is_none()) {
            return Err(failure());
        }
        let domain = |uuid: &&str| DomainSummary {
            id: id(uuid),
            name: "vm".to_owned(),
            power_state: self.power_state,
        };
        Ok(DomainList { domains: self.domains.iter().map(domain).collect(), problems: Vec::new() })
    }

    fn domain_xml(&self, id: InstanceId) -> Result<String, SourceError> {
        self.answer(id, xml(id, self.disk))
    }

    fn power_state(&self, id: InstanceId) -> Result<PowerState, SourceError> {
        self.answer(id, self.power_state)
    }
}

fn base() -> Fake {
    Fake::new(&[LISTED, SECOND], "/from-folder", PowerState::Unknown)
}

fn disk_path(domain: &Domain) -> &str {
    let DiskLocation::File { path, .. } = &domain.disks[0].location else { panic!() };
    path.to_str().unwrap()
}

fn absent() -> SourceError {
    SourceError::Absent { reason: "no virsh".to_owned() }
}

fn hanging() -> SourceError {
    SourceError::TimedOut { command: "list".to_owned(), deadline: Duration::from_secs(5) }
}

fn refusing() -> SourceError {
    SourceError::Refused { command: "list".to_owned(), message: "internal error".to_owned() }
}

#[test]
fn a_running_libvirt_knows_better_than_the_file() {
    let live = Fake::new(&[LISTED, UNLISTED], "/from-libvirt", PowerState::Running);
    let source = CombinedSource::new(base(), live);
    assert_eq!(disk_path(&source.domain(id(LISTED)).unwrap()), "/from-libvirt");
    assert!(source.domain_xml(id(LISTED)).unwrap().contains("/from-libvirt"));
    assert_eq!(source.power_state(id(LISTED)).unwrap(), PowerState::Running);
    // Where it does not know the domain, the file counts.
    assert_eq!(disk_path(&source.domain(id(SECOND)).unwrap()), "/from-folder");
    assert_eq!(source.power_state(id(SECOND)).unwrap(), PowerState::Unknown);
    let states: Vec<_> = source.list().unwrap().domains.iter().map(|d| d.power_state).collect();
    assert_eq!(states, [PowerState::Running, PowerState::Unknown]);
}

#[test]
fn what_only_libvirt_knows_is_not_offered() {
    let live = Fake::new(&[UNLISTED], "/from-libvirt", PowerState::Running);
    let source = CombinedSource::new(base(), live);
    assert!(matches!(source.domain(id(UNLISTED)), Err(SourceError::NotFound { .. })));
    assert!(matches!(source.power_state(id(UNLISTED)), Err(SourceError::NotFound { .. })));
    assert!(source.list().unwrap().domains.iter().all(|domain| domain.id != id(UNLISTED)));
}

#[test]
fn without_libvirt_the_folder_counts_and_nobody_asks_twice() {
    let live = Fake::failing(absent);
    let asked = Arc::clone(&live.asked);
    let source = CombinedSource::new(base(), live);
    for _ in 0..5 {
        assert_eq!(disk_path(&source.domain(id(LISTED)).unwrap()), "/from-folder");
        assert_eq!(source.power_state(id(LISTED)).unwrap(), PowerState::Unknown);
        assert_eq!(source.list().unwrap().problems, []);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_hanging_libvirt_fails_questions_but_not_the_list_and_is_not_asked_again() {
    let live = Fake::failing(hanging);
    let asked = Arc::clone(&live.asked);
    let source = CombinedSource::new(base(), live);
    for _ in 0..3 {
        assert!(matches!(source.domain(id(LISTED)), Err(SourceError::TimedOut { .. })));
        assert!(matches!(source.power_state(id(LISTED)), Err(SourceError::TimedOut { .. })));
        let list = source.list().unwrap();
        assert_eq!(list.domains.len(), 2);
        assert_eq!(list.domains[0].power_state, PowerState::Unknown);
        assert!(list.problems[0].reason.contains("did not answer"), "{list:?}");
    }
    // Once about the domain, once about all.
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(source.domain(id(SECOND)).is_err());
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_guest_that_hangs_takes_nothing_from_the_others() {
    let live = Fake::new(&[LISTED, SECOND], "/from-libvirt", PowerState::Running);
    let live = Fake { failure: Some(hanging), ill: Some(LISTED), ..live };
    let source = CombinedSource::new(base(), live);
    for _ in 0..2 {
        assert!(matches!(source.domain(id(LISTED)), Err(SourceError::TimedOut { .. })));
        assert_eq!(disk_path(&source.domain(id(SECOND)).unwrap()), "/from-libvirt");
        assert_eq!(source.list().unwrap().problems, []);
    }
}

#[test]
fn a_libvirt_that_refuses_is_asked_again() {
    let live = Fake::failing(refusing);
    let asked = Arc::clone(&live.asked);
    let source = CombinedSource::new(base(), live);
    for _ in 0..3 {
        assert!(matches!(source.domain(id(LISTED)), Err(SourceError::Refused { .. })));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[test]
fn a_broken_folder_is_an_error_whatever_libvirt_says() {
    let live = Fake::new(&[LISTED], "/from-libvirt", PowerState::Running);
    let source = CombinedSource::new(Fake::failing(refusing), live);
    assert!(source.list().is_err());
    assert!(source.domain(id(LISTED)).is_err());
}
