//! Many writers at once. Half of them share a pool, as threads of one process do; the other
//! half open the database themselves, as other processes do.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use firn_core::*;
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{Db, at, lease};

const THREADS: usize = 8;

fn databases(db: &Db) -> Vec<Database> {
    (0..THREADS)
        .map(
            |n| {
                if n % 2 == 0 {
                    db.database.clone()
                } else {
                    Database::open(&db.place.url).unwrap()
                }
            },
        )
        .collect()
}

/// Runs `work` on all threads at once and gathers what they return.
pub(crate) fn together<T: Send>(db: &Db, work: impl Fn(usize, &Database) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        let handles: Vec<_> = databases(db)
            .into_iter()
            .enumerate()
            .map(|(n, database)| {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    work(n, &database)
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    })
}

fn one_claimer_wins(db: Db) {
    for round in 0..5 {
        let (_, job) = db.backup("a", round);
        let won = together(&db, |n, database| {
            let owner = format!("conductor-{n}");
            database.run_blocking(|c| job_claim(c, job.id, &owner, lease(), at(50))).unwrap()
        });
        let won: Vec<_> = won.into_iter().flatten().collect();
        assert_eq!(won.len(), 1);
        assert_eq!(db.job(job.id), won[0].job);
    }
}

fn a_queue_is_shared_out_without_loss_or_doubles(db: Db) {
    let jobs: HashSet<_> = (0..40).map(|n| db.backup("a", n).1.id).collect();
    let taken = together(&db, |n, database| {
        let owner = format!("conductor-{n}");
        let mut mine = Vec::new();
        while let Some(claimed) =
            database.run_blocking(|conn| job_claim_next(conn, &owner, lease(), at(50))).unwrap()
        {
            mine.push(claimed.claim.job_id);
        }
        mine
    });
    let all: Vec<_> = taken.into_iter().flatten().collect();
    assert_eq!(all.len(), jobs.len());
    assert_eq!(all.into_iter().collect::<HashSet<_>>(), jobs);
}

fn reading_before_writing_never_ends_in_busy_or_a_lost_update(db: Db) {
    let point = db.available("a", 1);
    const ROUNDS: u64 = 25;
    together(&db, |n, database| {
        for round in 0..ROUNDS {
            // Reads the row, then writes what it read plus one.
            let update =
                PointUpdate { name: Some(Some(format!("{n}/{round}"))), description: None };
            database
                .run_blocking(|c| point_update(c, &Scope::All, point.id, &update, at(9)))
                .unwrap();
        }
    });
    assert_eq!(db.point(point.id).generation, point.generation + ROUNDS * THREADS as u64);
}

fn a_point_is_either_restored_or_deleted(db: Db) {
    for round in 0..5 {
        let point = db.available("a", round);
        let answers = together(&db, |n, database| {
            database.run_blocking(|conn| {
                if n < 4 {
                    let request = crate::support::restore_request(point.id);
                    restore_request_create(conn, &Scope::All, request, at(9)).map(|_| "restore")
                } else {
                    let request = crate::support::point_request(point.id);
                    point_delete_request(conn, &Scope::All, request, at(9)).map(|_| "delete")
                }
            })
        });
        let mut done = Vec::new();
        for answer in answers {
            match answer {
                Ok(what) => done.push(what),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
            }
        }
        assert!(
            done == ["delete"] || done.iter().all(|what| *what == "restore"),
            "restores and deletions of one point: {done:?}"
        );
        assert!(!done.is_empty());
    }
}

fn a_writer_that_waits_too_long_is_told_to_try_again(db: Db) {
    let point = db.available("a", 1);
    let update = PointUpdate { name: Some(Some("x".to_owned())), description: None };
    let change = |conn: &mut Connection| point_update(conn, &Scope::All, point.id, &update, at(9));
    let wait = std::time::Duration::from_millis(200);
    let options = PoolOptions { lock_wait: wait, ..Default::default() };
    let impatient = Database::open_with(&db.place.url, &options).unwrap();
    let error = db.run(|conn| {
        transaction(conn, |conn| {
            change(conn)?;
            Ok(impatient.run_blocking(change).unwrap_err())
        })
    });
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    // Readers do not wait for writers.
    db.run(|conn| {
        transaction(conn, |conn| {
            change(conn)?;
            impatient.run_blocking(|c| point_get(c, &Scope::All, point.id))
        })
    });
}

fn a_used_up_pool_is_unavailable(db: Db) {
    let wait = std::time::Duration::from_millis(200);
    let options = PoolOptions { size: 1, overflow: 0, wait, ..Default::default() };
    let small = Database::open_with(&db.place.url, &options).unwrap();
    let error = small
        .run_blocking(|_| Ok(small.run_blocking(|c| repository_get(c, db.repository)).unwrap_err()))
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

fn a_failed_transaction_inside_another_undoes_only_its_own(db: Db) {
    let (kept, undone) = (db.backup_request("a"), db.backup_request("a"));
    let (kept_id, undone_id) = (kept.point_id, undone.point_id);
    db.run(|conn| {
        transaction(conn, |conn| {
            backup_request_create(conn, kept.clone(), at(1))?;
            let inner: Result<(), DbError> = transaction(conn, |conn| {
                backup_request_create(conn, undone.clone(), at(1))?;
                point_get(conn, &Scope::All, PointId::new()).map(drop)
            });
            assert_eq!(inner.unwrap_err().kind(), ErrorKind::NotFound);
            Ok(())
        })
    });
    assert_eq!(db.point(kept_id).id, kept_id);
    assert_eq!(db.kind(|conn| point_get(conn, &Scope::All, undone_id)), ErrorKind::NotFound);
}

every_engine!(
    one_claimer_wins,
    a_queue_is_shared_out_without_loss_or_doubles,
    reading_before_writing_never_ends_in_busy_or_a_lost_update,
    a_point_is_either_restored_or_deleted,
    a_writer_that_waits_too_long_is_told_to_try_again,
    a_used_up_pool_is_unavailable,
    a_failed_transaction_inside_another_undoes_only_its_own,
);
