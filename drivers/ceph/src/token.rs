use firn_driver_sdk::DriverError;
use serde::{Deserialize, Serialize};

use crate::snapshot::Snapshot;

const VERSION: u32 = 1;

/// One image, by ids that are never used twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageIdentity {
    pub(crate) fsid: String,
    pub(crate) pool_id: i64,
    pub(crate) image_id: String,
}

/// A change token: one snapshot of one image. What the next backup compares with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    version: u32,
    #[serde(flatten)]
    pub(crate) image: ImageIdentity,
    /// Never used twice either.
    pub(crate) snapshot_id: u64,
    /// For people: a snapshot may be renamed and stays the same.
    pub(crate) snapshot: String,
    pub(crate) size_bytes: u64,
    /// What came from the parent of a clone, from the start.
    pub(crate) overlap_bytes: u64,
}

impl Token {
    pub(crate) fn new(
        image: ImageIdentity,
        snapshot: &Snapshot,
        size_bytes: u64,
        overlap_bytes: u64,
    ) -> Self {
        Self {
            version: VERSION,
            image,
            snapshot_id: snapshot.id,
            snapshot: snapshot.name.to_string_lossy().into_owned(),
            size_bytes,
            overlap_bytes,
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
}

#[cfg(test)]
mod tests {
    use firn_driver_sdk::ErrorKind;

    use super::*;

    #[test]
    fn a_token_survives_as_text() {
        let image = ImageIdentity { fsid: "f".into(), pool_id: 3, image_id: "10a\"".into() };
        let snapshot = Snapshot { id: u64::MAX, name: c"then".into(), size_bytes: 4096 };
        let token = Token::new(image, &snapshot, 1 << 40, 5);
        let text = token.to_text().unwrap();
        assert_eq!(Token::parse(&text).unwrap(), token);
        for bad in ["", "{}", "nonsense", "[1]", &text.replace("\"version\":1", "\"version\":2")] {
            assert_eq!(Token::parse(bad).unwrap_err().kind(), ErrorKind::Unsupported, "{bad}");
        }
    }

    /// What was given out once is understood for ever.
    #[test]
    fn the_first_form_is_still_read() {
        let text = r#"{"version":1,"fsid":"f","pool_id":3,"image_id":"10a","snapshot_id":18,
            "snapshot":"then","size_bytes":4096,"overlap_bytes":0}"#;
        let token = Token::parse(text).unwrap();
        let image = ImageIdentity { fsid: "f".into(), pool_id: 3, image_id: "10a".into() };
        assert_eq!(
            token,
            Token::new(
                image,
                &Snapshot { id: 18, name: c"then".into(), size_bytes: 4096 },
                4096,
                0
            )
        );
    }
}
