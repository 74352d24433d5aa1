use firn_core::*;
use firn_db::*;

use crate::contention::together;
use crate::engines::every_engine;
use crate::support::{Db, at, figures, project};

fn id(name: &str) -> ProjectId {
    ProjectId(name.to_owned())
}

/// A backup under limits, as the API makes one.
fn admit(
    database: &Database,
    request: BackupRequest,
    limits: &QuotaLimits,
) -> Result<(Point, Job), DbError> {
    database.run_blocking(|conn| {
        transaction(conn, |conn| {
            let demand = QuotaDemand::backup(request.instance_id);
            quota_reserve(conn, &request.project_id, &demand, limits)?;
            backup_request_create(conn, request.clone(), at(1))
        })
    })
}

fn defaults_count_until_a_project_has_its_own(db: Db) {
    let defaults = QuotaLimits { restore_points: Some(10), ..QuotaLimits::default() };
    let get = |name| db.run(|conn| quota_get(conn, &id(name), &defaults));
    assert_eq!(get("a"), defaults);
    db.run(|conn| quota_set(conn, &id("a"), QuotaResource::RestorePoints, Some(3), at(1)));
    db.run(|conn| quota_set(conn, &id("a"), QuotaResource::StoredBytes, Some(u64::MAX), at(1)));
    let own = QuotaLimits {
        restore_points: Some(3),
        stored_bytes: Some(i64::MAX as u64),
        ..QuotaLimits::default()
    };
    assert_eq!(get("a"), own);
    assert_eq!(get("b"), defaults);
    db.run(|conn| quota_set(conn, &id("a"), QuotaResource::RestorePoints, None, at(2)));
    assert_eq!(get("a"), QuotaLimits { restore_points: None, ..own }, "any number");
    for _ in 0..2 {
        db.run(|conn| quota_reset(conn, &id("a")));
        assert_eq!(get("a"), defaults);
    }
}

fn of_many_at_once_no_more_than_the_limit_get_in(db: Db) {
    const LIMIT: u64 = 11;
    let limits = QuotaLimits { restore_points: Some(LIMIT), ..QuotaLimits::default() };
    let admitted = together(&db, |_, database| {
        let mut mine = 0;
        for _ in 0..4 {
            // Another project is not held up for good, and has limits of its own.
            admit(database, db.backup_request("other"), &QuotaLimits::default()).unwrap();
            match admit(database, db.backup_request("a"), &limits) {
                Ok(_) => mine += 1,
                Err(error) => assert_eq!(error.kind(), ErrorKind::QuotaExceeded, "{error:?}"),
            }
        }
        mine
    });
    assert_eq!(admitted.iter().sum::<u64>(), LIMIT);
    let used = db.run(|conn| usage_get(conn, &id("a")));
    assert_eq!((used.restore_points, used.concurrent_jobs), (LIMIT, LIMIT));
    assert_eq!(db.run(|conn| usage_get(conn, &id("other"))).restore_points, 32);
}

