use firn_driver_sdk::DriverError;
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

/// A change token: one snapshot of one image, by ids that are never used twice. What the next
/// backup compares with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    version: u32,
    pub(crate) fsid: String,
    pub(crate) pool_id: i64,
    pub(crate) image_id: String,
    pub(crate) snapshot_id: u64,
    /// For people: a snapshot may be renamed and stays the same.
    pub(crate) snapshot: String,
    pub(crate) size_bytes: u64,
    /// What came from the parent of a clone, from the start.
    pub(crate) overlap_bytes: u64,
}

impl Token {
    pub(crate) fn new(fsid: &str, pool_id: i64, image_id: &str) -> Self {
        Self {
            version: VERSION,
            fsid: fsid.to_owned(),
            pool_id,
            image_id: image_id.to_owned(),
            snapshot_id: 0,
            snapshot: String::new(),
            size_bytes: 0,
            overlap_bytes: 0,
        }
    }

    /// # Errors
    /// `Internal`, in theory.
    pub(crate) fn to_text(&self) -> Result<String, DriverError> {
        serde_json::to_string(self).map_err(|source| {
            DriverError::internal("this change token has no JSON form").with_source(source)
        })
    }

    /// # Errors
    /// `Unsupported` for what is no token of this version.
    pub(crate) fn parse(text: &str) -> Result<Self, DriverError> {
        serde_json::from_str(text)
            .ok()
            .filter(|token: &Self| token.version == VERSION)
            .ok_or_else(|| DriverError::unsupported("change tokens of this form"))
    }

    /// Whether it is about the same image.
    pub(crate) fn is_of_image(&self, other: &Self) -> bool {
        let image = |token: &Self| (token.fsid.clone(), token.pool_id, token.image_id.clone());
        image(self) == image(other)
    }
}

#[cfg(test)]
mod tests {
    use firn_driver_sdk::ErrorKind;

    use super::*;

    #[test]
    fn a_token_survives_as_text() {
        let token = Token { snapshot_id: u64::MAX, ..Token::new("f", 3, "10a\"") };
        let text = token.to_text().unwrap();
        assert_eq!(Token::parse(&text).unwrap(), token);
        for bad in ["", "{}", "nonsense", "[1]", &text.replace("\"version\":1", "\"version\":2")] {
            assert_eq!(Token::parse(bad).unwrap_err().kind(), ErrorKind::Unsupported, "{bad}");
        }
    }

    #[test]
    fn another_image_is_told_apart() {
        let token = Token::new("f", 3, "10a");
        assert!(token.is_of_image(&Token { snapshot_id: 9, ..token.clone() }));
        for other in [Token::new("g", 3, "10a"), Token::new("f", 4, "10a"), Token::new("f", 3, "b")]
        {
            assert!(!token.is_of_image(&other));
        }
    }
}
