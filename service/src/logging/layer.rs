use std::io::Write;
use std::sync::{Mutex, PoisonError};

use chrono::Utc;
use tracing::span::{Attributes, Id, Record as Values};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context as Scope;
use tracing_subscriber::registry::LookupSpan;

use super::fields::{Context, EventFields};
use super::format::{Format, Record};

/// Writes a line for each event, with what the spans around it say of its context.
pub(super) struct LogLayer {
    format: Format,
    output: Mutex<Box<dyn Write + Send>>,
}

impl LogLayer {
    pub(super) fn new(format: Format, output: Box<dyn Write + Send>) -> Self {
        Self { format, output: Mutex::new(output) }
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, scope: Scope<'_, S>) {
        let Some(span) = scope.span(id) else { return };
        let parent = span.parent();
        let mut context = parent
            .and_then(|parent| parent.extensions().get::<Context>().cloned())
            .unwrap_or_default();
        attributes.record(&mut context);
        span.extensions_mut().insert(context);
    }

    fn on_record(&self, id: &Id, values: &Values<'_>, scope: Scope<'_, S>) {
        let Some(span) = scope.span(id) else { return };
        if let Some(context) = span.extensions_mut().get_mut::<Context>() {
            values.record(context);
        }
    }

    fn on_event(&self, event: &Event<'_>, scope: Scope<'_, S>) {
        let mut fields = EventFields::default();
        event.record(&mut fields);
        let context = scope
            .event_span(event)
            .and_then(|span| span.extensions().get::<Context>().cloned())
            .unwrap_or_default();
        let line = self.format.line(Record {
            time: Utc::now(),
            process: std::process::id(),
            metadata: event.metadata(),
            context: &context,
            fields,
        });
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        // There is nobody left to tell when the log cannot be written.
        let _ = output.write_all(line.as_bytes()).and_then(|()| output.flush());
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use serde_json::Value;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, work: impl FnOnce()) -> String {
        let memory = Memory::default();
        let layer = LogLayer::new(format, Box::new(memory.clone()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        let bytes = memory.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn work() {
        let request = tracing::info_span!("request", request_id = "req-1", path = "/v1/jobs");
        let _request = request.enter();
        let job = tracing::info_span!("job", job_id = 7, project_id = tracing::field::Empty);
        let _job = job.enter();
        job.record("project_id", "p1");
        tracing::warn!(bytes = 5_u64, name = "a\nb", "it failed");
    }

    #[test]
    fn a_line_tells_its_context() {
        let line = logged(Format::Line, work);
        let (head, rest) = line.split_once(" WARN ").unwrap();
        assert!(head.ends_with(&std::process::id().to_string()), "{head}");
        let (target, rest) = rest.split_once(' ').unwrap();
        assert_eq!(target, module_path!());
        assert_eq!(rest, "[req-1 project_id=p1 job_id=7] it failed bytes=5 name=a\\nb\n");
    }

    #[test]
    fn a_json_line_tells_the_same() {
        let line: Value = serde_json::from_str(&logged(Format::Json, work)).unwrap();
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["request_id"], "req-1");
        assert_eq!(line["project_id"], "p1");
        assert_eq!(line["job_id"], "7");
        assert_eq!(line["message"], "it failed");
        assert_eq!(line["bytes"], 5);
        assert_eq!(line["name"], "a\nb");
        assert_eq!(line["path"], Value::Null);
    }

    #[test]
    fn without_spans_there_is_no_context() {
        let line = logged(Format::Line, || tracing::info!("ready"));
        assert!(line.ends_with(" [-] ready\n"), "{line}");
    }
}
