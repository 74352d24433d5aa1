//! Deadlocks, and servers that die, stand still and come back, under load.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use firn_core::*;
use firn_db::*;
use firn_ground::Server;

use crate::contention::together;
use crate::engines::{Place, every_engine};
use crate::support::{Db, at, figures, lease};

/// Threads take the same two rows in opposite orders, and wait in between.
fn deadlocks_are_run_again_and_nobody_sees_them(db: Db) {
    let points = [db.available("a", 1), db.available("a", 2)];
    let runs = AtomicUsize::new(0);
    const ROUNDS: usize = 2;
    const THREADS: usize = 8;
    together(&db, |n, database| {
        for round in 0..ROUNDS {
            let mut order = [points[0].id, points[1].id];
            if n % 2 == 0 {
                order.reverse();
            }
            let name = Some(Some(format!("{n}/{round}")));
            let update = PointUpdate { name, description: None };
            database
                .run_blocking(|conn| {
                    transaction(conn, |conn| {
                        runs.fetch_add(1, Ordering::Relaxed);
                        point_update(conn, &Scope::All, order[0], &update, at(9))?;
                        thread::sleep(Duration::from_millis(20));
                        point_update(conn, &Scope::All, order[1], &update, at(9))
                    })
                })
                .unwrap();
        }
    });
    let written = (ROUNDS * THREADS) as u64;
    for before in &points {
        assert_eq!(db.point(before.id).generation, before.generation + written);
    }
    let names = points.each_ref().map(|point| db.point(point.id).name);
    assert_eq!(names[0], names[1], "each transaction wrote both or none");
    let runs = runs.load(Ordering::Relaxed);
    if db.place.engine == Engine::Sqlite {
        assert_eq!(runs, ROUNDS * THREADS, "one writer at a time meets nobody");
    } else {
        assert!(runs > ROUNDS * THREADS, "there were deadlocks: {runs}");
    }
}

every_engine!(deadlocks_are_run_again_and_nobody_sees_them);

