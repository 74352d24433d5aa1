use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use keystone_middleware_rs::{Auth, Method, Scope, Secret, Session, SessionError, TokenContext};
use serde::Deserialize;
use serde_json::json;

use super::IdentityError;

/// Keystone trusts: users let the service user act in their name and project, for runs that come
/// when their token is long gone.
///
/// A trust delegates the roles of the token it is made with, and no more; it impersonates, so that
/// what runs under it belongs to the user. It is good as long as the user exists, is enabled and
/// has all of these roles, and until it is deleted, or a time comes that it was made with.
#[derive(Clone, Debug)]
pub struct Trusts {
    session: Session,
}

/// Whether a trust still works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustState {
    /// Keystone gives tokens for it.
    Good,
    /// It does not: the trust is deleted, or its user is disabled, gone, or without a delegated
    /// role.
    Ended {
        /// What Keystone says, one line; it says little on purpose.
        reason: String,
    },
}

#[derive(Deserialize)]
struct Created {
    trust: CreatedTrust,
}

#[derive(Deserialize)]
struct CreatedTrust {
    id: String,
}

impl Trusts {
    /// Trusts of the user of this session, the trustee. The session must use a password: Keystone
    /// does not give tokens for trusts to application credentials.
    pub const fn new(session: Session) -> Self {
        Self { session }
    }

    /// The session of the user that is trusted.
    pub const fn trustee(&self) -> &Session {
        &self.session
    }

    /// Has the user of `token` trust the service user with all roles of the token in its project.
    /// `context` is what Keystone says of the token. It ends by itself at `until`. Answers its id.
    ///
    /// # Errors
    /// [`IdentityError::Unusable`] for a token without a project or where the service user has no
    /// password, and [`IdentityError::Refused`] where Keystone does not let this token make
    /// trusts: it belongs to an application credential or to a trust, or has ended.
    pub async fn create(
        &self,
        token: &Secret,
        context: &TokenContext,
        until: Option<DateTime<Utc>>,
    ) -> Result<String, IdentityError> {
        self.password()?;
        let project = context.project.as_ref().ok_or_else(|| IdentityError::Unusable {
            reason: "acting for a user needs a token of a project".to_owned(),
        })?;
        let trustee = self.session.context().await?;
        let roles: Vec<_> = context.roles.iter().map(|role| json!({ "id": role.id })).collect();
        let body = json!({"trust": {
            "trustor_user_id": context.user.id,
            "trustee_user_id": trustee.user.id,
            "project_id": project.id,
            "impersonation": true,
            "roles": roles,
            "expires_at": until.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true)),
        }});
        let url = format!("{}/OS-TRUST/trusts", self.session.identity_url().await?);
        let user = self.session.with_token(token.clone());
        let answer = user.request(Method::POST, &url).json(&body).send().await?;
        let created: Created = answer.success()?.json()?;
        Ok(created.trust.id)
    }

    /// A session that acts for the user, with tokens renewed as long as the trust is good. Keep it
    /// while there is something to do: each new one asks for a token of its own.
    ///
    /// # Errors
    /// [`IdentityError::Unusable`] where the service user has no password.
    pub fn session(&self, trust_id: &str) -> Result<Session, IdentityError> {
        let Auth::Password { user, password, .. } = self.password()?.clone() else {
            return Err(no_password());
        };
        let scope = Scope::Trust(trust_id.to_owned());
        Ok(self.session.with_auth(Auth::Password { user, password, scope }))
    }

    /// Whom and what a token of the trust speaks for, or the reason why there is none.
    ///
    /// # Errors
    /// As [`Trusts::check`].
    pub async fn act(
        &self,
        trust_id: &str,
    ) -> Result<Result<Arc<TokenContext>, String>, IdentityError> {
        match self.session(trust_id)?.context().await {
            Ok(context) => Ok(Ok(context)),
            Err(SessionError::Refused { message, .. }) => {
                self.prove_own_credentials().await?;
                Ok(Err(message))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the trust still works, by asking for a token.
    ///
    /// # Errors
    /// [`IdentityError::Unavailable`] when nobody knows, and [`IdentityError::Refused`] when the
    /// service user itself is not let in, which says nothing of the trust.
    pub async fn check(&self, trust_id: &str) -> Result<TrustState, IdentityError> {
        Ok(match self.act(trust_id).await? {
            Ok(_) => TrustState::Good,
            Err(reason) => TrustState::Ended { reason },
        })
    }

    /// Deletes the trust. One that is gone is fine.
    ///
    /// With Keystone's policies only the trustor may; a token of an impersonating trust is the
    /// trustor's, so the service can. Where the trust gives no token any more the service user
    /// tries itself, which administrators may allow.
    ///
    /// # Errors
    /// [`IdentityError::Refused`] when the trust is there, gives no token (its user is disabled or
    /// lacks a role), and cannot be deleted by the service user: nobody can use it meanwhile.
    pub async fn delete(&self, trust_id: &str) -> Result<(), IdentityError> {
        match delete_as(&self.session(trust_id)?, trust_id).await {
            Err(SessionError::Refused { .. })
            | Err(SessionError::Status { status: 401 | 403, .. }) => {}
            done => return done.map_err(IdentityError::from),
        }
        delete_as(&self.session, trust_id).await.map_err(IdentityError::from)
    }

    /// A refusal of a trust's token means the trust only if the service user can still log in.
    async fn prove_own_credentials(&self) -> Result<(), IdentityError> {
        let own = self.session.with_auth(self.password()?.clone());
        own.token().await?;
        Ok(())
    }

    fn password(&self) -> Result<&Auth, IdentityError> {
        match self.session.auth() {
            Some(auth @ Auth::Password { .. }) => Ok(auth),
            _ => Err(no_password()),
        }
    }
}

fn no_password() -> IdentityError {
    let reason = "acting for users needs auth_type = password: Keystone gives no tokens for \
                  trusts to application credentials";
    IdentityError::Unusable { reason: reason.to_owned() }
}

async fn delete_as(session: &Session, trust_id: &str) -> Result<(), SessionError> {
    // Ids are Keystone's own; anything else could lead elsewhere.
    if !trust_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(SessionError::Request { reason: "no id of a trust".to_owned() });
    }
    let url = format!("{}/OS-TRUST/trusts/{trust_id}", session.identity_url().await?);
    let answer = session.request(Method::DELETE, &url).send().await?;
    match answer.status() {
        404 => Ok(()),
        _ => answer.success().map(|_| ()),
    }
}
