use firn_core::*;
use firn_db::*;
use serde_json::json;
use uuid::Uuid;

use crate::engines::every_engine;
use crate::support::{Db, at};

fn new(image: &str) -> NewBase {
    NewBase {
        id: Uuid::new_v4(),
        instance_id: InstanceId::new(),
        project_id: ProjectId("a".to_owned()),
        driver: "ceph".to_owned(),
        location: json!({"fsid": "f", "pool": "vms", "image": image}),
        snapshot_prefix: format!("backup.{image}.snap."),
    }
}

fn record(db: &Db, base: &NewBase, seconds: i64) {
    db.run(|conn| base_record(conn, base, at(seconds)));
}

fn due(db: &Db, before: i64, limit: u32) -> Vec<Base> {
    db.run(|conn| base_list_due(conn, at(before), limit))
}

fn a_disk_has_one_row(db: Db) {
    let disk = new("é");
    record(&db, &disk, 1);
    record(&db, &disk, 5);
    let rows = due(&db, 5, 9);
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(
        (row.id, row.instance_id, &row.project_id),
        (disk.id, disk.instance_id, &disk.project_id)
    );
    assert_eq!((row.driver.as_str(), &row.location), ("ceph", &disk.location));
    assert_eq!(row.snapshot_prefix, disk.snapshot_prefix);
    assert_eq!((row.recorded_at, row.checked_at), (at(5), at(5)));
    assert_eq!((row.missing_since, &row.refusal), (None, &None));
}

fn the_longest_unchecked_come_first(db: Db) {
    let disks = ["a", "b", "c"].map(new);
    for (seconds, disk) in disks.iter().enumerate() {
        record(&db, disk, seconds as i64);
    }
    let ids = |before, limit| due(&db, before, limit).iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(9, 9), disks.each_ref().map(|disk| disk.id));
    assert_eq!(ids(1, 9), [disks[0].id, disks[1].id]);
    assert_eq!(ids(9, 1), [disks[0].id]);
    let first = due(&db, 0, 1).remove(0);
    db.run(|conn| base_checked(conn, &first, Some(at(7)), Some("it is in use"), at(8)));
    assert_eq!(ids(9, 9), [disks[1].id, disks[2].id, disks[0].id]);
    let checked = due(&db, 9, 9).remove(2);
    assert_eq!((checked.recorded_at, checked.checked_at), (at(0), at(8)));
    assert_eq!(checked.missing_since, Some(at(7)));
    assert_eq!(checked.refusal.as_deref(), Some("it is in use"));
    db.run(|conn| base_checked(conn, &checked, None, None, at(9)));
    let found = due(&db, 9, 9).remove(2);
    assert_eq!((found.missing_since, found.refusal), (None, None));
}

/// A backup in between knows better than a look that began before.
fn what_is_recorded_again_is_neither_missing_nor_forgotten(db: Db) {
    let disk = new("a");
    record(&db, &disk, 1);
    let before = due(&db, 9, 9).remove(0);
    db.run(|conn| base_checked(conn, &before, Some(at(2)), Some("no"), at(2)));
    record(&db, &disk, 3);
    db.run(|conn| base_checked(conn, &before, Some(at(2)), Some("no"), at(4)));
    db.run(|conn| base_delete(conn, &before));
    let now = due(&db, 9, 9).remove(0);
    assert_eq!((now.recorded_at, now.missing_since, &now.refusal), (at(3), None, &None));
    db.run(|conn| base_delete(conn, &now));
    db.run(|conn| base_delete(conn, &now));
    assert_eq!(due(&db, 9, 9), []);
}

fn a_backup_at_work_is_told(db: Db) {
    let (_, job) = db.backup("a", 1);
    let instance = job.instance_id.unwrap();
    let unfinished = |id| !db.run(|conn| jobs_unfinished_of_instance(conn, id)).is_empty();
    assert!(unfinished(instance));
    assert!(!unfinished(InstanceId::new()));
    let claim = db.claim(job.id, 2);
    assert!(unfinished(instance));
    db.run(|conn| job_unwind(conn, &claim, None, at(3)));
    db.run(|conn| job_finish(conn, &claim, &JobEnd::Unwound, at(3)));
    assert!(!unfinished(instance));
}

every_engine!(
    a_disk_has_one_row,
    the_longest_unchecked_come_first,
    what_is_recorded_again_is_neither_missing_nor_forgotten,
    a_backup_at_work_is_told
);
