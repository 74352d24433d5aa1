use std::error::Error;
use std::time::Duration;

use firn_cloud::openstack::compute::{Compute, NewServer, Nova};
use firn_cloud::openstack::{ClientOptions, OpenStackError};
use firn_core::ErrorKind;
use serde_json::{Value, json};

use crate::scripted::{Cloud, Scripted, TOKEN, patient};

fn server() -> Value {
    json!({"server": {"id": "s1", "name": "web", "status": "ACTIVE", "tenant_id": "p1",
        "something": {"that": "nobody knows"}}})
}

fn busy() -> Scripted {
    Scripted::json("503 Service Unavailable", &json!({"message": "The server is overloaded"}))
}

/// Everything that an error could be printed as.
fn shown(error: &OpenStackError) -> String {
    let mut text = format!("{error:?} {error}");
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(&format!(" {next} {next:?}"));
        cause = next.source();
    }
    text
}

async fn ask(cloud: &Cloud, options: ClientOptions) -> Result<String, OpenStackError> {
    let answer = Nova::new(cloud.session(), options).server_get("s1").await;
    if let Err(error) = &answer {
        let shown = shown(error);
        assert!(!shown.contains(TOKEN) && !shown.contains("hunter2"), "{shown}");
        let said = error.said();
        assert_eq!((said.service, said.operation), ("compute", "server get"));
    }
    answer.map(|server| server.name)
}

#[tokio::test]
async fn a_question_is_asked_again_while_the_service_is_overloaded() {
    let cloud = Cloud::of([busy(), busy(), Scripted::ok(&server())]).await;
    assert_eq!(ask(&cloud, patient()).await.unwrap(), "web");
    assert_eq!(cloud.seen().len(), 3);
}

#[tokio::test]
async fn a_service_that_stays_down_is_told_of() {
    let cloud = Cloud::of(vec![busy(); 20]).await;
    let error = ask(&cloud, patient()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.said().message, "The server is overloaded");
    assert!(cloud.seen().len() < 20, "it ends before the script");
}

#[tokio::test]
async fn what_may_have_been_done_is_not_asked_for_again() {
    for answer in [busy(), Scripted::Close] {
        let cloud = Cloud::of([answer, Scripted::ok(&json!({"server": {"id": "s2"}}))]).await;
        let nova = Nova::new(cloud.session(), patient());
        let error = nova.server_create(&NewServer::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(cloud.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_refused_request_is_sent_when_the_service_allows_it() {
    let limited = Scripted::json("429 Too Many Requests\r\nRetry-After: 1", &json!({}));
    let done = Scripted::json("202 Accepted", &json!({"server": {"id": "s2"}}));
    let cloud = Cloud::of([limited, done]).await;
    let nova = Nova::new(cloud.session(), patient());
    assert_eq!(nova.server_create(&NewServer::default()).await.unwrap(), "s2");
    assert_eq!(cloud.seen().len(), 2);
}

#[tokio::test]
async fn nobody_waits_past_the_deadline() {
    let limited = json!({"overLimit": {"message": "Come back tomorrow"}});
    let limited = Scripted::json("429 Too Many Requests\r\nRetry-After: 86400", &limited);
    let cloud = Cloud::of([limited]).await;
    let error = ask(&cloud, patient()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.said().message, "Come back tomorrow");

    let cloud = Cloud::of([Scripted::Hang]).await;
    let options = ClientOptions { deadline: Duration::from_millis(300), ..patient() };
    let error = ask(&cloud, options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(cloud.seen().len(), 1);
}

#[tokio::test]
async fn a_broken_connection_is_no_answer() {
    let cloud = Cloud::of([Scripted::Close, Scripted::ok(&server())]).await;
    assert_eq!(ask(&cloud, patient()).await.unwrap(), "web");
    assert_eq!(cloud.seen().len(), 2);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_no_success() {
    for body in [r#"{"server": {"id": "s1""#, "<html>", "{}", r#"{"server": {"id": 7}}"#] {
        let answer = Scripted::Answer("200 OK".to_owned(), body.to_owned());
        let cloud = Cloud::of([answer]).await;
        let error = ask(&cloud, patient()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{body}");
        assert_eq!(cloud.seen().len(), 1, "{body}");
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let refused = Scripted::json("401 Unauthorized", &json!({"error": {"message": "No"}}));
    let cloud = Cloud::of([refused.clone(), Scripted::ok(&server())]).await;
    assert_eq!(ask(&cloud, patient()).await.unwrap(), "web");
    assert_eq!((cloud.seen().len(), cloud.logins()), (2, 2));

    let cloud = Cloud::of(vec![refused; 20]).await;
    let error = ask(&cloud, patient()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!((cloud.seen().len(), cloud.logins()), (2, 2));
}

#[tokio::test]
async fn requests_carry_the_callers_id_and_errors_the_services() {
    const OURS: &str = "req-0f1c2d3e-0000-4000-8000-000000000001";
    let conflict = json!({"conflictingRequest": {"code": 409, "message": "Busy now"}});
    let status = "409 Conflict\r\nx-openstack-request-id: req-theirs";
    let cloud = Cloud::of([Scripted::json(status, &conflict)]).await;
    let options = ClientOptions { request_id: || Some(OURS.to_owned()), ..patient() };
    let error = ask(&cloud, options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.to_string(), "compute, server get: Busy now (req-theirs)");
    let seen = cloud.seen();
    assert_eq!(seen[0].header("x-openstack-request-id"), Some(OURS));
    assert_eq!(seen[0].header("openstack-api-version"), Some("compute 2.93"));
    assert_eq!(seen[0].header("x-auth-token"), Some(TOKEN));
}

#[tokio::test]
async fn an_id_leads_nowhere_else() {
    let cloud = Cloud::of([]).await;
    let nova = Nova::new(cloud.session(), patient());
    for id in ["", "..", "."] {
        let error = nova.server_get(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{id}");
    }
    assert!(cloud.seen().is_empty());
    nova.server_get("../flavors?x=1#y").await.unwrap_err();
    assert_eq!(cloud.seen()[0].line, "GET /compute/v2.1/servers/..%2Fflavors%3Fx%3D1%23y HTTP/1.1");
}
