//! Trusts and application credentials.

use std::time::Duration;

use keystone_middleware_rs::{
    Auth, AuthError, Presented, Scope, Secret, SessionError, UserRef, Validator,
};
use serde_json::{Value, json};

use crate::cloud::{Cloud, User, get};

async fn as_user(cloud: &Cloud, user: &User, path: &str, body: Value) -> Value {
    let session = cloud.session(user.auth(user.project_scope()));
    let url = format!("{}/{path}", cloud.auth_url);
    let request = session.request(keystone_middleware_rs::Method::POST, &url).json(&body);
    request.send().await.unwrap().success().unwrap().json().unwrap()
}

async fn trust(cloud: &Cloud, trustor: &User, trustee: &User) -> String {
    let body = json!({"trust": {
        "trustor_user_id": trustor.id, "trustee_user_id": trustee.id, "impersonation": true,
        "project_id": trustor.project_id, "roles": [{"name": "member"}]
    }});
    let made = as_user(cloud, trustor, "OS-TRUST/trusts", body).await;
    made["trust"]["id"].as_str().unwrap().to_owned()
}

async fn credential(cloud: &Cloud, user: &User, rules: Value) -> Auth {
    let mut body = json!({"name": "ci", "roles": [{"name": "member"}]});
    if !rules.is_null() {
        body["access_rules"] = rules;
    }
    let path = format!("users/{}/application_credentials", user.id);
    let made = as_user(cloud, user, &path, json!({ "application_credential": body })).await;
    let made = &made["application_credential"];
    Auth::ApplicationCredential {
        id_or_name: made["id"].as_str().unwrap().to_owned(),
        user: None,
        secret: made["secret"].as_str().unwrap().into(),
    }
}

#[tokio::test]
async fn a_trust_speaks_for_the_trustor_until_it_is_deleted() {
    let cloud = Cloud::shared();
    let (trustor, trustee) = (cloud.user(&["member", "reader"]).await, cloud.user(&[]).await);
    let id = trust(&cloud, &trustor, &trustee).await;
    let mut options = cloud.options(&cloud.user(&["service"]).await);
    options.token_cache_time = Duration::from_secs(1);
    let validator = Validator::new(&options).unwrap();

    let token = cloud.session(trustee.auth(Scope::Trust(id.clone()))).token().await.unwrap();
    let auth = validator.authenticate(get(&token)).await.unwrap();
    let delegated = auth.token.trust.as_ref().unwrap();
    assert_eq!((&delegated.id, delegated.impersonation), (&id, true));
    assert_eq!(delegated.trustor_user_id, trustor.id);
    assert_eq!(delegated.trustee_user_id, trustee.id);
    assert_eq!(auth.token.user.id, trustor.id, "impersonated");
    assert_eq!(auth.token.project.as_ref().unwrap().id, trustor.project_id);
    assert!(auth.token.has_role("member"));

    let path = format!("OS-TRUST/trusts/{id}");
    let url = format!("{}/{path}", cloud.auth_url);
    let session = cloud.session(trustor.auth(trustor.project_scope()));
    let delete = session.request(keystone_middleware_rs::Method::DELETE, &url);
    delete.send().await.unwrap().success().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let refused = validator.authenticate(get(&token)).await.unwrap_err();
    assert!(matches!(refused, AuthError::InvalidToken), "{refused:?}");
    let refused = cloud.session(trustee.auth(Scope::Trust(id))).token().await.unwrap_err();
    assert!(matches!(refused, SessionError::Refused { .. }), "{refused:?}");
}

#[tokio::test]
async fn an_application_credential_is_named() {
    let cloud = Cloud::shared();
    let validator = cloud.validator().await;
    let user = cloud.user(&["member", "reader"]).await;
    let auth = credential(&cloud, &user, Value::Null).await;
    let token = cloud.session(auth).token().await.unwrap();
    let context = validator.authenticate(get(&token)).await.unwrap().token;
    let named = context.application_credential.as_ref().unwrap();
    assert_eq!((named.name.as_str(), named.restricted), ("ci", true));
    assert!(named.access_rules.is_none());
    assert_eq!(context.user.id, user.id);
    assert_eq!(context.methods, ["application_credential"]);
}

#[tokio::test]
async fn an_application_credential_can_be_named_by_its_user() {
    let cloud = Cloud::shared();
    let user = cloud.user(&["member"]).await;
    let Auth::ApplicationCredential { secret, .. } = credential(&cloud, &user, Value::Null).await
    else {
        unreachable!()
    };
    let by_name = |secret: Secret| Auth::ApplicationCredential {
        id_or_name: "ci".to_owned(),
        user: Some(UserRef::Id(user.id.clone())),
        secret,
    };
    let context = cloud.session(by_name(secret)).context().await.unwrap();
    assert_eq!(context.user.id, user.id);
    let refused = cloud.session(by_name("wrong".into())).token().await.unwrap_err();
    assert!(matches!(refused, SessionError::Refused { status: 401, .. }), "{refused:?}");
}

#[tokio::test]
async fn access_rules_are_obeyed() {
    let cloud = Cloud::shared();
    let user = cloud.user(&["member"]).await;
    let rules = json!([
        {"service": "identity", "method": "GET", "path": "/v1/plans"},
        {"service": "identity", "method": "POST", "path": "/v1/plans/*/action"},
        {"service": "compute", "method": "DELETE", "path": "/v1/**"}
    ]);
    let token = cloud.session(credential(&cloud, &user, rules).await).token().await.unwrap();
    let service = cloud.user(&["service"]).await;
    let service_token = cloud.token(&service).await;
    let mut options = cloud.options(&service);
    // The only service in this catalog.
    options.service_type = Some("identity".to_owned());
    let validator = Validator::new(&options).unwrap();
    for (method, path, allowed) in [
        ("GET", "/v1/plans", true),
        ("POST", "/v1/plans/1/action", true),
        ("GET", "/v1/plans/1", false),
        ("POST", "/v1/plans", false),
        ("DELETE", "/v1/plans/1", false),
        ("POST", "/v1/plans/../action", false),
    ] {
        let mut presented =
            Presented { token: Some(token.expose()), service_token: None, method, path };
        let answer = validator.authenticate(presented).await;
        match answer {
            Ok(_) => assert!(allowed, "{method} {path}"),
            Err(AuthError::AccessRules) => assert!(!allowed, "{method} {path}"),
            Err(error) => panic!("{error:?}"),
        }
        presented.service_token = Some(service_token.expose());
        validator.authenticate(presented).await.expect("a service acts for the user");
    }
    for service_type in [None, Some("instance-backup".to_owned())] {
        let validator = Validator::new(&keystone_middleware_rs::AuthTokenOptions {
            service_type,
            ..options.clone()
        })
        .unwrap();
        let refused = validator.authenticate(get(&token)).await.unwrap_err();
        assert!(matches!(refused, AuthError::AccessRules), "{refused:?}");
    }
}
