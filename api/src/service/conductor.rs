use firn_core::ErrorKind;
use oslo_messaging::{Envelope, MessagingError, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::{ApiError, Call};

/// Where any conductor answers questions.
const CONDUCTOR: &str = "firn.conductor";
/// The newest version of the questions.
const VERSION: u32 = 1;

impl Call {
    /// Asks any conductor. The method is the question's schema; a refusal's code is an
    /// [`ErrorKind`]'s word.
    pub(super) async fn ask_conductor<T: DeserializeOwned>(
        &self,
        method: &'static str,
        arguments: Value,
    ) -> Result<T, ApiError> {
        self.ask(CONDUCTOR, method, arguments).await
    }

    /// Asks the conductor of a host.
    pub(super) async fn ask_conductor_of<T: DeserializeOwned>(
        &self,
        host: &str,
        method: &'static str,
        arguments: Value,
    ) -> Result<T, ApiError> {
        self.ask(&format!("{CONDUCTOR}.{host}"), method, arguments).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        target: &str,
        method: &'static str,
        arguments: Value,
    ) -> Result<T, ApiError> {
        let schema = Schema { name: method.to_owned(), version: VERSION };
        let question = Envelope::new(&schema, self.caller.request_ids.to_send_on(), arguments);
        let deadline = self.service.config.conductor_deadline;
        let answer = self.service.transport.call(target, question, deadline).await;
        serde_json::from_value(answer.map_err(refused)?.body).map_err(|error| {
            ApiError::failed(ErrorKind::Internal, "a conductor's answer makes no sense", error)
        })
    }
}

/// What a conductor's refusal, or its silence, is to our caller.
fn refused(error: MessagingError) -> ApiError {
    let Some(remote) = error.remote() else {
        return ApiError::failed(ErrorKind::Unavailable, "no conductor answers", error);
    };
    let kind = serde_json::from_value(Value::String(remote.code.clone()));
    let kind = kind.unwrap_or(ErrorKind::Internal);
    match kind {
        ErrorKind::NotFound | ErrorKind::Conflict => {
            ApiError::Refused { kind, message: remote.message.clone() }
        }
        // The question was checked here: what is wrong is how the cloud describes the instance.
        ErrorKind::InvalidInput => ApiError::conflict(remote.message.clone()),
        // A conductor of another version, or one that must not be asked: not the client's affair.
        ErrorKind::Unsupported | ErrorKind::Forbidden => {
            ApiError::failed(ErrorKind::Internal, "a conductor refused a question", error)
        }
        _ => ApiError::failed(kind, "a conductor failed", error),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oslo_messaging::RemoteError;

    use super::*;

    #[test]
    fn silence_is_503_and_refusals_keep_their_kind() {
        let target = || CONDUCTOR.to_owned();
        for error in [
            MessagingError::Closed,
            MessagingError::NoServer { target: target() },
            MessagingError::Abandoned { target: target() },
            MessagingError::Deadline { target: target(), deadline: Duration::from_secs(1) },
        ] {
            assert_eq!(refused(error).status().as_u16(), 503);
        }
        for (code, status) in [
            ("not_found", 404),
            ("conflict", 409),
            ("unsupported", 500),
            ("unavailable", 503),
            ("invalid_input", 409),
            ("integrity", 500),
            ("of_a_later_version", 500),
        ] {
            let source = RemoteError { code: code.to_owned(), message: String::new() };
            let error = MessagingError::Remote { target: target(), source };
            assert_eq!(refused(error).status().as_u16(), status, "{code}");
        }
    }
}
