use chrono::TimeDelta;
use firn_core::ErrorKind;
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{Db, at};

const NAME: &str = "scheduler";

fn length() -> TimeDelta {
    TimeDelta::seconds(30)
}

fn acquire(db: &Db, owner: &str, seconds: i64) -> Option<Lease> {
    db.run(|conn| lease_acquire(conn, NAME, owner, length(), at(seconds)))
}

fn one_holds_it_until_it_ends(db: Db) {
    let first = acquire(&db, "a", 0).unwrap();
    assert_eq!((first.generation, first.until), (1, at(30)));
    assert_eq!(acquire(&db, "b", 29), None);
    let other = db.run(|conn| lease_acquire(conn, "other", "b", length(), at(0)));
    assert!(other.is_some(), "another name is another lease");
    let second = acquire(&db, "b", 30).unwrap();
    assert_eq!(second.generation, 2);
    assert_eq!(acquire(&db, "a", 31), None);
    // The first one learns that it lost.
    assert_eq!(db.run(|conn| lease_renew(conn, &first, length(), at(31))), None);
    assert_eq!(db.kind(|conn| lease_fence(conn, &first, at(31))), ErrorKind::Conflict);
    db.run(|conn| lease_fence(conn, &second, at(31)));
}

fn renewing_extends_it_and_an_ended_one_fences_nothing(db: Db) {
    let lease = acquire(&db, "a", 0).unwrap();
    let lease = db.run(|conn| lease_renew(conn, &lease, length(), at(20))).unwrap();
    assert_eq!(lease.until, at(50));
    assert_eq!(acquire(&db, "b", 49), None);
    db.run(|conn| lease_fence(conn, &lease, at(49)));
    assert_eq!(db.kind(|conn| lease_fence(conn, &lease, at(50))), ErrorKind::Conflict);
    // Nobody took it, so it may go on.
    let lease = db.run(|conn| lease_renew(conn, &lease, length(), at(60))).unwrap();
    db.run(|conn| lease_fence(conn, &lease, at(61)));
}

fn a_restarted_owner_takes_over_from_itself(db: Db) {
    let before = acquire(&db, "a", 0).unwrap();
    let after = acquire(&db, "a", 1).unwrap();
    assert_eq!(after.generation, 2);
    assert_eq!(db.kind(|conn| lease_fence(conn, &before, at(2))), ErrorKind::Conflict);
    db.run(|conn| lease_fence(conn, &after, at(2)));
}

fn giving_it_back_lets_the_next_one_in_at_once(db: Db) {
    let lease = acquire(&db, "a", 0).unwrap();
    db.run(|conn| lease_release(conn, &lease, at(1)));
    assert_eq!(db.kind(|conn| lease_fence(conn, &lease, at(1))), ErrorKind::Conflict);
    let next = acquire(&db, "b", 1).unwrap();
    // Too late: it is another's.
    db.run(|conn| lease_release(conn, &lease, at(2)));
    db.run(|conn| lease_fence(conn, &next, at(2)));
}

fn of_many_at_once_one_gets_it(db: Db) {
    for round in 0..5 {
        let now = at(round * 100);
        let got = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..8)
                .map(|number| {
                    let database = db.database.clone();
                    scope.spawn(move || {
                        let owner = format!("c{number}");
                        database
                            .run_blocking(|conn| lease_acquire(conn, NAME, &owner, length(), now))
                            .unwrap()
                    })
                })
                .collect();
            tries.into_iter().filter_map(|handle| handle.join().unwrap()).count()
        });
        assert_eq!(got, 1, "round {round}");
    }
}

every_engine!(
    one_holds_it_until_it_ends,
    renewing_extends_it_and_an_ended_one_fences_nothing,
    a_restarted_owner_takes_over_from_itself,
    giving_it_back_lets_the_next_one_in_at_once,
    of_many_at_once_one_gets_it,
);
