use firn_core::*;
use firn_db::*;
use serde_json::json;

use crate::engines::every_engine;
use crate::support::{Db, at};

fn steps_keep_order_output_and_times(db: Db) {
    let (_, job) = db.backup("a", 0);
    let claim = db.claim(job.id, 1);
    db.run(|conn| job_step_start(conn, &claim, 1, "read disks", at(4)));
    db.run(|conn| job_step_start(conn, &claim, 0, "snapshot disks", at(2)));
    let output = json!({"snapshots": ["s1"]});
    db.run(|conn| job_step_done(conn, &claim, 0, Some(output.clone()), at(3)));
    let steps = db.run(|conn| job_step_list(conn, job.id));
    let expected = [
        JobStep {
            job_id: job.id,
            position: 0,
            name: "snapshot disks".to_owned(),
            state: StepState::Done,
            output: Some(output.clone()),
            started_at: at(2),
            finished_at: Some(at(3)),
        },
        JobStep {
            job_id: job.id,
            position: 1,
            name: "read disks".to_owned(),
            state: StepState::Started,
            output: None,
            started_at: at(4),
            finished_at: None,
        },
    ];
    assert_eq!(steps, expected);

    db.run(|conn| job_step_undone(conn, &claim, 1, at(6)));
    db.run(|conn| job_step_undone(conn, &claim, 0, at(7)));
    db.run(|conn| job_step_undone(conn, &claim, 0, at(8)));
    let steps = db.run(|conn| job_step_list(conn, job.id));
    assert!(steps.iter().all(|step| step.state == StepState::Undone));
    assert_eq!(steps[0].output, Some(output), "undo may need the output until it is complete");
}

fn a_takeover_starts_a_step_again(db: Db) {
    let (_, job) = db.backup("a", 0);
    let old = db.claim(job.id, 0);
    db.run(|conn| job_step_start(conn, &old, 0, "snapshot disks", at(1)));
    let new = db.claim(job.id, 60);
    db.run(|conn| job_step_start(conn, &new, 0, "snapshot disks", at(61)));
    let steps = db.run(|conn| job_step_list(conn, job.id));
    assert_eq!(steps.len(), 1);
    assert_eq!((steps[0].started_at, steps[0].state), (at(61), StepState::Started));
}

fn only_a_started_step_can_be_done_or_undone(db: Db) {
    let (_, job) = db.backup("a", 0);
    let claim = db.claim(job.id, 0);
    let done = || db.kind(|conn| job_step_done(conn, &claim, 0, None, at(2)));
    assert_eq!(done(), ErrorKind::Conflict);
    assert_eq!(db.kind(|conn| job_step_undone(conn, &claim, 0, at(2))), ErrorKind::Conflict);
    db.run(|conn| job_step_start(conn, &claim, 0, "snapshot disks", at(1)));
    db.run(|conn| job_step_done(conn, &claim, 0, None, at(2)));
    assert_eq!(done(), ErrorKind::Conflict);
}

fn events_come_in_order_and_in_pages(db: Db) {
    let (_, job) = db.backup("a", 0);
    let (_, other) = db.backup("a", 0);
    let add = |job: JobId, level, detail: &str, second| {
        db.run(|conn| job_event_add(conn, job, level, "disk_read", detail, at(second)));
    };
    add(job.id, EventLevel::Info, "one", 5);
    add(other.id, EventLevel::Info, "not this job's", 5);
    add(job.id, EventLevel::Warning, "two", 4);
    add(job.id, EventLevel::Error, "three", 6);
    let page = |after, limit| db.run(|conn| job_event_list(conn, job.id, after, limit));
    let all = page(None, 10);
    let texts: Vec<_> = all.iter().map(|event| event.detail.as_str()).collect();
    assert_eq!(texts, ["one", "two", "three"], "as they were added");
    assert_eq!((all[1].level, all[1].created_at), (EventLevel::Warning, at(4)));
    assert_eq!(page(None, 2), all[..2]);
    assert_eq!(page(Some(all[1].id), 2), all[2..]);
    assert_eq!(page(Some(all[2].id), 2), []);
    let unknown = JobId::new();
    assert_eq!(
        db.kind(|c| job_event_add(c, unknown, EventLevel::Info, "a", "b", at(1))),
        ErrorKind::Conflict
    );
}

every_engine!(
    steps_keep_order_output_and_times,
    a_takeover_starts_a_step_again,
    only_a_started_step_can_be_done_or_undone,
    events_come_in_order_and_in_pages,
);
