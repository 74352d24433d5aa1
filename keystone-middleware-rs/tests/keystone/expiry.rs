//! Tokens that end, on a Keystone that gives them twenty seconds.

use std::time::Duration;

use firn_ground::Server;
use keystone_middleware_rs::{AuthError, Presented, Secret, Validator};

use crate::cloud::{Cloud, get};

const LIFE: Duration = Duration::from_secs(20);
const WINDOW: Duration = Duration::from_secs(40);

fn with_service<'a>(token: &'a Secret, service_token: &'a Secret) -> Presented<'a> {
    Presented { service_token: Some(service_token.expose()), ..get(token) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_it_expires_and_lives_on_beside_a_service_token() {
    let server =
        Server::start_with("keystone", &["token.expiration=20", "token.allow_expired_window=40"]);
    let cloud = Cloud::at(server.info());
    let nova = cloud.user(&["service"]).await;
    let service = cloud.session(nova.auth(nova.project_scope()));
    let validator = cloud.validator().await;
    let user = cloud.user(&["member"]).await;
    let keeper = cloud.session(user.auth(user.project_scope()));
    let other = cloud.user(&["member"]).await;
    let token = cloud.token(&user).await;
    let fetched = tokio::time::Instant::now();
    let auth = validator.authenticate(get(&token)).await.unwrap();
    assert!(auth.token.expires_at <= chrono::Utc::now() + LIFE);
    let kept = keeper.token().await.unwrap();

    tokio::time::sleep_until(fetched + LIFE + Duration::from_millis(500)).await;
    let refused = validator.authenticate(get(&token)).await.unwrap_err();
    assert!(matches!(refused, AuthError::InvalidToken), "the cache time is not over: {refused:?}");

    // Each time with a service token of its own: those expire as well.
    let beside = service.token().await.unwrap();
    let auth = validator.authenticate(with_service(&token, &beside)).await.unwrap();
    assert!(auth.token.expires_at < chrono::Utc::now() && auth.is_service_request);
    assert_eq!(auth.token.user.id, user.id);
    let asked = validator.counts().asked;
    let beside = service.token().await.unwrap();
    validator.authenticate(with_service(&token, &beside)).await.unwrap();
    assert!(validator.counts().asked > asked, "an expired token is asked for each time");
    assert!(validator.authenticate(get(&token)).await.is_err(), "and does not open the door alone");

    let mut options = cloud.options(&nova);
    options.service_token_roles_required = false;
    let lenient = Validator::new(&options).unwrap();
    let other = cloud.token(&other).await;
    let refused = lenient.authenticate(with_service(&token, &other)).await.unwrap_err();
    assert!(matches!(refused, AuthError::InvalidToken), "no service role, no second life");

    let renewed = keeper.token().await.unwrap();
    assert_ne!(kept.expose(), renewed.expose(), "a session renews by itself");
    validator.authenticate(get(&renewed)).await.expect("the validator's own session did too");

    tokio::time::sleep_until(fetched + LIFE + WINDOW + Duration::from_secs(1)).await;
    let beside = service.token().await.unwrap();
    let refused = validator.authenticate(with_service(&token, &beside)).await.unwrap_err();
    assert!(matches!(refused, AuthError::InvalidToken), "the window is over: {refused:?}");
}
