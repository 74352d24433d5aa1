use std::fmt;

use serde::{Deserialize, Serialize};

/// One plain file name: no separator, no dot entry, no control character, at most 255 bytes.
///
/// It exists so that a name from a request can be joined to a folder without leaving it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// Why a text is not a plain file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// Nothing in it.
    #[error("a name must not be empty")]
    Empty,
    /// More than 255 bytes.
    #[error("a name has at most 255 bytes, this one has {bytes}")]
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// `.`, `..`, or a hidden file.
    #[error("a name must not start with a dot")]
    LeadingDot,
    /// A separator or a control character.
    #[error("a name must not hold {character:?}")]
    Character {
        /// The first one found.
        character: char,
    },
}

impl FileName {
    /// Checks and takes the text.
    pub fn new(text: impl Into<String>) -> Result<Self, FileNameError> {
        let text = text.into();
        if text.is_empty() {
            return Err(FileNameError::Empty);
        }
        if text.len() > 255 {
            return Err(FileNameError::TooLong { bytes: text.len() });
        }
        if text.starts_with('.') {
            return Err(FileNameError::LeadingDot);
        }
        match text.chars().find(|c| matches!(c, '/' | '\\') || c.is_control()) {
            Some(character) => Err(FileNameError::Character { character }),
            None => Ok(Self(text)),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for FileName {
    type Error = FileNameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_their_folder_are_refused() {
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "/etc",
            "a\\b",
            "a\0",
            "a\n",
            ".hidden",
            &"x".repeat(256),
        ] {
            assert!(FileName::new(bad).is_err(), "{bad:?}");
        }
        for good in ["copy1", "a b", "ünïcode", "a..b", &"x".repeat(255)] {
            assert!(FileName::new(good).is_ok(), "{good:?}");
        }
    }
}
