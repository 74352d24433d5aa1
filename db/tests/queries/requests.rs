use firn_core::*;
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{Db, at, figures, point_request, project, restore_request};

fn a_backup_request_makes_both_rows_or_none(db: Db) {
    let (point, job) = db.backup("a", 1);
    assert_eq!(db.job(job.id), job);
    assert_eq!((job.state, job.kind), (JobState::Queued, JobKind::CreatePoint));
    assert_eq!((job.resource_id, point.job_id), (point.id.0, job.id));
    assert_eq!(job.spec, serde_json::json!({"disks": ["vda"]}));

    // The job's id is taken, so the point must not stay either.
    let request = BackupRequest { job_id: job.id, ..db.backup_request("a") };
    let point = request.point_id;
    assert_eq!(db.kind(|c| backup_request_create(c, request, at(2))), ErrorKind::Conflict);
    assert_eq!(db.kind(|conn| point_get(conn, &Scope::All, point)), ErrorKind::NotFound);
}

fn only_an_available_point_can_be_restored(db: Db) {
    let try_restore = |point: PointId| {
        db.kind(|conn| restore_request_create(conn, &Scope::All, restore_request(point), at(9)))
    };
    let (creating, _) = db.backup("a", 1);
    assert_eq!(try_restore(creating.id), ErrorKind::Conflict);
    let hurt = db.available("a", 2);
    db.run(|conn| point_transition(conn, &hurt, PointEvent::Damaged, None, at(4)));
    assert_eq!(try_restore(hurt.id), ErrorKind::Conflict);
    let leaving = db.available("a", 5);
    db.run(|c| point_delete_request(c, &Scope::All, point_request(leaving.id), at(7)));
    assert_eq!(try_restore(leaving.id), ErrorKind::Conflict);
    assert_eq!(try_restore(PointId::new()), ErrorKind::NotFound);
}

fn a_point_in_use_cannot_be_deleted_until_its_jobs_end(db: Db) {
    let point = db.available("a", 1);
    let delete =
        || db.kind(|c| point_delete_request(c, &Scope::All, point_request(point.id), at(9)));
    let (_, restore) = db.restore(point.id, 3);
    let (_, verify) =
        db.run(|c| point_verify_request(c, &Scope::All, point_request(point.id), at(4)));
    let busy = db.run(|conn| jobs_unfinished_for_point(conn, point.id));
    assert_eq!(busy.iter().map(|job| job.id).collect::<Vec<_>>(), [restore.id, verify.id]);
    assert_eq!(delete(), ErrorKind::Conflict);

    db.run(|conn| job_request_cancel(conn, &Scope::All, restore.id, at(5)));
    assert_eq!(delete(), ErrorKind::Conflict, "still being verified");
    let claim = db.claim(verify.id, 6);
    let end = JobEnd::PointVerified;
    db.run(|conn| job_finish(conn, &claim, &end, at(7)));
    assert_eq!(db.run(|conn| jobs_unfinished_for_point(conn, point.id)), []);

    let request = point_request(point.id);
    let (leaving, job) = db.run(|c| point_delete_request(c, &project("a"), request, at(10)));
    assert_eq!((leaving.state, job.kind), (PointState::Deleting, JobKind::DeletePoint));
    assert_eq!(delete(), ErrorKind::Conflict, "being deleted already");
}

fn a_point_being_made_or_deleted_cannot_be_verified(db: Db) {
    let verify = |point: PointId| {
        db.kind(|c| point_verify_request(c, &Scope::All, point_request(point), at(9)))
    };
    assert_eq!(verify(db.backup("a", 1).0.id), ErrorKind::Conflict);
    let point = db.available("a", 2);
    db.run(|c| point_verify_request(c, &Scope::All, point_request(point.id), at(4)));
    assert_eq!(verify(point.id), ErrorKind::Conflict, "being verified already");
    let leaving = db.available("a", 5);
    db.run(|c| point_delete_request(c, &Scope::All, point_request(leaving.id), at(7)));
    assert_eq!(verify(leaving.id), ErrorKind::Conflict);
    assert_eq!(verify(PointId::new()), ErrorKind::NotFound);
}

