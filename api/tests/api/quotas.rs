//! Quotas and usage: shown, changed by administrators, kept to.

use crate::harness::{
    ADMIN, Answer, ByToken, Harness, INSTANCE, MEMBER, OTHER_INSTANCE, READER, Request, job_of,
};
use actix_web::http::Method;
use firn_api::ApiConfig;
use firn_db::QuotaLimits;
use serde_json::{Value, json};

const PATH: &str = "/v1/quotas/standalone";

async fn ask(harness: &Harness, method: Method, path: &str, token: &str) -> Answer {
    harness.send(Request::new(method, path).token(token)).await
}

async fn set(harness: &Harness, limits: Value) -> Answer {
    let body = json!({ "quota": limits });
    harness.send(Request::json(Method::PUT, PATH, &body).token(ADMIN)).await
}

async fn backup(harness: &Harness, instance: &str) -> Answer {
    let body = json!({"restore_point": {"instance_id": instance}});
    harness.send(Request::json(Method::POST, "/v1/restore-points", &body).token(MEMBER)).await
}

#[actix_web::test]
async fn limits_are_set_by_administrators_and_seen_by_their_project() {
    let quotas = QuotaLimits { restore_points: Some(500), ..QuotaLimits::default() };
    let config = ApiConfig { quotas, ..ApiConfig::default() };
    let harness = Harness::with(config, ByToken).await;
    let shown = ask(&harness, Method::GET, PATH, READER).await;
    let limits = json!({
        "instances": -1, "restore_points": 500, "stored_bytes": -1, "concurrent_jobs": -1,
    });
    assert_eq!(shown.body["quota"]["limits"], limits);
    assert_eq!(shown.body["quota"]["project_id"], "standalone");
    let defaults = ask(&harness, Method::GET, &format!("{PATH}/defaults"), READER).await;
    assert_eq!(defaults.body["quota_defaults"], limits);

    let answer = set(&harness, json!({"instances": 0, "restore_points": -1})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["quota"]["limits"]["instances"], 0);
    let shown = ask(&harness, Method::GET, PATH, MEMBER).await;
    assert_eq!(shown.body, answer.body);
    assert_eq!(shown.body["quota"]["limits"]["restore_points"], -1);
    let other = ask(&harness, Method::GET, "/v1/quotas/another", ADMIN).await;
    assert_eq!(other.body["quota"]["limits"], limits);

    assert_eq!(ask(&harness, Method::DELETE, PATH, MEMBER).await.status, 403);
    for _ in 0..2 {
        assert_eq!(ask(&harness, Method::DELETE, PATH, ADMIN).await.status, 204);
    }
    let shown = ask(&harness, Method::GET, PATH, MEMBER).await;
    assert_eq!(shown.body["quota"]["limits"], limits);
}

#[actix_web::test]
async fn limits_that_cannot_be_are_refused() {
    let harness = Harness::by_token().await;
    for limits in [
        json!({}),
        json!({"instances": -2}),
        json!({"instances": 1.5}),
        json!({"instances": "10"}),
        json!({"instances": null}),
        json!({"instances": u64::MAX}),
        json!({"instances": [1]}),
        json!({"volumes": 1}),
        json!({"project_id": "x"}),
        json!([1]),
        json!(null),
    ] {
        let answer = set(&harness, limits.clone()).await;
        assert_eq!(answer.status, 400, "{limits}: {}", answer.body);
        assert!(answer.detail().starts_with("quota"), "{limits}: {}", answer.detail());
    }
    for project in ["a%2Fb", "%00", "..%2F..", &"x".repeat(65), "a%20b", "%F0%9F%92%A3"] {
        let path = format!("/v1/quotas/{project}");
        assert_eq!(ask(&harness, Method::GET, &path, ADMIN).await.status, 404, "{project}");
        let body = json!({"quota": {"instances": 1}});
        let put = Request::json(Method::PUT, &path, &body).token(ADMIN);
        assert_eq!(harness.send(put).await.status, 404, "{project}");
    }
    let huge = set(&harness, json!({"stored_bytes": i64::MAX})).await;
    assert_eq!(huge.body["quota"]["limits"]["stored_bytes"], i64::MAX);
}

