use std::collections::BTreeSet;

use firn_core::*;
use firn_db::*;

use crate::engines::every_engine;
use crate::support::{Db, at, lease};

fn on(host: &str, storages: &[&str]) -> JobPlaces {
    let storages = storages.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    JobPlaces { hypervisor: Some(host.to_owned()), storages }
}

fn next(db: &Db, limits: JobLimits, seconds: i64) -> Option<JobId> {
    let claim = |conn: &mut Connection| job_claim_within(conn, "c", lease(), &limits, at(seconds));
    db.run(claim).map(|claimed| claimed.job.id)
}

fn only_backups_need_to_be_looked_for(db: Db) {
    let point = db.available("a", 0);
    db.restore(point.id, 1);
    let (first, second) = (db.backup("a", 2).1, db.backup("b", 3).1);
    let unknown = |limit| db.run(|conn| jobs_without_places(conn, at(9), limit));
    let expected = [&first, &second].map(|job| (job.id, job.instance_id.unwrap()));
    assert_eq!(unknown(9), expected);
    assert_eq!(unknown(1), expected[..1]);
    db.run(|conn| job_places_set(conn, first.id, &on("h1", &["s1"])));
    assert_eq!(unknown(9), expected[1..]);
    // What is held is somebody's already.
    db.claim(second.id, 5);
    assert_eq!(unknown(9), []);
    // A job that is gone has no places, and nobody minds.
    db.run(|conn| job_places_set(conn, JobId::new(), &on("h1", &[])));
}

fn a_claim_passes_no_limit(db: Db) {
    let jobs: Vec<_> = (0..4).map(|n| db.backup("a", n).1.id).collect();
    let limits = JobLimits { per_hypervisor: Some(1), per_storage: Some(2), per_repository: None };
    assert_eq!(next(&db, limits, 5), None, "nobody has said where they are");
    for (job, places) in jobs.iter().zip([
        on("h1", &["s1"]),
        on("h1", &["s2"]),
        on("h2", &["s1", "s2"]),
        on("h3", &["s1"]),
    ]) {
        db.run(|conn| job_places_set(conn, *job, &places));
    }
    assert_eq!(next(&db, limits, 5), Some(jobs[0]));
    // h1 is busy; s1 has room for one more.
    assert_eq!(next(&db, limits, 5), Some(jobs[2]));
    assert_eq!(next(&db, limits, 5), None);
    // A dead conductor's lease ends: its job is claimed anew before younger ones.
    assert_eq!(next(&db, limits, 35), Some(jobs[0]));
    // The last word counts.
    db.run(|conn| job_places_set(conn, jobs[1], &on("h4", &["s3"])));
    assert_eq!(next(&db, limits, 36), Some(jobs[1]));
    let all = JobLimits { per_repository: Some(3), ..JobLimits::default() };
    assert_eq!(next(&db, all, 36), Some(jobs[2]));
    assert_eq!(next(&db, all, 36), None, "three use the repository");
    assert_eq!(next(&db, JobLimits::default(), 36), Some(jobs[3]));
}

fn claims_at_once_pass_no_limit_together(db: Db) {
    for n in 0..12 {
        db.backup("a", n);
    }
    let limits = JobLimits { per_repository: Some(5), ..JobLimits::default() };
    let claimed = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| (0..12).filter_map(|_| next(&db, limits, 20)).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<BTreeSet<_>>()
    });
    assert_eq!(claimed.len(), 5);
}

fn places_go_with_their_job(db: Db) {
    let point = db.available("a", 1);
    db.run(|conn| job_places_set(conn, point.job_id, &on("h1", &["s1"])));
    assert_eq!(db.run(|conn| purge_batch(conn, at(500), 9)).jobs, 1);
}

every_engine!(
    only_backups_need_to_be_looked_for,
    a_claim_passes_no_limit,
    claims_at_once_pass_no_limit_together,
    places_go_with_their_job
);
