//! A Keystone that stops, freezes and comes back.

use std::time::{Duration, Instant};

use firn_ground::Server;
use futures_util::future::join_all;
use keystone_middleware_rs::{AuthError, Secret, SessionError, Validator};

use crate::cloud::{Cloud, get};

async fn unavailable(validator: &Validator, token: &Secret) -> SessionError {
    match validator.authenticate(get(token)).await {
        Err(AuthError::Unavailable { retry_after, source }) => {
            assert!(retry_after >= Duration::from_secs(1));
            source
        }
        other => panic!("{other:?}"),
    }
}

/// Keystone has just come back, and answers what it was asked before it went first.
async fn let_in_again(validator: &Validator, token: &Secret) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match validator.authenticate(get(token)).await {
            Ok(_) => return,
            Err(AuthError::Unavailable { .. }) if Instant::now() < deadline => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keystone_nobody_is_let_in_and_with_it_everybody_again() {
    let mut server = Server::start("keystone");
    let cloud = Cloud::at(server.info());
    let service = cloud.user(&["service"]).await;
    let user = cloud.user(&["member"]).await;
    let (seen, unseen) = (cloud.token(&user).await, cloud.token(&user).await);
    let mut options = cloud.options(&service);
    options.token_cache_time = Duration::from_secs(5);
    options.timeout = Duration::from_secs(3);
    let validator = Validator::new(&options).unwrap();
    let warm = Instant::now();
    validator.authenticate(get(&seen)).await.unwrap();

    server.stop();
    let reason = unavailable(&validator, &unseen).await;
    assert!(reason.is_temporary(), "{reason:?}");
    if warm.elapsed() < Duration::from_secs(4) {
        validator.authenticate(get(&seen)).await.expect("known for a while yet");
    }
    let fresh = Validator::new(&options).unwrap();
    unavailable(&fresh, &seen).await;
    tokio::time::sleep_until((warm + Duration::from_secs(5)).into()).await;
    unavailable(&validator, &seen).await;
    unavailable(&validator, &"nonsense".into()).await;

    server.start_again();
    let_in_again(&validator, &seen).await;
    // No refusal was remembered, and one that began without Keystone does as well.
    let_in_again(&validator, &unseen).await;
    let_in_again(&fresh, &seen).await;

    let unseen = cloud.token(&user).await;
    server.freeze();
    let frozen = Instant::now();
    let answers = join_all((0..20).map(|_| unavailable(&validator, &unseen))).await;
    assert!(answers.iter().all(|reason| matches!(reason, SessionError::TimedOut { .. })));
    let waited = frozen.elapsed();
    assert!(waited >= Duration::from_secs(3) && waited < Duration::from_secs(6), "{waited:?}");
    server.thaw();
    let_in_again(&validator, &unseen).await;
}
