//! Tokens that were good: revoked, and of users and projects disabled meanwhile.

use std::time::Duration;

use keystone_middleware_rs::{AuthError, Secret, Validator};
use serde_json::json;

use crate::cloud::{Cloud, User, get};

const CACHE_TIME: Duration = Duration::from_secs(2);

/// A validator that remembers for two seconds.
async fn forgetful(cloud: &Cloud) -> Validator {
    let service = cloud.user(&["service"]).await;
    let mut options = cloud.options(&service);
    options.token_cache_time = CACHE_TIME;
    Validator::new(&options).unwrap()
}

async fn refused(validator: &Validator, token: &Secret) -> bool {
    match validator.authenticate(get(token)).await {
        Ok(_) => false,
        Err(AuthError::InvalidToken) => true,
        Err(error) => panic!("{error:?}"),
    }
}

/// It is let in, then no more: at once where nothing is cached, after the cache time otherwise.
async fn ends(cloud: &Cloud, user: &User, end: impl AsyncFn(&Secret)) {
    let caching = forgetful(cloud).await;
    let service = cloud.user(&["service"]).await;
    let mut options = cloud.options(&service);
    options.token_cache_time = Duration::ZERO;
    let asking = Validator::new(&options).unwrap();
    let token = cloud.token(user).await;
    assert!(!refused(&asking, &token).await);
    assert!(!refused(&caching, &token).await);
    end(&token).await;
    assert!(refused(&asking, &token).await, "without a cache it ends at once");
    tokio::time::sleep(CACHE_TIME).await;
    assert!(refused(&caching, &token).await, "not let in longer than the cache time");
}

#[tokio::test]
async fn a_revoked_token_ends() {
    let cloud = Cloud::shared();
    let user = cloud.user(&["member"]).await;
    ends(&cloud, &user, async |token| cloud.revoke(token).await).await;
}

#[tokio::test]
async fn a_disabled_user_ends() {
    let cloud = Cloud::shared();
    let user = cloud.user(&["member"]).await;
    let end = async |_: &Secret| cloud.update("user", &user.id, json!({"enabled": false})).await;
    ends(&cloud, &user, end).await;
}

#[tokio::test]
async fn a_disabled_project_ends() {
    let cloud = Cloud::shared();
    let user = cloud.user(&["member"]).await;
    let end = async |_: &Secret| {
        cloud.update("project", &user.project_id, json!({"enabled": false})).await;
    };
    ends(&cloud, &user, end).await;
}

#[tokio::test]
async fn a_changed_password_ends_the_tokens_before() {
    let cloud = Cloud::shared();
    let user = cloud.user(&["member"]).await;
    let end = async |_: &Secret| cloud.update("user", &user.id, json!({"password": "other"})).await;
    ends(&cloud, &user, end).await;
}

#[tokio::test]
async fn a_revoked_token_of_the_service_itself_is_renewed_once() {
    let cloud = Cloud::shared();
    let validator = cloud.validator().await;
    let user = cloud.user(&["member"]).await;
    assert!(!refused(&validator, &cloud.token(&user).await).await);
    let own = validator.session().token().await.unwrap();
    cloud.revoke(&own).await;
    assert!(!refused(&validator, &cloud.token(&user).await).await);
    let renewed = validator.session().token().await.unwrap();
    assert_ne!(own.expose(), renewed.expose());
}

#[tokio::test]
async fn a_service_user_without_rights_opens_no_door() {
    let cloud = Cloud::shared();
    let powerless = cloud.user(&["reader"]).await;
    let validator = Validator::new(&cloud.options(&powerless)).unwrap();
    let token = cloud.token(&cloud.user(&["member"]).await).await;
    let error = validator.authenticate(get(&token)).await.unwrap_err();
    assert_eq!(error.status(), 503, "{error:?}");

    let mut options = cloud.options(&powerless);
    options.password = Some("wrong".into());
    let validator = Validator::new(&options).unwrap();
    let error = validator.authenticate(get(&token)).await.unwrap_err();
    assert_eq!(error.status(), 503, "{error:?}");
}
