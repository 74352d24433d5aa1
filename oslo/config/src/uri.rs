//! The text of a URI.

use std::fmt;

use crate::declare::Rules;
use crate::redact::redacted;
use crate::value::{OptionValue, ValueError};

/// A URI with a scheme and a host, kept as text. `Debug` hides the password in it, `Display`
/// and [`Uri::as_str`] do not.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uri(String);

impl Uri {
    /// Takes a text that looks like `scheme://host…`.
    ///
    /// # Errors
    /// It does not.
    pub fn new(text: &str) -> Result<Self, ValueError> {
        let complaint = "is no URI with a scheme and a host";
        let valid = text.split_once("://").is_some_and(|(scheme, rest)| {
            let mut scheme = scheme.chars();
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            scheme.next().is_some_and(|first| first.is_ascii_alphabetic())
                && scheme.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
                && !authority.rsplit('@').next().unwrap_or_default().is_empty()
                && !rest.chars().any(|c| c.is_whitespace() || c.is_control())
        });
        if valid { Ok(Self(text.to_owned())) } else { Err(ValueError::of(text, complaint)) }
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Uri({:?})", redacted(&self.0))
    }
}

impl OptionValue for Uri {
    fn type_name() -> &'static str {
        "URI value"
    }

    fn parse(text: &str, _rules: &Rules) -> Result<Self, ValueError> {
        Self::new(text)
    }

    fn format(&self) -> String {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for good in ["http://host", "rabbit://u:p@h1:5672,h2/v", "https://[::1]:5000/v3?a#b"] {
            assert!(Uri::new(good).is_ok(), "{good}");
        }
        for bad in ["", "host", "http:/x", "://host", "http://", "1a://h", "http://a b", "x:///y"] {
            assert!(Uri::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_hides_the_password() {
        let uri = Uri::new("rabbit://u:hunter2@h:1,u:hunter3@h2/").unwrap();
        assert_eq!(format!("{uri:?}"), "Uri(\"rabbit://u:***@h:1,u:***@h2/\")");
    }
}
