use std::fmt::{self, Write};

use serde_json::Value;
use tracing::field::{Field, Visit};

/// Fields that say whom and what a line is about. The others of a span are its own affair.
const CONTEXT: [&str; 5] = ["global_request_id", "request_id", "user_id", "project_id", "job_id"];

/// What a line is about, taken from the spans that it is in; the innermost counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Context([Option<String>; CONTEXT.len()]);

impl Context {
    /// The fields that are known, in a fixed order.
    pub(super) fn known(&self) -> impl Iterator<Item = (&'static str, &str)> {
        CONTEXT.into_iter().zip(&self.0).filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

impl Visit for Context {
    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(at) = CONTEXT.iter().position(|name| *name == field.name()) {
            self.0[at] = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if CONTEXT.contains(&field.name()) {
            self.record_str(field, &format!("{value:?}"));
        }
    }
}

/// An event's message and its other fields.
#[derive(Default)]
pub(super) struct EventFields {
    pub(super) message: String,
    pub(super) others: Vec<(&'static str, Value)>,
}

impl EventFields {
    fn push(&mut self, field: &Field, value: Value) {
        self.others.push((field.name(), value));
    }
}

impl Visit for EventFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, Value::from(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string does not fail.
            let _ = write!(self.message, "{value:?}");
        } else {
            self.push(field, Value::from(format!("{value:?}")));
        }
    }
}
