//! Values that an option can have: how they are read, checked and written.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::declare::Rules;
use crate::ini::is_space;

/// Why a text is no value of a type: the end of a sentence that starts with the option's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ValueError {
    message: String,
    /// The message without the text that was read, for secrets.
    plain: String,
}

impl ValueError {
    /// An error that repeats the text, as `'text' is no …`.
    #[must_use]
    pub fn of(text: &str, complaint: &str) -> Self {
        Self { message: format!("'{text}' {complaint}"), plain: format!("the value {complaint}") }
    }

    /// The message without the value that was read.
    #[must_use]
    pub fn without_value(&self) -> &str {
        &self.plain
    }
}

/// A type that options can have. Types with `FromStr` and `Display` get it by
/// [`crate::value_by_from_str!`], enums by [`crate::choices!`].
pub trait OptionValue: Sized {
    /// Whether an empty text means "not set" for an `Option` of this type.
    const EMPTY_IS_UNSET: bool = true;

    /// What the sample calls the type, as "integer value".
    fn type_name() -> &'static str;

    /// Reads one value.
    ///
    /// # Errors
    /// The text is none, or breaks the rules.
    fn parse(text: &str, rules: &Rules) -> Result<Self, ValueError>;

    /// Writes one value so that [`OptionValue::parse`] reads it back.
    fn format(&self) -> String;

    /// Reads an option that may be given several times; all but lists take the last.
    ///
    /// # Errors
    /// As [`OptionValue::parse`].
    fn parse_all(texts: &[String], rules: &Rules) -> Result<Self, ValueError> {
        Self::parse(texts.last().map(String::as_str).unwrap_or_default(), rules)
    }

    /// Counterpart of [`OptionValue::parse_all`]; `None` for a value that is not set.
    fn format_all(&self, rules: &Rules) -> Option<Vec<String>> {
        let _ = rules;
        Some(vec![self.format()])
    }

    /// The value of an option that is not set and has no default; `None` when it must be set.
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }

    /// The only texts allowed, for the sample; empty when the type is open.
    #[must_use]
    fn choices() -> &'static [&'static str] {
        &[]
    }
}

impl OptionValue for String {
    const EMPTY_IS_UNSET: bool = false;

    fn type_name() -> &'static str {
        "string value"
    }

    fn parse(text: &str, rules: &Rules) -> Result<Self, ValueError> {
        rules.check_choice(text)?;
        Ok(text.to_owned())
    }

    fn format(&self) -> String {
        self.clone()
    }
}

impl OptionValue for PathBuf {
    fn type_name() -> &'static str {
        "path"
    }

    fn parse(text: &str, _rules: &Rules) -> Result<Self, ValueError> {
        match text {
            "" => Err(ValueError::of(text, "is no path")),
            text => Ok(Self::from(text)),
        }
    }

    fn format(&self) -> String {
        self.display().to_string()
    }
}

impl OptionValue for bool {
    const EMPTY_IS_UNSET: bool = false;

    fn type_name() -> &'static str {
        "boolean value"
    }

    fn parse(text: &str, _rules: &Rules) -> Result<Self, ValueError> {
        match text.to_lowercase().as_str() {
            "true" | "1" | "on" | "yes" => Ok(true),
            "false" | "0" | "off" | "no" => Ok(false),
            _ => Err(ValueError::of(text, "is neither true nor false")),
        }
    }

    /// As Python writes it, which matters where another value refers to the option.
    fn format(&self) -> String {
        if *self { "True".to_owned() } else { "False".to_owned() }
    }
}

