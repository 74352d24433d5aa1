use diesel::connection::SimpleConnection;
use firn_core::*;
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{Db, at, figures, project};

fn a_filled_point_has_its_disks_and_their_sums(db: Db) {
    let (made, job) = db.backup("a", 10);
    assert_eq!(db.point(made.id), made);
    assert_eq!((made.state, made.generation), (PointState::Creating, 0));
    assert_eq!((made.job_id, made.finished_at, made.virtual_bytes), (job.id, None, None));
    assert_eq!(made.disks, None);

    let claim = db.claim(job.id, 11);
    let parent = PointId::new();
    let figures = PointFigures { parent_id: Some(parent), ..figures(&["vdb", "vda"]) };
    db.run(|conn| job_finish(conn, &claim, &JobEnd::PointCreated(figures.clone()), at(12)));
    let point = db.point(made.id);
    assert_eq!((point.state, point.consistency), (PointState::Available, Some(Consistency::Crash)));
    assert_eq!((point.virtual_bytes, point.read_bytes), (Some(2000), Some(200)));
    assert_eq!((point.new_bytes, point.stored_bytes), (Some(20), Some(2)));
    assert_eq!((point.parent_id, point.finished_at), (Some(parent), Some(at(12))));
    let expected = [1, 0].map(|place: usize| figures.disks[place].clone());
    assert_eq!(point.disks.unwrap().list().unwrap(), expected, "by device name");
}

fn disks_that_the_version_before_wrote_are_read(db: Db) {
    let points = [db.available("a", 1), db.available("a", 2)];
    let unfilled = db.backup("a", 3).0;
    // It knows only its table, which we write, too.
    let forget = "UPDATE restore_points SET disks = NULL";
    db.run(|conn| Ok(conn.batch_execute(forget)?));
    assert_eq!(db.point(points[0].id), points[0]);
    let page = Page { direction: Direction::Ascending, ..Page::first(9) };
    let listed = db.run(|conn| point_list(conn, &Scope::All, &PointFilter::default(), &page));
    assert_eq!(listed, [points[0].clone(), points[1].clone(), unfilled.clone()]);
    // One of its points between two of ours stays between them.
    let newer = db.available("a", 4);
    let listed = db.run(|conn| point_list(conn, &Scope::All, &PointFilter::default(), &page));
    assert_eq!(listed, [points[0].clone(), points[1].clone(), unfilled, newer]);
    // Any write of the row brings them over.
    let update = PointUpdate { name: Some(None), description: None };
    db.run(|conn| point_update(conn, &Scope::All, points[0].id, &update, at(5)));
    db.run(|conn| Ok(conn.batch_execute("DELETE FROM restore_point_disks")?));
    assert_eq!(db.point(points[0].id).disks, points[0].disks);
}

fn owners_change_name_and_note_only(db: Db) {
    let before = db.available("a", 1);
    let update = PointUpdate {
        name: Some(Some("before upgrade".to_owned())),
        description: Some(Some("ask Ann".to_owned())),
    };
    let named = db.run(|conn| point_update(conn, &project("a"), before.id, &update, at(9)));
    assert_eq!(named.name.as_deref(), Some("before upgrade"));
    assert_eq!(db.point(before.id), named);
    assert_eq!(named.generation, before.generation + 1);

    let clear = PointUpdate { name: Some(None), description: None };
    let cleared = db.run(|conn| point_update(conn, &project("a"), before.id, &clear, at(10)));
    assert_eq!((cleared.name, cleared.description.as_deref()), (None, Some("ask Ann")));
    assert_eq!(
        Point { generation: 0, updated_at: at(0), name: None, description: None, ..named },
        Point { generation: 0, updated_at: at(0), ..before }
    );
}

