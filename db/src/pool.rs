//! Connections kept open, and opened by the thread that needs one.
//!
//! A connection that was lost takes all idle ones with it: the server went away under them too,
//! and whoever comes next shall not be the one to find out.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::{TransactionManager, TransactionManagerStatus};
use parking_lot::{Condvar, Mutex};

use crate::url::Target;
use crate::{Connection, DbError, PoolOptions, session};

/// A connection idle for longer is asked whether it lives before it is used.
const TRUSTED: Duration = Duration::from_secs(1);

/// The pool was used up for as long as a query waits.
#[derive(Debug, thiserror::Error)]
#[error("all {connections} connections were in use for {} s", waited.as_secs_f64())]
struct UsedUp {
    connections: usize,
    waited: Duration,
}

/// The connections to one database. Clones share them.
#[derive(Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    target: Target,
    options: PoolOptions,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Slot>,
    /// Idle, held and being opened.
    open: usize,
    /// Grows whenever a connection was lost; what was opened before is not used again.
    epoch: u64,
}

struct Slot {
    conn: Connection,
    opened: Instant,
    used: Instant,
    epoch: u64,
}

impl Pool {
    /// Makes one, with no connection yet.
    pub(crate) fn new(target: Target, options: PoolOptions) -> Self {
        let (state, freed) = (Mutex::default(), Condvar::new());
        Self { shared: Arc::new(Shared { target, options, state, freed }) }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.shared.target
    }

    pub(crate) fn options(&self) -> &PoolOptions {
        &self.shared.options
    }

    /// A connection for the caller alone until it is dropped.
    pub(crate) fn get(&self) -> Result<Held, DbError> {
        let shared = &self.shared;
        let started = Instant::now();
        let deadline = started + shared.options.wait;
        let limit = shared.limit();
        let mut state = shared.state.lock();
        loop {
            if let Some(slot) = state.idle.pop() {
                let epoch = state.epoch;
                drop(state);
                if let Some(slot) = shared.usable(slot, epoch) {
                    return Ok(Held { slot: Some(slot), lost: false, shared: shared.clone() });
                }
                shared.closed();
                state = shared.state.lock();
            } else if state.open < limit {
                state.open += 1;
                let epoch = state.epoch;
                drop(state);
                return shared.open(epoch).inspect_err(|_| shared.closed());
            } else if shared.freed.wait_until(&mut state, deadline).timed_out()
                && state.idle.is_empty()
                && state.open >= limit
            {
                let waited = started.elapsed();
                let source = Box::new(UsedUp { connections: limit, waited });
                return Err(DbError::Unavailable { source });
            }
        }
    }
}

impl Shared {
    fn limit(&self) -> usize {
        let options = &self.options;
        usize::try_from(options.size.saturating_add(options.overflow)).unwrap_or(usize::MAX).max(1)
    }

    fn open(self: &Arc<Self>, epoch: u64) -> Result<Held, DbError> {
        let options = &self.options;
        let conn = session::connect(&self.target, &options.mysql_sql_mode, options.lock_wait)?;
        let now = Instant::now();
        let slot = Slot { conn, opened: now, used: now, epoch };
        Ok(Held { slot: Some(slot), lost: false, shared: self.clone() })
    }

    /// The slot, unless it is too old or dead.
    fn usable(&self, mut slot: Slot, epoch: u64) -> Option<Slot> {
        if slot.epoch != epoch
            || self.options.recycle.is_some_and(|age| slot.opened.elapsed() > age)
        {
            return None;
        }
        if slot.used.elapsed() > TRUSTED && !session::alive(&mut slot.conn) {
            self.lost();
            return None;
        }
        Some(slot)
    }

    /// One connection less.
    fn closed(&self) {
        self.state.lock().open -= 1;
        self.freed.notify_one();
    }

    /// The server went away: nothing opened before is used again.
    fn lost(&self) {
        let idle = {
            let mut state = self.state.lock();
            state.epoch += 1;
            let idle = std::mem::take(&mut state.idle);
            state.open -= idle.len();
            idle
        };
        self.freed.notify_all();
        // Closing may take its time, and needs no lock.
        drop(idle);
    }
}

/// A connection in use; goes back to its pool when dropped, if it can still be used.
pub(crate) struct Held {
    /// `None` only while it is being dropped.
    slot: Option<Slot>,
    lost: bool,
    shared: Arc<Shared>,
}

impl Held {
    /// The server went away during the last query.
    pub(crate) fn lost(&mut self) {
        self.lost = true;
    }
}

impl Deref for Held {
    type Target = Connection;
    #[allow(clippy::expect_used)]
    fn deref(&self) -> &Connection {
        &self.slot.as_ref().expect("only drop takes it").conn
    }
}

impl DerefMut for Held {
    #[allow(clippy::expect_used)]
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.slot.as_mut().expect("only drop takes it").conn
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut slot) = self.slot.take() else { return };
        if self.lost {
            self.shared.lost();
        }
        let sound = !self.lost && !std::thread::panicking() && idle(&mut slot.conn);
        slot.used = Instant::now();
        let mut state = self.shared.state.lock();
        let room = state.idle.len() < usize::try_from(self.shared.options.size).unwrap_or(1).max(1);
        if sound && room && slot.epoch == state.epoch {
            state.idle.push(slot);
            drop(state);
            self.shared.freed.notify_one();
        } else {
            drop(state);
            drop(slot);
            self.shared.closed();
        }
    }
}

/// Whether a connection is in no transaction, nor in doubt about one.
fn idle(conn: &mut Connection) -> bool {
    type Manager = <Connection as diesel::Connection>::TransactionManager;
    match Manager::transaction_manager_status_mut(conn) {
        TransactionManagerStatus::Valid(status) => status.transaction_depth().is_none(),
        TransactionManagerStatus::InError => false,
    }
}
