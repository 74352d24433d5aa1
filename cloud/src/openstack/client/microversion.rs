use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A version of a service's API: 2.93.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Microversion {
    /// Before the dot.
    pub major: u32,
    /// After it; 2.100 is newer than 2.93.
    pub minor: u32,
}

impl Microversion {
    /// The version `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Not two numbers with a dot between.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a microversion is two numbers with a dot between, not {given:?}")]
pub struct MicroversionError {
    /// What was given.
    pub given: String,
}

impl FromStr for Microversion {
    type Err = MicroversionError;

    fn from_str(text: &str) -> Result<Self, MicroversionError> {
        let parsed = || {
            let (major, minor) = text.split_once('.')?;
            Some(Self::new(major.parse().ok()?, minor.parse().ok()?))
        };
        parsed().ok_or_else(|| MicroversionError { given: text.to_owned() })
    }
}

impl<'de> Deserialize<'de> for Microversion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The versions of an API that a client can speak, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supported {
    /// Without what came with this one, the client cannot work.
    pub oldest: Microversion,
    /// The newest that the client was written against.
    pub newest: Microversion,
}

impl Supported {
    /// The newest version that both sides speak; none where there is no such version.
    pub fn negotiate(self, oldest: Microversion, newest: Microversion) -> Option<Microversion> {
        let chosen = self.newest.min(newest);
        (chosen >= self.oldest && chosen >= oldest).then_some(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Microversion {
        text.parse().unwrap()
    }

    #[test]
    fn versions_are_numbers_not_text() {
        assert!(version("2.100") > version("2.93"));
        assert_eq!(version("3.70").to_string(), "3.70");
        for text in ["", "2", "2.", ".1", "2.x", "v2.1", "latest", "-2.1"] {
            assert!(text.parse::<Microversion>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_newest_that_both_speak_is_chosen() {
        let ours = Supported { oldest: version("2.89"), newest: version("2.100") };
        for (oldest, newest, chosen) in [
            ("2.1", "2.93", Some("2.93")),
            ("2.1", "2.89", Some("2.89")),
            ("2.1", "2.120", Some("2.100")),
            ("2.100", "2.200", Some("2.100")),
            ("2.1", "2.88", None),
            ("2.101", "2.200", None),
        ] {
            let negotiated = ours.negotiate(version(oldest), version(newest));
            assert_eq!(negotiated, chosen.map(version), "{oldest} to {newest}");
        }
    }
}