fn a_restore_request_outdates_every_copy_of_the_point_read_before(db: Db) {
    let read = db.available("a", 1);
    db.restore(read.id, 3);
    let event = PointEvent::DeleteRequested;
    assert_eq!(
        db.kind(|conn| point_transition(conn, &read, event, None, at(4))),
        ErrorKind::Conflict
    );
    assert_eq!(db.point(read.id).state, PointState::Available);
}

fn cancelling_a_queued_job_ends_its_resource_at_once(db: Db) {
    let (point, job) = db.backup("a", 1);
    let cancelled = db.run(|conn| job_request_cancel(conn, &project("a"), job.id, at(2)));
    assert_eq!((cancelled.state, cancelled.finished_at), (JobState::Cancelled, Some(at(2))));
    assert_eq!(db.job(job.id), cancelled);
    assert_eq!(db.point(point.id).state, PointState::Error);
    let owner = "late";
    let claimed = db.run(|c| job_claim(c, job.id, owner, crate::support::lease(), at(3)));
    assert_eq!(claimed, None);

    let good = db.available("a", 4);
    let (restore, job) = db.restore(good.id, 6);
    db.run(|conn| job_request_cancel(conn, &Scope::All, job.id, at(7)));
    let restore = db.run(|conn| restore_get(conn, &Scope::All, restore.id));
    assert_eq!(restore.state, RestoreState::Error);

    let (_, job) = db.run(|c| point_verify_request(c, &Scope::All, point_request(good.id), at(8)));
    db.run(|conn| job_request_cancel(conn, &Scope::All, job.id, at(9)));
    assert_eq!(db.point(good.id).state, PointState::Available);

    let (_, job) = db.run(|c| point_delete_request(c, &Scope::All, point_request(good.id), at(10)));
    db.run(|conn| job_request_cancel(conn, &Scope::All, job.id, at(11)));
    assert_eq!(db.point(good.id).state, PointState::Error);
}

fn cancelling_a_running_job_is_told_to_its_holder(db: Db) {
    let (point, job) = db.backup("a", 1);
    let claim = db.claim(job.id, 2);
    for _ in 0..2 {
        let asked = db.run(|conn| job_request_cancel(conn, &Scope::All, job.id, at(3)));
        assert_eq!(asked.state, JobState::Cancelling);
    }
    let beat = db.run(|conn| job_heartbeat(conn, &claim, None, at(40), at(4)));
    assert_eq!(beat, Heartbeat { still_mine: true, cancel_requested: true });
    db.run(|conn| job_unwind(conn, &claim, None, at(5)));
    assert_eq!(
        db.kind(|conn| job_request_cancel(conn, &Scope::All, job.id, at(6))),
        ErrorKind::Conflict
    );
    let ended = db.run(|conn| job_finish(conn, &claim, &JobEnd::Unwound, at(7)));
    assert_eq!((ended.state, ended.error_kind), (JobState::Cancelled, None));
    assert_eq!(db.point(point.id).state, PointState::Error);
    assert_eq!(
        db.kind(|conn| job_request_cancel(conn, &Scope::All, job.id, at(8))),
        ErrorKind::Conflict
    );
}

fn a_cancel_after_the_last_step_is_too_late(db: Db) {
    let (point, job) = db.backup("a", 1);
    let claim = db.claim(job.id, 2);
    db.run(|conn| job_request_cancel(conn, &Scope::All, job.id, at(3)));
    let end = JobEnd::PointCreated(figures(&["vda"]));
    assert_eq!(db.run(|c| job_finish(c, &claim, &end, at(4))).state, JobState::Succeeded);
    assert_eq!(db.point(point.id).state, PointState::Available);
}

every_engine!(
    a_backup_request_makes_both_rows_or_none,
    only_an_available_point_can_be_restored,
    a_point_in_use_cannot_be_deleted_until_its_jobs_end,
    a_point_being_made_or_deleted_cannot_be_verified,
    a_restore_request_outdates_every_copy_of_the_point_read_before,
    cancelling_a_queued_job_ends_its_resource_at_once,
    cancelling_a_running_job_is_told_to_its_holder,
    a_cancel_after_the_last_step_is_too_late,
);
