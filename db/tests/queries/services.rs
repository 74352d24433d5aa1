use chrono::TimeDelta;
use firn_core::ErrorKind;
use firn_db::*;
use uuid::Uuid;

use crate::engines::every_engine;
use crate::support::{Db, at};

fn report(kind: ServiceKind, host: &str) -> ServiceReport {
    let version = "0.1.0".to_owned();
    ServiceReport { kind, host: host.to_owned(), version, started_at: at(0) }
}

fn one_row_a_kind_and_host_whatever_the_number_of_heartbeats(db: Db) {
    let beat = |kind, host: &str, second| {
        db.run(|conn| service_heartbeat(conn, &report(kind, host), Uuid::new_v4(), at(second)))
    };
    let first = beat(ServiceKind::Conductor, "h1", 1);
    let again = beat(ServiceKind::Conductor, "h1", 9);
    assert_eq!(again, Service { heartbeat_at: at(9), ..first.clone() });
    beat(ServiceKind::Conductor, "h2", 2);
    beat(ServiceKind::Api, "h1", 3);
    let all = db.run(service_list);
    let names: Vec<_> = all.iter().map(|row| (row.kind, row.host.as_str())).collect();
    use ServiceKind::{Api, Conductor};
    assert_eq!(names, [(Api, "h1"), (Conductor, "h1"), (Conductor, "h2")]);
}

fn silence_means_down(db: Db) {
    let report = report(ServiceKind::Api, "h1");
    let row = db.run(|conn| service_heartbeat(conn, &report, Uuid::new_v4(), at(100)));
    let patience = TimeDelta::seconds(60);
    assert_eq!(row.state(at(160), patience), ServiceState::Up);
    assert_eq!(row.state(at(161), patience), ServiceState::Down);
    assert_eq!(row.state(at(90), patience), ServiceState::Up, "a clock behind ours is not death");
}

fn disabling_survives_heartbeats(db: Db) {
    let report = report(ServiceKind::Conductor, "h1");
    let row = db.run(|conn| service_heartbeat(conn, &report, Uuid::new_v4(), at(1)));
    assert!(!row.disabled);
    db.run(|conn| service_disable(conn, row.id, Some("new disks")));
    let row = db.run(|conn| service_heartbeat(conn, &report, Uuid::new_v4(), at(2)));
    assert_eq!((row.disabled, row.disabled_reason.as_deref()), (true, Some("new disks")));
    db.run(|conn| service_disable(conn, row.id, None));
    let row = db.run(|conn| service_heartbeat(conn, &report, Uuid::new_v4(), at(3)));
    assert_eq!((row.disabled, row.disabled_reason), (false, None));
    let unknown = Uuid::new_v4();
    assert_eq!(db.kind(|conn| service_disable(conn, unknown, None)), ErrorKind::NotFound);
}

every_engine!(
    one_row_a_kind_and_host_whatever_the_number_of_heartbeats,
    silence_means_down,
    disabling_survives_heartbeats,
);
