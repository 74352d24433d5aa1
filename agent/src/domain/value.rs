//! Reading single values.

use std::path::{Component, PathBuf};
use std::str::FromStr;

use super::DomainError;
use crate::xml::Element;

/// The text of a child that must be there.
pub(super) fn required_text<'a>(parent: &'a Element, name: &str) -> Result<&'a str, DomainError> {
    let missing = || DomainError::Missing { element: format!("<{name}> in <{}>", parent.name) };
    parent.child_text(name).ok_or_else(missing)
}

/// An attribute that must be there and not be empty. `place` names its element.
pub(super) fn required_attribute<'a>(
    element: &'a Element,
    name: &str,
    place: &str,
) -> Result<&'a str, DomainError> {
    let value = element.attribute(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| DomainError::Missing { element: format!("{place}: the attribute {name}") })
}

/// A number.
pub(super) fn number<T: FromStr>(element: &str, value: &str) -> Result<T, DomainError> {
    value
        .trim()
        .parse()
        .map_err(|_| DomainError::invalid(element, value, "it must be a number in range"))
}

/// An absolute path without `..`. Such a path names the same file whoever resolves it.
pub(super) fn path(element: &str, value: &str) -> Result<PathBuf, DomainError> {
    let path = PathBuf::from(value);
    if !path.is_absolute() {
        return Err(DomainError::invalid(element, value, "it must be an absolute path"));
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(DomainError::invalid(element, value, "a path must not contain `..`"));
    }
    if value.chars().any(char::is_control) {
        let reason = "a path must not contain control characters";
        return Err(DomainError::invalid(element, value, reason));
    }
    Ok(path)
}

/// A name for people and logs: any text without control characters.
pub(super) fn name(element: &str, value: &str) -> Result<String, DomainError> {
    const MAX_CHARS: usize = 255;
    if value.is_empty() || value.chars().count() > MAX_CHARS {
        return Err(DomainError::invalid(element, value, "it must have 1 to 255 characters"));
    }
    if value.chars().any(char::is_control) {
        return Err(DomainError::invalid(element, value, "control characters are not allowed"));
    }
    Ok(value.to_owned())
}