/// The digits of a number as Python's `int` and `float` take them: with blanks around, a plus
/// sign, and single underscores between digits.
fn number(text: &str) -> Option<String> {
    let text = text.trim_matches(is_space);
    let bytes = text.as_bytes();
    let digit = |at: Option<&u8>| at.is_some_and(u8::is_ascii_digit);
    for (at, byte) in bytes.iter().enumerate() {
        let between = at > 0 && digit(bytes.get(at - 1)) && digit(bytes.get(at + 1));
        if *byte == b'_' && !between {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl OptionValue for $type {
            fn type_name() -> &'static str {
                "integer value"
            }

            fn parse(text: &str, rules: &Rules) -> Result<Self, ValueError> {
                let whole: Option<i128> = number(text).and_then(|digits| digits.parse().ok());
                let Some(whole) = whole else {
                    return Err(ValueError::of(text, "is no integer"));
                };
                rules.check_range(text, whole as f64)?;
                rules.check_choice(&whole.to_string())?;
                Self::try_from(whole).map_err(|_| {
                    let complaint = format!("is not between {} and {}", Self::MIN, Self::MAX);
                    ValueError::of(text, &complaint)
                })
            }

            fn format(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

impl OptionValue for f64 {
    fn type_name() -> &'static str {
        "floating point value"
    }

    fn parse(text: &str, rules: &Rules) -> Result<Self, ValueError> {
        let value: Option<Self> = number(text).and_then(|digits| digits.parse().ok());
        let value = value.ok_or_else(|| ValueError::of(text, "is no number"))?;
        rules.check_range(text, value)?;
        Ok(value)
    }

    fn format(&self) -> String {
        format!("{self:?}")
    }
}

/// Whole or decimal seconds.
impl OptionValue for Duration {
    fn type_name() -> &'static str {
        "seconds"
    }

    fn parse(text: &str, rules: &Rules) -> Result<Self, ValueError> {
        let seconds = f64::parse(text, rules)?;
        Self::try_from_secs_f64(seconds)
            .map_err(|_| ValueError::of(text, "is no number of seconds"))
    }

    fn format(&self) -> String {
        match self.subsec_nanos() {
            0 => self.as_secs().to_string(),
            _ => self.as_secs_f64().to_string(),
        }
    }
}

impl<T: OptionValue> OptionValue for Option<T> {
    const EMPTY_IS_UNSET: bool = T::EMPTY_IS_UNSET;

    fn type_name() -> &'static str {
        T::type_name()
    }

    fn parse(text: &str, rules: &Rules) -> Result<Self, ValueError> {
        match text.trim_matches(is_space) {
            "" if T::EMPTY_IS_UNSET => Ok(None),
            _ => T::parse(text, rules).map(Some),
        }
    }

    fn format(&self) -> String {
        self.as_ref().map(T::format).unwrap_or_default()
    }

    fn parse_all(texts: &[String], rules: &Rules) -> Result<Self, ValueError> {
        match texts {
            [.., last] if !rules.multi => Self::parse(last, rules),
            _ => T::parse_all(texts, rules).map(Some),
        }
    }

    fn format_all(&self, rules: &Rules) -> Option<Vec<String>> {
        self.as_ref().and_then(|value| value.format_all(rules))
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn choices() -> &'static [&'static str] {
        T::choices()
    }
}

crate::value_by_from_str!(IpAddr, "IP address");
crate::value_by_from_str!(SocketAddr, "IP address and port");

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<T: OptionValue>(text: &str) -> Option<T> {
        T::parse(text, &Rules::default()).ok()
    }

    #[test]
    fn booleans() {
        for text in ["true", "True", "1", "on", "YES"] {
            assert_eq!(parse(text), Some(true), "{text}");
        }
        for text in ["false", "0", "Off", "no"] {
            assert_eq!(parse(text), Some(false), "{text}");
        }
        for text in ["", "2", "t", " true", "enabled"] {
            assert_eq!(parse::<bool>(text), None, "{text}");
        }
    }

    #[test]
    fn numbers() {
        let table = [
            ("5", Some(5)),
            (" +5 ", Some(5)),
            ("005", Some(5)),
            ("1_000", Some(1000)),
            ("-3", Some(-3)),
            ("1__0", None),
            ("_1", None),
            ("1.0", None),
            ("0x10", None),
            ("", None),
            ("3000000000", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse::<i32>(text), expected, "{text}");
        }
        assert_eq!(parse("1e3"), Some(1000.0));
        assert_eq!(parse("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(parse::<Duration>("-1"), None);
        assert_eq!(parse::<Option<u32>>(""), Some(None));
        assert_eq!(parse::<Option<String>>(""), Some(Some(String::new())));
        assert_eq!(parse::<Option<PathBuf>>(""), Some(None));
    }

    #[test]
    fn bounds() {
        let rules = Rules { min: Some(1.0), max: Some(10.0), ..Rules::default() };
        assert_eq!(u8::parse("10", &rules), Ok(10));
        let error = u8::parse("11", &rules).unwrap_err();
        assert_eq!(error.to_string(), "'11' is more than 10");
        assert_eq!(error.without_value(), "the value is more than 10");
        assert_eq!(i8::parse("-4", &rules).unwrap_err().to_string(), "'-4' is less than 1");
    }
}