#[actix_web::test]
async fn what_is_used_up_is_said_as_other_services_say_it() {
    let harness = Harness::by_token().await;
    set(&harness, json!({"restore_points": 1})).await;
    let first = backup(&harness, INSTANCE).await;
    assert_eq!(first.status, 202, "{}", first.body);
    let rows = harness.rows().await;
    let over = backup(&harness, OTHER_INSTANCE).await;
    assert_eq!(over.status, 413);
    let error = &over.body["errors"][0];
    assert_eq!(
        (&error["code"], &error["title"]),
        (&json!("instance-backup.over-limit"), &json!("Over Limit"),)
    );
    assert!(over.detail().contains("restore_points"), "{}", over.detail());
    assert_eq!(over.header("retry-after"), "0");
    assert_eq!(harness.rows().await, rows, "nothing was made");
    let used = ask(&harness, Method::GET, PATH, MEMBER).await;
    assert_eq!(
        used.body["quota"]["in_use"],
        json!({
            "instances": 1, "restore_points": 1, "stored_bytes": 0, "concurrent_jobs": 1,
        })
    );

    // The jobs that other work needs count as well; deleting does not.
    let point = &first.body["restore_point"];
    let claim = harness.claim(job_of(point)).await;
    harness.fill(claim).await;
    set(&harness, json!({"restore_points": -1, "concurrent_jobs": 0})).await;
    let path = format!("/v1/restore-points/{}", point["id"].as_str().unwrap());
    let verify = Request::json(Method::POST, &format!("{path}/action"), &json!({"verify": {}}));
    assert_eq!(harness.send(verify.token(MEMBER)).await.status, 413);
    let target = json!({"type": "file", "name": "copy"});
    let restore = json!({"restore": {"restore_point_id": point["id"], "target": target}});
    let restore = Request::json(Method::POST, "/v1/restores", &restore).token(ADMIN);
    assert_eq!(harness.send(restore).await.status, 413);
    assert_eq!(ask(&harness, Method::DELETE, &path, MEMBER).await.status, 202);
}

#[actix_web::test]
async fn the_last_job_of_a_quota_may_be_of_any_kind() {
    let harness = Harness::by_token().await;
    let point = backup(&harness, INSTANCE).await.body["restore_point"].clone();
    let claim = harness.claim(job_of(&point)).await;
    harness.fill(claim).await;
    set(&harness, json!({"concurrent_jobs": 1})).await;
    let path = format!("/v1/restore-points/{}/action", point["id"].as_str().unwrap());
    let verify = || Request::json(Method::POST, &path, &json!({"verify": {}})).token(MEMBER);
    assert_eq!(harness.send(verify()).await.status, 202);
    assert_eq!(backup(&harness, OTHER_INSTANCE).await.status, 413);
}

#[actix_web::test]
async fn racing_requests_get_no_more_than_the_limit() {
    let harness = Harness::by_token().await;
    set(&harness, json!({"instances": 1})).await;
    let instances = [INSTANCE, OTHER_INSTANCE, INSTANCE, OTHER_INSTANCE];
    let answers =
        futures_util::future::join_all(instances.map(|instance| backup(&harness, instance))).await;
    let made = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(made, 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    assert_eq!(harness.rows().await, (1, 0, 1));
}

#[actix_web::test]
async fn usage_is_that_of_the_project_or_of_all() {
    let harness = Harness::by_token().await;
    let first = backup(&harness, INSTANCE).await;
    let claim = harness.claim(job_of(&first.body["restore_point"])).await;
    harness.fill(claim).await;
    let expected = json!([{
        "project_id": "standalone", "instances": 1, "restore_points": 1,
        "virtual_bytes": 8_u64 << 30, "unique_bytes": 2_u64 << 30, "stored_bytes": 1_u64 << 30,
        "concurrent_jobs": 0,
    }]);
    let own = ask(&harness, Method::GET, "/v1/usage", READER).await;
    assert_eq!(own.body["usage"], expected);
    let all = ask(&harness, Method::GET, "/v1/usage?all_projects=true&limit=1", ADMIN).await;
    assert_eq!(all.body["usage"], expected);
    assert!(all.body.get("usage_links").is_none());
    let next = "/v1/usage?all_projects=true&marker=standalone";
    assert_eq!(ask(&harness, Method::GET, next, ADMIN).await.body["usage"], json!([]));
    for (query, status) in [
        ("limit=0", 400),
        ("marker=a", 400),
        ("all_projects=yes", 400),
        ("all_projects=true&marker=%00", 400),
        ("project_id=a", 400),
    ] {
        let answer = ask(&harness, Method::GET, &format!("/v1/usage?{query}"), ADMIN).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
    }
}
