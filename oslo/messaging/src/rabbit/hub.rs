//! Keeps a connection to one of the brokers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::RabbitOptions;
use super::link::{Link, LinkError, Turn};
use crate::MessagingError;

/// A broker whose connection ends sooner than this after it began is not asked again at once.
const STABLE: Duration = Duration::from_secs(10);

/// The most failures that connections count for which ended too soon: a short wait, for those who
/// call a service of ours are waiting for it meanwhile.
const LET_GO: u32 = 2;

/// A connection that comes back by itself.
pub(super) struct Hub {
    state: Arc<watch::Sender<State>>,
    keeper: JoinHandle<()>,
}

#[derive(Clone)]
enum State {
    Down {
        /// Why, if anything was tried.
        cause: Option<Arc<LinkError>>,
        /// How many times all brokers were tried in vain.
        rounds: u32,
    },
    Up(Arc<Link>),
    Closed,
}

impl Hub {
    /// Begins to connect. `purpose` is for people who look at the broker's connections.
    pub(super) fn start(
        options: Arc<RabbitOptions>,
        purpose: &'static str,
        declaring: Turn,
    ) -> Self {
        let state = Arc::new(watch::Sender::new(State::Down { cause: None, rounds: 0 }));
        let keeper = tokio::spawn(keep(options, Arc::clone(&state), purpose, declaring));
        Self { state, keeper }
    }

    /// The connection, as soon as there is one.
    pub(super) async fn link(&self, deadline: Instant) -> Result<Arc<Link>, MessagingError> {
        let mut seen = self.state.subscribe();
        loop {
            match &*seen.borrow_and_update() {
                State::Up(link) if link.alive() => return Ok(Arc::clone(link)),
                State::Up(link) => link.suspect(),
                State::Closed => return Err(MessagingError::Closed),
                State::Down { .. } => {}
            }
            if timeout_at(deadline, seen.changed()).await.is_err() {
                return Err(self.cause());
            }
        }
    }

    /// Waits for the first connection, or until every broker was tried once in vain.
    pub(super) async fn first(&self) -> Result<(), MessagingError> {
        let mut seen = self.state.subscribe();
        let done = |state: &State| !matches!(state, State::Down { rounds: 0, .. });
        match seen.wait_for(done).await.as_deref() {
            Ok(State::Up(_)) => Ok(()),
            Ok(State::Closed) | Err(_) => Err(MessagingError::Closed),
            Ok(State::Down { .. }) => Err(self.cause()),
        }
    }

    /// Why there is no connection.
    pub(super) fn cause(&self) -> MessagingError {
        match &*self.state.borrow() {
            State::Closed => MessagingError::Closed,
            State::Down { cause: Some(cause), .. } => broker(Arc::clone(cause)),
            State::Down { cause: None, .. } | State::Up(_) => broker(Arc::new(LinkError::Missing)),
        }
    }

    /// Ends the connection, and there will be no other.
    pub(super) async fn close(&self) {
        let before = self.state.send_replace(State::Closed);
        self.keeper.abort();
        if let State::Up(link) = before {
            link.end().await;
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// What callers see of a connection that fails.
pub(super) fn broker(cause: Arc<LinkError>) -> MessagingError {
    match cause.refused() {
        true => MessagingError::Refused { source: Box::new(cause) },
        false => MessagingError::Broker { source: Box::new(cause) },
    }
}

/// Connects, waits for the end, and begins anew, for ever.
async fn keep(
    options: Arc<RabbitOptions>,
    state: Arc<watch::Sender<State>>,
    purpose: &str,
    declaring: Turn,
) {
    let hosts = options.url.hosts.len();
    let (mut host, mut failures, mut rounds) = (0, 0, 0_u32);
    loop {
        let mut cause = None;
        let mut opened = None;
        for next in (host..host + hosts).map(|next| next % hosts) {
            match Link::open(&options, next, purpose, Turn::clone(&declaring)).await {
                Ok(link) => {
                    host = next;
                    opened = Some(link);
                    break;
                }
                Err(error) => {
                    tracing::warn!(purpose, error = chain(&error), "no connection to RabbitMQ");
                    cause = Some(Arc::new(error));
                }
            }
        }
        if let Some(link) = opened {
            let since = Instant::now();
            tracing::info!(purpose, broker = link.address, "connected to RabbitMQ");
            set(&state, State::Up(Arc::clone(&link)));
            let lost = link.lost().await.unwrap_or(LinkError::Missing);
            tracing::warn!(purpose, broker = link.address, error = chain(&lost), "connection lost");
            cause = Some(Arc::new(lost));
            link.end().await;
            failures = after_a_connection(since.elapsed(), failures);
            // The next one first: this one has just gone.
            host += 1;
        } else {
            failures += 1;
            rounds = rounds.saturating_add(1);
        }
        set(&state, State::Down { cause, rounds });
        tokio::time::sleep(wait(&options, failures)).await;
    }
}

/// What counts as failures when a connection has ended. It is proof that the broker can be reached,
/// so those before it count for little; but a broker that lets go of everybody at once, again and
/// again, is not to be asked without a pause.
fn after_a_connection(lived: Duration, failures: u32) -> u32 {
    if lived >= STABLE { 0 } else { (failures + 1).min(LET_GO) }
}

/// The end is for good.
fn set(state: &watch::Sender<State>, next: State) {
    state.send_if_modified(|state| {
        let open = !matches!(state, State::Closed);
        if open {
            *state = next;
        }
        open
    });
}

/// How long to wait after so many failures in a row. Random, so that not everybody comes at once
/// when a broker is back.
fn wait(options: &RabbitOptions, failures: u32) -> Duration {
    let longest = options.retry_interval_max.max(Duration::from_millis(100));
    let full = match failures.checked_sub(1) {
        // A connection that had lasted: at once, or nearly.
        None => options.retry_interval / 5,
        Some(doublings) => options.retry_interval.saturating_mul(1 << doublings.min(16)),
    };
    full.min(longest).mul_f64(rand::random_range(0.5..=1.0))
}

/// An error with its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_are_random() {
        let mut options = RabbitOptions::new("rabbit://h").unwrap();
        options.retry_interval = Duration::from_secs(1);
        options.retry_interval_max = Duration::from_secs(30);
        for (failures, longest) in
            [(0, 0.2), (1, 1.0), (2, 2.0), (5, 16.0), (6, 30.0), (1000, 30.0)]
        {
            for _ in 0..50 {
                let wait = wait(&options, failures).as_secs_f64();
                assert!((longest / 2.0..=longest).contains(&wait), "{failures}: {wait}");
            }
        }
        assert_ne!(wait(&options, 6), wait(&options, 6));
    }

    #[test]
    fn only_a_broker_that_cannot_be_reached_is_waited_for_longer_and_longer() {
        let (short, long) = (STABLE / 2, STABLE);
        assert_eq!(after_a_connection(long, 7), 0);
        assert_eq!(after_a_connection(short, 0), 1);
        // Cut again and again.
        assert_eq!(after_a_connection(short, 1), 2);
        assert_eq!(after_a_connection(short, 2), 2);
        // After a long time without a broker.
        assert_eq!(after_a_connection(short, 1000), 2);
    }
}
