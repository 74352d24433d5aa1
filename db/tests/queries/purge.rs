use firn_core::*;
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{self, Db, at};

fn purge(db: &Db, before: i64, batch: u32) -> Purged {
    let mut total = Purged::default();
    loop {
        let purged = db.run(|conn| purge_batch(conn, at(before), batch));
        if purged == Purged::default() {
            return total;
        }
        assert!(purged.jobs <= u64::from(batch));
        total += purged;
    }
}

fn ended_jobs_go_with_what_belongs_to_them(db: Db) {
    let old: Vec<_> = (0..5).map(|n| db.available("a", n * 10)).collect();
    for point in &old {
        let level = EventLevel::Info;
        db.run(|conn| job_event_add(conn, point.job_id, level, "read", "one", at(1)));
        db.run(|conn| job_event_add(conn, point.job_id, level, "read", "two", at(2)));
    }
    let young = db.available("a", 1000);
    let (_, open) = db.backup("a", 0);
    let claim = db.claim(open.id, 1);
    db.run(|conn| job_step_start(conn, &claim, 0, "read", at(1)));

    let purged = purge(&db, 500, 2);
    assert_eq!((purged.jobs, purged.job_events), (5, 10));
    assert_eq!(purge(&db, 500, 2), Purged::default());
    for point in &old {
        assert_eq!(db.kind(|c| job_get(c, &Scope::All, point.job_id)), ErrorKind::NotFound);
        assert_eq!(db.run(|conn| job_event_list(conn, point.job_id, None, 9)), []);
        assert_eq!(db.point(point.id).state, PointState::Available, "points stay");
    }
    assert_eq!(db.job(young.job_id).state, JobState::Succeeded);
    assert_eq!(db.job(open.id).state, JobState::Running, "what has not ended stays");
    assert_eq!(db.run(|conn| job_step_list(conn, open.id)).len(), 1);
}

fn restores_go_but_files_keep_their_names(db: Db) {
    let point = db.available("a", 1);
    let (failed, _) = db.restore(point.id, 5);
    let (done, _) = db.restore(point.id, 6);
    db.run(|c| restore_finish(c, failed.id, RestoreEvent::Failed, None, at(7)));
    db.run(|c| restore_finish(c, done.id, RestoreEvent::Finished, None, at(7)));
    let request =
        RestoreRequest { target: RestoreTarget::Original, ..support::restore_request(point.id) };
    let (placed, _) = db.run(|c| restore_request_create(c, &Scope::All, request.clone(), at(8)));
    db.run(|c| restore_finish(c, placed.id, RestoreEvent::Finished, None, at(9)));
    assert_eq!(purge(&db, 500, 10).restores, 2);
    for gone in [failed.id, placed.id] {
        assert_eq!(db.kind(|c| restore_get(c, &Scope::All, gone)), ErrorKind::NotFound);
    }
    assert!(db.run(|conn| restore_target_taken(conn, &done.target)));
}

every_engine!(ended_jobs_go_with_what_belongs_to_them, restores_go_but_files_keep_their_names);
