use std::fmt;

use keystone_middleware_rs::Secret;

/// A volume that is offered to another project.
#[derive(Clone)]
pub struct Transfer {
    /// Id of the offer.
    pub id: String,
    /// What the taker must know.
    pub auth_key: Secret,
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer").field("id", &self.id).finish_non_exhaustive()
    }
}
