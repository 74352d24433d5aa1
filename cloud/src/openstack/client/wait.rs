use std::time::Duration;

use tokio::time::Instant;

use super::{OpenStackError, Question};

/// A snapshot on good storage takes a few tenths of a second, and guests are frozen meanwhile.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const GROWTH: f64 = 1.5;
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Waiting for something to become what it is to be: when to look again, and when to give up.
pub(crate) struct Wait {
    question: Question,
    allowed: Duration,
    end: Instant,
    pause: Duration,
}

impl Wait {
    pub(crate) fn new(question: Question, allowed: Duration) -> Self {
        Self { question, allowed, end: Instant::now() + allowed, pause: FIRST_PAUSE }
    }

    /// Sleeps until it is time to look again.
    ///
    /// # Errors
    /// [`OpenStackError::Unavailable`] when there is no time left; `seen` says how far it came.
    pub(crate) async fn pause(&mut self, seen: &str) -> Result<(), OpenStackError> {
        if Instant::now() + self.pause >= self.end {
            let said = self.question.said(format!("still {seen} after {:?}", self.allowed));
            return Err(OpenStackError::Unavailable { said, source: None });
        }
        tokio::time::sleep(self.pause).await;
        self.pause = self.pause.mul_f64(GROWTH).min(LONGEST_PAUSE);
        Ok(())
    }

    /// That what was waited for went wrong.
    pub(crate) fn failed(&self, what: impl Into<String>) -> OpenStackError {
        OpenStackError::Conflict(self.question.said(what))
    }
}
