use std::error::Error;
use std::fmt;

use firn_driver_sdk::DriverError;

/// How one check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The driver does what it should.
    Passed,
    /// The check is about something that this driver does not have.
    LeftOut,
    /// It does not, and how.
    Failed(String),
}

/// How all checks ended, in their order.
#[derive(Clone, Debug, Default)]
pub struct Report {
    results: Vec<(&'static str, Outcome)>,
}

impl Report {
    pub(crate) fn add(&mut self, check: &'static str, outcome: Outcome) {
        self.results.push((check, outcome));
    }

    /// Every check with its outcome.
    pub fn results(&self) -> &[(&'static str, Outcome)] {
        &self.results
    }

    /// The names of the checks that passed.
    pub fn passed(&self) -> Vec<&'static str> {
        self.with(|outcome| *outcome == Outcome::Passed)
    }

    /// The names of the checks that do not apply.
    pub fn left_out(&self) -> Vec<&'static str> {
        self.with(|outcome| *outcome == Outcome::LeftOut)
    }

    /// The names of the checks that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        self.with(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    /// Fails the test that calls it, with the whole report, where a check failed.
    ///
    /// # Panics
    /// Then.
    pub fn assert_passed(&self) {
        assert!(self.failed().is_empty(), "the driver does not conform:\n{self}");
    }

    fn with(&self, wanted: impl Fn(&Outcome) -> bool) -> Vec<&'static str> {
        self.results.iter().filter_map(|(name, outcome)| wanted(outcome).then_some(*name)).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, outcome) in &self.results {
            match outcome {
                Outcome::Passed => writeln!(f, "  passed    {name}")?,
                Outcome::LeftOut => writeln!(f, "  left out  {name}")?,
                Outcome::Failed(why) => writeln!(f, "  FAILED    {name}: {why}")?,
            }
        }
        Ok(())
    }
}

/// Why a check ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It does not apply to this driver.
    LeftOut,
    /// The driver failed it.
    Failed(String),
}

pub(crate) type Checked<T = ()> = Result<T, Stop>;

impl From<DriverError> for Stop {
    fn from(error: DriverError) -> Self {
        Self::Failed(describe(&error))
    }
}

impl From<Box<dyn Error + Send + Sync>> for Stop {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        Self::Failed(format!("the fixture: {error}"))
    }
}

/// Kind, message and causes in one line.
pub(crate) fn describe(error: &DriverError) -> String {
    let mut line = format!("{:?}: {error}", error.kind());
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    line
}

/// Ends a check as failed, with these words, unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err($crate::report::Stop::Failed(format!($($words)+)));
        }
    };
}
pub(crate) use ensure;
