//! Every step is made to fail, every journal write is made to be the last, and whatever is run
//! again must come to the same end with nothing left.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use firn_core::{ErrorKind, JobId, StepState};
use firn_db::DbError;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::super::journal::JournalEntry;
use super::super::*;
use super::{TRIES, execute};
use crate::stop::{Stop, StopReason};

/// What the steps did to the world: step `i` makes thing `i`, its undo removes it.
#[derive(Default)]
struct World {
    things: Vec<bool>,
    runs: usize,
}

struct Make {
    position: usize,
    world: Arc<Mutex<World>>,
    /// Fails with this kind, this many times, before it makes anything.
    fails: Mutex<(u32, ErrorKind)>,
    /// Asks for a stop in the middle of its run.
    stops: Option<StopReason>,
    commits: bool,
}

const NAMES: [&str; 3] = ["first", "second", "third"];

#[async_trait]
impl Step for Make {
    fn name(&self) -> &'static str {
        NAMES[self.position]
    }

    fn commits(&self) -> bool {
        self.commits
    }

    async fn run(&self, job: &JobContext) -> Result<Value, JobError> {
        {
            let mut fails = self.fails.lock();
            if fails.0 > 0 {
                fails.0 -= 1;
                return Err(JobError::new(fails.1, "made to fail"));
            }
        }
        {
            let mut world = self.world.lock();
            world.things[self.position] = true;
            world.runs += 1;
        }
        if let Some(reason) = self.stops {
            job.stop.request(reason);
            return Err(JobError::new(ErrorKind::Unavailable, "stopped"));
        }
        if self.position > 0 {
            assert_eq!(job.output::<usize>(NAMES[self.position - 1])?, self.position - 1);
        }
        Ok(json!(self.position))
    }

    async fn undo(&self, _: &JobContext) -> Result<(), JobError> {
        self.world.lock().things[self.position] = false;
        Ok(())
    }
}

/// A journal in memory that can be made to stop taking entries: the conductor's death.
#[derive(Default)]
struct Memory {
    state: Mutex<JournalState>,
    writes_left: Mutex<Option<usize>>,
    warnings: Mutex<u32>,
    /// The world that fills its storage as long as it has anything of this step.
    filled_by: Option<(Arc<Mutex<World>>, usize)>,
}

impl Memory {
    fn write(&self, change: impl FnOnce(&mut JournalState)) -> Result<(), JournalError> {
        if let Some(left) = self.writes_left.lock().as_mut() {
            *left = left.checked_sub(1).ok_or(JournalError::LeaseLost)?;
        }
        change(&mut self.state.lock());
        Ok(())
    }

    fn set(
        &self,
        position: usize,
        state: StepState,
        output: Option<Value>,
    ) -> Result<(), JournalError> {
        self.write(|journal| {
            journal.entries.retain(|entry| entry.position != position);
            journal.entries.push(JournalEntry { position, state, output });
        })
    }
}

#[async_trait]
impl Journal for Memory {
    async fn load(&self) -> Result<JournalState, JournalError> {
        Ok(self.state.lock().clone())
    }
    async fn started(&self, position: usize, _: &str) -> Result<(), JournalError> {
        self.set(position, StepState::Started, None)
    }
    async fn done(&self, position: usize, output: &Value) -> Result<(), JournalError> {
        self.set(position, StepState::Done, Some(output.clone()))
    }
    async fn undone(&self, position: usize) -> Result<(), JournalError> {
        self.set(position, StepState::Undone, None)
    }
    async fn unwinding(&self, error: Option<&JobError>) -> Result<(), JournalError> {
        if self.filled_by.as_ref().is_some_and(|(world, step)| world.lock().things[*step]) {
            return Err(JournalError::Database(DbError::Quota {
                resource: "stored_bytes",
                limit: 0,
                used: 0,
                requested: 0,
            }));
        }
        self.write(|journal| {
            journal.unwinding = true;
            journal.error = error.cloned();
        })
    }
    async fn inform(&self, _: &str, _: &str) -> Result<(), JournalError> {
        Ok(())
    }
    async fn warn(&self, _: &str, _: &str) -> Result<(), JournalError> {
        *self.warnings.lock() += 1;
        Ok(())
    }
}

