//! The schema is brought up to date from nothing, and from what the first version made, with its
//! rows.

use std::fs;
use std::path::Path;

use diesel::connection::SimpleConnection;
use firn_core::*;
use firn_db::*;

use crate::contention::together;
use crate::engines::{Place, every_engine};
use crate::support::{Db, at};

fn set(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "sqlite",
        Engine::Mysql => "mysql",
        Engine::Postgresql => "postgres",
    }
}

/// The first version's schema, and rows of every table as it wrote them.
fn first_version(place: Place) -> (Place, Database) {
    let up = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(set(place.engine))
        .join("2026-11-23-000001_initial/up.sql");
    let up = fs::read_to_string(up).unwrap();
    let database = Database::open(&place.url).unwrap();
    assert!(database.migrations().unwrap().iter().all(|migration| !migration.applied));
    database
        .run_blocking(|conn| {
            conn.batch_execute(&up)?;
            conn.batch_execute(
                "INSERT INTO __diesel_schema_migrations (version) VALUES ('20261123000001')",
            )?;
            Ok(conn.batch_execute(ROWS)?)
        })
        .unwrap();
    (place, database)
}

const REPOSITORY: &str = "5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a01";
const POINT: &str = "5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a02";
const JOB: &str = "5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a03";
const RESTORE: &str = "5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a05";

const ROWS: &str = "
    INSERT INTO repositories VALUES ('5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a01', 'default',
        'file:///r', 262144, 'available', NULL, 100, 50, 10, 2000,
        '2026-11-01 10:00:00.000001', '2026-11-01 10:00:00.000001');
    INSERT INTO restore_points VALUES ('5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a02', 'standalone',
        '5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a04', 'wéb', 'nightly', NULL,
        '5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a01', 'full', 'available', 'crash',
        '5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a03', NULL, 2000, 200, 20, 2, NULL, 1,
        '2026-11-01 10:00:00.123456', '2026-11-01 10:00:09.000000', '2026-11-01 10:00:09.000000');
    INSERT INTO restore_point_disks VALUES ('5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a06',
        '5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a02', 'vda', 'root', 'file', 2000, 200, 20, 2);
    INSERT INTO restores VALUES ('5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a05', 'standalone',
        '5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a02', '5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a07',
        '{\"type\":\"file\",\"name\":\"copy\"}', 'restoring', NULL,
        '2026-11-01 11:00:00.000000', '2026-11-01 11:00:00.000000', NULL);
    INSERT INTO jobs VALUES ('5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a03', 'standalone', 'create_point',
        'succeeded', '5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a02',
        '5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a01', '5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a04',
        '{}', 'req-1', 1, 1, NULL, NULL, 5, 5, NULL, NULL, NULL, NULL,
        '2026-11-01 10:00:00.123456', '2026-11-01 10:00:09.000000', '2026-11-01 10:00:01.000000',
        '2026-11-01 10:00:09.000000');
    INSERT INTO job_steps VALUES ('5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a03', 0, 'read', 'done',
        '{\"a\":1}', '2026-11-01 10:00:01.000000', '2026-11-01 10:00:08.000000');
    INSERT INTO job_events (job_id, created_at, level, action, detail) VALUES
        ('5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a03', '2026-11-01 10:00:02.000000', 'info', 'a', 'b');
    INSERT INTO services VALUES ('5f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a08', 'conductor', 'h1', '0.1.0',
        '2026-11-01 09:00:00.000000', '2026-11-01 09:00:00.000000', TRUE, 'new disks');
";

#[test]
fn the_first_versions_rows_are_kept_on_sqlite() {
    kept(Place::new(Engine::Sqlite));
}

#[test]
fn the_first_versions_rows_are_kept_on_mariadb() {
    kept(Place::new(Engine::Mysql));
}

#[test]
fn the_first_versions_rows_are_kept_on_postgresql() {
    kept(Place::new(Engine::Postgresql));
}

fn kept(place: Place) {
    let (_place, database) = first_version(place);
    let ran = database.migrate().unwrap();
    assert!(ran.len() > 3 && !ran.iter().any(|name| name.contains("initial")), "{ran:?}");
    let run = |queries: fn(&mut Connection) -> Result<(), DbError>| {
        database.run_blocking(queries).unwrap();
    };
    run(|conn| {
        let repository = repository_get(conn, REPOSITORY.parse().unwrap())?;
        assert_eq!((repository.name.as_str(), repository.free_bytes), ("default", Some(50)));
        let point = point_get(conn, &Scope::All, POINT.parse().unwrap())?;
        assert_eq!((point.instance_name.as_str(), point.virtual_bytes), ("wéb", Some(2000)));
        assert_eq!(point.created_at.timestamp_subsec_micros(), 123_456);
        assert_eq!((point.plan_id, point.pinned), (None, false));
        let disks = point.disks.unwrap().list().unwrap();
        assert_eq!((disks.len(), disks[0].device.as_str()), (1, "vda"));
        let job: JobId = JOB.parse().unwrap();
        assert_eq!(job_get(conn, &Scope::All, job)?.state, JobState::Succeeded);
        assert_eq!(job_step_list(conn, job)?.len(), 1);
        assert_eq!(job_event_list(conn, job, None, 9)?.len(), 1);
        let restore = restore_get(conn, &Scope::All, RESTORE.parse().unwrap())?;
        assert_eq!(restore.state, RestoreState::Restoring);
        let services = service_list(conn)?;
        assert_eq!(services[0].disabled_reason.as_deref(), Some("new disks"));
        let usage = usage_get(conn, &ProjectId::standalone())?;
        assert_eq!((usage.restore_points, usage.stored_bytes), (1, 2));
        // And the old rows can be worked with.
        let update = PointUpdate { name: Some(None), description: None };
        point_update(conn, &Scope::All, point.id, &update, at(1))?;
        Ok(())
    });
    assert_eq!(database.migrate().unwrap(), Vec::<String>::new());
}

