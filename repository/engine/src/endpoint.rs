use std::error::Error;

use firn_core::ErrorKind;

/// Why a source could not be read, or a sink not be written, in the caller's words.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EndpointError {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Failure of a [`Source`].
pub type SourceError = EndpointError;
/// Failure of a [`Sink`].
pub type SinkError = EndpointError;

impl EndpointError {
    /// A failure with nothing below it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// A failure caused by another one; `message` must not repeat it.
    pub fn caused(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { kind, message: message.into(), source: Some(source.into()) }
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// What a disk is read from. Called from many threads at once.
pub trait Source: Sync {
    /// Fills `buffer` with the disk's bytes from `offset` on; never beyond the disk's size. All
    /// or an error.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError>;
}

/// What a disk is restored to. Holds zeros at the start. Called from many threads at once, for
/// ranges that never overlap, in no order.
pub trait Sink: Sync {
    /// Writes `data` at `offset`; never beyond the disk's size. All or an error. The engine does
    /// not flush: that is the caller's last step.
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), SinkError>;
}
