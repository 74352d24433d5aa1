//! How the service ends, goes on, and refuses to start.

use std::time::Duration;

use firn_integration_tests::{
    Change, Content, Format, Ground, MIB, Machine, Service, ServiceOptions, Signal, alive, kill,
    nothing_left, request, until, within,
};
use serde_json::Value;

fn slow_machine(ground: &Ground, size: u64) -> Machine {
    let text = [Change::Write(0, size, Content::Text(1))];
    Machine::new(ground, "slow").disk(ground, "vda", Format::Qcow2, size, &text).define()
}

#[test]
fn sigterm_during_a_backup_and_the_next_start_finishes_it() {
    let ground = Ground::new();
    let machine = slow_machine(&ground, 32 * MIB);
    let mut service = Service::start_with(&ground, ServiceOptions::default().slow());
    let api = service.api();
    let backup = api.backup(&machine.id, "full");
    let worker = service.worker();
    until("bytes move", Duration::from_secs(60), || {
        let done = api.job(&backup.job).0["progress"]["done_bytes"].as_u64();
        done.filter(|done| *done > 0)
    });
    let (status, took) = service.stop();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(5), "it took {took:?} to end");
    assert!(!alive(worker), "its worker outlives it");
    assert!(!service.log().contains("panicked"), "{}", service.log());

    service.restart(&ground);
    let api = service.api();
    let job = api.wait(&backup.job).succeeded();
    assert!(job.0["finished_at"].is_string());
    machine.check_restore(&api, &backup.point, &machine.truth());
    api.verify(&backup.point).succeeded();
    nothing_left(&ground, &service);
    service.stop_cleanly();
}

/// A worker whose service is gone has nobody to work for.
#[test]
fn a_worker_does_not_outlive_its_service() {
    let ground = Ground::new();
    let machine = slow_machine(&ground, 128 * MIB);
    let mut service = Service::start_with(&ground, ServiceOptions::default().slow());
    service.api().backup(&machine.id, "full");
    let worker = service.worker();
    std::thread::sleep(Duration::from_millis(500));
    service.crash();
    let gone = || (!alive(worker)).then_some(());
    assert!(within(Duration::from_secs(5), gone).is_some(), "the worker goes on");
}

/// A service that was killed in the middle of anything takes its own jobs up at once, without
/// waiting for a lease to end.
#[test]
fn a_restart_goes_on_at_once() {
    let ground = Ground::new();
    let machine = slow_machine(&ground, 8 * MIB);
    let mut service = Service::start_with(&ground, ServiceOptions::default().slow());
    let backup = service.api().backup(&machine.id, "full");
    service.worker();
    service.crash();
    service.restart(&ground);
    let service = service;
    service.worker();
    let api = service.api();
    until("it is taken up", Duration::from_secs(5), || {
        let job = api.job(&backup.job);
        (job.status() != "queued" && !job.0["started_at"].is_null()).then_some(())
    });
    api.wait(&backup.job).succeeded();
    machine.check_restore(&api, &backup.point, &machine.truth());
    nothing_left(&ground, &service);
}

#[test]
fn one_service_a_state_folder() {
    let ground = Ground::new();
    let service = Service::start(&ground);
    let said = Service::refused(&ground, &[]);
    let state = ground.state().canonicalize().unwrap();
    assert!(said.contains(&state.display().to_string()), "{said}");
    assert!(said.contains("another firn"), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "one clear line: {said}");
    assert_eq!(service.api().get("/v1/jobs")["jobs"], Value::Array(Vec::new()));
    nothing_left(&ground, &service);
}

#[test]
fn an_address_in_use() {
    let ground = Ground::new();
    let service = Service::start(&ground);
    let other = Ground::new();
    let address = service.address().to_string();
    let said = Service::refused(&other, &["--listen", &address]);
    assert!(said.contains(&address), "{said}");
    nothing_left(&ground, &service);
}

#[test]
fn beyond_this_machine_only_with_a_token() {
    let ground = Ground::new();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let said = Service::refused(&ground, &["--listen", address]);
        assert!(
            said.contains("token") && said.contains("0.0.0.0") | said.contains("[::]"),
            "{said}"
        );
    }
    // Nothing was made.
    assert!(!ground.state().join("firn.key").exists() || ground.repository().exists());

    let token = "correct-horse-battery-staple";
    let file = ground.path().join("token");
    let options = ServiceOptions::default().token(&file, &format!("{token}\n"));
    let service = Service::start_with(&ground, options);
    let status = |headers: &[(&str, &str)]| {
        let answer = request(service.address(), "GET", "/v1/jobs", headers, b"").unwrap();
        (answer.status, answer.header("www-authenticate").is_some())
    };
    assert_eq!(status(&[]), (401, true));
    assert_eq!(status(&[("X-Auth-Token", "correct-horse-battery")]), (401, true));
    assert_eq!(status(&[("X-Auth-Token", "")]), (401, true));
    assert_eq!(status(&[("X-Auth-Token", token)]), (200, false));
    assert_eq!(service.api().get("/v1/jobs")["jobs"], Value::Array(Vec::new()));
    assert!(!service.log().contains(token), "the token is in the log");
    nothing_left(&ground, &service);
}

#[test]
fn a_second_sigterm_changes_nothing() {
    let ground = Ground::new();
    let machine = slow_machine(&ground, 32 * MIB);
    let mut service = Service::start_with(&ground, ServiceOptions::default().slow());
    let backup = service.api().backup(&machine.id, "full");
    let worker = service.worker();
    kill(service.pid(), Signal::TERM);
    kill(service.pid(), Signal::TERM);
    let (status, _) = service.stop();
    assert!(status.success(), "{status}");
    assert!(!alive(worker), "its worker outlives it");

    // The worker may have been killed while it started QEMU: what it left then goes at the next start.
    service.restart(&ground);
    let api = service.api();
    api.wait(&backup.job).succeeded();
    machine.check_restore(&api, &backup.point, &machine.truth());
    nothing_left(&ground, &service);
    service.stop_cleanly();
}
