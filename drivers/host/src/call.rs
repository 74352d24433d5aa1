//! Calls and their answers: statuses, reports, texts, lists.
#![allow(unsafe_code)] // Takes what the driver gave out.

use firn_driver_abi as abi;
use firn_driver_sdk::{DriverError, Extent, ExtentList};
use serde::de::DeserializeOwned;

/// Makes a call that reports by `out_error`, and takes the report where it fails.
///
/// # Safety
/// `call` leaves the report as it is or fills it as the ABI says.
pub(crate) unsafe fn outcome(
    call: impl FnOnce(*mut abi::ErrorReport) -> abi::Status,
) -> Result<(), DriverError> {
    let mut report = abi::ErrorReport::empty();
    let status = call(&raw mut report);
    if status == abi::FIRN_OK {
        return Ok(());
    }
    // SAFETY: passed on to the caller.
    let (message, cause) = unsafe { (report.message.take(), report.cause.take()) };
    let message = message.unwrap_or_else(|fault| {
        Some(format!(
            "the driver failed with status {status} and gave {} as reason",
            fault.describe()
        ))
    });
    let error = DriverError::from_status(status, message);
    Err(match cause {
        Ok(Some(cause)) if !cause.is_empty() => error.with_source(cause),
        _ => error,
    })
}

fn gave(what: &str, fault: abi::OutputFault) -> DriverError {
    DriverError::internal(format!("the driver gave {} as {what}", fault.describe()))
}

/// A text that may be left out.
///
/// # Safety
/// As [`abi::Text::take`].
pub(crate) unsafe fn optional_text(
    text: &mut abi::Text,
    what: &str,
) -> Result<Option<String>, DriverError> {
    // SAFETY: passed on to the caller.
    unsafe { text.take() }.map_err(|fault| gave(what, fault))
}

/// A text that must be there.
///
/// # Safety
/// As [`abi::Text::take`].
pub(crate) unsafe fn text(text: &mut abi::Text, what: &str) -> Result<String, DriverError> {
    // SAFETY: passed on to the caller.
    unsafe { optional_text(text, what) }?
        .ok_or_else(|| DriverError::internal(format!("the driver gave no {what}")))
}

/// A JSON text that must be there.
///
/// # Safety
/// As [`abi::Text::take`].
pub(crate) unsafe fn json<T: DeserializeOwned>(
    output: &mut abi::Text,
    what: &str,
) -> Result<T, DriverError> {
    // SAFETY: passed on to the caller.
    let text = unsafe { text(output, what) }?;
    serde_json::from_str(&text).map_err(|source| {
        DriverError::internal(format!("the driver's {what} is not the JSON it should be"))
            .with_source(source)
    })
}

/// A list of extents, cut to `within`: whatever the driver says, nothing outside is read.
///
/// # Safety
/// As [`abi::Extents::take`].
pub(crate) unsafe fn extents(
    extents: &mut abi::Extents,
    within: Extent,
) -> Result<ExtentList, DriverError> {
    // SAFETY: passed on to the caller.
    let extents = unsafe { extents.take() }.map_err(|fault| gave("extents", fault))?;
    Ok(extents
        .into_iter()
        .filter_map(|extent| Extent::new(extent.offset, extent.length).intersection(&within))
        .collect())
}

/// A value as the JSON that drivers are given.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, DriverError> {
    serde_json::to_string(value)
        .map_err(|source| DriverError::internal("this has no JSON form").with_source(source))
}