/// One life of a point after the other; counts those that were answered in full.
fn live(db: &Db, database: &Database, stop: &AtomicBool, done: &AtomicUsize) -> Vec<JobId> {
    let mut answered = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let request = db.backup_request("a");
        let job = request.job_id;
        let life = || {
            database.run_blocking(|c| backup_request_create(c, request, at(1)))?;
            let claimed = database.run_blocking(|c| job_claim(c, job, "one", lease(), at(2)))?;
            let claim = claimed.expect("nobody else wants it").claim;
            database.run_blocking(|c| job_step_start(c, &claim, 0, "read", at(3)))?;
            let end = JobEnd::PointCreated(figures(&["vda", "vdb"]));
            database.run_blocking(|c| job_finish(c, &claim, &end, at(4)))
        };
        match life() {
            Ok(_) => {
                answered.push(job);
                done.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
    answered
}

/// What was answered is there; what was not is there as a whole or not at all.
fn check(db: &Db, answered: &[JobId]) {
    for job in answered {
        assert_eq!(db.job(*job).state, JobState::Succeeded, "what was answered stays");
    }
    const ALL: u32 = 100_000;
    let jobs = db.run(|c| job_list(c, &Scope::All, &JobFilter::default(), &Page::first(ALL)));
    let points = db.run(|c| point_list(c, &Scope::All, &PointFilter::default(), &Page::first(ALL)));
    assert_eq!(jobs.len(), points.len(), "no job without its point, no point without its job");
    for point in points {
        let job = db.job(point.job_id);
        let disks = point.disks.map_or(0, |disks| disks.list().unwrap().len());
        match point.state {
            PointState::Available => {
                assert_eq!((job.state, disks), (JobState::Succeeded, 2));
                assert_eq!(point.virtual_bytes, Some(2000));
            }
            PointState::Creating => assert!(!job.state.finished() && disks == 0),
            other => panic!("{other:?}"),
        }
    }
}

fn killed_and_started_again(engine: Engine, name: &str) {
    let mut server = Server::start(name);
    let db = Db::at(Place::on(engine, server.text("url").to_owned()));
    let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let answered = thread::scope(|scope| {
        let workers: Vec<_> = (0..6)
            .map(|n| {
                let own = if n < 4 { db.database.clone() } else { open(&db) };
                let (db, stop, done) = (&db, &stop, &done);
                scope.spawn(move || live(db, &own, stop, done))
            })
            .collect();
        let count = || done.load(Ordering::Relaxed);
        let more_than = |before: usize, patience: u64| {
            let started = Instant::now();
            while count() <= before + 6 {
                let waited = started.elapsed();
                assert!(waited < Duration::from_secs(patience), "no recovery in {waited:?}");
                thread::sleep(Duration::from_millis(20));
            }
        };
        more_than(0, 30);
        for round in 0..3 {
            thread::sleep(Duration::from_millis(200 + round * 150));
            server.kill();
            let died = count();
            thread::sleep(Duration::from_millis(500));
            assert!(count() <= died + 6, "nothing is answered without a server");
            server.start_again();
            more_than(count(), 10);
        }
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(answered.len() > 20, "{}", answered.len());
    check(&db, &answered);
}

fn open(db: &Db) -> Database {
    Database::open(&db.place.url).unwrap()
}

#[test]
fn mariadb_killed_and_started_again_under_load() {
    killed_and_started_again(Engine::Mysql, "mariadb");
}

#[test]
fn postgresql_killed_and_started_again_under_load() {
    killed_and_started_again(Engine::Postgresql, "postgresql");
}

/// A server that stands still costs each caller its deadline and no more, and goes on by itself.
fn frozen_and_thawed(engine: Engine, name: &str) {
    let mut server = Server::start(name);
    let db = Db::at(Place::on(engine, server.text("url").to_owned()));
    let deadline = Duration::from_millis(500);
    let options = PoolOptions { deadline, ..PoolOptions::default() };
    let database = Database::open_with(&db.place.url, &options).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let repository = db.repository;
    let get = || runtime.block_on(database.run(move |c| repository_get(c, repository)));
    get().unwrap();
    server.freeze();
    for _ in 0..3 {
        let started = Instant::now();
        assert_eq!(get().unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(started.elapsed() < Duration::from_secs(2));
    }
    server.thaw();
    let started = Instant::now();
    while get().is_err() {
        assert!(started.elapsed() < Duration::from_secs(10), "no recovery");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn mariadb_frozen_and_thawed() {
    frozen_and_thawed(Engine::Mysql, "mariadb");
}

#[test]
fn postgresql_frozen_and_thawed() {
    frozen_and_thawed(Engine::Postgresql, "postgresql");
}

/// A server that ends the idle connections, as firewalls and administrators do, is not noticed.
fn idle_connections_that_died_are_not_used(db: Db) {
    use diesel::prelude::*;
    let sql = match db.place.engine {
        Engine::Sqlite => return,
        Engine::Mysql => {
            #[derive(QueryableByName)]
            struct Id {
                #[diesel(sql_type = diesel::sql_types::BigInt)]
                id: i64,
            }
            let sql = "SELECT CAST(CONNECTION_ID() AS SIGNED) AS id";
            let ids: Vec<Id> = db.run(|conn| Ok(diesel::sql_query(sql).load(conn)?));
            format!("KILL {}", ids[0].id)
        }
        Engine::Postgresql => "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()"
            .to_owned(),
    };
    let killer = open(&db);
    killer
        .run_blocking(|conn| {
            use diesel::connection::SimpleConnection;
            Ok(conn.batch_execute(&sql)?)
        })
        .unwrap();
    // Long enough not to be trusted unasked.
    thread::sleep(Duration::from_millis(1200));
    assert_eq!(db.run(|conn| repository_get(conn, db.repository)).id, db.repository);
}

every_engine!(idle_connections_that_died_are_not_used);
