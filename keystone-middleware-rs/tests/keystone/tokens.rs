//! Valid tokens of every scope, and what is none.

use keystone_middleware_rs::{AuthError, DomainRef, Interface, Presented, Scope};

use crate::cloud::{Cloud, get};

#[tokio::test]
async fn a_valid_token_says_who_and_where() {
    let cloud = Cloud::shared();
    let validator = cloud.validator().await;
    let user = cloud.user(&["member", "reader"]).await;
    let token = cloud.token(&user).await;
    let auth = validator.authenticate(get(&token)).await.unwrap();
    let context = &auth.token;
    assert_eq!((&context.user.id, &context.user.name), (&user.id, &user.name));
    assert_eq!(context.user.domain.name, "Default");
    assert_eq!(context.project.as_ref().unwrap().id, user.project_id);
    assert!(context.has_role("member") && context.has_role("reader"));
    assert!(!context.has_role("admin") && !context.system && context.domain.is_none());
    assert_eq!(context.methods, ["password"]);
    assert!(context.trust.is_none() && context.application_credential.is_none());
    assert!(context.expires_at > chrono::Utc::now() && !context.audit_ids.is_empty());
    assert!(auth.service_token.is_none() && !auth.is_service_request);
    assert_eq!(auth.secret.expose(), token.expose());
    let identity = context.catalog.endpoint("identity", Interface::Public, Some("RegionOne"));
    assert_eq!(identity.unwrap().url, cloud.auth_url);

    assert_eq!(validator.counts().asked, 1);
    validator.authenticate(get(&token)).await.unwrap();
    let counts = validator.counts();
    assert_eq!((counts.asked, counts.cached, counts.unavailable), (1, 1, 0));
}

#[tokio::test]
async fn space_around_a_token_does_not_matter() {
    let cloud = Cloud::shared();
    let validator = cloud.validator().await;
    let token = cloud.token(&cloud.user(&["member"]).await).await;
    let padded = format!(" {}\t", token.expose()).into();
    validator.authenticate(get(&padded)).await.unwrap();
}

#[tokio::test]
async fn every_scope_is_told_apart() {
    let cloud = Cloud::shared();
    let validator = cloud.validator().await;
    let user = cloud.user(&["member"]).await;
    cloud.grant(&user.id, "domains/default", "manager").await;
    cloud.grant(&user.id, "system", "reader").await;
    let context = async |scope: Scope| {
        let token = cloud.session(user.auth(scope)).token().await.unwrap();
        validator.authenticate(get(&token)).await.unwrap().token
    };

    let unscoped = context(Scope::Unscoped).await;
    assert!(unscoped.is_unscoped() && unscoped.roles.is_empty());
    assert!(unscoped.catalog.services().is_empty());

    let domain = context(Scope::Domain(DomainRef::Name("Default".to_owned()))).await;
    assert_eq!(domain.domain.as_ref().unwrap().id, "default");
    assert!(domain.project.is_none() && !domain.system && domain.has_role("manager"));

    let system = context(Scope::System).await;
    assert!(system.system && system.project.is_none() && system.domain.is_none());
    assert!(system.has_role("reader"));
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let cloud = Cloud::shared();
    let validator = cloud.validator().await;
    let token = cloud.token(&cloud.user(&["member"]).await).await;
    let mut damaged = token.expose().to_owned();
    let middle = damaged.len() / 2;
    let other = if &damaged[middle..=middle] == "A" { "B" } else { "A" };
    damaged.replace_range(middle..=middle, other);
    let truncated = &token.expose()[..token.expose().len() - 8];
    let long = "A".repeat(3000);
    for wrong in ["nonsense", "gAAAAABk", "", &damaged, truncated, &long] {
        let refused = validator.authenticate(get(&wrong.into())).await.unwrap_err();
        let expected = match wrong {
            "" => matches!(refused, AuthError::Missing),
            _ => matches!(refused, AuthError::InvalidToken),
        };
        assert!(expected, "{refused:?}");
    }
    let asked = validator.counts().asked;
    for impossible in ["two words", "ünïcode", "line\nbreak", &"A".repeat(5000)] {
        let refused = validator.authenticate(get(&impossible.into())).await.unwrap_err();
        assert!(matches!(refused, AuthError::InvalidToken), "{refused:?}");
    }
    assert_eq!(validator.counts().asked, asked, "Keystone is not bothered with what is no token");
    let presented = Presented { token: None, service_token: Some("x"), method: "GET", path: "/" };
    let refused = validator.authenticate(presented).await.unwrap_err();
    assert!(matches!(refused, AuthError::Missing));
}

#[tokio::test]
async fn a_refused_token_is_remembered_for_a_while() {
    let cloud = Cloud::shared();
    let mut options = cloud.options(&cloud.user(&["service"]).await);
    options.invalid_token_cache_time = std::time::Duration::from_secs(60);
    let validator = keystone_middleware_rs::Validator::new(&options).unwrap();
    for _ in 0..10 {
        let refused = validator.authenticate(get(&"gAAAAA".into())).await.unwrap_err();
        assert!(matches!(refused, AuthError::InvalidToken), "{refused:?}");
    }
    assert_eq!(validator.counts().asked, 1);
}

#[tokio::test]
async fn the_catalog_can_be_left_out() {
    let cloud = Cloud::shared();
    let service = cloud.user(&["service"]).await;
    let mut options = cloud.options(&service);
    options.include_service_catalog = false;
    let validator = keystone_middleware_rs::Validator::new(&options).unwrap();
    let token = cloud.token(&cloud.user(&["member"]).await).await;
    let auth = validator.authenticate(get(&token)).await.unwrap();
    assert!(auth.token.catalog.services().is_empty() && auth.token.has_role("member"));
}
