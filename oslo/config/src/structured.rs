//! Lists and dictionaries in one line, and options that may be given several times.

use std::collections::BTreeMap;

use crate::declare::Rules;
use crate::ini::is_space;
use crate::value::{OptionValue, ValueError};

/// Splits at commas; a piece that `read` refuses is tried again together with the next one, since
/// an item may have commas of its own.
fn pieces<T>(
    text: &str,
    mut read: impl FnMut(&str) -> Result<T, ValueError>,
) -> Result<Vec<T>, ValueError> {
    let mut items = Vec::new();
    let mut rest = Some(text);
    while let Some(from) = rest {
        let mut end = from.find(',').unwrap_or(from.len());
        let mut first_error = None;
        loop {
            match read(&from[..end]) {
                Ok(item) => break items.push(item),
                Err(error) if end == from.len() => return Err(first_error.unwrap_or(error)),
                Err(error) => _ = first_error.get_or_insert(error),
            }
            end = from[end + 1..].find(',').map_or(from.len(), |next| end + 1 + next);
        }
        rest = from.get(end + 1..);
    }
    Ok(items)
}

/// `a, b, c`, or one item a line when the option is declared `multi`.
impl<T: OptionValue> OptionValue for Vec<T> {
    const EMPTY_IS_UNSET: bool = false;

    fn type_name() -> &'static str {
        "list value"
    }

    fn parse(text: &str, rules: &Rules) -> Result<Self, ValueError> {
        match text.trim_matches(is_space).trim_end_matches(',') {
            "" => Ok(Self::new()),
            text => pieces(text, |item| T::parse(item.trim_matches(is_space), rules)),
        }
    }

    fn format(&self) -> String {
        self.iter().map(T::format).collect::<Vec<_>>().join(",")
    }

    fn parse_all(texts: &[String], rules: &Rules) -> Result<Self, ValueError> {
        match texts {
            _ if rules.multi => texts.iter().map(|text| T::parse(text, rules)).collect(),
            [.., last] => Self::parse(last, rules),
            [] => Ok(Self::new()),
        }
    }

    fn format_all(&self, rules: &Rules) -> Option<Vec<String>> {
        match rules.multi {
            true => Some(self.iter().map(T::format).collect()),
            false => Some(vec![self.format()]),
        }
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn choices() -> &'static [&'static str] {
        T::choices()
    }
}

/// `key:value, key:value`.
impl<T: OptionValue> OptionValue for BTreeMap<String, T> {
    const EMPTY_IS_UNSET: bool = false;

    fn type_name() -> &'static str {
        "dict value"
    }

    fn parse(text: &str, rules: &Rules) -> Result<Self, ValueError> {
        let trimmed = text.trim_matches(is_space);
        if trimmed.is_empty() {
            return Ok(Self::new());
        }
        let pairs = pieces(trimmed, |pair| {
            let (key, value) = pair
                .split_once(':')
                .ok_or_else(|| ValueError::of(text, "must be NAME:VALUE pairs with ',' between"))?;
            let value = T::parse(value.trim_matches(is_space), rules)?;
            Ok((key.trim_matches(is_space).to_owned(), value))
        })?;
        let mut map = Self::new();
        for (key, value) in pairs {
            if key.is_empty() {
                return Err(ValueError::of(text, "has a pair without a name"));
            }
            if map.insert(key, value).is_some() {
                return Err(ValueError::of(text, "has a name twice"));
            }
        }
        Ok(map)
    }

    fn format(&self) -> String {
        let pairs: Vec<_> =
            self.iter().map(|(key, value)| format!("{key}:{}", value.format())).collect();
        pairs.join(",")
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Option<Vec<String>> {
        Vec::parse(text, &Rules::default()).ok()
    }

    fn dict(text: &str) -> Option<String> {
        BTreeMap::<String, String>::parse(text, &Rules::default()).ok().map(|map| map.format())
    }

    #[test]
    fn lists() {
        let table: &[(&str, &[&str])] = &[
            ("a,b", &["a", "b"]),
            (" a , b ", &["a", "b"]),
            ("a,", &["a"]),
            ("a,,b", &["a", "", "b"]),
            (",a", &["", "a"]),
            ("", &[]),
            (",,", &[]),
            ("a\nb", &["a\nb"]),
        ];
        for (text, expected) in table {
            assert_eq!(list(text).unwrap(), *expected, "{text:?}");
        }
        assert_eq!(Vec::<u16>::parse("1, 2", &Rules::default()), Ok(vec![1, 2]));
        assert!(Vec::<u16>::parse("1, x", &Rules::default()).is_err());
        assert!(Vec::<u16>::parse("1,,2", &Rules::default()).is_err());
    }

    #[test]
    fn dictionaries() {
        assert_eq!(dict("b:c, a : x:y").as_deref(), Some("a:x:y,b:c"));
        assert_eq!(dict("").as_deref(), Some(""));
        assert_eq!(dict("a:").as_deref(), Some("a:"));
        for bad in ["a", ":b", "a:1,a:2", "a:1,b", "a:1,"] {
            assert_eq!(dict(bad), None, "{bad}");
        }
        // What has no colon of its own belongs to the pair that follows.
        assert_eq!(dict("a,b:c").as_deref(), Some("a,b:c"));
    }
}
