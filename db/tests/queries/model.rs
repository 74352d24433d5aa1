//! Random histories of one job against a model: at most one claim is ever valid, and only its
//! holder's writes count.

use chrono::TimeDelta;
use firn_core::*;
use firn_db::*;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::engines::every_engine;
use crate::support::{Db, at, failure, figures};

#[derive(Clone, Debug)]
enum Step {
    Tick(i64),
    Claim {
        owner: usize,
        lease: i64,
    },
    Cancel,
    OwnerDied(usize),
    /// The following act under the n-th claim ever made, counted from the newest.
    Heartbeat {
        back: usize,
        lease: i64,
    },
    Release {
        back: usize,
        delay: i64,
    },
    Journal {
        back: usize,
    },
    Unwind {
        back: usize,
        failed: bool,
    },
    Finish {
        back: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let back = || prop_oneof![4 => Just(0usize), 1 => 1..4usize];
    prop_oneof![
        3 => (1..40i64).prop_map(Step::Tick),
        4 => (0..3usize, 1..30i64).prop_map(|(owner, lease)| Step::Claim { owner, lease }),
        1 => Just(Step::Cancel),
        1 => (0..3usize).prop_map(Step::OwnerDied),
        3 => (back(), 1..30i64).prop_map(|(back, lease)| Step::Heartbeat { back, lease }),
        1 => (back(), 0..30i64).prop_map(|(back, delay)| Step::Release { back, delay }),
        2 => back().prop_map(|back| Step::Journal { back }),
        1 => (back(), any::<bool>()).prop_map(|(back, failed)| Step::Unwind { back, failed }),
        1 => back().prop_map(|back| Step::Finish { back }),
    ]
}

/// What the job should be, kept without a database.
struct Model {
    state: JobState,
    /// How often it was claimed; the newest claim has this generation.
    claims: u64,
    /// The newest claim's owner, while it is held.
    owner: Option<usize>,
    free_from: Option<i64>,
    failed: bool,
}

impl Model {
    fn claimable(&self, now: i64) -> bool {
        !self.state.finished() && self.free_from.is_none_or(|from| from <= now)
    }

    fn valid(&self, claim: &Claim) -> bool {
        claim.generation == self.claims && self.owner.is_some() && !self.state.finished()
    }
}

fn check(db: &Db, steps: &[Step]) {
    let (point, job) = db.backup("a", 0);
    // Jobs of earlier cases are about still.
    let name = |owner: usize| format!("conductor-{}-{owner}", job.id);
    let mut now = 0;
    let mut claims: Vec<Claim> = Vec::new();
    let mut model =
        Model { state: JobState::Queued, claims: 0, owner: None, free_from: None, failed: false };
    for step in steps {
        let held = |back: &usize| claims.iter().rev().nth(*back).copied();
        match step {
            Step::Tick(seconds) => now += seconds,
            Step::Claim { owner, lease } => {
                let lease_time = TimeDelta::seconds(*lease);
                let claimed = db.run(|c| job_claim(c, job.id, &name(*owner), lease_time, at(now)));
                assert_eq!(claimed.is_some(), model.claimable(now), "{step:?}");
                if let Some(claimed) = claimed {
                    model.claims += 1;
                    model.owner = Some(*owner);
                    model.free_from = Some(now + lease);
                    model.state = model.state.next(JobEvent::Claimed).unwrap();
                    assert_eq!(claimed.claim.generation, model.claims);
                    claims.push(claimed.claim);
                }
            }
            Step::Cancel => {
                let expected = model.state.next(JobEvent::CancelRequested);
                let answer = db
                    .database
                    .run_blocking(|c| job_request_cancel(c, &Scope::All, job.id, at(now)));
                assert_eq!(answer.is_ok(), expected.is_some());
                model.state = expected.unwrap_or(model.state);
            }
            Step::OwnerDied(owner) => {
                let mine = model.owner == Some(*owner) && !model.state.finished();
                let count = db.run(|c| job_lease_expire(c, &name(*owner), at(now)));
                assert_eq!(count, usize::from(mine));
                if mine {
                    (model.owner, model.free_from) = (None, None);
                }
            }
            Step::Heartbeat { back, lease } => {
                let Some(claim) = held(back) else { continue };
                let beat = db.run(|c| job_heartbeat(c, &claim, None, at(now + lease), at(now)));
                assert_eq!(beat.still_mine, model.valid(&claim));
                let cancel = beat.still_mine && model.state == JobState::Cancelling;
                assert_eq!(beat.cancel_requested, cancel);
                if beat.still_mine {
                    model.free_from = Some(now + lease);
                }
            }
            Step::Release { back, delay } => {
                let Some(claim) = held(back) else { continue };
                let answer =
                    db.database.run_blocking(|c| job_release(c, &claim, at(now + delay), at(now)));
                assert_eq!(answer.is_ok(), model.valid(&claim));
                if answer.is_ok() {
                    (model.owner, model.free_from) = (None, Some(now + delay));
                }
            }
            Step::Journal { back } => {
                let Some(claim) = held(back) else { continue };
                let answer =
                    db.database.run_blocking(|c| job_step_start(c, &claim, 0, "read", at(now)));
                assert_eq!(answer.is_ok(), model.valid(&claim));
            }
            Step::Unwind { back, failed } => {
                let Some(claim) = held(back) else { continue };
                let error = failure("broken");
                let error = failed.then_some(&error);
                let answer = db.database.run_blocking(|c| job_unwind(c, &claim, error, at(now)));
                assert_eq!(answer.is_ok(), model.valid(&claim));
                if answer.is_ok() {
                    model.failed |= *failed && model.state != JobState::Unwinding;
                    model.state = JobState::Unwinding;
                }
            }
            Step::Finish { back } => {
                let Some(claim) = held(back) else { continue };
                let end = match model.state {
                    JobState::Unwinding => JobEnd::Unwound,
                    _ => JobEnd::PointCreated(figures(&["vda"])),
                };
                let answer = db.database.run_blocking(|c| job_finish(c, &claim, &end, at(now)));
                assert_eq!(answer.is_ok(), model.valid(&claim));
                if answer.is_ok() {
                    model.state = match (model.state, model.failed) {
                        (JobState::Unwinding, true) => JobState::Failed,
                        (JobState::Unwinding, false) => JobState::Cancelled,
                        _ => JobState::Succeeded,
                    };
                    (model.owner, model.free_from) = (None, None);
                }
            }
        }
        let row = db.job(job.id);
        assert_eq!((row.state, row.generation), (model.state, model.claims), "after {step:?}");
        assert_eq!(row.lease_owner, model.owner.map(name), "after {step:?}");
        assert_eq!(row.finished_at.is_some(), model.state.finished());
        let listed = db.run(|conn| jobs_claimable(conn, at(now), 999));
        let listed = listed.iter().any(|other| other.id == job.id);
        assert_eq!(listed, model.claimable(now), "after {step:?}");
        let expected = match model.state {
            JobState::Succeeded => PointState::Available,
            JobState::Failed | JobState::Cancelled => PointState::Error,
            _ => PointState::Creating,
        };
        assert_eq!(db.point(point.id).state, expected, "the point follows its job");
    }
}

fn at_most_one_claim_is_valid(db: Db) {
    let cases = if db.place.engine == Engine::Sqlite { 96 } else { 24 };
    let mut runner = TestRunner::new(ProptestConfig { cases, ..ProptestConfig::default() });
    let steps = prop::collection::vec(step(), 1..40);
    runner
        .run(&steps, |steps| {
            check(&db, &steps);
            Ok(())
        })
        .unwrap();
}

every_engine!(at_most_one_claim_is_valid);
