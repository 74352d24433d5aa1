use firn_core::*;
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{Db, at, failure, figures, point_request};

fn ends() -> Vec<(JobKind, JobEnd)> {
    vec![
        (JobKind::CreatePoint, JobEnd::PointCreated(figures(&["vda"]))),
        (JobKind::DeletePoint, JobEnd::PointDeleted),
        (JobKind::VerifyPoint, JobEnd::PointVerified),
        (JobKind::Restore, JobEnd::Restored(None)),
    ]
}

fn job_of(db: &Db, kind: JobKind) -> Job {
    if kind == JobKind::CreatePoint {
        return db.backup("a", 1).1;
    }
    let request = point_request(db.available("a", 1).id);
    match kind {
        JobKind::DeletePoint => db.run(|c| point_delete_request(c, &Scope::All, request, at(3))).1,
        JobKind::VerifyPoint => db.run(|c| point_verify_request(c, &Scope::All, request, at(3))).1,
        _ => db.restore(request.point_id, 3).1,
    }
}

fn each_kind_takes_its_own_end_and_no_other(db: Db) {
    for (kind, own) in ends() {
        let job = job_of(&db, kind);
        let claim = db.claim(job.id, 4);
        let before = db.job(job.id);
        for (other, end) in ends().into_iter().filter(|(other, _)| *other != kind) {
            let error = db.kind(|conn| job_finish(conn, &claim, &end, at(5)));
            assert_eq!(error, ErrorKind::InvalidInput, "{kind:?} ended as {other:?}");
        }
        assert_eq!(db.job(job.id), before, "a refused end leaves the job as it was");
        let ended = db.run(|conn| job_finish(conn, &claim, &own, at(6)));
        assert_eq!(db.job(job.id), ended);
        assert_eq!((ended.state, ended.finished_at), (JobState::Succeeded, Some(at(6))));
        assert_eq!((ended.lease_owner, ended.lease_until), (None, None));
        // Nothing can be written under the claim any more.
        let again = db.kind(|conn| job_finish(conn, &claim, &own, at(7)));
        assert_eq!(again, ErrorKind::Conflict);
        let beat = db.run(|conn| job_heartbeat(conn, &claim, None, at(99), at(7)));
        assert!(!beat.still_mine);
        assert_eq!(db.run(|conn| jobs_claimable(conn, at(999), 10)), []);
    }
}

fn resources_follow_a_success(db: Db) {
    for (kind, own) in ends() {
        let job = job_of(&db, kind);
        let claim = db.claim(job.id, 4);
        db.run(|conn| job_finish(conn, &claim, &own, at(6)));
        let point = |id| db.database.run_blocking(|conn| point_get(conn, &Scope::All, id));
        match kind {
            JobKind::CreatePoint | JobKind::VerifyPoint => {
                assert_eq!(point(PointId(job.resource_id)).unwrap().state, PointState::Available);
            }
            JobKind::DeletePoint => {
                let gone = point(PointId(job.resource_id)).unwrap_err();
                assert_eq!(gone.kind(), ErrorKind::NotFound);
            }
            JobKind::Restore => {
                let id = RestoreId(job.resource_id);
                let restore = db.run(|conn| restore_get(conn, &Scope::All, id));
                assert_eq!(restore.state, RestoreState::Available);
                assert_eq!(restore.finished_at, Some(at(6)));
            }
        }
    }
}

fn resources_follow_a_failure_with_the_message(db: Db) {
    for (kind, _) in ends() {
        let job = job_of(&db, kind);
        let claim = db.claim(job.id, 4);
        let early = db.kind(|conn| job_finish(conn, &claim, &JobEnd::Unwound, at(5)));
        assert_eq!(early, ErrorKind::Conflict, "it must unwind first");
        let unwinding = db.run(|c| job_unwind(c, &claim, Some(&failure("disk vda gone")), at(5)));
        assert_eq!(unwinding.state, JobState::Unwinding);
        // The first cause stays.
        db.run(|conn| job_unwind(conn, &claim, Some(&failure("second")), at(6)));
        let ended = db.run(|conn| job_finish(conn, &claim, &JobEnd::Unwound, at(7)));
        assert_eq!(ended.state, JobState::Failed);
        assert_eq!(ended.error_kind, Some(ErrorKind::Unavailable));
        assert_eq!(ended.error_message.as_deref(), Some("disk vda gone"));
        let (state, message) = match kind {
            JobKind::Restore => {
                let id = RestoreId(job.resource_id);
                let restore = db.run(|conn| restore_get(conn, &Scope::All, id));
                assert_eq!(restore.state, RestoreState::Error);
                (PointState::Error, restore.error_message)
            }
            _ => {
                let point = db.point(PointId(job.resource_id));
                (point.state, point.error_message)
            }
        };
        if kind == JobKind::VerifyPoint {
            assert_eq!((state, message), (PointState::Available, None), "as sound as before");
        } else {
            assert_eq!((state, message.as_deref()), (PointState::Error, Some("disk vda gone")));
        }
    }
}

fn a_cancel_does_not_become_a_failure_by_trouble_in_undo(db: Db) {
    let (_, job) = db.backup("a", 0);
    let claim = db.claim(job.id, 1);
    db.run(|conn| job_unwind(conn, &claim, None, at(2)));
    db.run(|conn| job_unwind(conn, &claim, Some(&failure("undo failed once")), at(3)));
    let ended = db.run(|conn| job_finish(conn, &claim, &JobEnd::Unwound, at(4)));
    assert_eq!((ended.state, ended.error_message), (JobState::Cancelled, None));
}

fn verification_finds_damage_and_heals(db: Db) {
    let point = db.available("a", 0);
    let verify = || {
        let request = point_request(point.id);
        let (_, job) = db.run(|conn| point_verify_request(conn, &Scope::All, request, at(2)));
        db.claim(job.id, 3)
    };
    let claim = verify();
    let damage =
        JobError { kind: ErrorKind::Integrity, message: "vda at 4096 is damaged".to_owned() };
    db.run(|conn| job_unwind(conn, &claim, Some(&damage), at(4)));
    let ended = db.run(|conn| job_finish(conn, &claim, &JobEnd::Unwound, at(5)));
    assert_eq!(ended.state, JobState::Failed);
    let after = db.point(point.id);
    assert_eq!((after.state, after.error_message), (PointState::Error, Some(damage.message)));

    let claim = verify();
    let ended = db.run(|conn| job_finish(conn, &claim, &JobEnd::PointVerified, at(6)));
    assert_eq!(ended.state, JobState::Succeeded);
    let after = db.point(point.id);
    assert_eq!((after.state, after.error_message), (PointState::Available, None));
}

fn a_sound_sample_does_not_heal(db: Db) {
    let point = db.available("a", 0);
    let hurt = db.run(|c| point_transition(c, &point, PointEvent::Damaged, Some("bad"), at(2)));
    let request = point_request(point.id);
    let (_, job) = db.run(|conn| point_verify_request(conn, &Scope::All, request, at(3)));
    let claim = db.claim(job.id, 4);
    let ended = db.run(|conn| job_finish(conn, &claim, &JobEnd::PointSampled, at(5)));
    assert_eq!(ended.state, JobState::Succeeded);
    let after = db.point(point.id);
    assert_eq!((after.state, after.error_message), (PointState::Error, hurt.error_message));
}

every_engine!(
    each_kind_takes_its_own_end_and_no_other,
    resources_follow_a_success,
    resources_follow_a_failure_with_the_message,
    a_cancel_does_not_become_a_failure_by_trouble_in_undo,
    verification_finds_damage_and_heals,
    a_sound_sample_does_not_heal,
);
