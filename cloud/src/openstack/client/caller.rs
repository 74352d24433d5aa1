use keystone_middleware_rs::{Answer, Method, Secret, Session, SessionError, SessionRequest};

const SERVICE_TOKEN: &str = "X-Service-Token";

/// In whose name a service is asked.
///
/// Who asks in the name of another says with each request who asks: then services that allow it
/// still accept the other's token after it has ended, and what they only do for services.
#[derive(Clone, Debug)]
pub struct Caller {
    session: Session,
    /// The service user; none where the session is the service user's own.
    service: Option<Session>,
}

impl From<Session> for Caller {
    fn from(session: Session) -> Self {
        Self { session, service: None }
    }
}

impl Caller {
    /// The user of a session, for whom the user of `service` asks.
    pub fn acting(session: Session, service: Session) -> Self {
        Self { session, service: Some(service) }
    }

    pub(super) const fn session(&self) -> &Session {
        &self.session
    }

    /// Sends what `complete` makes of a request, and once more when either token was refused.
    pub(super) async fn send(
        &self,
        method: &Method,
        url: &str,
        complete: impl Fn(SessionRequest) -> SessionRequest,
    ) -> Result<Answer, SessionError> {
        let request = || complete(self.session.request(method.clone(), url));
        let Some(service) = &self.service else { return request().send().await };
        let with = |token: &Secret| request().secret_header(SERVICE_TOKEN, token).send();
        let token = service.token().await?;
        let answer = with(&token).await?;
        if answer.status() != 401 {
            return Ok(answer);
        }
        // The session has renewed its own token, so it may be this one.
        service.forget(&token);
        with(&service.token().await?).await
    }
}
