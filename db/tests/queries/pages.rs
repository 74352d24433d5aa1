//! Keyset pagination: whatever the order and the page size, every row comes exactly once.

use firn_core::*;
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{Db, at, project};

const BOTH: [Direction; 2] = [Direction::Ascending, Direction::Descending];

/// Walks all pages and checks them against one large page; returns the ids.
fn walk<Id: Copy + PartialEq + std::fmt::Debug, Sort: Copy>(
    sort: Sort,
    direction: Direction,
    list: impl Fn(&Page<Id, Sort>) -> Vec<Id>,
) -> Vec<Id> {
    let whole = list(&Page { limit: 1000, marker: None, sort, direction });
    for limit in [1, 2, 3, 7] {
        let (mut seen, mut marker) = (Vec::new(), None);
        loop {
            let page = list(&Page { limit, marker, sort, direction });
            assert!(page.len() <= limit as usize);
            marker = page.last().copied();
            seen.extend(page);
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, whole, "{direction:?} by {limit}");
    }
    whole
}

/// Checks that `rows` are in the order of (key, id).
fn in_order<T, K: Ord>(rows: &[T], direction: Direction, key: impl Fn(&T) -> K) {
    let keys = rows.iter().map(key);
    match direction {
        Direction::Ascending => assert!(keys.is_sorted()),
        Direction::Descending => assert!(keys.is_sorted_by(|a, b| a >= b)),
    }
}

fn points_in_every_order(db: Db) {
    // Many rows share a key, so the id has to decide.
    for n in 0..11 {
        let instance_name = format!("vm{}", n % 3);
        let name = (n % 4 != 0).then(|| format!("n{}", n % 3));
        let request = BackupRequest { instance_name, name, ..db.backup_request("a") };
        if n % 2 == 0 {
            db.fill(request, n / 4);
        } else {
            db.run(|conn| backup_request_create(conn, request, at(n / 4)));
        }
        db.backup("b", n);
    }
    for direction in BOTH {
        for sort in [
            PointSort::CreatedAt,
            PointSort::UpdatedAt,
            PointSort::InstanceName,
            PointSort::State,
            PointSort::Name,
            PointSort::VirtualBytes,
        ] {
            let scope = project("a");
            let ids = walk(sort, direction, |page| {
                let filter = PointFilter::default();
                let rows = db.run(|conn| point_list(conn, &scope, &filter, page));
                rows.iter().map(|row| row.id).collect()
            });
            assert_eq!(ids.len(), 11);
            let rows: Vec<_> = ids.iter().map(|id| db.point(*id)).collect();
            let state = |row: &Point| format!("{:?}", row.state).to_lowercase();
            match sort {
                PointSort::CreatedAt => in_order(&rows, direction, |row| (row.created_at, row.id)),
                PointSort::UpdatedAt => in_order(&rows, direction, |row| (row.updated_at, row.id)),
                PointSort::InstanceName => {
                    in_order(&rows, direction, |row| (row.instance_name.clone(), row.id));
                }
                PointSort::State => in_order(&rows, direction, |row| (state(row), row.id)),
                PointSort::Name => in_order(&rows, direction, |row| (row.name.clone(), row.id)),
                PointSort::VirtualBytes => {
                    in_order(&rows, direction, |row| (row.virtual_bytes, row.id));
                }
            }
        }
    }
}

fn jobs_in_every_order(db: Db) {
    for n in 0..6 {
        let point = db.available("a", n / 2);
        if n % 3 == 0 {
            db.restore(point.id, n);
        }
    }
    for direction in BOTH {
        for sort in [JobSort::CreatedAt, JobSort::UpdatedAt, JobSort::Kind, JobSort::State] {
            let ids = walk(sort, direction, |page| {
                let filter = JobFilter::default();
                let rows = db.run(|conn| job_list(conn, &Scope::All, &filter, page));
                rows.iter().map(|row| row.id).collect()
            });
            let rows: Vec<_> = ids.iter().map(|id| db.job(*id)).collect();
            assert_eq!(rows.len(), 8);
            match sort {
                JobSort::CreatedAt => in_order(&rows, direction, |row| (row.created_at, row.id)),
                JobSort::UpdatedAt => in_order(&rows, direction, |row| (row.updated_at, row.id)),
                JobSort::Kind => {
                    // `create_point` sorts before `restore`.
                    in_order(&rows, direction, |row| (row.kind == JobKind::Restore, row.id));
                }
                JobSort::State => {
                    // `queued` sorts before `succeeded`.
                    in_order(&rows, direction, |row| (row.state == JobState::Succeeded, row.id));
                }
            }
        }
    }
}