struct Bench {
    world: Arc<Mutex<World>>,
    steps: Vec<Box<dyn Step>>,
}

fn bench(make: impl Fn(usize) -> ((u32, ErrorKind), Option<StopReason>)) -> Bench {
    committing(None, make)
}

/// A bench whose step `commit` commits.
fn committing(
    commit: Option<usize>,
    make: impl Fn(usize) -> ((u32, ErrorKind), Option<StopReason>),
) -> Bench {
    let world = Arc::new(Mutex::new(World { things: vec![false; NAMES.len()], runs: 0 }));
    let steps = (0..NAMES.len()).map(|position| {
        let (fails, stops) = make(position);
        let (world, fails) = (Arc::clone(&world), Mutex::new(fails));
        let step = Make { position, world, fails, stops, commits: commit == Some(position) };
        Box::new(step) as Box<dyn Step>
    });
    Bench { steps: steps.collect(), world }
}

fn good(_: usize) -> ((u32, ErrorKind), Option<StopReason>) {
    ((0, ErrorKind::Internal), None)
}

fn context() -> JobContext {
    JobContext::new(JobId::new(), Stop::default(), Duration::ZERO)
}

#[tokio::test]
async fn all_steps_run_once_and_a_second_execution_runs_none() {
    let bench = bench(good);
    let journal = Memory::default();
    assert_eq!(execute(&bench.steps, &context(), &journal).await, Ended::Succeeded);
    assert_eq!(execute(&bench.steps, &context(), &journal).await, Ended::Succeeded);
    let world = bench.world.lock();
    assert_eq!((world.things.clone(), world.runs), (vec![true; 3], 3));
}

#[tokio::test]
async fn a_failure_at_any_step_leaves_nothing_and_unwinds_twice() {
    for failing in 0..NAMES.len() {
        let bench = bench(|p| ((u32::from(p == failing), ErrorKind::QuotaExceeded), None));
        let journal = Memory::default();
        for _ in 0..2 {
            let ended = execute(&bench.steps, &context(), &journal).await;
            let error = JobError::new(ErrorKind::QuotaExceeded, "made to fail");
            assert_eq!(ended, Ended::Failed(error), "step {failing}");
            assert_eq!(bench.world.lock().things, vec![false; 3], "step {failing}");
        }
        assert_eq!(*journal.warnings.lock(), 0);
    }
}

/// Fails when it has made its thing, which fills the disk.
struct Fill(Make);

#[async_trait]
impl Step for Fill {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn run(&self, job: &JobContext) -> Result<Value, JobError> {
        self.0.run(job).await?;
        Err(JobError::new(ErrorKind::QuotaExceeded, "full"))
    }

    async fn undo(&self, job: &JobContext) -> Result<(), JobError> {
        self.0.undo(job).await
    }
}