fn transitions_are_compare_and_set(db: Db) {
    let read = db.available("a", 1);
    let hurt = db
        .run(|conn| point_transition(conn, &read, PointEvent::Damaged, Some("chunk lost"), at(5)));
    assert_eq!(hurt.state, PointState::Error);
    assert_eq!(hurt.error_message.as_deref(), Some("chunk lost"));
    assert_eq!(hurt.finished_at, read.finished_at);
    // The copy read before is out of date, whatever the event.
    for event in [PointEvent::Damaged, PointEvent::Healed, PointEvent::DeleteRequested] {
        assert_eq!(
            db.kind(|conn| point_transition(conn, &read, event, None, at(6))),
            ErrorKind::Conflict
        );
    }
    assert_eq!(db.point(read.id), hurt);
    let healed = db.run(|conn| point_transition(conn, &hurt, PointEvent::Healed, None, at(7)));
    assert_eq!((healed.state, healed.error_message), (PointState::Available, None));
}

fn forbidden_events_change_nothing(db: Db) {
    let (point, _) = db.backup("a", 1);
    for event in [PointEvent::DeleteRequested, PointEvent::Healed, PointEvent::DeleteFailed] {
        assert_eq!(
            db.kind(|conn| point_transition(conn, &point, event, None, at(2))),
            ErrorKind::Conflict
        );
    }
    assert_eq!(db.point(point.id), point);
}

fn only_a_deleting_point_is_deleted_and_an_absent_one_is_fine(db: Db) {
    let point = db.available("a", 1);
    assert_eq!(db.kind(|conn| point_delete(conn, point.id)), ErrorKind::Conflict);
    let event = PointEvent::DeleteRequested;
    db.run(|conn| point_transition(conn, &point, event, None, at(2)));
    db.run(|conn| point_delete(conn, point.id));
    assert_eq!(db.kind(|conn| point_get(conn, &Scope::All, point.id)), ErrorKind::NotFound);
    db.run(|conn| point_delete(conn, point.id));
}

fn a_base_for_an_incremental_is_available_and_of_the_same_instance_and_repository(db: Db) {
    let instance = InstanceId::new();
    let request = || BackupRequest { instance_id: instance, ..db.backup_request("a") };
    let old = db.fill(request(), 1);
    let new = db.fill(request(), 5);
    db.available("a", 7);
    db.run(|conn| backup_request_create(conn, request(), at(8)));
    let hurt = db.fill(request(), 9);
    db.run(|conn| point_transition(conn, &hurt, PointEvent::Damaged, None, at(11)));

    let found = db.run(|conn| points_latest_available(conn, instance, db.repository, 10));
    assert_eq!(found, [new.clone(), old]);
    let one = db.run(|conn| points_latest_available(conn, instance, db.repository, 1));
    assert_eq!(one, [new]);
    let elsewhere = RepositoryId::new();
    assert_eq!(db.run(|conn| points_latest_available(conn, instance, elsewhere, 10)), []);
}

fn a_point_needs_its_repository(db: Db) {
    let request = BackupRequest { repository_id: RepositoryId::new(), ..db.backup_request("a") };
    let job = request.job_id;
    assert_eq!(db.kind(|conn| backup_request_create(conn, request, at(1))), ErrorKind::Conflict);
    assert_eq!(db.kind(|conn| job_get(conn, &Scope::All, job)), ErrorKind::NotFound);
}

/// In MariaDB the id alone is not the primary key.
fn an_id_is_one_points_whosever_it_is(db: Db) {
    db.backup("a", 1);
    let columns = "instance_id, instance_name, repository_id, mode, state, job_id, generation, \
                   created_at, updated_at, pinned";
    let twice = |id: &str| {
        let sql = format!(
            "INSERT INTO restore_points (id, project_id, {columns}) \
             SELECT {id}, 'b', {columns} FROM restore_points WHERE project_id = 'a'"
        );
        db.database.run_blocking(|conn| Ok(conn.batch_execute(&sql)?))
    };
    assert!(twice("id").is_err());
    twice("'5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a02'").unwrap();
}

every_engine!(
    an_id_is_one_points_whosever_it_is,
    a_filled_point_has_its_disks_and_their_sums,
    disks_that_the_version_before_wrote_are_read,
    owners_change_name_and_note_only,
    transitions_are_compare_and_set,
    forbidden_events_change_nothing,
    only_a_deleting_point_is_deleted_and_an_absent_one_is_fine,
    a_base_for_an_incremental_is_available_and_of_the_same_instance_and_repository,
    a_point_needs_its_repository,
);
