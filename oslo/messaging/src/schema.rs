use std::fmt;
use std::str::FromStr;

/// The name and version of what a message's body is. Its text is `name/version`.
///
/// A version is a whole number from 1. A body may gain fields within a version, if receivers that
/// do not know them still do the right thing; anything else is a new version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schema {
    /// Words of lower-case letters, digits, `_` and `-`, joined by dots.
    pub name: String,
    /// From 1.
    pub version: u32,
}

/// Why a message's schema is not what a receiver wants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Not of the form `name/version`.
    #[error("{text:?} is no schema: it must read like job.wake/1")]
    Malformed {
        /// The text.
        text: String,
    },
    /// The message is about something else.
    #[error("a message of the schema {expected} was expected, not of {found}")]
    Other {
        /// What the receiver takes.
        expected: String,
        /// What came.
        found: String,
    },
    /// The sender is newer than the receiver.
    #[error("version {found} of {name} is not known here, only up to {newest}: upgrade this side")]
    TooNew {
        /// The schema.
        name: String,
        /// The message's version.
        found: u32,
        /// The newest version that the receiver takes.
        newest: u32,
    },
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.version)
    }
}

impl FromStr for Schema {
    type Err = SchemaError;

    fn from_str(text: &str) -> Result<Self, SchemaError> {
        let malformed = || SchemaError::Malformed { text: text.chars().take(100).collect() };
        let (name, version) = text.split_once('/').ok_or_else(malformed)?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if !name.split('.').all(|word| !word.is_empty() && word.chars().all(plain)) {
            return Err(malformed());
        }
        // `parse` alone would take a sign and leading zeros: two texts for one schema.
        if version.starts_with(['0', '+']) {
            return Err(malformed());
        }
        let version = version.parse().map_err(|_| malformed())?;
        Ok(Self { name: name.to_owned(), version })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::Envelope;

    #[test]
    fn good_texts_read_and_print_the_same() {
        for text in ["job.wake/1", "a/4294967295", "instance-list.v_2/12"] {
            assert_eq!(text.parse::<Schema>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "",
            "/",
            "a",
            "a/",
            "/1",
            "a/0",
            "a/01",
            "a/+1",
            "a/-1",
            "a/1/2",
            "a/4294967296",
            "a/1 ",
            " a/1",
            "A/1",
            "a..b/1",
            ".a/1",
            "a./1",
            "a b/1",
            "ä/1",
            "a/x",
        ] {
            assert!(
                matches!(text.parse::<Schema>(), Err(SchemaError::Malformed { .. })),
                "{text:?}"
            );
        }
    }

    #[test]
    fn receivers_take_their_own_schema_up_to_the_version_they_know() {
        let envelope = |schema: &str| Envelope {
            schema: schema.to_owned(),
            request_id: String::new(),
            body: Value::Null,
        };
        assert_eq!(envelope("job.wake/1").expect("job.wake", 2), Ok(1));
        assert_eq!(envelope("job.wake/2").expect("job.wake", 2), Ok(2));
        let newer = envelope("job.wake/3").expect("job.wake", 2);
        assert!(matches!(newer, Err(SchemaError::TooNew { found: 3, newest: 2, .. })));
        let other = envelope("job.wakes/1").expect("job.wake", 2);
        assert!(matches!(other, Err(SchemaError::Other { .. })));
        let broken = envelope("job.wake").expect("job.wake", 2);
        assert!(matches!(broken, Err(SchemaError::Malformed { .. })));
    }
}
