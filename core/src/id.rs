use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new random id (UUID version 4).
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self(Uuid::new_v4())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            /// Accepts the forms that `uuid` accepts; prints as hyphenated lower case.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// A Nova server, or a libvirt domain: the two share their UUID.
    InstanceId
);
uuid_id!(
    /// One disk of one restore point.
    DiskId
);
uuid_id!(
    /// A restore point: one instance at one time.
    PointId
);
uuid_id!(
    /// A restore request.
    RestoreId
);
uuid_id!(
    /// A job: the work behind one request.
    JobId
);
uuid_id!(
    /// A repository.
    RepositoryId
);
uuid_id!(
    /// A plan.
    PlanId
);
uuid_id!(
    /// One run of a plan.
    PlanRunId
);

/// A Keystone project id. Keystone's are 32 hexadecimal digits, but other identity back ends
/// choose their own, so it is text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectId(pub String);

impl ProjectId {
    /// The project of everything on a machine without Keystone.
    pub fn standalone() -> Self {
        Self("standalone".to_owned())
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
