use std::fmt::Write;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use tracing::Metadata;

use super::fields::{Context, EventFields};

/// How a line looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    /// `time pid LEVEL target [context] message name=value…`, as oslo.log writes it.
    Line,
    /// An object.
    Json,
}

/// All that a line tells.
pub(super) struct Record<'a> {
    pub(super) time: DateTime<Utc>,
    pub(super) process: u32,
    pub(super) metadata: &'a Metadata<'a>,
    pub(super) context: &'a Context,
    pub(super) fields: EventFields,
}

impl Format {
    /// The line, with its end.
    pub(super) fn line(self, record: Record<'_>) -> String {
        let mut line = match self {
            Self::Line => text(&record),
            Self::Json => json(record).to_string(),
        };
        line.push('\n');
        line
    }
}

fn text(record: &Record<'_>) -> String {
    let mut line = format!(
        "{} {} {} {} [",
        record.time.format("%Y-%m-%d %H:%M:%S%.3f"),
        record.process,
        record.metadata.level(),
        record.metadata.target()
    );
    // Writing to a string does not fail.
    let mut known = record.context.known().peekable();
    if known.peek().is_none() {
        line.push('-');
    }
    for (at, (name, value)) in known.enumerate() {
        let separator = if at == 0 { "" } else { " " };
        // A request's id says itself what it is.
        let _ = match name {
            "request_id" | "global_request_id" => write!(line, "{separator}{}", one_line(value)),
            _ => write!(line, "{separator}{name}={}", one_line(value)),
        };
    }
    let _ = write!(line, "] {}", one_line(&record.fields.message));
    for (name, value) in &record.fields.others {
        let _ = match value {
            Value::String(text) => write!(line, " {name}={}", one_line(text)),
            other => write!(line, " {name}={other}"),
        };
    }
    line
}

fn json(record: Record<'_>) -> Value {
    let mut line = Map::new();
    let mut put = |name: &str, value: Value| line.insert(name.to_owned(), value);
    put("time", record.time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true).into());
    put("process", record.process.into());
    put("level", record.metadata.level().as_str().into());
    put("target", record.metadata.target().into());
    for (name, value) in record.context.known() {
        put(name, value.into());
    }
    put("message", record.fields.message.into());
    for (name, value) in record.fields.others {
        // A field must not pass itself off as one of the line's own.
        match line.contains_key(name) {
            true => line.insert(format!("field_{name}"), value),
            false => line.insert(name.to_owned(), value),
        };
    }
    Value::Object(line)
}

/// What came from outside must not begin a line of its own.
fn one_line(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_from_outside_begins_no_line() {
        assert_eq!(one_line("a\nb\u{1b}[31mc"), "a\\nb\\u{1b}[31mc");
        assert_eq!(one_line("plain, and ümläut"), "plain, and ümläut");
    }
}