fn restores_and_repositories_in_every_order(db: Db) {
    let point = db.available("a", 0).id;
    for n in 0..5 {
        let (restore, _) = db.restore(point, n / 2);
        if n % 2 == 0 {
            db.run(|c| restore_finish(c, restore.id, RestoreEvent::Failed, None, at(9 - n)));
        }
        let new = NewRepository {
            id: RepositoryId::new(),
            name: format!("r{}", (n * 3) % 5),
            url: "file:///r".to_owned(),
            chunk_bytes: 65_536,
        };
        db.run(|conn| repository_create(conn, new, at(n / 2)));
    }
    for direction in BOTH {
        for sort in [RestoreSort::CreatedAt, RestoreSort::UpdatedAt, RestoreSort::State] {
            let ids = walk(sort, direction, |page| {
                let filter = RestoreFilter::default();
                let rows = db.run(|conn| restore_list(conn, &Scope::All, &filter, page));
                rows.iter().map(|row| row.id).collect()
            });
            let get = |id: &RestoreId| db.run(|conn| restore_get(conn, &Scope::All, *id));
            let rows: Vec<_> = ids.iter().map(get).collect();
            assert_eq!(rows.len(), 5);
            match sort {
                RestoreSort::CreatedAt => {
                    in_order(&rows, direction, |row| (row.created_at, row.id))
                }
                RestoreSort::UpdatedAt => {
                    in_order(&rows, direction, |row| (row.updated_at, row.id))
                }
                RestoreSort::State => {
                    // `error` sorts before `restoring`.
                    in_order(&rows, direction, |row| (row.finished_at.is_none(), row.id));
                }
            }
        }
        for sort in [RepositorySort::CreatedAt, RepositorySort::Name] {
            let ids = walk(sort, direction, |page| {
                let rows = db.run(|conn| repository_list(conn, page));
                rows.iter().map(|row| row.id).collect()
            });
            let get = |id: &RepositoryId| db.run(|conn| repository_get(conn, *id));
            let rows: Vec<_> = ids.iter().map(get).collect();
            assert_eq!(rows.len(), 6);
            match sort {
                RepositorySort::CreatedAt => {
                    in_order(&rows, direction, |row| (row.created_at, row.id));
                }
                RepositorySort::Name => in_order(&rows, direction, |row| row.name.clone()),
            }
        }
    }
}

fn fractions_of_a_second_sort_as_times_do(db: Db) {
    use chrono::TimeDelta;
    // Texts of different lengths in SQLite: none, three and six digits.
    let micros = [0, 1, 10, 999, 1_000, 1_001, 500_000, 500_001, 999_999, 1_000_000];
    let start = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    for n in micros {
        let request = db.backup_request("a");
        // Nanoseconds are cut off, in what is returned as in what is stored.
        let time = start + TimeDelta::microseconds(n) + TimeDelta::nanoseconds(7);
        let (point, job) = db.run(|conn| backup_request_create(conn, request, time));
        assert_eq!(db.point(point.id), point);
        assert_eq!(db.job(job.id), job);
    }
    let page = Page { direction: Direction::Ascending, ..Page::first(99) };
    let rows = db.run(|c| point_list(c, &Scope::All, &PointFilter::default(), &page));
    let found: Vec<_> =
        rows.iter().map(|row| (row.created_at - start).num_microseconds().unwrap()).collect();
    assert_eq!(found, micros);
}

