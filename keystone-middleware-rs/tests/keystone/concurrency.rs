//! Many requests at once.

use futures_util::future::join_all;
use keystone_middleware_rs::Validator;

use crate::cloud::{Cloud, get};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_requests_with_one_token_ask_once() {
    let cloud = Cloud::shared();
    let validator = cloud.validator().await;
    let token = cloud.token(&cloud.user(&["member"]).await).await;
    let requests = (0..200).map(|_| {
        let (validator, token) = (validator.clone(), token.clone());
        tokio::spawn(async move { validator.authenticate(get(&token)).await.map(|_| ()) })
    });
    for answer in join_all(requests).await {
        answer.unwrap().unwrap();
    }
    assert_eq!(validator.counts().asked, 1);
    assert_eq!(validator.counts().unavailable, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_cache_requests_at_the_same_time_still_share_an_answer() {
    let cloud = Cloud::shared();
    let mut options = cloud.options(&cloud.user(&["service"]).await);
    options.token_cache_time = std::time::Duration::ZERO;
    let validator = Validator::new(&options).unwrap();
    let token = cloud.token(&cloud.user(&["member"]).await).await;
    let answers = join_all((0..50).map(|_| validator.authenticate(get(&token)))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(validator.counts().asked, 1);
    validator.authenticate(get(&token)).await.unwrap();
    assert_eq!(validator.counts().asked, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_gets_one_token_for_all() {
    let cloud = Cloud::shared();
    let user = cloud.user(&["member"]).await;
    let session = cloud.session(user.auth(user.project_scope()));
    let tokens = join_all((0..100).map(|_| session.token())).await;
    let first = tokens[0].as_ref().unwrap().expose().to_owned();
    assert!(tokens.iter().all(|token| token.as_ref().unwrap().expose() == first));
}
