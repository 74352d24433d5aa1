use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{Link, Links, Microversion};

/// All versions of the API.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionsBody {
    pub(crate) versions: Vec<Version>,
}

/// One version of the API.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionBody {
    pub(crate) version: Version,
}

/// A version of the API.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Version {
    #[schema(example = "v1.0")]
    pub(crate) id: &'static str,
    /// `CURRENT`, `SUPPORTED` or `DEPRECATED`.
    pub(crate) status: &'static str,
    pub(crate) links: Vec<Link>,
    /// The newest microversion.
    #[schema(example = "1.1")]
    pub(crate) max_version: String,
    /// The newest microversion, under the older of its two usual names.
    pub(crate) version: String,
    /// The oldest microversion.
    pub(crate) min_version: String,
}

impl Version {
    /// The one there is.
    pub(crate) fn v1(links: &Links) -> Self {
        Self {
            id: "v1.0",
            status: "CURRENT",
            links: vec![links.link("self", "/v1")],
            max_version: Microversion::MAX.to_string(),
            version: Microversion::MAX.to_string(),
            min_version: Microversion::MIN.to_string(),
        }
    }
}

/// Whether the service can do its work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    pub(crate) status: &'static str,
}
