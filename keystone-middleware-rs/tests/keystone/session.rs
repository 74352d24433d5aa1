//! Sessions: exchanged tokens, endpoints, requests.

use std::time::{Duration, Instant};

use keystone_middleware_rs::{Auth, Interface, Method, Scope, SessionError};
use serde_json::{Value, json};

use crate::cloud::Cloud;

#[tokio::test]
async fn a_token_is_exchanged_for_another_scope() {
    let cloud = Cloud::shared();
    let user = cloud.user(&["member"]).await;
    let unscoped = cloud.session(user.auth(Scope::Unscoped)).token().await.unwrap();
    let session = cloud.session(Auth::Token { token: unscoped, scope: user.project_scope() });
    let context = session.context().await.unwrap();
    assert_eq!(context.project.as_ref().unwrap().id, user.project_id);
    assert!(context.methods.contains(&"token".to_owned()));
}

#[tokio::test]
async fn a_carried_token_is_used_as_it_is() {
    let cloud = Cloud::shared();
    let user = cloud.user(&["member"]).await;
    let token = cloud.token(&user).await;
    let session = cloud.admin.with_token(token.clone());
    let url = format!("{}/users/{}", cloud.auth_url, user.id);
    let answer = session.request(Method::GET, &url).send().await.unwrap().success().unwrap();
    assert_eq!(answer.json::<Value>().unwrap()["user"]["id"], user.id.as_str());
    assert!(matches!(session.context().await, Err(SessionError::Request { .. })));
    cloud.revoke(&token).await;
    let answer = session.request(Method::GET, &url).send().await.unwrap();
    assert_eq!(answer.status(), 401, "nothing to renew it with");
}

#[tokio::test]
async fn a_revoked_token_is_renewed_within_the_request() {
    let cloud = Cloud::shared();
    let user = cloud.user(&["member"]).await;
    let session = cloud.session(user.auth(user.project_scope()));
    cloud.revoke(&session.token().await.unwrap()).await;
    let url = format!("{}/users/{}", cloud.auth_url, user.id);
    session.request(Method::GET, &url).send().await.unwrap().success().unwrap();
}

#[tokio::test]
async fn refusals_say_why_and_are_not_hammered() {
    let cloud = Cloud::shared();
    let mut user = cloud.user(&["member"]).await;
    user.password = "wrong".to_owned();
    let session = cloud.session(user.auth(user.project_scope()));
    let refused = session.token().await.unwrap_err();
    let SessionError::Refused { status: 401, message, .. } = &refused else {
        panic!("{refused:?}")
    };
    assert!(!message.is_empty());
    let again = Instant::now();
    assert!(session.token().await.is_err());
    assert!(again.elapsed() < Duration::from_millis(5), "answered without asking again");
}

#[tokio::test]
async fn errors_of_services_are_told() {
    let cloud = Cloud::shared();
    let url = format!("{}/users/nobody", cloud.auth_url);
    let answer = cloud.admin.request(Method::GET, &url).send().await.unwrap();
    let error = answer.success().unwrap_err();
    let SessionError::Status { status: 404, message, request_id, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(message.contains("nobody"), "{message}");
    assert!(request_id.as_ref().is_some_and(|id| id.starts_with("req-")));
    let wrong = cloud.admin.request(Method::GET, "no url").send().await.unwrap_err();
    assert!(matches!(wrong, SessionError::Request { .. }), "{wrong:?}");
    let url = format!("{}/users", cloud.auth_url);
    let wrong = cloud.admin.request(Method::GET, &url).header("x-a", "b\nc").send().await;
    assert!(matches!(wrong, Err(SessionError::Request { .. })));
}

#[tokio::test]
async fn endpoints_come_from_the_catalog() {
    let cloud = Cloud::shared();
    let service_type = format!("test-{}", uuid::Uuid::new_v4().simple());
    let body = json!({"type": service_type, "name": service_type});
    let service = cloud.create("service", body).await;
    for (interface, url) in
        [("public", "http://public/%(project_id)s"), ("internal", "http://internal")]
    {
        let body = json!({"service_id": service["id"], "interface": interface, "url": url,
                          "region": "RegionOne"});
        cloud.create("endpoint", body).await;
    }
    let user = cloud.user(&["member"]).await;
    let session = cloud.session(user.auth(user.project_scope()));
    assert_eq!(session.endpoint(&service_type).await.unwrap(), "http://internal");
    let public = session.endpoint_in(&service_type, Interface::Public, Some("RegionOne")).await;
    assert_eq!(public.unwrap(), format!("http://public/{}", user.project_id));
    let admin = session.endpoint_in(&service_type, Interface::Admin, None).await;
    assert!(matches!(admin, Err(SessionError::NoEndpoint { .. })));
    let path = format!("services/{}", service["id"].as_str().unwrap());
    cloud.call(Method::DELETE, &path, None).await;
}
