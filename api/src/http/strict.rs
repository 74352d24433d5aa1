use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_path_to_error::Error as PathError;

/// Takes `T` from an object only. Derived structs would take an array of their fields too,
/// which no client means.
pub(crate) fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(Object(PhantomData))
}

/// A whole document that is one object.
pub(crate) struct Root<T>(pub(crate) T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Root<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

const PATH_MAX_CHARS: usize = 100;

/// Where in a document something is wrong, and what.
pub(crate) fn path_and_reason<E: fmt::Display>(
    error: &PathError<E>,
    whole: &str,
) -> (String, String) {
    let path = error.path().to_string();
    // serde_path_to_error writes "." for the document itself and "?" for a key it cannot name.
    let path = path.trim_end_matches(['?', '.']);
    let path = if path.is_empty() { whole } else { path };
    // A path may be made of keys that the client invented.
    let path = path.chars().take(PATH_MAX_CHARS).collect();
    (path, error.inner().to_string())
}
