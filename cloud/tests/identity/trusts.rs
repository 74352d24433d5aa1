use std::time::Duration;

use chrono::{TimeDelta, Utc};
use firn_cloud::openstack::identity::{IdentityError, TrustState, Trusts};
use firn_core::ErrorKind;
use keystone_middleware_rs::{Auth, Method, Scope, SessionError, UserRef};
use serde_json::{Value, json};

use crate::cloud::{Cloud, User};

/// A trust of a new member with a service user that has the role `service` and no other.
async fn trust(cloud: &Cloud) -> (User, Trusts, String) {
    let service = cloud.user(&["service"]).await;
    let trusts = Trusts::new(service.session);
    let user = cloud.user(&["member", "reader"]).await;
    let (token, context) = user.token().await;
    let id = trusts.create(&token, &context, None).await.unwrap();
    (user, trusts, id)
}

async fn ended(trusts: &Trusts, id: &str) -> bool {
    matches!(trusts.check(id).await.unwrap(), TrustState::Ended { .. })
}

#[tokio::test]
async fn the_service_acts_for_the_user_until_the_trust_is_deleted() {
    let cloud = Cloud::shared();
    let (user, trusts, id) = trust(&cloud).await;
    assert_eq!(trusts.check(&id).await.unwrap(), TrustState::Good);

    let acting = trusts.session(&id).unwrap();
    let context = acting.context().await.unwrap();
    assert_eq!(context.user.id, user.id);
    assert_eq!(context.project.as_ref().unwrap().id, user.project_id);
    assert!(context.has_role("member") && context.has_role("reader"));
    assert_eq!(context.trust.as_ref().unwrap().id, id);

    let url = format!("{}/users/{}", acting.auth_url(), user.id);
    acting.request(Method::GET, &url).send().await.unwrap().success().unwrap();

    trusts.delete(&id).await.unwrap();
    assert!(ended(&trusts, &id).await);
    let shown = cloud.call(Method::GET, &format!("OS-TRUST/trusts/{id}"), Value::Null).await;
    assert_eq!(shown.status(), 404);
    trusts.delete(&id).await.expect("what is gone may be deleted");
    let answer = acting.request(Method::GET, &url).send().await;
    let ended = answer.map_or(true, |answer| !answer.is_success());
    assert!(ended, "its tokens have ended as well");
}

#[tokio::test]
async fn a_trust_can_end_by_itself() {
    let cloud = Cloud::shared();
    let trusts = Trusts::new(cloud.user(&["service"]).await.session);
    let (token, context) = cloud.user(&["member"]).await.token().await;
    let until = Utc::now() + TimeDelta::seconds(20);
    let id = trusts.create(&token, &context, Some(until)).await.unwrap();
    assert_eq!(trusts.check(&id).await.unwrap(), TrustState::Good);
    while Utc::now() < until + TimeDelta::seconds(1) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(ended(&trusts, &id).await);
}

#[tokio::test]
async fn no_more_is_delegated_than_the_token_has() {
    let cloud = Cloud::shared();
    let service = cloud.user(&["service"]).await;
    let trusts = Trusts::new(service.session);
    let user = cloud.user(&["reader"]).await;
    let (token, context) = user.token().await;
    let id = trusts.create(&token, &context, None).await.unwrap();
    let acting = trusts.session(&id).unwrap().context().await.unwrap();
    assert_eq!(acting.role_names().collect::<Vec<_>>(), ["reader"]);
    trusts.delete(&id).await.unwrap();
}

#[tokio::test]
async fn a_trust_sleeps_while_its_user_is_disabled_or_lacks_the_role() {
    let cloud = Cloud::shared();
    let (user, trusts, id) = trust(&cloud).await;
    cloud.enable("user", &user.id, false).await;
    assert!(ended(&trusts, &id).await);
    let refused = trusts.delete(&id).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden, "{refused:?}");
    cloud.enable("user", &user.id, true).await;
    assert_eq!(trusts.check(&id).await.unwrap(), TrustState::Good);

    cloud.role(Method::DELETE, &user.id, &user.project_id, "member").await;
    assert!(ended(&trusts, &id).await);
    cloud.role(Method::PUT, &user.id, &user.project_id, "member").await;
    assert_eq!(trusts.check(&id).await.unwrap(), TrustState::Good);

    cloud.enable("project", &user.project_id, false).await;
    assert!(ended(&trusts, &id).await);
    cloud.enable("project", &user.project_id, true).await;
    trusts.delete(&id).await.unwrap();
}

