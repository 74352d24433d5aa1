//! A loaded library has a `tracing` of its own, which nobody listens to: what is traced in it is
//! handed to the host line by line.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

use firn_driver_abi as abi;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::{Host, LogLevel};

/// Sends what is traced in this library to the host, from now on. In a program that has its own
/// subscriber already, a statically linked driver's lines go there, and this does nothing.
///
/// # Safety
/// `host` is null, or a host as the ABI describes it, valid for the life of the process.
pub unsafe fn forward_tracing(host: *const abi::Host) {
    // SAFETY: passed on to the caller.
    let host = unsafe { super::host::host(host) };
    super::guard::guard_plain((), || {
        let forwarder = Forwarder { host, spans: AtomicU64::new(1) };
        // An error means that somebody listens already.
        let _ = tracing::subscriber::set_global_default(forwarder);
    });
}

struct Forwarder {
    host: Host,
    spans: AtomicU64,
}

/// Runs `call` unless it is running on this thread already: a host that is linked into the same
/// program traces what it is given, which comes back here.
fn once<T>(otherwise: T, call: impl FnOnce() -> T) -> T {
    thread_local! {
        static RUNNING: Cell<bool> = const { Cell::new(false) };
    }
    if RUNNING.replace(true) {
        return otherwise;
    }
    let answer = call();
    RUNNING.set(false);
    answer
}

fn level(level: &Level) -> LogLevel {
    match *level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

impl Subscriber for Forwarder {
    fn register_callsite(&self, _metadata: &'static Metadata<'static>) -> Interest {
        // The host's levels may change while it runs.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && once(false, || self.host.log_enabled(level(metadata.level())))
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        let id = self.spans.fetch_add(1, Ordering::Relaxed);
        Id::from_non_zero_u64(NonZeroU64::new(id).unwrap_or(NonZeroU64::MIN))
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        once((), || {
            let mut line = Line::default();
            event.record(&mut line);
            let metadata = event.metadata();
            self.host.log(level(metadata.level()), metadata.target(), &line.finish());
        });
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

/// An event as text: the message, then the fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn finish(mut self) -> String {
        self.message.push_str(&self.fields);
        self.message
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
