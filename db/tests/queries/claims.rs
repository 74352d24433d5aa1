use chrono::TimeDelta;
use firn_core::*;
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{Db, at, failure, lease, project};

fn a_claim_starts_the_job_and_keeps_others_out_until_its_lease_ends(db: Db) {
    let (_, job) = db.backup("a", 0);
    let claimed = db.run(|conn| job_claim(conn, job.id, "one", lease(), at(10))).unwrap();
    assert_eq!(claimed.claim, Claim { job_id: job.id, generation: 1 });
    assert_eq!(db.job(job.id), claimed.job);
    assert_eq!((claimed.job.state, claimed.job.attempts), (JobState::Running, 1));
    assert_eq!(claimed.job.lease_owner.as_deref(), Some("one"));
    assert_eq!(claimed.job.lease_until, Some(at(40)));
    assert_eq!(claimed.job.started_at, Some(at(10)));

    for owner in ["one", "two"] {
        assert_eq!(db.run(|c| job_claim(c, job.id, owner, lease(), at(39))), None);
    }
    let taken = db.run(|conn| job_claim(conn, job.id, "two", lease(), at(40))).unwrap();
    assert_eq!((taken.claim.generation, taken.job.attempts), (2, 2));
    assert_eq!((taken.job.started_at, taken.job.lease_until), (Some(at(10)), Some(at(70))));
}

fn an_overtaken_holder_can_write_nothing(db: Db) {
    let (_, job) = db.backup("a", 0);
    let old = db.claim(job.id, 0);
    db.run(|conn| job_step_start(conn, &old, 0, "snapshot", at(1)));
    db.claim(job.id, 60);
    let before = db.job(job.id);

    let beat = db.run(|conn| job_heartbeat(conn, &old, None, at(99), at(61)));
    assert_eq!(beat, Heartbeat { still_mine: false, cancel_requested: false });
    let end = JobEnd::PointCreated(crate::support::figures(&["vda"]));
    for kind in [
        db.kind(|conn| job_step_start(conn, &old, 1, "read", at(61))),
        db.kind(|conn| job_step_done(conn, &old, 0, None, at(61))),
        db.kind(|conn| job_step_undone(conn, &old, 0, at(61))),
        db.kind(|conn| job_release(conn, &old, at(61), at(61))),
        db.kind(|conn| job_unwind(conn, &old, Some(&failure("x")), at(61))),
        db.kind(|conn| job_finish(conn, &old, &end, at(61))),
    ] {
        assert_eq!(kind, ErrorKind::Conflict);
    }
    assert_eq!(db.job(job.id), before);
    let steps = db.run(|conn| job_step_list(conn, job.id));
    assert_eq!(steps.iter().map(|step| step.state).collect::<Vec<_>>(), [StepState::Started]);
}

fn a_heartbeat_extends_the_lease_and_keeps_progress(db: Db) {
    let (_, job) = db.backup("a", 0);
    let claim = db.claim(job.id, 0);
    let progress = JobProgress {
        done_bytes: 5,
        total_bytes: 10,
        rate_bytes_per_second: Some(2),
        eta_seconds: Some(3),
    };
    let beat = db.run(|conn| job_heartbeat(conn, &claim, Some(progress), at(50), at(20)));
    assert_eq!(beat, Heartbeat { still_mine: true, cancel_requested: false });
    let row = db.job(job.id);
    assert_eq!((row.done_bytes, row.total_bytes), (5, 10));
    assert_eq!((row.rate_bytes_per_second, row.eta_seconds), (Some(2), Some(3)));
    assert_eq!((row.lease_until, row.updated_at), (Some(at(50)), at(20)));
    // Without figures the old ones stay.
    db.run(|conn| job_heartbeat(conn, &claim, None, at(60), at(30)));
    let later = db.job(job.id);
    assert_eq!(later, Job { lease_until: Some(at(60)), updated_at: at(30), ..row });
    // Late, but nobody else has claimed it.
    assert!(db.run(|conn| job_heartbeat(conn, &claim, None, at(200), at(100))).still_mine);
}

