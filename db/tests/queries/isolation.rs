//! A project sees, touches, counts and guesses nothing of another's.

use firn_core::*;
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{Db, at, point_request, project, restore_request};

fn another_projects_rows_do_not_exist(db: Db) {
    let point = db.available("theirs", 1);
    let (restore, job) = db.restore(point.id, 3);
    let before = (db.point(point.id), db.job(job.id));
    let me = project("mine");
    let update = PointUpdate { name: Some(Some("x".to_owned())), description: None };

    let unknown_point = db.database.run_blocking(|c| point_get(c, &me, PointId::new()));
    let theirs = db.database.run_blocking(|c| point_get(c, &me, point.id));
    let text = |result: Result<Point, DbError>, id: &str| {
        result.unwrap_err().to_string().replace(id, "ID")
    };
    // Word for word the same answer as for an id that nobody has.
    let theirs = text(theirs, &point.id.to_string());
    let DbError::NotFound { id, .. } = unknown_point.as_ref().unwrap_err() else {
        panic!("{unknown_point:?}")
    };
    let id = id.clone();
    assert_eq!(theirs, text(unknown_point, &id));

    for kind in [
        db.kind(|c| job_get(c, &me, job.id)),
        db.kind(|c| restore_get(c, &me, restore.id)),
        db.kind(|c| point_update(c, &me, point.id, &update, at(9))),
        db.kind(|c| job_request_cancel(c, &me, job.id, at(9))),
        db.kind(|c| restore_request_create(c, &me, restore_request(point.id), at(9))),
        db.kind(|c| point_delete_request(c, &me, point_request(point.id), at(9))),
        db.kind(|c| point_verify_request(c, &me, point_request(point.id), at(9))),
    ] {
        assert_eq!(kind, ErrorKind::NotFound);
    }
    assert_eq!((db.point(point.id), db.job(job.id)), before);
}

fn lists_hold_only_ones_own_and_foreign_markers_are_unknown(db: Db) {
    let theirs = db.available("theirs", 1);
    let (restore, _) = db.restore(theirs.id, 3);
    let mine = db.available("mine", 5);
    let me = project("mine");

    let points = db.run(|c| point_list(c, &me, &PointFilter::default(), &Page::first(9)));
    assert_eq!(points, [mine]);
    let jobs = db.run(|c| job_list(c, &me, &JobFilter::default(), &Page::first(9)));
    assert!(jobs.len() == 1 && jobs.iter().all(|job| job.project_id.0 == "mine"));
    let restores = db.run(|c| restore_list(c, &me, &RestoreFilter::default(), &Page::first(9)));
    assert_eq!(restores, []);
    // Filters do not widen the scope.
    let filter = PointFilter { instance_id: Some(theirs.instance_id), ..Default::default() };
    assert_eq!(db.run(|c| point_list(c, &me, &filter, &Page::first(9))), []);
    let filter = JobFilter { resource_id: Some(theirs.id.0), ..Default::default() };
    assert_eq!(db.run(|c| job_list(c, &me, &filter, &Page::first(9))), []);

    let page = Page { marker: Some(theirs.id), ..Page::first(9) };
    assert_eq!(
        db.kind(|c| point_list(c, &me, &PointFilter::default(), &page)),
        ErrorKind::InvalidInput
    );
    let page = Page { marker: Some(restore.id), ..Page::first(9) };
    assert_eq!(
        db.kind(|c| restore_list(c, &me, &RestoreFilter::default(), &page)),
        ErrorKind::InvalidInput
    );
    let page = Page { marker: Some(theirs.job_id), ..Page::first(9) };
    assert_eq!(
        db.kind(|c| job_list(c, &me, &JobFilter::default(), &page)),
        ErrorKind::InvalidInput
    );
}

fn a_restore_belongs_to_the_project_that_it_goes_to(db: Db) {
    let point = db.available("theirs", 1);
    let targets = [
        (r#"{"type": "new_instance"}"#, "mine"),
        (r#"{"type": "volume", "device": "vda"}"#, "mine"),
        (r#"{"type": "original"}"#, "theirs"),
        (r#"{"type": "file", "name": "copy2"}"#, "theirs"),
    ];
    for (index, (target, owner)) in (3..).zip(targets) {
        let request = RestoreRequest {
            target: serde_json::from_str(target).unwrap(),
            spec: serde_json::json!({"grant": {"trust_id": "t", "project_id": "mine"}}),
            ..restore_request(point.id)
        };
        let (restore, job) =
            db.run(|c| restore_request_create(c, &Scope::All, request.clone(), at(index)));
        assert_eq!((restore.project_id.0.as_str(), job.project_id.0.as_str()), (owner, owner));
        let other = project(if owner == "mine" { "theirs" } else { "mine" });
        let cancelled = db.kind(|c| job_request_cancel(c, &other, job.id, at(9)));
        assert_eq!(cancelled, ErrorKind::NotFound);
        assert_eq!(db.kind(|c| restore_get(c, &other, restore.id)), ErrorKind::NotFound);
        db.run(|c| job_request_cancel(c, &project(owner), job.id, at(9)));
    }
    // Without a grant nothing is made in another project.
    let (restore, job) = db.restore(point.id, 20);
    assert_eq!((restore.project_id.0.as_str(), job.project_id.0.as_str()), ("theirs", "theirs"));
}

every_engine!(
    another_projects_rows_do_not_exist,
    lists_hold_only_ones_own_and_foreign_markers_are_unknown,
    a_restore_belongs_to_the_project_that_it_goes_to,
);
