use std::ffi::CString;
use std::fmt;

use firn_driver_sdk::DriverError;
use serde::{Deserialize, Serialize};

/// An image, as the driver gives it out: the canonical location. Fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The cluster's id, in lower case.
    pub(crate) fsid: String,
    /// Pool name.
    pub(crate) pool: String,
    /// RADOS namespace inside the pool; never empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// Image name.
    pub(crate) image: String,
}

impl fmt::Display for Place {
    /// As Ceph's own tools write it: `pool/namespace/image`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.pool)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.image)
    }
}

/// A name for C.
///
/// # Errors
/// `InvalidInput` where it holds a zero byte.
pub(crate) fn c_string(name: &str) -> Result<CString, DriverError> {
    CString::new(name).map_err(|_| {
        DriverError::invalid_input(format!("{name:?} is no name in Ceph: it holds a zero byte"))
    })
}
