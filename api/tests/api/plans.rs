//! Plans: their settings, changes that race, actions, and the trust they run under.

use crate::harness::{
    Answer, ByToken, Harness, INSTANCE, MEMBER, OTHER_INSTANCE, READER, Request, STRANGER, Trusts,
};
use actix_web::http::Method;
use firn_api::ApiConfig;
use serde_json::{Value, json};

fn settings() -> Value {
    json!({
        "name": "nightly",
        "description": "all of it",
        "instances": {"name_pattern": "web-*"},
        "schedule": {"cron": "0 2 * * *", "time_zone": "Europe/Berlin", "window_minutes": 120,
                     "jitter_seconds": 300},
        "full_every": 7,
        "retention": {"last": 3, "hourly": 0, "daily": 7, "weekly": 4, "monthly": 12, "yearly": 0},
        "consistency": "filesystem",
        "excluded_disks": ["vdb"],
        "bandwidth_bytes_per_second": 100_000_000,
        "repository_id": null,
    })
}

fn create(settings: &Value) -> Request {
    Request::json(Method::POST, "/v1/plans", &json!({ "plan": settings })).token(MEMBER)
}

async fn made(harness: &Harness, settings: Value) -> Answer {
    let answer = harness.send(create(&settings)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer
}

fn path(answer: &Answer) -> String {
    format!("/v1/plans/{}", answer.body["plan"]["id"].as_str().unwrap())
}

async fn get(harness: &Harness, path: &str) -> Answer {
    harness.send(Request::new(Method::GET, path).token(MEMBER)).await
}

#[actix_web::test]
async fn a_plan_is_made_as_it_was_asked_for() {
    let harness = Harness::by_token().await;
    let answer = made(&harness, settings()).await;
    let plan = &answer.body["plan"];
    for (field, value) in settings().as_object().unwrap() {
        assert_eq!(&plan[field], value, "{field}");
    }
    assert_eq!((&plan["status"], &plan["user_id"]), (&json!("active"), &json!("alice")));
    assert_eq!(plan["project_id"], "standalone");
    assert!(plan["next_run_at"].is_string(), "{plan}");
    assert!(plan.get("trust_id").is_none());
    assert_eq!(answer.header("location"), format!("http://firn.example:8998{}", path(&answer)));
    let shown = get(&harness, &path(&answer)).await;
    assert_eq!(&shown.body["plan"], plan);
    assert_eq!(shown.header("etag"), answer.header("etag"));
    let listed = get(&harness, "/v1/plans").await;
    assert_eq!(listed.body["plans"], json!([plan]));
}

#[actix_web::test]
async fn the_smallest_plan_runs_on_demand_and_keeps_everything() {
    let harness = Harness::by_token().await;
    for instances in [
        json!({"all": true}),
        json!({"ids": [INSTANCE, OTHER_INSTANCE]}),
        json!({"metadata": {"key": "backup", "value": "daily"}}),
    ] {
        let answer = made(&harness, json!({"name": "x", "instances": instances})).await;
        let plan = &answer.body["plan"];
        assert_eq!(plan["instances"], instances);
        assert_eq!((&plan["schedule"], &plan["next_run_at"]), (&Value::Null, &Value::Null));
        assert_eq!(plan["retention"]["daily"], 0);
    }
}

#[actix_web::test]
async fn settings_that_cannot_be_are_refused_by_name() {
    let harness = Harness::by_token().await;
    let wrong = [
        ("name", json!("")),
        ("name", json!("x".repeat(256))),
        ("name", json!("a\u{202e}b")),
        ("name", json!("a\nb")),
        ("name", Value::Null),
        ("description", json!("x".repeat(1025))),
        ("description", json!("a\u{0}")),
        ("instances", json!({})),
        ("instances", json!("all")),
        ("instances", json!({"all": false})),
        ("instances", json!({"ids": []})),
        ("instances", json!({"ids": ["x"]})),
        ("instances", json!({"ids": "x"})),
        ("instances", json!({"name_pattern": ""})),
        ("instances", json!({"name_pattern": "[a"})),
        ("instances", json!({"all": true, "ids": [INSTANCE]})),
        ("instances", json!({"metadata": {"key": ""}})),
        ("instances", json!({"query": "SELECT 1"})),
        ("schedule", json!("daily")),
        ("schedule", json!({})),
        ("schedule", json!({"cron": "* * * *"})),
        ("schedule", json!({"cron": "61 * * * *"})),
        ("schedule", json!({"cron": "0 0 30 2 *"})),
        ("schedule", json!({"cron": "0 2 * * *", "time_zone": "Mars/Base"})),
        ("schedule", json!({"cron": "0 2 * * *", "time_zone": "../../etc/passwd"})),
        ("schedule", json!({"cron": "0 2 * * *", "window_minutes": 0})),
        ("schedule", json!({"cron": "0 2 * * *", "jitter_seconds": -1})),
        ("schedule", json!({"cron": "0 2 * * *", "jitter_seconds": 1_000_000})),
        ("schedule", json!({"cron": "0 2 * * *", "command": "rm"})),
        ("full_every", json!(-1)),
        ("full_every", json!(1.5)),
        ("full_every", json!(1_000_000)),
        ("retention", json!({"last": -1})),
        ("retention", json!({"last": u64::MAX})),
        ("retention", json!({"minutely": 1})),
        ("consistency", json!("perfect")),
        ("excluded_disks", json!(["../vda"])),
        ("excluded_disks", json!([""])),
        ("excluded_disks", json!("vda")),
        ("bandwidth_bytes_per_second", json!(0)),
        ("bandwidth_bytes_per_second", json!(-5)),
        ("bandwidth_bytes_per_second", json!("fast")),
        ("repository_id", json!("default")),
        ("trust_id", json!("abc")),
        ("user_id", json!("somebody")),
        ("project_id", json!("elsewhere")),
        ("status", json!("active")),
        ("id", json!("00000000-0000-4000-8000-000000000000")),
    ];
    let good = made(&harness, settings()).await;
    for (field, value) in wrong {
        let mut settings = settings();
        settings[field] = value.clone();
        let answer = harness.send(create(&settings)).await;
        assert_eq!(answer.status, 400, "{field}: {value}: {}", answer.body);
        assert!(answer.detail().starts_with("plan"), "{field}: {value}: {}", answer.detail());
        assert!(answer.detail().contains(field), "{field}: {value}: {}", answer.detail());
        let body = json!({"plan": {field: value}});
        let patch = Request::json(Method::PATCH, &path(&good), &body).token(MEMBER);
        let answer = harness.send(patch).await;
        // In a change, null leaves what must be there as it is.
        let kept = field == "name" && value.is_null() && answer.status == 200;
        assert!(answer.status == 400 || kept, "{field}: {value}: {}", answer.body);
    }
    let unknown = "00000000-0000-4000-8000-000000000000";
    for (field, value) in
        [("repository_id", json!(unknown)), ("instances", json!({"ids": [INSTANCE, unknown]}))]
    {
        let mut settings = settings();
        settings[field] = value;
        let answer = harness.send(create(&settings)).await;
        assert_eq!((answer.status, answer.detail().contains(unknown)), (404, true), "{field}");
    }
    for body in [json!({}), json!({"plan": []}), json!({"plan": null}), json!({"plans": {}})] {
        let request = Request::json(Method::POST, "/v1/plans", &body).token(MEMBER);
        assert_eq!(harness.send(request).await.status, 400, "{body}");
    }
    let listed = get(&harness, "/v1/plans").await;
    assert_eq!(listed.body["plans"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn a_plan_changes_in_parts_and_only_as_it_was_seen() {
    let harness = Harness::by_token().await;
    let plan = made(&harness, settings()).await;
    let path = path(&plan);
    let patch = |fields: Value, only: &str| {
        let body = json!({ "plan": fields });
        Request::json(Method::PATCH, &path, &body).token(MEMBER).header("if-match", only)
    };
    let seen = plan.header("etag").to_owned();
    let changed = harness.send(patch(json!({"name": "weekly", "schedule": null}), &seen)).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.body["plan"]["name"], "weekly");
    assert_eq!(changed.body["plan"]["next_run_at"], Value::Null);
    assert_eq!(changed.body["plan"]["full_every"], 7);
    assert_ne!(changed.header("etag"), seen);
    assert_eq!(harness.send(patch(json!({"name": "late"}), &seen)).await.status, 412);
    let same = harness.send(patch(json!({"name": "weekly"}), "*")).await;
    assert_eq!((same.status, same.header("etag")), (200, changed.header("etag")));

    let delete =
        |only: &str| Request::new(Method::DELETE, &path).token(MEMBER).header("if-match", only);
    assert_eq!(harness.send(delete(&seen)).await.status, 412);
    let gone = harness.send(delete(changed.header("etag"))).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    assert_eq!(get(&harness, &path).await.status, 404);
}

#[actix_web::test]
async fn a_plan_is_paused_resumed_and_run() {
    let harness = Harness::by_token().await;
    let plan = made(&harness, settings()).await;
    let path = path(&plan);
    let act = async |action: Value| {
        let path = format!("{path}/action");
        harness.send(Request::json(Method::POST, &path, &action).token(MEMBER)).await
    };
    let paused = act(json!({"pause": {"reason": "moving"}})).await;
    assert_eq!(paused.status, 202, "{}", paused.body);
    let plan = &paused.body["plan"];
    assert_eq!((&plan["status"], &plan["status_reason"]), (&json!("paused"), &json!("moving")));
    assert_eq!(plan["next_run_at"], Value::Null);
    assert_eq!(act(json!({"run": {}})).await.status, 409);
    assert_eq!(act(json!({"pause": {}})).await.status, 202);
    let resumed = act(json!({"resume": {}})).await;
    assert_eq!(resumed.body["plan"]["status"], "active");
    assert!(resumed.body["plan"]["next_run_at"].is_string());

    let run = act(json!({"run": {}})).await;
    assert_eq!(run.status, 202, "{}", run.body);
    assert_eq!(act(json!({"run": {}})).await.status, 409, "it is about to run already");
    let runs = get(&harness, &format!("{path}/runs")).await;
    let runs = runs.body["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!((&runs[0]["trigger"], &runs[0]["status"]), (&json!("manual"), &json!("requested")));
    assert_eq!(runs[0]["request_id"], run.header("x-openstack-request-id"));
    let id = runs[0]["id"].as_str().unwrap();
    let rest = get(&harness, &format!("{path}/runs?limit=1&marker={id}")).await;
    assert_eq!(rest.body["runs"], json!([]));
    for query in ["limit=0", "marker=x", "marker=00000000-0000-4000-8000-000000000000", "x=1"] {
        assert_eq!(get(&harness, &format!("{path}/runs?{query}")).await.status, 400, "{query}");
    }
    for wrong in [
        json!({}),
        json!({"run": null}),
        json!({"run": {"now": true}}),
        json!({"pause": {"reason": ""}}),
        json!({"pause": {"reason": "a\nb"}}),
        json!({"pause": {"reason": 7}}),
        json!({"pause": {}, "resume": {}}),
        json!({"delete": {}}),
        json!("run"),
        json!(["run"]),
    ] {
        assert_eq!(act(wrong.clone()).await.status, 400, "{wrong}");
    }
}

#[actix_web::test]
async fn plans_are_listed_by_name_and_state() {
    let harness = Harness::by_token().await;
    for name in ["a", "b", "c"] {
        made(&harness, json!({"name": name, "instances": {"all": true}})).await;
    }
    let names = async |query: &str| -> Vec<String> {
        let answer = get(&harness, &format!("/v1/plans?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let plans = answer.body["plans"].as_array().unwrap();
        plans.iter().map(|plan| plan["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("sort=name:asc").await, ["a", "b", "c"]);
    assert_eq!(names("sort_key=name&limit=2").await, ["c", "b"]);
    assert_eq!(names("name=b").await, ["b"]);
    assert_eq!(names("status=paused").await, Vec::<String>::new());
    assert_eq!(names("status=active&sort=created_at:asc").await, ["a", "b", "c"]);
    let answer = get(&harness, "/v1/plans?fields=id,name&limit=1").await;
    assert_eq!(answer.body["plans"][0].as_object().unwrap().len(), 2);
}

#[actix_web::test]
async fn a_plan_runs_under_a_trust_that_ends_with_it() {
    let trusts = Trusts::default();
    let harness = Harness::with_delegation(ApiConfig::default(), ByToken, trusts.clone()).await;
    let answer = made(&harness, settings()).await;
    assert_eq!(trusts.there(), ["trust-of-alice"]);
    assert!(!answer.text.contains("trust-of-alice"), "it is shown to nobody");
    let path = path(&answer);
    assert!(!get(&harness, &path).await.text.contains("trust-of-alice"));

    // What is wrong is found before anybody is entrusted.
    let wrong = harness.send(create(&json!({"name": "", "instances": {"all": true}}))).await;
    assert_eq!((wrong.status, trusts.there().len()), (400, 1));

    trusts.fail(Some("refuse"));
    let refused = harness.send(create(&settings())).await;
    assert_eq!(refused.status, 403);
    assert!(refused.detail().contains("application credential"), "{}", refused.detail());
    trusts.fail(Some("down"));
    let down = harness.send(create(&settings())).await;
    assert_eq!((down.status, down.text.contains("secret")), (503, false));
    let delete = || Request::new(Method::DELETE, &path).token(MEMBER);
    assert_eq!(harness.send(delete()).await.status, 503);
    assert_eq!(get(&harness, &path).await.status, 200, "it is still there");
    trusts.fail(None);
    for token in [READER, STRANGER] {
        let delete = Request::new(Method::DELETE, &path).token(token);
        assert!([403, 404].contains(&harness.send(delete).await.status));
    }
    assert_eq!(trusts.there().len(), 1);
    assert_eq!(harness.send(delete()).await.status, 204);
    assert!(trusts.there().is_empty());
}

/// A trust may have ended with its user or by their hand: resuming the plan mends that.
#[actix_web::test]
async fn a_resumed_plan_runs_under_a_new_trust() {
    let trusts = Trusts::default();
    let harness = Harness::with_delegation(ApiConfig::default(), ByToken, trusts.clone()).await;
    let path = path(&made(&harness, settings()).await);
    let act = async |action: Value| {
        let path = format!("{path}/action");
        harness.send(Request::json(Method::POST, &path, &action).token(MEMBER)).await
    };
    assert_eq!(act(json!({"pause": {}})).await.status, 202);
    assert_eq!(trusts.there(), ["trust-of-alice"]);
    trusts.fail(Some("refuse"));
    assert_eq!(act(json!({"resume": {}})).await.status, 403);
    trusts.fail(None);
    let shown = get(&harness, &path).await;
    assert_eq!(shown.body["plan"]["status"], "paused", "it has the trust it had");
    assert_eq!(act(json!({"resume": {}})).await.status, 202);
    assert_eq!(trusts.there(), ["trust-of-alice-2"]);
    assert_eq!(get(&harness, &path).await.body["plan"]["status"], "active");
    let delete = Request::new(Method::DELETE, &path).token(MEMBER);
    assert_eq!(harness.send(delete).await.status, 204);
    assert!(trusts.there().is_empty());
}