fn of_many_processes_one_migrates(db: Db) {
    // A database without anything in it.
    let place = Place::new(db.place.engine);
    let ran = together(&db, |_, _| Database::open(&place.url).unwrap().migrate().unwrap());
    let mut all: Vec<_> = ran.into_iter().flatten().collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "each migration ran once");
    let known = Database::open(&place.url).unwrap().migrations().unwrap();
    assert_eq!(known.len(), count);
    assert!(known.iter().all(|migration| migration.applied && migration.known));
}

fn phases_come_in_their_order(db: Db) {
    let place = Place::new(db.place.engine);
    let empty = Database::open(&place.url).unwrap();
    let error = empty.migrate_phase(Phase::Contract).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    assert!(empty.migrations().unwrap().iter().all(|migration| !migration.applied));
    let expanded = empty.migrate_phase(Phase::Expand).unwrap();
    assert!(!expanded.is_empty() && expanded.iter().all(|name| !name.ends_with("_contract")));
    empty.migrate_phase(Phase::Contract).unwrap();
    assert!(empty.migrations().unwrap().iter().all(|migration| migration.applied));
}

fn migrations_of_a_newer_version_are_told(db: Db) {
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000001')";
    db.run(|conn| Ok(conn.batch_execute(newer)?));
    let states = db.database.migrations().unwrap();
    let last = states.last().unwrap();
    assert_eq!((last.version.as_str(), last.known, last.applied), ("29991231000001", false, true));
}

fn a_server_as_tests_have_it_needs_no_advice(db: Db) {
    assert_eq!(db.database.advice().unwrap(), Vec::<String>::new());
}

fn services_refuse_a_schema_that_is_too_old(db: Db) {
    let place = Place::new(db.place.engine);
    let database = Database::open(&place.url).unwrap();
    let nothing = database.demand_schema().unwrap_err().to_string();
    assert!(nothing.contains("_initial") && nothing.contains("firn-manage db sync"), "{nothing}");
    assert_eq!(database.demand_schema().unwrap_err().kind(), ErrorKind::Conflict);
    database.migrate_phase(Phase::Expand).unwrap();
    database.demand_schema().unwrap();
    let last = "DELETE FROM __diesel_schema_migrations WHERE version = \
                (SELECT * FROM (SELECT MAX(version) FROM __diesel_schema_migrations) AS newest)";
    database.run_blocking(|conn| Ok(conn.batch_execute(last)?)).unwrap();
    let states = database.migrations().unwrap();
    let lacks = states.iter().find(|migration| !migration.applied).unwrap();
    let refused = database.demand_schema().unwrap_err().to_string();
    assert!(refused.contains(&lacks.name), "{refused}");
}

every_engine!(
    services_refuse_a_schema_that_is_too_old,
    a_server_as_tests_have_it_needs_no_advice,
    of_many_processes_one_migrates,
    phases_come_in_their_order,
    migrations_of_a_newer_version_are_told,
);

/// Services of the version before are at work while expanding migrations run.
#[test]
fn expanding_migrations_only_add() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for engine in ["sqlite", "mysql", "postgres"] {
        for folder in fs::read_dir(root.join(engine)).unwrap() {
            let folder = folder.unwrap().path();
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            if name.ends_with("_contract") {
                continue;
            }
            let sql = fs::read_to_string(folder.join("up.sql")).unwrap().to_uppercase();
            // No statement of a service names a key or an index.
            let sql = sql.replace("DROP PRIMARY KEY", "").replace("DROP INDEX", "");
            for word in ["DROP ", "RENAME ", " MODIFY ", " ALTER COLUMN ", "TRUNCATE "] {
                assert!(!sql.contains(word), "{engine}/{name} has {word}");
            }
            for line in sql.lines().filter(|line| line.contains("ADD COLUMN")) {
                let fits = !line.contains("NOT NULL") || line.contains("DEFAULT");
                assert!(fits, "{engine}/{name}: old services insert without {line}");
            }
        }
    }
}
