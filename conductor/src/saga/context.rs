use std::collections::HashMap;
use std::time::Duration;

use firn_core::{ErrorKind, JobId};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::JobError;
use crate::stop::Stop;

/// What every step of a running job shares.
pub(crate) struct JobContext {
    /// The job.
    pub(crate) id: JobId,
    /// Asked before each step, and inside long ones.
    pub(crate) stop: Stop,
    /// Wait before the second try; doubles with each.
    pub(crate) retry_delay: Duration,
    outputs: Mutex<HashMap<&'static str, Value>>,
}

impl JobContext {
    pub(crate) fn new(id: JobId, stop: Stop, retry_delay: Duration) -> Self {
        Self { id, stop, retry_delay, outputs: Mutex::default() }
    }

    pub(crate) fn set_output(&self, step: &'static str, output: Value) {
        self.outputs.lock().insert(step, output);
    }

    /// The journaled output of an earlier step.
    pub(crate) fn output<T: DeserializeOwned>(&self, step: &str) -> Result<T, JobError> {
        let output = self.outputs.lock().get(step).cloned().unwrap_or(Value::Null);
        serde_json::from_value(output).map_err(|error| {
            JobError::from_chain(
                ErrorKind::Internal,
                &format!("reading the journaled output of step {step}"),
                &error,
            )
        })
    }
}
