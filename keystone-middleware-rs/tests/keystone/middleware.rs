//! The middleware around an application, with real tokens.

use std::net::TcpListener;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;
use actix_web::test::{TestRequest, call_service, init_service, read_body, read_body_json};
use actix_web::{App, HttpRequest, HttpResponse, web};
use keystone_middleware_rs::{AuthContext, AuthError, AuthStatus, AuthToken, AuthTokenOptions};
use serde_json::{Value, json};

use crate::cloud::Cloud;

async fn whoami(auth: AuthContext, request: HttpRequest) -> HttpResponse {
    let claims = ["x-user-id", "x-roles", "x-identity-status"];
    let claimed = claims.iter().any(|name| request.headers().contains_key(*name));
    HttpResponse::Ok().json(json!({
        "user": auth.token.user.id,
        "service": auth.service_token.map(|service| service.user.id.clone()),
        "claimed": claimed,
    }))
}

async fn status(status: web::ReqData<AuthStatus>) -> String {
    format!("{:?}", status.into_inner())
}

async fn refuses() -> HttpResponse {
    HttpResponse::Unauthorized().finish()
}

async fn application(
    auth_token: AuthToken,
) -> impl Service<
    actix_http::Request,
    Response = ServiceResponse<impl MessageBody>,
    Error = actix_web::Error,
> {
    let app = App::new()
        .wrap(auth_token)
        .route("/whoami", web::get().to(whoami))
        .route("/status", web::get().to(status))
        .route("/refuses", web::get().to(refuses));
    init_service(app).await
}

fn header<'a, B>(response: &'a ServiceResponse<B>, name: &'static str) -> Option<&'a str> {
    response.headers().get(HeaderName::from_static(name))?.to_str().ok()
}

const CHALLENGE: &str = "Keystone uri=\"https://keystone.example.org/v3\"";

#[actix_web::test]
async fn requests_with_a_valid_token_pass_and_no_others() {
    let cloud = Cloud::shared();
    let auth_token = AuthToken::with_validator(cloud.validator().await);
    let app = application(auth_token).await;
    let user = cloud.user(&["member"]).await;
    let nova = cloud.user(&["service"]).await;
    let (token, service_token) = (cloud.token(&user).await, cloud.token(&nova).await);
    let request = TestRequest::get()
        .uri("/whoami")
        .insert_header(("X-Auth-Token", token.expose()))
        .insert_header(("X-Service-Token", service_token.expose()))
        .insert_header(("X-User-Id", "root"))
        .insert_header(("X-Roles", "admin"))
        .insert_header(("X-Identity-Status", "Confirmed"));
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body: Value = read_body_json(response).await;
    assert_eq!(body, json!({"user": user.id, "service": nova.id, "claimed": false}));

    let get = || TestRequest::get().uri("/whoami");
    let twice = get()
        .append_header(("X-Auth-Token", token.expose()))
        .append_header(("X-Auth-Token", token.expose()));
    let wrong_service = get()
        .insert_header(("X-Auth-Token", token.expose()))
        .insert_header(("X-Service-Token", token.expose()));
    for request in [
        get(),
        get().insert_header(("X-Auth-Token", "")),
        get().insert_header(("X-Auth-Token", "nonsense")),
        get().insert_header(("X-Identity-Status", "Confirmed")),
        twice,
        wrong_service,
        TestRequest::get().uri("/nowhere"),
    ] {
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(header(&response, "www-authenticate"), Some(CHALLENGE));
        let body: Value = read_body_json(response).await;
        assert_eq!(body["error"]["code"], 401);
        assert_eq!(body["error"]["title"], "Unauthorized");
    }
    let request = TestRequest::get().uri("/refuses");
    let request = request.insert_header(("X-Auth-Token", token.expose()));
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(header(&response, "www-authenticate"), Some(CHALLENGE), "the application's own 401");
}

#[actix_web::test]
async fn the_decision_can_be_the_applications() {
    let cloud = Cloud::shared();
    let mut options = cloud.options(&cloud.user(&["service"]).await);
    options.delay_auth_decision = true;
    let auth_token = AuthToken::new(&options).unwrap();
    let auth_token = auth_token.error_body(|error, _| HttpResponse::Ok().body(error.to_string()));
    let app = application(auth_token).await;
    let token = cloud.token(&cloud.user(&["member"]).await).await;
    for (given, expected) in
        [(Some(token.expose()), "Confirmed"), (Some("nonsense"), "Invalid"), (None, "Missing")]
    {
        let request = |path| {
            let request = TestRequest::get().uri(path);
            match given {
                Some(given) => request.insert_header(("X-Auth-Token", given)),
                None => request,
            }
        };
        let response = call_service(&app, request("/status").to_request()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(read_body(response).await, expected);

        let response = call_service(&app, request("/whoami").to_request()).await;
        if expected == "Confirmed" {
            assert_eq!(response.status(), StatusCode::OK);
        } else {
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(header(&response, "www-authenticate"), Some(CHALLENGE));
            let body = read_body(response).await;
            assert!(body.starts_with(b"the "), "in the application's own words: {body:?}");
        }
    }
}

/// Options for a Keystone that is not there.
fn nowhere() -> AuthTokenOptions {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    AuthTokenOptions {
        auth_url: format!("http://127.0.0.1:{port}"),
        user_id: Some("u".to_owned()),
        password: Some("p".into()),
        project_id: Some("p".to_owned()),
        ..AuthTokenOptions::default()
    }
}

#[actix_web::test]
async fn without_keystone_the_answer_is_503_even_where_the_decision_is_the_applications() {
    for delay_auth_decision in [false, true] {
        let options = AuthTokenOptions { delay_auth_decision, ..nowhere() };
        let app = application(AuthToken::new(&options).unwrap()).await;
        let request = TestRequest::get().uri("/status").insert_header(("X-Auth-Token", "gAAA"));
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(header(&response, "retry-after"), Some("5"));
        assert_eq!(header(&response, "www-authenticate"), None);
        let body: Value = read_body_json(response).await;
        assert_eq!(body["error"]["code"], 503);
        assert!(!body.to_string().contains("127.0.0.1"), "{body}");
    }
}

#[actix_web::test]
async fn error_bodies_are_the_applications_and_the_status_is_not() {
    let auth_token = AuthToken::new(&nowhere()).unwrap().error_body(|error, request| {
        let text = match error {
            AuthError::Unavailable { .. } => "later",
            _ => "no",
        };
        HttpResponse::Ok().json(json!({"errors": [text], "path": request.path()}))
    });
    let app = application(auth_token).await;
    let response = call_service(&app, TestRequest::get().uri("/whoami").to_request()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(header(&response, "www-authenticate").is_some());
    let body: Value = read_body_json(response).await;
    assert_eq!(body, json!({"errors": ["no"], "path": "/whoami"}));

    let request = TestRequest::get().uri("/whoami").insert_header(("X-Auth-Token", "gAAA"));
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(header(&response, "retry-after").is_some());
}
