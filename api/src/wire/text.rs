//! Texts from requests: bounded, and without characters that nobody types.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Characters that change how the text around them is shown, without being seen.
const fn invisible(character: char) -> bool {
    matches!(character, '\u{200B}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

fn check(text: &str, min_chars: usize, max_chars: usize) -> Result<(), String> {
    let length = text.chars().count();
    if length < min_chars {
        return Err(format!("must have at least {min_chars} character(s)"));
    }
    if length > max_chars {
        return Err(format!("must have at most {max_chars} characters, this has {length}"));
    }
    plain(text)
}

/// Whether all of a text can be seen.
pub(crate) fn plain(text: &str) -> Result<(), String> {
    match text.chars().find(|&c| c.is_control() || invisible(c)) {
        Some(character) => Err(format!("must not hold {character:?}")),
        None => Ok(()),
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident: $min:literal..=$max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) String);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                check(&text, $min, $max).map_err(D::Error::custom)?;
                Ok(Self(text))
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                string($min, $max).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

text!(
    /// What an owner calls something.
    Name: 1..=255
);
text!(
    /// An owner's note.
    Description: 0..=1000
);
text!(
    /// Why somebody did something.
    Reason: 1..=255
);
text!(
    /// A value that a list is narrowed to.
    Filter: 1..=255
);

fn string(min_chars: usize, max_chars: usize) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(min_chars))
        .max_length(Some(max_chars))
        .build()
}

/// How one plain file name, as the domain defines it, is documented.
pub(crate) struct TargetName;

impl PartialSchema for TargetName {
    fn schema() -> RefOr<Schema> {
        let mut name = string(1, 255);
        name.pattern = Some(r"^[^./\\][^/\\]*$".to_owned());
        name.into()
    }
}

impl ToSchema for TargetName {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("TargetName")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn names_are_bounded_and_visible() {
        for good in ["a", "weekly, before the upgrade", "ünï…", &"x".repeat(255)] {
            assert!(from_value::<Name>(json!(good)).is_ok(), "{good:?}");
        }
        for bad in ["", "a\nb", "a\0", "\u{202E}txt", "\u{FEFF}", &"x".repeat(256)] {
            assert!(from_value::<Name>(json!(bad)).is_err(), "{bad:?}");
        }
        for bad in [json!(1), json!(null), json!(["a"]), json!({"a": 1}), json!(true)] {
            assert!(from_value::<Name>(bad.clone()).is_err(), "{bad}");
        }
        assert!(from_value::<Description>(json!("")).is_ok());
        assert!(from_value::<Description>(json!("x".repeat(1001))).is_err());
    }
}