fn a_released_job_waits_until_its_time_and_is_nobodys(db: Db) {
    let (_, job) = db.backup("a", 0);
    let claim = db.claim(job.id, 0);
    db.run(|conn| job_release(conn, &claim, at(15), at(5)));
    assert_eq!(db.job(job.id).lease_owner, None);
    assert!(!db.run(|conn| job_heartbeat(conn, &claim, None, at(50), at(6))).still_mine);
    assert_eq!(db.kind(|c| job_release(c, &claim, at(15), at(6))), ErrorKind::Conflict);
    assert_eq!(db.run(|conn| jobs_claimable(conn, at(14), 10)), []);
    assert_eq!(db.run(|conn| job_claim(conn, job.id, "two", lease(), at(14))), None);
    assert_eq!(db.run(|conn| jobs_claimable(conn, at(15), 10)).len(), 1);
    let taken = db.run(|conn| job_claim(conn, job.id, "two", lease(), at(15))).unwrap();
    assert_eq!(taken.claim.generation, 2);
}

fn a_dead_owners_jobs_are_free_at_once_and_only_those(db: Db) {
    let jobs: Vec<_> = (0..3).map(|n| db.backup("a", n).1.id).collect();
    for (job, owner) in jobs.iter().zip(["dead", "alive", "dead"]) {
        db.run(|conn| job_claim(conn, *job, owner, lease(), at(5))).unwrap();
    }
    assert_eq!(db.run(|conn| job_lease_expire(conn, "dead", at(6))), 2);
    assert_eq!(db.run(|conn| job_lease_expire(conn, "dead", at(6))), 0);
    let free: Vec<_> =
        db.run(|c| jobs_claimable(c, at(6), 10)).into_iter().map(|job| job.id).collect();
    assert_eq!(free, [jobs[0], jobs[2]]);
}

fn next_takes_the_oldest_and_skips_what_is_held_or_ended(db: Db) {
    let jobs: Vec<_> = [30, 10, 20].into_iter().map(|n| db.backup("a", n).1.id).collect();
    let mut taken = Vec::new();
    while let Some(claimed) = db.run(|conn| job_claim_next(conn, "one", lease(), at(31))) {
        taken.push(claimed.claim.job_id);
    }
    assert_eq!(taken, [jobs[1], jobs[2], jobs[0]]);
    assert_eq!(db.run(|conn| jobs_claimable(conn, at(31), 2)), []);
    assert_eq!(db.run(|conn| jobs_claimable(conn, at(99), 2)).len(), 2, "the limit holds");
}

fn a_takeover_keeps_what_the_job_was_doing(db: Db) {
    for (cancel, state) in [(true, JobState::Cancelling), (false, JobState::Unwinding)] {
        let (_, job) = db.backup("a", 0);
        let claim = db.claim(job.id, 0);
        if cancel {
            db.run(|conn| job_request_cancel(conn, &project("a"), job.id, at(1)));
        } else {
            db.run(|conn| job_unwind(conn, &claim, Some(&failure("disk gone")), at(1)));
        }
        let next = db.run(|conn| job_claim(conn, job.id, "two", lease(), at(60))).unwrap();
        assert_eq!(next.job.state, state);
        assert_eq!(next.job.error_message.is_some(), !cancel);
        // Cancelled jobs end as cancelled, failed ones as failed, whoever finishes them.
        db.run(|conn| job_unwind(conn, &next.claim, None, at(61)));
        let ended = db.run(|conn| job_finish(conn, &next.claim, &JobEnd::Unwound, at(62)));
        let expected = if cancel { JobState::Cancelled } else { JobState::Failed };
        assert_eq!(ended.state, expected);
    }
}

fn an_unknown_job_is_not_found(db: Db) {
    let id = JobId::new();
    let claim = Claim { job_id: id, generation: 1 };
    assert_eq!(
        db.kind(|conn| job_claim(conn, id, "one", TimeDelta::zero(), at(0))),
        ErrorKind::NotFound
    );
    assert_eq!(
        db.kind(|conn| job_request_cancel(conn, &Scope::All, id, at(0))),
        ErrorKind::NotFound
    );
    assert!(!db.run(|conn| job_heartbeat(conn, &claim, None, at(9), at(0))).still_mine);
}

every_engine!(
    a_claim_starts_the_job_and_keeps_others_out_until_its_lease_ends,
    an_overtaken_holder_can_write_nothing,
    a_heartbeat_extends_the_lease_and_keeps_progress,
    a_released_job_waits_until_its_time_and_is_nobodys,
    a_dead_owners_jobs_are_free_at_once_and_only_those,
    next_takes_the_oldest_and_skips_what_is_held_or_ended,
    a_takeover_keeps_what_the_job_was_doing,
    an_unknown_job_is_not_found,
);
