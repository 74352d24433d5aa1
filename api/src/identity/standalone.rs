use std::path::{Path, PathBuf};

use async_trait::async_trait;
use firn_core::{ErrorKind, ProjectId};
use subtle::ConstantTimeEq;

use super::{Credentials, Identity, IdentityError, Principal};

const TOKEN_MIN_BYTES: usize = 16;
const TOKEN_MAX_BYTES: usize = 4096;

/// One machine without Keystone: whoever is let in administers the one project there is.
pub struct StandaloneIdentity {
    token: Option<String>,
}

/// Why a token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It could not be read.
    #[error("the token file {} cannot be read: check its path and rights", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Too easy to guess, or no text that a header can carry.
    #[error("a token has 16 to 4096 printable ASCII characters without spaces")]
    Form,
}

impl TokenError {
    /// What a caller can act on.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Read { .. } => ErrorKind::Unavailable,
            Self::Form => ErrorKind::InvalidInput,
        }
    }
}

impl StandaloneIdentity {
    /// Lets everybody in. The service then listens on loopback addresses only.
    pub const fn open() -> Self {
        Self { token: None }
    }

    /// Lets those in who send this token.
    ///
    /// # Errors
    /// [`TokenError::Form`] where it is short or cannot stand in a header.
    pub fn with_token(token: impl Into<String>) -> Result<Self, TokenError> {
        let token = token.into();
        let length = TOKEN_MIN_BYTES..=TOKEN_MAX_BYTES;
        if !length.contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Form);
        }
        Ok(Self { token: Some(token) })
    }

    /// Lets those in who send the token in this file; space around it does not count.
    ///
    /// # Errors
    /// As [`StandaloneIdentity::with_token`], and [`TokenError::Read`].
    pub fn from_token_file(path: &Path) -> Result<Self, TokenError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TokenError::Read { path: path.to_owned(), source })?;
        Self::with_token(text.trim())
    }
}

#[async_trait]
impl Identity for StandaloneIdentity {
    async fn authenticate(&self, credentials: &Credentials) -> Result<Principal, IdentityError> {
        if let Some(expected) = &self.token {
            let given = credentials.token.as_deref().unwrap_or_default();
            if !bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
                return Err(IdentityError::Unauthorized);
            }
        }
        Ok(Principal::new(ProjectId::standalone(), "standalone", &["admin"]))
    }

    fn demands_credentials(&self) -> bool {
        self.token.is_some()
    }

    fn challenge(&self) -> String {
        "Token realm=\"firn\"".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    #[actix_web::test]
    async fn only_the_whole_token_opens() {
        let identity = StandaloneIdentity::with_token(TOKEN).unwrap();
        for given in [None, Some(""), Some("0123456789abcde"), Some("0123456789abcdef0")] {
            let token = given.map(str::to_owned);
            let credentials = Credentials { token, ..Credentials::default() };
            let refused = identity.authenticate(&credentials).await;
            assert!(matches!(refused, Err(IdentityError::Unauthorized)), "{given:?}");
        }
        let credentials = Credentials { token: Some(TOKEN.to_owned()), ..Credentials::default() };
        assert_eq!(identity.authenticate(&credentials).await.unwrap().roles, ["admin"]);
        assert!(!format!("{credentials:?}").contains(TOKEN));
    }

    #[test]
    fn a_token_file_holds_a_usable_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(matches!(StandaloneIdentity::from_token_file(&path), Err(TokenError::Read { .. })));
        for (content, usable) in [
            ("0123456789abcdef\n", true),
            ("short", false),
            ("0123456789 abcdef", false),
            ("", false),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(StandaloneIdentity::from_token_file(&path).is_ok(), usable, "{content:?}");
        }
    }
}