#[tokio::test]
async fn the_trust_of_a_deleted_user_is_gone() {
    let cloud = Cloud::shared();
    let (user, trusts, id) = trust(&cloud).await;
    let path = format!("users/{}", user.id);
    cloud.call(Method::DELETE, &path, Value::Null).await.success().unwrap();
    assert!(ended(&trusts, &id).await);
    trusts.delete(&id).await.unwrap();
}

#[tokio::test]
async fn tokens_that_cannot_delegate_are_refused_with_a_reason() {
    let cloud = Cloud::shared();
    let (user, trusts, id) = trust(&cloud).await;
    let create = async |session: &keystone_middleware_rs::Session| {
        let (token, context) = (session.token().await.unwrap(), session.context().await.unwrap());
        trusts.create(&token, &context, None).await.unwrap_err()
    };
    let Some(Auth::Password { user: name, password, .. }) = user.session.auth().cloned() else {
        unreachable!()
    };
    let unscoped = Auth::Password { user: name, password, scope: Scope::Unscoped };
    let error = create(&user.session.with_auth(unscoped)).await;
    assert!(matches!(error, IdentityError::Unusable { .. }), "{error:?}");

    let error = create(&trusts.session(&id).unwrap()).await;
    assert!(matches!(error, IdentityError::Refused { .. }), "a trust's own token: {error:?}");

    let url = format!("{}/users/{}/application_credentials", cloud.admin.auth_url(), user.id);
    // Keystone let unrestricted ones make trusts until it was found that these could delegate more
    // than the credential has.
    let credential = async |unrestricted: bool| {
        let body = json!({"application_credential": {
            "name": format!("ci-{unrestricted}"), "unrestricted": unrestricted}});
        let answer = user.session.request(Method::POST, &url).json(&body).send().await.unwrap();
        let made: Value = answer.success().unwrap().json().unwrap();
        let made = &made["application_credential"];
        user.session.with_auth(Auth::ApplicationCredential {
            id_or_name: made["id"].as_str().unwrap().to_owned(),
            user: None,
            secret: made["secret"].as_str().unwrap().into(),
        })
    };
    for unrestricted in [false, true] {
        let error = create(&credential(unrestricted).await).await;
        let IdentityError::Refused { reason } = &error else { panic!("{error:?}") };
        assert!(!reason.is_empty());
    }
    trusts.delete(&id).await.unwrap();
}

#[tokio::test]
async fn a_service_user_that_cannot_log_in_says_nothing_of_trusts() {
    let cloud = Cloud::shared();
    let (_, trusts, id) = trust(&cloud).await;
    let stranger = cloud.user(&["service"]).await;
    let wrong = Trusts::new(cloud.admin.with_auth(Auth::Password {
        user: UserRef::Id(stranger.id),
        password: "wrong".into(),
        scope: Scope::Unscoped,
    }));
    let error = wrong.check(&id).await.unwrap_err();
    assert!(matches!(error, IdentityError::Refused { .. }), "{error:?}");

    let credential =
        Auth::ApplicationCredential { id_or_name: "x".to_owned(), user: None, secret: "y".into() };
    let error = Trusts::new(cloud.admin.with_auth(credential)).check(&id).await.unwrap_err();
    assert!(matches!(error, IdentityError::Unusable { .. }), "{error:?}");
    trusts.delete(&id).await.unwrap();
}

#[tokio::test]
async fn somebody_elses_trust_is_out_of_reach() {
    let cloud = Cloud::shared();
    let (_, trusts, id) = trust(&cloud).await;
    let stranger = Trusts::new(cloud.user(&["service"]).await.session);
    assert!(ended(&stranger, &id).await);
    let error = stranger.delete(&id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
    assert_eq!(trusts.check(&id).await.unwrap(), TrustState::Good);
    let error = trusts.delete("../users/1").await.unwrap_err();
    let IdentityError::Unexpected { source: SessionError::Request { .. } } = error else {
        panic!("{error:?}")
    };
    trusts.delete(&id).await.unwrap();
}
