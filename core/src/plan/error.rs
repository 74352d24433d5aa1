use crate::ErrorKind;

/// What is wrong with a plan's settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct PlanError {
    /// The field, as a path inside the plan: `schedule.cron`.
    pub field: &'static str,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

impl PlanError {
    pub(super) fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }

    /// What a caller can act on: always the input.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }
}
