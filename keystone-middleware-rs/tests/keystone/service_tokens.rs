//! Requests that a service sends in a user's name.

use keystone_middleware_rs::{AuthError, Presented, Secret, Validator};

use crate::cloud::Cloud;

fn both<'a>(token: &'a Secret, service_token: &'a Secret) -> Presented<'a> {
    Presented {
        token: Some(token.expose()),
        service_token: Some(service_token.expose()),
        method: "POST",
        path: "/v1/plans",
    }
}

#[tokio::test]
async fn a_service_is_told_from_others() {
    let cloud = Cloud::shared();
    let validator = cloud.validator().await;
    let nova = cloud.user(&["service"]).await;
    let (user, service) =
        (cloud.token(&cloud.user(&["member"]).await).await, cloud.token(&nova).await);
    let auth = validator.authenticate(both(&user, &service)).await.unwrap();
    assert!(auth.is_service_request && auth.token.has_role("member"));
    assert_eq!(auth.service_token.unwrap().user.id, nova.id);

    for wrong in [&user, &Secret::from("nonsense"), &Secret::from("")] {
        let refused = validator.authenticate(both(&user, wrong)).await.unwrap_err();
        assert!(matches!(refused, AuthError::InvalidServiceToken), "{refused:?}");
    }
    let refused = validator.authenticate(both(&"nonsense".into(), &service)).await.unwrap_err();
    assert!(matches!(refused, AuthError::InvalidToken), "{refused:?}");
}

#[tokio::test]
async fn where_roles_are_not_required_any_valid_token_is_accepted_and_makes_no_service() {
    let cloud = Cloud::shared();
    let mut options = cloud.options(&cloud.user(&["service"]).await);
    options.service_token_roles_required = false;
    let validator = Validator::new(&options).unwrap();
    let user = cloud.token(&cloud.user(&["member"]).await).await;
    let auth = validator.authenticate(both(&user, &user)).await.unwrap();
    assert!(auth.service_token.is_some() && !auth.is_service_request);
    let refused = validator.authenticate(both(&user, &"nonsense".into())).await.unwrap_err();
    assert!(matches!(refused, AuthError::InvalidServiceToken), "{refused:?}");
}

#[tokio::test]
async fn the_roles_of_services_are_a_choice() {
    let cloud = Cloud::shared();
    let mut options = cloud.options(&cloud.user(&["service"]).await);
    options.service_token_roles = vec!["manager".to_owned(), "admin".to_owned()];
    let validator = Validator::new(&options).unwrap();
    let user = cloud.token(&cloud.user(&["member"]).await).await;
    let manager = cloud.token(&cloud.user(&["manager"]).await).await;
    assert!(validator.authenticate(both(&user, &manager)).await.unwrap().is_service_request);
    let service = cloud.token(&cloud.user(&["service"]).await).await;
    assert!(validator.authenticate(both(&user, &service)).await.is_err());
}
