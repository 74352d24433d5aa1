//! The one scheduler's lease.

use chrono::{DateTime, TimeDelta, Utc};
use firn_core::chain;
use firn_db::{Database, DbError, Lease};
use parking_lot::Mutex;

/// Name of the lease.
const LEASE: &str = "scheduler";

/// What is to be done about the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseStep {
    /// It is ours for long enough.
    Keep,
    /// It is ours and should be extended.
    Renew,
    /// It is not ours, or may soon not be: try to get it.
    Acquire,
}

/// Half of a lease is used before it is renewed, and its last quarter not at all: what was begun
/// before has that long to end.
pub(crate) fn decide_lease(
    held: Option<&Lease>,
    length: TimeDelta,
    now: DateTime<Utc>,
) -> LeaseStep {
    match held.map(|lease| lease.until - now) {
        Some(left) if left > length / 2 => LeaseStep::Keep,
        Some(left) if left > length / 4 => LeaseStep::Renew,
        Some(_) | None => LeaseStep::Acquire,
    }
}

/// This scheduler's hold on the lease.
pub(crate) struct Leader {
    database: Database,
    owner: String,
    length: TimeDelta,
    held: Mutex<Option<Lease>>,
}

impl Leader {
    /// `owner` must be another for every process, also after a restart.
    pub(crate) fn new(database: Database, owner: String, length: TimeDelta) -> Self {
        Self { database, owner, length, held: Mutex::default() }
    }

    /// The lease, renewed or newly taken as need be; `None` where someone else leads or the
    /// database does not answer.
    pub(crate) async fn hold(&self, now: DateTime<Utc>) -> Option<Lease> {
        let held = self.held.lock().clone();
        let step = decide_lease(held.as_ref(), self.length, now);
        let answer = match (step, held) {
            (LeaseStep::Keep, held) => return held,
            (LeaseStep::Renew, Some(lease)) => self.renew(lease, now).await,
            _ => self.acquire(now).await,
        };
        let lease = match answer {
            Ok(lease) => lease,
            Err(error) => {
                tracing::warn!(error = chain(&error), "the scheduler's lease cannot be read");
                None
            }
        };
        let led = self.held.lock().is_some();
        match (led, lease.is_some()) {
            (false, true) => tracing::info!(owner = self.owner, "this scheduler leads"),
            (true, false) => tracing::info!(owner = self.owner, "this scheduler leads no more"),
            _ => {}
        }
        (*self.held.lock()).clone_from(&lease);
        lease
    }

    /// Forgets the lease: a write found that it is another's.
    pub(crate) fn lost(&self) {
        *self.held.lock() = None;
    }

    /// Gives the lease back, so that another leads at once.
    pub(crate) async fn release(&self, now: DateTime<Utc>) {
        let Some(lease) = self.held.lock().take() else { return };
        let release = move |conn: &mut _| firn_db::lease_release(conn, &lease, now);
        if let Err(error) = self.database.run(release).await {
            tracing::warn!(error = chain(&error), "the scheduler's lease runs out by itself");
        }
    }

    async fn renew(&self, lease: Lease, now: DateTime<Utc>) -> Result<Option<Lease>, DbError> {
        let length = self.length;
        let renew = move |conn: &mut _| firn_db::lease_renew(conn, &lease, length, now);
        self.database.run(renew).await
    }

    async fn acquire(&self, now: DateTime<Utc>) -> Result<Option<Lease>, DbError> {
        let (owner, length) = (self.owner.clone(), self.length);
        let acquire = move |conn: &mut _| firn_db::lease_acquire(conn, LEASE, &owner, length, now);
        self.database.run(acquire).await
    }
}
