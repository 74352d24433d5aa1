//! One place where panics stop and errors become reports.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use firn_driver_abi as abi;

use crate::status::status_of;
use crate::{DriverError, Location};

/// Runs `call`; a panic or an error becomes a status and a report.
///
/// # Safety
/// `out_error` is null or points at a report that may be overwritten.
pub(super) unsafe fn guard(
    out_error: *mut abi::ErrorReport,
    call: impl FnOnce() -> Result<(), DriverError>,
) -> abi::Status {
    let error = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => return abi::FIRN_OK,
        Ok(Err(error)) => error,
        Err(payload) => DriverError::internal(panic_message(payload)),
    };
    let status = status_of(&error);
    // The source is foreign code too: its Display and Drop may panic.
    let texts = catch_unwind(AssertUnwindSafe(move || {
        let texts = (error.message().to_owned(), causes(&error));
        drop(error);
        texts
    }));
    let (message, cause) = texts.unwrap_or_else(|payload| (panic_message(payload), None));
    if !out_error.is_null() {
        // SAFETY: not null, and the caller lets it be overwritten. Both fields are in every
        // version of the struct.
        unsafe {
            (&raw mut (*out_error).message).write(message.into());
            if let Some(cause) = cause {
                (&raw mut (*out_error).cause).write(cause.into());
            }
        }
    }
    status
}

/// Runs `call`, which answers without a report; a panic gives `otherwise`.
pub(super) fn guard_plain<T>(otherwise: T, call: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| {
        panic_message(payload);
        otherwise
    })
}

fn panic_message(payload: Box<dyn Any + Send>) -> String {
    let said = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned());
    if said.is_none() {
        // Dropping a payload of an unknown type could panic again.
        std::mem::forget(payload);
    }
    format!("the driver panicked: {}", said.as_deref().unwrap_or("no message"))
}

/// Everything below the error itself, in one line.
fn causes(error: &DriverError) -> Option<String> {
    let mut line: Option<String> = None;
    let mut source = error.source();
    while let Some(cause) = source {
        line = Some(match line {
            Some(line) => format!("{line}: {cause}"),
            None => cause.to_string(),
        });
        source = cause.source();
    }
    line
}

/// Writes an answer.
///
/// # Safety
/// `out` is null or writable.
pub(super) unsafe fn give<T>(out: *mut T, value: T) -> Result<(), DriverError> {
    if out.is_null() {
        return Err(DriverError::internal("the host gave no place for the answer"));
    }
    // SAFETY: not null; writable by the caller's promise. What was there has no destructor.
    unsafe { out.write(value) };
    Ok(())
}

/// A string that must be there.
///
/// # Safety
/// As [`abi::Str::read`].
pub(super) unsafe fn text<'a>(text: abi::Str, what: &str) -> Result<&'a str, DriverError> {
    // SAFETY: passed on to the caller.
    unsafe { optional_text(text, what) }?
        .ok_or_else(|| DriverError::invalid_input(format!("the host gave no {what}")))
}

/// A string that may be left out.
///
/// # Safety
/// As [`abi::Str::read`].
pub(super) unsafe fn optional_text<'a>(
    text: abi::Str,
    what: &str,
) -> Result<Option<&'a str>, DriverError> {
    // SAFETY: passed on to the caller.
    unsafe { text.read() }.map_err(|fault| {
        DriverError::invalid_input(format!("the host gave {} as {what}", fault.describe()))
    })
}

/// A JSON argument.
///
/// # Safety
/// As [`abi::Str::read`].
pub(super) unsafe fn json<T: serde::de::DeserializeOwned>(
    argument: abi::Str,
    what: &str,
) -> Result<T, DriverError> {
    // SAFETY: passed on to the caller.
    let argument = unsafe { text(argument, what) }?;
    serde_json::from_str(argument).map_err(|source| {
        DriverError::invalid_input(format!("the {what} is not what it should be"))
            .with_source(source)
    })
}

/// # Safety
/// As [`abi::Str::read`].
pub(super) unsafe fn location(argument: abi::Str) -> Result<Location, DriverError> {
    // SAFETY: passed on to the caller.
    unsafe { json(argument, "location") }
}

/// A JSON answer.
pub(super) fn json_text<T: serde::Serialize>(answer: &T) -> Result<abi::Text, DriverError> {
    serde_json::to_string(answer)
        .map(abi::Text::from)
        .map_err(|source| DriverError::internal("the answer has no JSON form").with_source(source))
}
