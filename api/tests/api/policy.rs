//! Who may do what by the default rules, asked of every route there is.

use crate::harness::{ADMIN, DOWN, Harness, MEMBER, READER, Request, SYSTEM};
use actix_web::http::Method;
use firn_api::policy::{Access, policy_rules};
use serde_json::json;

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

fn request(method: &str, path: &str, token: &str) -> Request {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let path = path.replace("{id}", UNKNOWN).replace("{project_id}", "standalone");
    Request::json(method, &path, &json!({})).token(token)
}

#[actix_web::test]
async fn every_route_has_a_rule_or_is_for_everybody() {
    let harness = Harness::by_token().await;
    let rules = policy_rules();
    for (path, method) in firn_api::routes() {
        let open = ["/", "/v1", "/healthcheck", "/openapi.json"].contains(&path.as_str());
        let guarded = |rule: &firn_api::policy::PolicyRule| {
            let method = if method == "HEAD" { "GET" } else { method.as_str() };
            rule.operations.iter().any(|there| there.method == method && there.path == path)
        };
        assert_eq!(rules.iter().any(guarded), !open, "{method} {path}");
        let nobody = harness.send(Request::new(method.parse().unwrap(), &path)).await;
        assert_eq!(nobody.status == 401, !open, "{method} {path}: {}", nobody.status);
    }
    for rule in &rules {
        assert!(rule.name.starts_with("instance-backup:"), "{}", rule.name);
        assert!(rule.description.ends_with('.'), "{}: {}", rule.name, rule.description);
    }
    let mut names: Vec<_> = rules.iter().map(|rule| rule.name).collect();
    names.dedup();
    assert_eq!(names.len(), rules.len(), "two rules have one name");
}

#[actix_web::test]
async fn every_rule_asks_for_its_role() {
    let harness = Harness::by_token().await;
    let rows = harness.rows().await;
    for rule in policy_rules().into_iter().filter(|rule| !rule.name.contains("show_location")) {
        let (method, path) = (rule.operations[0].method, rule.operations[0].path);
        for (token, access) in [
            ("standalone:nobody:", None),
            ("standalone:service:service", None),
            (READER, Some(Access::Reader)),
            (MEMBER, Some(Access::Member)),
            ("standalone:boss:manager", Some(Access::Member)),
            (ADMIN, Some(Access::Admin)),
        ] {
            if rule.name.ends_with("create_file") {
                continue;
            }
            let allowed = match (access, rule.access) {
                (None, _) => false,
                (Some(Access::Admin), _) => true,
                (Some(Access::Member), needed) => needed != Access::Admin,
                (Some(Access::Reader), needed) => needed == Access::Reader,
            };
            let answer = harness.send(request(method, path, token)).await;
            let forbidden = answer.status == 403 && answer.detail().contains(rule.name);
            assert_eq!(!forbidden, allowed, "{} as {token}: {}", rule.name, answer.text);
        }
    }
    assert_eq!(harness.rows().await, rows, "something was made");
}

#[actix_web::test]
async fn a_rule_is_asked_before_the_body_is_looked_at() {
    let harness = Harness::by_token().await;
    for body in [b"{".to_vec(), vec![b' '; 2 << 20]] {
        let request = Request::new(Method::POST, "/v1/restore-points").body(body).token(READER);
        assert_eq!(harness.send(request).await.status, 403);
    }
}

#[actix_web::test]
async fn without_the_identity_service_nobody_gets_in() {
    let harness = Harness::by_token().await;
    for (path, method) in firn_api::routes() {
        if ["/", "/v1", "/healthcheck", "/openapi.json"].contains(&path.as_str()) {
            continue;
        }
        let down = harness.send(request(&method, &path, DOWN)).await;
        assert_eq!(down.status, 503, "{method} {path}");
        assert_eq!(down.header("retry-after"), "5");
        assert!(!down.text.contains("secret"));
        let system = harness.send(request(&method, &path, SYSTEM)).await;
        assert_eq!(system.status, 403, "{method} {path}");
        if method != "HEAD" {
            assert!(system.detail().contains("scoped to a project"), "{}", system.detail());
        }
    }
}

#[actix_web::test]
async fn files_on_the_conductor_are_for_administrators() {
    let harness = Harness::by_token().await;
    let target = json!({"type": "file", "name": "copy1"});
    let body = json!({"restore": {"restore_point_id": UNKNOWN, "target": target}});
    let post = |token| Request::json(Method::POST, "/v1/restores", &body).token(token);
    let member = harness.send(post(MEMBER)).await;
    assert_eq!(member.status, 403);
    assert!(member.detail().contains("restores:create_file"), "{}", member.detail());
    assert_eq!(harness.send(post(ADMIN)).await.status, 404);
}
