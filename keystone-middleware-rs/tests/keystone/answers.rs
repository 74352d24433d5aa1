//! What no Keystone should answer, and a proxy in front of it may: nothing of it opens the door.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keystone_middleware_rs::{AuthError, AuthTokenOptions, Presented, Validator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The answer to a login: a token for an hour, with no catalog.
fn login() -> String {
    let expires = (chrono::Utc::now() + chrono::Duration::hours(1)).to_rfc3339();
    let body = format!(
        r#"{{"token": {{"user": {{"id": "u", "name": "n", "domain": {{"id": "d", "name": "D"}}}},
            "expires_at": "{expires}"}}}}"#
    );
    answer("201 Created\r\nX-Subject-Token: own", &body)
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[derive(Default)]
struct Counts {
    logins: AtomicUsize,
    validations: AtomicUsize,
}

async fn serve(mut client: TcpStream, counts: &Counts, validation: &str) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match client.read(&mut piece).await {
            Ok(bytes) if bytes > 0 => request.extend_from_slice(&piece[..bytes]),
            _ => return,
        }
    }
    let text = if request.starts_with(b"POST") {
        counts.logins.fetch_add(1, Ordering::SeqCst);
        login()
    } else {
        counts.validations.fetch_add(1, Ordering::SeqCst);
        validation.to_owned()
    };
    let _ = client.write_all(text.as_bytes()).await;
    if text.is_empty() {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let _ = client.shutdown().await;
    let _ = client.read(&mut piece).await;
}

/// Something that logs everybody in and answers every validation so. An empty answer never comes.
async fn answering(validation: &str) -> (Validator, Arc<Counts>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let counts = Arc::new(Counts::default());
    let (shared, validation) = (Arc::clone(&counts), validation.to_owned());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (counts, validation) = (Arc::clone(&shared), validation.clone());
            tokio::spawn(async move { serve(client, &counts, &validation).await });
        }
    });
    let options = AuthTokenOptions {
        auth_url: format!("http://127.0.0.1:{port}"),
        user_id: Some("u".to_owned()),
        password: Some("p".into()),
        project_id: Some("p".to_owned()),
        timeout: Duration::from_secs(2),
        ..AuthTokenOptions::default()
    };
    (Validator::new(&options).unwrap(), counts)
}

const PRESENTED: Presented<'_> =
    Presented { token: Some("gAAAA"), service_token: None, method: "GET", path: "/" };

#[tokio::test]
async fn nothing_but_a_token_opens_the_door() {
    let moved = "302 Found\r\nLocation: http://127.0.0.1:1/v3/auth/tokens";
    for (name, text) in [
        ("an error", answer("500 Internal Server Error", "{}")),
        ("overload", answer("503 Service Unavailable", "")),
        ("too many requests", answer("429 Too Many Requests", "")),
        ("no rights", answer("403 Forbidden", "{}")),
        ("elsewhere", answer(moved, "")),
        ("no content", answer("204 No Content", "")),
        ("an empty body", answer("200 OK", "")),
        ("a page", answer("200 OK", "<html>Welcome</html>")),
        ("another object", answer("200 OK", r#"{"version": {"id": "v3"}}"#)),
        ("a token without a user", answer("200 OK", r#"{"token": {"expires_at": "2099-01-01"}}"#)),
        ("half an answer", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_owned()),
        ("no HTTP", "220 smtp.example.org ready\r\n".to_owned()),
        ("silence", String::new()),
    ] {
        let (validator, _) = answering(&text).await;
        let refused = validator.authenticate(PRESENTED).await.unwrap_err();
        assert!(matches!(refused, AuthError::Unavailable { .. }), "{name}: {refused:?}");
        assert_eq!(validator.counts().unavailable, 1, "{name}");
    }
    let (validator, _) = answering(&answer("404 Not Found", "")).await;
    let refused = validator.authenticate(PRESENTED).await.unwrap_err();
    assert!(matches!(refused, AuthError::InvalidToken), "{refused:?}");
}

#[tokio::test]
async fn a_token_that_expired_on_the_way_is_not_valid() {
    let expired = r#"{"token": {"expires_at": "2020-01-01T00:00:00Z",
        "user": {"id": "u", "name": "n", "domain": {"id": "d", "name": "D"}}}}"#;
    let (validator, _) = answering(&answer("200 OK", expired)).await;
    let refused = validator.authenticate(PRESENTED).await.unwrap_err();
    assert!(matches!(refused, AuthError::InvalidToken), "{refused:?}");
}

#[tokio::test]
async fn the_services_own_token_is_renewed_once_and_no_more() {
    let (validator, counts) = answering(&answer("401 Unauthorized", "{}")).await;
    let refused = validator.authenticate(PRESENTED).await.unwrap_err();
    assert!(matches!(refused, AuthError::Unavailable { .. }), "{refused:?}");
    assert_eq!(counts.logins.load(Ordering::SeqCst), 2);
    assert_eq!(counts.validations.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_broken_connection_is_tried_again() {
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
    let (validator, counts) = answering(broken).await;
    assert!(validator.authenticate(PRESENTED).await.is_err());
    assert_eq!(counts.validations.load(Ordering::SeqCst), 4, "three retries");
}