fn points_by_every_filter(db: Db) {
    let named = BackupRequest {
        name: Some("nightly".to_owned()),
        instance_name: "db".to_owned(),
        mode: BackupMode::Incremental,
        ..db.backup_request("a")
    };
    let wanted = db.run(|conn| backup_request_create(conn, named, at(1))).0;
    db.available("a", 2);
    for filter in [
        PointFilter { instance_id: Some(wanted.instance_id), ..Default::default() },
        PointFilter { state: Some(PointState::Creating), ..Default::default() },
        PointFilter { mode: Some(BackupMode::Incremental), ..Default::default() },
        PointFilter { name: Some("nightly".to_owned()), ..Default::default() },
        PointFilter { instance_name: Some("db".to_owned()), ..Default::default() },
        PointFilter { job_id: Some(wanted.job_id), ..Default::default() },
    ] {
        let rows = db.run(|conn| point_list(conn, &Scope::All, &filter, &Page::first(9)));
        assert_eq!(rows, std::slice::from_ref(&wanted), "{filter:?}");
    }
    // From a time on, and before a time.
    for (since, until, count) in [
        (None, None, 2),
        (Some(1), None, 2),
        (Some(2), None, 1),
        (None, Some(2), 1),
        (Some(2), Some(2), 0),
    ] {
        let filter = PointFilter {
            created_since: since.map(at),
            created_until: until.map(at),
            ..Default::default()
        };
        let rows = db.run(|conn| point_list(conn, &Scope::All, &filter, &Page::first(9)));
        assert_eq!(rows.len(), count, "{filter:?}");
    }
    let planned = PointFilter { plan_id: Some(PlanId::new()), ..Default::default() };
    assert_eq!(db.run(|c| point_list(c, &Scope::All, &planned, &Page::first(9))), []);
    let here = PointFilter { repository_id: Some(db.repository), ..Default::default() };
    assert_eq!(db.run(|c| point_list(c, &Scope::All, &here, &Page::first(9))).len(), 2);
    let elsewhere = PointFilter { repository_id: Some(RepositoryId::new()), ..here };
    assert_eq!(db.run(|c| point_list(c, &Scope::All, &elsewhere, &Page::first(9))), []);
    let like = PointFilter { name: Some("night%".to_owned()), ..Default::default() };
    assert_eq!(db.run(|c| point_list(c, &Scope::All, &like, &Page::first(9))), []);
}

fn jobs_by_every_filter(db: Db) {
    let point = db.available("a", 1);
    let (restore, wanted) = db.restore(point.id, 3);
    for filter in [
        JobFilter { kind: Some(JobKind::Restore), ..Default::default() },
        JobFilter { state: Some(JobState::Queued), ..Default::default() },
        JobFilter { finished: Some(false), ..Default::default() },
        JobFilter { resource_id: Some(restore.id.0), ..Default::default() },
    ] {
        let rows = db.run(|conn| job_list(conn, &Scope::All, &filter, &Page::first(9)));
        assert_eq!(rows, std::slice::from_ref(&wanted), "{filter:?}");
    }
    for (filter, count) in [
        (JobFilter { finished: Some(true), ..Default::default() }, 1),
        (JobFilter { instance_id: Some(point.instance_id), ..Default::default() }, 2),
        (JobFilter { repository_id: Some(db.repository), ..Default::default() }, 2),
        (JobFilter { repository_id: Some(RepositoryId::new()), ..Default::default() }, 0),
        (JobFilter { request_id: Some("req-2".to_owned()), ..Default::default() }, 1),
        (JobFilter { created_since: Some(at(3)), ..Default::default() }, 1),
        (JobFilter { created_until: Some(at(3)), ..Default::default() }, 1),
    ] {
        let rows = db.run(|conn| job_list(conn, &Scope::All, &filter, &Page::first(9)));
        assert_eq!(rows.len(), count, "{filter:?}");
    }
}

fn a_marker_nobody_knows_is_the_callers_mistake(db: Db) {
    fn after<Id, Sort: Default>(id: Id) -> Page<Id, Sort> {
        Page { marker: Some(id), ..Page::first(5) }
    }
    let all = Scope::All;
    for kind in [
        db.kind(|c| point_list(c, &all, &PointFilter::default(), &after(PointId::new()))),
        db.kind(|c| job_list(c, &all, &JobFilter::default(), &after(JobId::new()))),
        db.kind(|c| restore_list(c, &all, &RestoreFilter::default(), &after(RestoreId::new()))),
        db.kind(|c| repository_list(c, &after(RepositoryId::new()))),
    ] {
        assert_eq!(kind, ErrorKind::InvalidInput);
    }
}

every_engine!(
    points_in_every_order,
    fractions_of_a_second_sort_as_times_do,
    jobs_in_every_order,
    restores_and_repositories_in_every_order,
    points_by_every_filter,
    jobs_by_every_filter,
    a_marker_nobody_knows_is_the_callers_mistake,
);
