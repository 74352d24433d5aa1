//! The process dies by SIGKILL: what was answered stays, what was not complete is not there.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use firn_core::*;
use firn_db::*;

use crate::support::{Db, at, figures, lease};

const URL: &str = "FIRN_DB_TEST_URL";

/// Runs one test of this binary as a process of its own, as the child that its first lines are.
fn child(test: &str, db: &Db) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(URL, &db.place.url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The ids that a child said before it died.
fn said(child: &mut Child, until: usize) -> Vec<String> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ids = Vec::new();
    while let Some(Ok(line)) = lines.next() {
        ids.extend(line.strip_prefix("firn: ").map(str::to_owned));
        if ids.len() == until {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    ids
}

fn say(text: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nfirn: {text}").unwrap();
    out.flush().unwrap();
}

fn cut_short(engine: Engine, test: &str) {
    if let Ok(url) = std::env::var(URL) {
        // The child: everything written, nothing committed.
        let database = Database::open(&url).unwrap();
        let page = Page::first(1);
        let repository = database.run_blocking(|c| repository_list(c, &page)).unwrap()[0].id;
        let _: Result<(), DbError> = database.run_blocking(|conn| {
            transaction(conn, |conn| {
                let request = BackupRequest {
                    point_id: PointId::new(),
                    job_id: JobId::new(),
                    project_id: ProjectId::standalone(),
                    instance_id: InstanceId::new(),
                    instance_name: "web".to_owned(),
                    name: None,
                    description: None,
                    repository_id: repository,
                    mode: BackupMode::Full,
                    spec: serde_json::Value::Null,
                    request_id: "req".to_owned(),
                };
                let (_, job) = backup_request_create(conn, request, at(1))?;
                job_claim(conn, job.id, "child", lease(), at(1))?.unwrap();
                say(job.id);
                std::thread::sleep(Duration::from_secs(60));
                panic!("the parent should have killed this process");
            })
        });
        return;
    }
    let db = Db::new(engine);
    let kept = db.available("a", 1);
    let mut child = child(&format!("crash::a_transaction_cut_short_never_was::{test}"), &db);
    let ids = said(&mut child, 1);
    let job: JobId = ids[0].parse().unwrap();
    assert_eq!(db.kind(|conn| job_get(conn, &Scope::All, job)), ErrorKind::NotFound);
    let points = db.run(|c| point_list(c, &Scope::All, &PointFilter::default(), &Page::first(9)));
    assert_eq!(points, [kept]);
    // The lock died with its holder.
    db.backup("a", 2);
}

fn killed(engine: Engine, test: &str) {
    if let Ok(url) = std::env::var(URL) {
        // The child: full lives of points, as fast as it can.
        let database = Database::open(&url).unwrap();
        let page = Page::first(1);
        let repository = database.run_blocking(|c| repository_list(c, &page)).unwrap()[0].id;
        for n in 0.. {
            let request = BackupRequest {
                point_id: PointId::new(),
                job_id: JobId::new(),
                project_id: ProjectId::standalone(),
                instance_id: InstanceId::new(),
                instance_name: "web".to_owned(),
                name: None,
                description: None,
                repository_id: repository,
                mode: BackupMode::Full,
                spec: serde_json::Value::Null,
                request_id: "req".to_owned(),
            };
            let job = request.job_id;
            database.run_blocking(|c| backup_request_create(c, request, at(n))).unwrap();
            let claim = database
                .run_blocking(|c| job_claim(c, job, "child", lease(), at(n)))
                .unwrap()
                .unwrap()
                .claim;
            database.run_blocking(|c| job_step_start(c, &claim, 0, "read", at(n))).unwrap();
            let end = JobEnd::PointCreated(figures(&["vda", "vdb"]));
            database.run_blocking(|c| job_finish(c, &claim, &end, at(n))).unwrap();
            say(job);
        }
        return;
    }
    let db = Db::new(engine);
    let mut answered = 0;
    for round in 0..8 {
        let test = format!("crash::killed_at_any_moment_jobs_and_points_agree::{test}");
        let mut process = child(&test, &db);
        // In the middle of whatever comes after that many answers.
        let ids = said(&mut process, 1 + round * 3);
        // A server may still be at what it was told last.
        if engine != Engine::Sqlite {
            std::thread::sleep(Duration::from_millis(300));
        }
        answered += ids.len();
        for id in ids {
            let job = db.job(id.parse().unwrap());
            assert_eq!(job.state, JobState::Succeeded, "what was answered stays");
        }
        let jobs = db.run(|c| job_list(c, &Scope::All, &JobFilter::default(), &Page::first(9999)));
        let points =
            db.run(|c| point_list(c, &Scope::All, &PointFilter::default(), &Page::first(9999)));
        let whole: std::collections::HashSet<_> = jobs.iter().map(|job| job.resource_id).collect();
        for point in &points {
            assert!(whole.contains(&point.id.0), "no point without its job");
        }

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
        // Whatever was cut short can be taken over.
        let open = db.run(|c| jobs_claimable(c, at(99_999), 99));
        for job in open {
            let claim =
                db.run(|c| job_claim(c, job.id, "heir", lease(), at(99_999))).unwrap().claim;
            db.run(|conn| job_unwind(conn, &claim, None, at(99_999)));
            db.run(|conn| job_finish(conn, &claim, &JobEnd::Unwound, at(99_999)));
            let event = PointEvent::DeleteRequested;
            let point = db.point(PointId(job.resource_id));
            db.run(|conn| point_transition(conn, &point, event, None, at(99_999)));
            db.run(|conn| point_delete(conn, point.id));
        }
        let left =
            db.run(|c| point_list(c, &Scope::All, &PointFilter::default(), &Page::first(9999)));
        assert!(left.len() >= answered);
        assert!(integrity(&db), "the file is sound");
    }
    assert!(answered > 50, "the rounds did real work: {answered}");
}

fn integrity(db: &Db) -> bool {
    use diesel::prelude::*;
    if db.place.engine != Engine::Sqlite {
        return true;
    }
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = diesel::sql_types::Text)]
        integrity_check: String,
    }
    let answers: Vec<Answer> = db.run(|c| Ok(diesel::sql_query("PRAGMA integrity_check").load(c)?));
    answers.len() == 1 && answers[0].integrity_check == "ok"
}

/// The functions know whether they are the child, and which test to start as one.
macro_rules! every_engine_with_child {
    ($($name:ident => $run:ident),+) => { $(
        mod $name {
            use firn_db::Engine;

            #[test]
            fn sqlite() {
                super::$run(Engine::Sqlite, "sqlite");
            }
            #[test]
            fn mariadb() {
                super::$run(Engine::Mysql, "mariadb");
            }
            #[test]
            fn postgresql() {
                super::$run(Engine::Postgresql, "postgresql");
            }
        }
    )+ };
}

every_engine_with_child!(
    a_transaction_cut_short_never_was => cut_short,
    killed_at_any_moment_jobs_and_points_agree => killed
);
