//! No secret in any log line, `Debug` or error.

use std::io::Write;
use std::sync::{Arc, Mutex};

use keystone_middleware_rs::{Presented, Scope, Secret, Validator};
use tracing_subscriber::fmt::MakeWriter;

use crate::cloud::Cloud;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn neither_logs_nor_debug_show_one() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(writer)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let cloud = Cloud::shared();
    let service = cloud.user(&["service"]).await;
    let user = cloud.user(&["member"]).await;
    let validator = Validator::new(&cloud.options(&service)).unwrap();
    let token = cloud.token(&user).await;
    let service_token = cloud.token(&service).await;
    let mut shown = format!("{validator:?} {:?}", cloud.options(&service));
    let presented = |token, service_token| Presented {
        token: Some(token),
        service_token,
        method: "GET",
        path: "/v1/plans",
    };
    let invented = "gAAAAABinvented";
    for (token, service_token) in [
        (token.expose(), None),
        (token.expose(), Some(service_token.expose())),
        (token.expose(), Some(token.expose())),
        (invented, None),
    ] {
        let presented = presented(token, service_token);
        shown += &format!("{presented:?} {:?}", validator.authenticate(presented).await);
    }
    let own = validator.session().token().await.unwrap();
    cloud.revoke(&own).await;
    shown += &format!("{:?}", validator.authenticate(presented("gAAAAABother", None)).await);

    // The wrong password, the wrong rights, and nobody there.
    let mut options = cloud.options(&service);
    options.password = Some("hunter2-wrong".into());
    let wrong = Validator::new(&options).unwrap();
    shown += &format!("{:?}", wrong.authenticate(presented(token.expose(), None)).await);
    let powerless = Validator::new(&cloud.options(&user)).unwrap();
    shown += &format!("{:?}", powerless.authenticate(presented(invented, None)).await);
    options.auth_url = "http://127.0.0.1:1".to_owned();
    let nobody = Validator::new(&options).unwrap();
    shown += &format!("{:?}", nobody.authenticate(presented(token.expose(), None)).await);
    let session = cloud.session(user.auth(Scope::Unscoped));
    shown += &format!("{session:?} {:?} {:?}", session.auth(), session.context().await);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("no answer about a token") && log.contains("no token for the session"));
    let secrets: [&Secret; 3] = [&token, &service_token, &own];
    let secrets = secrets.into_iter().map(Secret::expose);
    let passwords = [&service.password, &user.password].map(String::as_str);
    for secret in secrets.chain(passwords).chain(["hunter2-wrong", invented, "gAAAAABother"]) {
        assert!(!log.contains(secret), "a secret in the log: {log}");
        assert!(!shown.contains(secret), "a secret in Debug: {shown}");
    }
}