fn the_last_place_of_every_resource_is_given_once(db: Db) {
    let none = QuotaLimits::default();
    for (name, limits) in [
        ("instances", QuotaLimits { instances: Some(1), ..none }),
        ("restore_points", QuotaLimits { restore_points: Some(1), ..none }),
        ("concurrent_jobs", QuotaLimits { concurrent_jobs: Some(1), ..none }),
    ] {
        let answers =
            together(&db, |_, database| admit(database, db.backup_request(name), &limits));
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{name}");
        for error in answers.into_iter().filter_map(Result::err) {
            match error {
                DbError::Quota { resource, limit: 1, used: 1, requested: 1 } => {
                    assert_eq!(resource, name);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn an_instance_counts_once_and_freed_places_are_free(db: Db) {
    let limits = QuotaLimits { instances: Some(1), concurrent_jobs: Some(1), ..Default::default() };
    let first = db.backup_request("a");
    let instance_id = first.instance_id;
    let (_, job) = admit(&db.database, first, &limits).unwrap();
    let again = || BackupRequest { instance_id, ..db.backup_request("a") };
    let refused = admit(&db.database, again(), &limits).unwrap_err();
    assert!(matches!(refused, DbError::Quota { resource: "concurrent_jobs", .. }), "{refused:?}");
    let claim = db.claim(job.id, 2);
    let end = JobEnd::PointCreated(figures(&["vda"]));
    db.run(|conn| job_finish(conn, &claim, &end, at(3)));
    // The same instance again is no further instance; another one is.
    let other = admit(&db.database, db.backup_request("a"), &limits).unwrap_err();
    assert!(matches!(other, DbError::Quota { resource: "instances", .. }), "{other:?}");
    admit(&db.database, again(), &limits).unwrap();
}

fn stored_bytes_stop_new_points_when_they_are_used_up(db: Db) {
    db.available("a", 1);
    let stored = db.run(|conn| usage_get(conn, &id("a"))).stored_bytes;
    assert_eq!(stored, 2);
    let limit = |bytes| QuotaLimits { stored_bytes: Some(bytes), ..Default::default() };
    let refused = admit(&db.database, db.backup_request("a"), &limit(stored)).unwrap_err();
    assert!(matches!(refused, DbError::Quota { resource: "stored_bytes", .. }));
    admit(&db.database, db.backup_request("a"), &limit(stored + 1)).unwrap();
}

fn a_place_is_reserved_inside_a_transaction_only(db: Db) {
    let demand = QuotaDemand::job();
    let limits = QuotaLimits::default();
    let kind = db.kind(|conn| quota_reserve(conn, &id("a"), &demand, &limits));
    assert_eq!(kind, ErrorKind::InvalidInput);
    db.run(|conn| quota_check(conn, &id("a"), &demand, &limits));
}

fn usage_is_each_projects_own(db: Db) {
    let nothing = ProjectUsage::default();
    assert_eq!(db.run(|conn| usage_get(conn, &id("a"))), nothing);
    assert_eq!(db.run(|conn| usage_list(conn, None, 10)), []);
    let point = db.available("a", 1);
    db.available("a", 2);
    let again = BackupRequest { instance_id: point.instance_id, ..db.backup_request("a") };
    db.fill(again, 3);
    db.backup("a", 4);
    db.restore(point.id, 5);
    db.available("b", 6);
    let a = ProjectUsage {
        instances: 3,
        restore_points: 4,
        virtual_bytes: 6000,
        unique_bytes: 60,
        stored_bytes: 6,
        concurrent_jobs: 2,
    };
    let b = ProjectUsage {
        instances: 1,
        restore_points: 1,
        virtual_bytes: 2000,
        unique_bytes: 20,
        stored_bytes: 2,
        concurrent_jobs: 0,
    };
    assert_eq!(db.run(|conn| usage_get(conn, &id("a"))), a);
    assert_eq!(db.run(|conn| usage_list(conn, None, 10)), [(id("a"), a), (id("b"), b)]);
    assert_eq!(db.run(|conn| usage_list(conn, None, 1)), [(id("a"), a)]);
    assert_eq!(db.run(|conn| usage_list(conn, Some(&id("a")), 10)), [(id("b"), b)]);
    // The same as adding up what the points say.
    let page = Page::first(99);
    let points = db.run(|c| point_list(c, &project("a"), &PointFilter::default(), &page));
    let total: u64 = points.iter().filter_map(|point| point.virtual_bytes).sum();
    assert_eq!(total, a.virtual_bytes);
}

every_engine!(
    defaults_count_until_a_project_has_its_own,
    of_many_at_once_no_more_than_the_limit_get_in,
    the_last_place_of_every_resource_is_given_once,
    an_instance_counts_once_and_freed_places_are_free,
    stored_bytes_stop_new_points_when_they_are_used_up,
    a_place_is_reserved_inside_a_transaction_only,
    usage_is_each_projects_own,
);
