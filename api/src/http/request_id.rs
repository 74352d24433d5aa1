use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The id of one request: `req-` and a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(Uuid);

impl RequestId {
    pub(crate) fn new() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "req-{}", self.0)
    }
}

impl FromStr for RequestId {
    type Err = ();

    /// Exactly `req-` and 36 characters of a hyphenated UUID: what it is logged and sent on as.
    fn from_str(text: &str) -> Result<Self, ()> {
        let uuid = text.strip_prefix("req-").filter(|uuid| uuid.len() == 36).ok_or(())?;
        Uuid::try_parse(uuid).map(Self).map_err(drop)
    }
}

/// The ids a request goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestIds {
    /// Ours, in the answer.
    pub(crate) local: RequestId,
    /// The client's, where it sent a good one: it ties several services' logs together.
    pub(crate) global: Option<RequestId>,
}

impl RequestIds {
    /// What is kept with jobs and sent on in messages.
    pub(crate) fn to_send_on(self) -> String {
        self.global.unwrap_or(self.local).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_taken() {
        let id = RequestId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in [
            "",
            "req-",
            "req-1",
            "d9b7a9d4-6c2a-4e8e-9d05-8f2b6f1c2a3b",
            "req-d9b7a9d46c2a4e8e9d058f2b6f1c2a3b",
            "req-{d9b7a9d4-6c2a-4e8e-9d05-8f2b6f1c2a3}",
            "req-d9b7a9d4-6c2a-4e8e-9d05-8f2b6f1c2a3b\n",
            "REQ-d9b7a9d4-6c2a-4e8e-9d05-8f2b6f1c2a3b",
        ] {
            assert_eq!(bad.parse::<RequestId>(), Err(()), "{bad:?}");
        }
    }
}
