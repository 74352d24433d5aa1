//! How a default is written in a declaration.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What may stand as the default of a field of type `Self`: a value of the type itself, a `&str`
/// for texts and paths, an array for a list, an array of pairs for a dictionary.
pub trait DefaultFrom<S>: Sized {
    /// The default.
    fn default_from(source: S) -> Self;
}

impl<T> DefaultFrom<T> for T {
    fn default_from(source: T) -> Self {
        source
    }
}

impl DefaultFrom<&str> for String {
    fn default_from(source: &str) -> Self {
        source.to_owned()
    }
}

impl DefaultFrom<&str> for PathBuf {
    fn default_from(source: &str) -> Self {
        Self::from(source)
    }
}

impl<S, T: DefaultFrom<S>, const N: usize> DefaultFrom<[S; N]> for Vec<T> {
    fn default_from(source: [S; N]) -> Self {
        source.into_iter().map(T::default_from).collect()
    }
}

impl<S, T: DefaultFrom<S>, const N: usize> DefaultFrom<[(&str, S); N]> for BTreeMap<String, T> {
    fn default_from(source: [(&str, S); N]) -> Self {
        source.into_iter().map(|(key, value)| (key.to_owned(), T::default_from(value))).collect()
    }
}
