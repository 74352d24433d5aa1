use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Schema, SchemaError};

/// A message as it travels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// What the body is: a name and a version, as in `backup.job.wake/1`.
    pub schema: String,
    /// Id of the request that all this began with, for the logs.
    pub request_id: String,
    /// The content, as the schema says.
    pub body: Value,
}

impl Envelope {
    /// A message.
    pub fn new(schema: &Schema, request_id: impl Into<String>, body: Value) -> Self {
        Self { schema: schema.to_string(), request_id: request_id.into(), body }
    }

    /// Checks that this is a message of the schema `name` in a version from 1 to `newest`, the
    /// newest that the receiver knows. Returns the version.
    pub fn expect(&self, name: &str, newest: u32) -> Result<u32, SchemaError> {
        let found: Schema = self.schema.parse()?;
        if found.name != name {
            return Err(SchemaError::Other { expected: name.to_owned(), found: found.name });
        }
        if found.version > newest {
            return Err(SchemaError::TooNew { name: found.name, found: found.version, newest });
        }
        Ok(found.version)
    }
}
