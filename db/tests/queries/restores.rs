use firn_core::*;
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{Db, at};

fn a_restore_reads_back_and_ends_once(db: Db) {
    let point = db.available("a", 1);
    let (made, job) = db.restore(point.id, 5);
    assert_eq!(db.run(|conn| restore_get(conn, &Scope::All, made.id)), made);
    assert_eq!((made.state, made.job_id), (RestoreState::Restoring, job.id));
    assert_eq!((job.resource_id, job.kind), (made.id.0, JobKind::Restore));
    assert_eq!(made.project_id, point.project_id);

    let event = RestoreEvent::Failed;
    let ended = db.run(|conn| restore_finish(conn, made.id, event, Some("no space"), at(6)));
    assert_eq!(db.run(|conn| restore_get(conn, &Scope::All, made.id)), ended);
    assert_eq!((ended.state, ended.finished_at), (RestoreState::Error, Some(at(6))));
    assert_eq!(ended.error_message.as_deref(), Some("no space"));
    for event in [RestoreEvent::Failed, RestoreEvent::Finished] {
        assert_eq!(
            db.kind(|conn| restore_finish(conn, made.id, event, None, at(7))),
            ErrorKind::Conflict
        );
    }
}

fn lists_are_narrowed_by_every_filter(db: Db) {
    let points = [db.available("a", 1).id, db.available("a", 2).id];
    let (first, first_job) = db.restore(points[0], 5);
    let (second, _) = db.restore(points[1], 6);
    let ended = db.run(|c| restore_finish(c, second.id, RestoreEvent::Finished, None, at(7)));
    let list = |filter: RestoreFilter| {
        db.run(|conn| restore_list(conn, &Scope::All, &filter, &Page::first(10)))
    };
    assert_eq!(list(RestoreFilter::default()), [ended.clone(), first.clone()]);
    let by_point = RestoreFilter { point_id: Some(points[0]), ..Default::default() };
    assert_eq!(list(by_point), std::slice::from_ref(&first));
    let by_state = RestoreFilter { state: Some(RestoreState::Available), ..Default::default() };
    assert_eq!(list(by_state), [ended]);
    let by_job = RestoreFilter { job_id: Some(first_job.id), ..Default::default() };
    assert_eq!(list(by_job), [first]);
}

fn what_a_restore_made_is_kept(db: Db) {
    let point = db.available("a", 1);
    let (made, job) = db.restore(point.id, 5);
    let instance = point.instance_id;
    let unfinished = |conn: &mut Connection| jobs_unfinished_of_instance(conn, instance);
    assert_eq!(db.run(unfinished).iter().map(|job| job.id).collect::<Vec<_>>(), [job.id]);
    let claim = db.claim(job.id, 6);
    let result = serde_json::json!({"instance_id": "i", "volumes": {"vda": "v"}});
    db.run(|c| job_finish(c, &claim, &JobEnd::Restored(Some(result.clone())), at(7)));
    let kept = db.run(|conn| restore_get(conn, &Scope::All, made.id));
    assert_eq!((kept.state, kept.result), (RestoreState::Available, Some(result)));
    assert!(db.run(unfinished).is_empty());
}

every_engine!(
    what_a_restore_made_is_kept,
    a_restore_reads_back_and_ends_once,
    lists_are_narrowed_by_every_filter,
);
