//! Cancelling works within seconds and leaves nothing.

use std::time::Duration;

use firn_integration_tests::{
    Change, Content, Format, Ground, MIB, Machine, Service, ServiceOptions, Signal, alive, kill,
    nothing_left,
};

const SECONDS: Duration = Duration::from_secs(6);

/// A machine whose backup takes many seconds on a slow service.
fn machine(ground: &Ground) -> Machine {
    let size = 192 * MIB;
    let text = [Change::Write(0, size, Content::Text(1))];
    Machine::new(ground, "big").disk(ground, "vda", Format::Qcow2, size, &text).define()
}

#[test]
fn a_running_backup() {
    let ground = Ground::new();
    let machine = machine(&ground);
    let service = Service::start_with(&ground, ServiceOptions::default().slow());
    let api = service.api();
    let backup = api.backup(&machine.id, "full");
    let worker = service.worker();
    std::thread::sleep(Duration::from_millis(700));
    // One backup of an instance at a time.
    let body = serde_json::json!({"restore_point": {"instance_id": machine.id}});
    assert!(api.refused("POST", "/v1/restore-points", &body, 409).contains(&backup.job));

    assert_eq!(api.cancel(&backup.job), 202);
    let job = api.wait_within(&backup.job, SECONDS);
    assert_eq!(job.status(), "cancelled", "{:#}", job.0);
    assert!(!alive(worker));
    assert_eq!(api.point(&backup.point)["status"], "error");
    nothing_left(&ground, &service);

    // Too late is told, and what failed can be deleted.
    assert_eq!(api.cancel(&backup.job), 409);
    api.delete(&backup.point);
    nothing_left(&ground, &service);
}

/// As a driver does that hangs in a system call.
#[test]
fn a_worker_that_does_not_listen() {
    let ground = Ground::new();
    let machine = machine(&ground);
    let service = Service::start_with(&ground, ServiceOptions::default().slow());
    let api = service.api();
    let backup = api.backup(&machine.id, "full");
    let worker = service.worker();
    std::thread::sleep(Duration::from_millis(300));
    kill(worker, Signal::STOP);
    assert_eq!(api.cancel(&backup.job), 202);
    let job = api.wait_within(&backup.job, Duration::from_secs(20));
    assert_eq!(job.status(), "cancelled", "{:#}", job.0);
    nothing_left(&ground, &service);
}

#[test]
fn a_job_in_the_queue() {
    let ground = Ground::new();
    let running = machine(&ground);
    let waiting = Machine::new(&ground, "small")
        .disk(&ground, "vda", Format::Raw, MIB, &[Change::Write(0, MIB, Content::Random(1))])
        .define();
    let options = ServiceOptions::default().slow().with(["--concurrent-jobs", "1"]);
    let service = Service::start_with(&ground, options);
    let api = service.api();
    let first = api.backup(&running.id, "full");
    service.worker();
    let second = api.backup(&waiting.id, "full");
    assert_eq!(api.job(&second.job).status(), "queued");
    assert_eq!(api.cancel(&second.job), 202);
    assert_eq!(api.wait_within(&second.job, SECONDS).status(), "cancelled");
    assert_eq!(api.job(&first.job).status(), "running", "the other one goes on");
    assert_eq!(api.cancel(&first.job), 202);
    assert_eq!(api.wait_within(&first.job, SECONDS).status(), "cancelled");
    nothing_left(&ground, &service);
}

#[test]
fn a_restore_leaves_no_folder() {
    let ground = Ground::new();
    let size = 256 * MIB;
    let random = [Change::Write(0, size, Content::Random(3))];
    let machine =
        Machine::new(&ground, "big").disk(&ground, "vda", Format::Raw, size, &random).define();
    let service = Service::start(&ground);
    let api = service.api();
    let point = api.backed_up(&machine.id, "full");
    let id = point["id"].as_str().unwrap();
    // It may be over before the cancel arrives; then it must be whole.
    for attempt in 0..10 {
        let name = format!("copy{attempt}");
        let job = api.restore(id, &name);
        let worker = service.worker();
        // Held, so that there is something to cancel.
        kill(worker, Signal::STOP);
        let cancelled = api.cancel(&job);
        kill(worker, Signal::CONT);
        let ended = api.wait_within(&job, SECONDS);
        let folder = ground.restores().join(&name);
        if ended.status() == "succeeded" {
            assert!(folder.exists(), "answered {cancelled} to the cancel");
            continue;
        }
        assert_eq!((cancelled, ended.status()), (202, "cancelled"), "{:#}", ended.0);
        assert!(!folder.exists());
        nothing_left(&ground, &service);
        machine.check_restore(&api, id, &machine.truth());
        return nothing_left(&ground, &service);
    }
    panic!("no restore was slow enough to be cancelled");
}
