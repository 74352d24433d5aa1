use firn_core::{ErrorKind, RepositoryId};
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{Db, at};

fn new(name: &str) -> NewRepository {
    NewRepository {
        id: RepositoryId::new(),
        name: name.to_owned(),
        url: format!("file:///{name}"),
        chunk_bytes: 65_536,
    }
}

fn what_was_created_reads_back(db: Db) {
    let made = db.run(|conn| repository_create(conn, new("cold"), at(5)));
    assert_eq!(db.run(|conn| repository_get(conn, made.id)), made);
    assert_eq!(db.run(|conn| repository_find(conn, "cold")), Some(made.clone()));
    assert_eq!(db.run(|conn| repository_find(conn, "Cold")), None);
    assert_eq!((made.chunk_bytes, made.status), (65_536, RepositoryStatus::Available));
}

fn a_name_is_taken_once(db: Db) {
    assert_eq!(db.kind(|conn| repository_create(conn, new("default"), at(1))), ErrorKind::Conflict);
}

fn reports_change_figures_and_status(db: Db) {
    let usage = RepositoryUsage {
        capacity_bytes: Some(u64::MAX),
        free_bytes: Some(7),
        stored_bytes: Some(5),
        virtual_bytes: None,
    };
    db.run(|conn| repository_report_unavailable(conn, db.repository, "stale handle", at(1)));
    let down = db.run(|conn| repository_get(conn, db.repository));
    assert_eq!(down.status, RepositoryStatus::Unavailable);
    assert_eq!(down.status_reason.as_deref(), Some("stale handle"));

    db.run(|conn| repository_report_usage(conn, db.repository, &usage, at(2)));
    let up = db.run(|conn| repository_get(conn, db.repository));
    assert_eq!((up.status, up.status_reason), (RepositoryStatus::Available, None));
    assert_eq!((up.free_bytes, up.stored_bytes, up.virtual_bytes), (Some(7), Some(5), None));
    // Signed columns: what they cannot hold becomes their largest value.
    assert_eq!(up.capacity_bytes, Some(i64::MAX as u64));
    assert_eq!((up.created_at, up.updated_at), (at(0), at(2)));
}

fn unknown_ones_are_not_found(db: Db) {
    let id = RepositoryId::new();
    let usage = RepositoryUsage::default();
    assert_eq!(db.kind(|conn| repository_get(conn, id)), ErrorKind::NotFound);
    assert_eq!(
        db.kind(|conn| repository_report_usage(conn, id, &usage, at(1))),
        ErrorKind::NotFound
    );
    assert_eq!(
        db.kind(|conn| repository_report_unavailable(conn, id, "", at(1))),
        ErrorKind::NotFound
    );
}

every_engine!(
    what_was_created_reads_back,
    a_name_is_taken_once,
    reports_change_figures_and_status,
    unknown_ones_are_not_found,
);
