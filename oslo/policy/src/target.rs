//! What is acted on.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

/// The attributes of what is acted on, which `%(key)s` in rules stands for.
pub trait Target {
    /// An attribute as text; `None` when there is none, and then the check fails. Nothing is
    /// `None`, truth `True` or `False`, as Python writes them. Keys may have dots.
    fn text(&self, key: &str) -> Option<Cow<'_, str>>;
}

/// Nothing in particular.
impl Target for () {
    fn text(&self, _key: &str) -> Option<Cow<'_, str>> {
        None
    }
}

impl<const N: usize> Target for [(&str, &str); N] {
    fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.iter().find(|pair| pair.0 == key).map(|pair| Cow::Borrowed(pair.1))
    }
}

impl Target for &[(&str, &str)] {
    fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.iter().find(|pair| pair.0 == key).map(|pair| Cow::Borrowed(pair.1))
    }
}

impl Target for HashMap<String, String> {
    fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get(key).map(|text| Cow::Borrowed(text.as_str()))
    }
}

impl Target for BTreeMap<String, String> {
    fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.get(key).map(|text| Cow::Borrowed(text.as_str()))
    }
}

/// An object: a key is looked for as it is, then its parts between dots as nested keys.
impl Target for Value {
    fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        let nested = || key.split('.').try_fold(self, |value, part| value.get(part));
        scalar(self.get(key).or_else(nested)?)
    }
}

/// A value as Python's `str` writes it; lists and objects have no text.
pub(crate) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    Some(match value {
        Value::Null => Cow::Borrowed("None"),
        Value::Bool(true) => Cow::Borrowed("True"),
        Value::Bool(false) => Cow::Borrowed("False"),
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(number) => match (number.is_f64(), number.as_f64()) {
            (true, Some(float)) => Cow::Owned(format!("{float:?}")),
            _ => Cow::Owned(number.to_string()),
        },
        Value::Array(_) | Value::Object(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_objects() {
        let target =
            json!({"a": {"b": {"c": 1}}, "a.x": "flat", "n": null, "t": true, "l": [], "f": 1.0});
        let table = [
            ("a.b.c", Some("1")),
            ("a.x", Some("flat")),
            ("a.y", None),
            ("a", None),
            ("n", Some("None")),
            ("t", Some("True")),
            ("l", None),
            ("f", Some("1.0")),
        ];
        for (key, expected) in table {
            assert_eq!(target.text(key).as_deref(), expected, "{key}");
        }
    }
}
