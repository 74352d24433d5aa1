use firn_core::ErrorKind;

use crate::xml::XmlError;

/// Why a domain XML was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// It is not XML, or not XML that is safe to read.
    #[error("the text is not acceptable XML")]
    Xml {
        /// What and where.
        #[source]
        source: XmlError,
    },
    /// It is some other document.
    #[error("the outermost element is <{found}>: a domain XML begins with <domain>")]
    Root {
        /// The element found.
        found: String,
    },
    /// Something that a domain needs is not there.
    #[error("{element} is missing")]
    Missing {
        /// Which element or attribute.
        element: String,
    },
    /// A value that cannot be accepted.
    #[error("{element} is {value:?}: {reason}")]
    Invalid {
        /// Which element or attribute.
        element: String,
        /// What it says, shortened.
        value: String,
        /// What it must be.
        reason: &'static str,
    },
    /// Two disks have the same target device.
    #[error("two disks have the target device {device}: give each its own")]
    DuplicateTarget {
        /// The device.
        device: String,
    },
}

impl DomainError {
    /// What a caller can do about it: always correct the XML.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidInput
    }

    /// A [`DomainError::Invalid`] with its value cut to a length fit for a message.
    pub(super) fn invalid(element: impl Into<String>, value: &str, reason: &'static str) -> Self {
        const SHOWN_CHARS: usize = 120;
        let mut shown: String = value.chars().take(SHOWN_CHARS).collect();
        if shown.len() < value.len() {
            shown.push('…');
        }
        Self::Invalid { element: element.into(), value: shown, reason }
    }
}