#[tokio::test]
async fn what_fills_the_databases_storage_goes_before_the_word_of_it() {
    for filling in 0..NAMES.len() {
        let mut bench = bench(good);
        let (position, world) = (filling, Arc::clone(&bench.world));
        let fails = Mutex::new((0, ErrorKind::Internal));
        let make = Make { position, world, fails, stops: None, commits: false };
        bench.steps[filling] = Box::new(Fill(make));
        let filled_by = Some((Arc::clone(&bench.world), filling));
        let journal = Memory { filled_by, ..Memory::default() };
        let ended = execute(&bench.steps, &context(), &journal).await;
        assert_eq!(ended, Ended::Failed(JobError::new(ErrorKind::QuotaExceeded, "full")));
        assert_eq!(bench.world.lock().things, vec![false; 3]);
    }
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_and_a_lasting_one_is_not_tried_for_ever() {
    for (times, ended) in [
        (TRIES - 1, Ended::Succeeded),
        (TRIES, Ended::Failed(JobError::new(ErrorKind::Unavailable, "made to fail"))),
    ] {
        let bench = bench(|p| ((if p == 1 { times } else { 0 }, ErrorKind::Unavailable), None));
        let journal = Memory::default();
        assert_eq!(execute(&bench.steps, &context(), &journal).await, ended);
        assert_eq!(*journal.warnings.lock(), TRIES - 1);
    }
}

#[tokio::test]
async fn a_cancel_at_any_step_leaves_nothing() {
    for stopping in 0..NAMES.len() {
        let bench =
            bench(|p| ((0, ErrorKind::Internal), (p == stopping).then_some(StopReason::Cancelled)));
        let journal = Memory::default();
        assert_eq!(execute(&bench.steps, &context(), &journal).await, Ended::Cancelled);
        assert_eq!(bench.world.lock().things, vec![false; 3]);
    }
}

#[tokio::test]
async fn a_cancel_before_the_first_step_undoes_what_came_with_the_request() {
    let bench = bench(good);
    bench.world.lock().things[0] = true;
    let context = context();
    context.stop.request(StopReason::Cancelled);
    let journal = Memory::default();
    assert_eq!(execute(&bench.steps, &context, &journal).await, Ended::Cancelled);
    let world = bench.world.lock();
    assert_eq!((&world.things, world.runs), (&vec![false; 3], 0));
}

#[tokio::test]
async fn from_the_step_that_commits_a_job_goes_forward_only() {
    for at in 0..NAMES.len() {
        // Cancelled in a step, which says that it was stopped.
        let cancelled = committing(Some(1), |p| {
            ((0, ErrorKind::Internal), (p == at).then_some(StopReason::Cancelled))
        });
        let journal = Memory::default();
        let context = context();
        let ended = execute(&cancelled.steps, &context, &journal).await;
        if at == 0 {
            assert_eq!(ended, Ended::Cancelled);
            assert_eq!(cancelled.world.lock().things, vec![false; 3]);
            continue;
        }
        // Its every try fails so here, and the next conductor's do not.
        assert_eq!(ended, Ended::Interrupted, "cancelled in step {at}");
        let next = committing(Some(1), good);
        assert_eq!(execute(&next.steps, &context, &journal).await, Ended::Succeeded);
    }
    for kind in [ErrorKind::Unavailable, ErrorKind::NotFound] {
        let failing = committing(Some(1), |p| ((if p == 2 { TRIES } else { 0 }, kind), None));
        let journal = Memory::default();
        let ended = execute(&failing.steps, &context(), &journal).await;
        assert_eq!((ended, journal.state.lock().unwinding), (Ended::Interrupted, false));
        assert_eq!(failing.world.lock().things, [true, true, false]);
        assert!(*journal.warnings.lock() > 0, "its owner is told");
        let mut ended = Ended::Interrupted;
        while ended == Ended::Interrupted {
            ended = execute(&failing.steps, &context(), &journal).await;
        }
        assert_eq!(ended, Ended::Succeeded);
    }
}

#[tokio::test]
async fn a_conductor_that_stops_undoes_nothing_and_the_next_one_finishes() {
    for reason in [StopReason::LeaseLost, StopReason::Shutdown] {
        for stopping in 0..NAMES.len() {
            let stopped = bench(|p| ((0, ErrorKind::Internal), (p == stopping).then_some(reason)));
            let journal = Memory::default();
            assert_eq!(execute(&stopped.steps, &context(), &journal).await, Ended::Interrupted);
            assert!(stopped.world.lock().things[stopping]);
            let next = bench(good);
            assert_eq!(execute(&next.steps, &context(), &journal).await, Ended::Succeeded);
            assert_eq!(next.world.lock().runs, NAMES.len() - stopping);
        }
    }
}

#[tokio::test]
async fn a_death_after_any_journal_write_resumes_to_the_same_end() {
    for failing in [None, Some(0), Some(1), Some(2)] {
        for writes in 0..12 {
            // A step that fails does so for every conductor that tries it.
            let bench =
                bench(|p| ((if Some(p) == failing { 9 } else { 0 }, ErrorKind::Internal), None));
            let journal = Memory { writes_left: Mutex::new(Some(writes)), ..Memory::default() };
            let _ = execute(&bench.steps, &context(), &journal).await;
            *journal.writes_left.lock() = None;
            let ended = execute(&bench.steps, &context(), &journal).await;
            let things = bench.world.lock().things.clone();
            match failing {
                None => assert_eq!((ended, things), (Ended::Succeeded, vec![true; 3])),
                Some(_) => {
                    assert!(matches!(ended, Ended::Failed(_)), "{ended:?} after {writes}");
                    assert_eq!(things, vec![false; 3]);
                }
            }
        }
    }
}
