//! What all routes have in common: microversions, fields, order, links, tags, other sites' pages.

use crate::harness::{Harness, INSTANCE, Request};
use actix_web::http::Method;
use firn_api::{ApiConfig, CorsConfig, StandaloneIdentity};
use serde_json::{Value, json};

const VERSION: &str = "openstack-api-version";

fn get(path: &str) -> Request {
    Request::new(Method::GET, path)
}

#[actix_web::test]
async fn the_version_is_answered_and_the_answer_varies_with_it() {
    let harness = Harness::new().await;
    for (asked, answered) in [
        (None, "instance-backup 1.0"),
        (Some("compute 2.90"), "instance-backup 1.0"),
        (Some("instance-backup 1.0"), "instance-backup 1.0"),
        (Some("instance-backup 1.1"), "instance-backup 1.1"),
        (Some("instance-backup latest"), "instance-backup 1.1"),
    ] {
        for path in ["/v1/jobs", "/v1/jobs/00000000-0000-4000-8000-000000000000", "/v1/jobs?x=1"] {
            let request = match asked {
                Some(asked) => get(path).header(VERSION, asked),
                None => get(path),
            };
            let answer = harness.send(request).await;
            assert_eq!(answer.header(VERSION), answered, "{asked:?} {path}");
            assert_eq!(answer.header("vary"), "OpenStack-API-Version", "{asked:?} {path}");
        }
    }
    let discovered = harness.get("/v1").await;
    assert_eq!(discovered.header(VERSION), "", "discovery has no version");
    let version = &discovered.body["version"];
    assert_eq!((&version["min_version"], &version["max_version"]), (&json!("1.0"), &json!("1.1")));
}

#[actix_web::test]
async fn versions_that_are_not_served_are_refused() {
    let harness = Harness::new().await;
    for asked in ["instance-backup 1.2", "instance-backup 2.0", "compute 2.1,instance-backup 0.1"] {
        let answer = harness.send(get("/v1/jobs").header(VERSION, asked)).await;
        assert_eq!(answer.status, 406, "{asked}");
        let error = &answer.body["errors"][0];
        assert_eq!((&error["min_version"], &error["max_version"]), (&json!("1.0"), &json!("1.1")));
        assert_eq!(answer.header("vary"), "OpenStack-API-Version");
    }
    for asked in ["1.1", "instance-backup", "instance-backup 1", "instance-backup 1.1 1.1"] {
        let answer = harness.send(get("/v1/jobs").header(VERSION, asked)).await;
        assert_eq!(answer.status, 400, "{asked}");
        assert!(answer.detail().starts_with("OpenStack-API-Version"), "{}", answer.detail());
    }
    let bytes = harness.send(get("/v1/jobs").header_bytes(VERSION, b"\xff")).await;
    assert_eq!(bytes.status, 400);
    // Discovery answers whatever is asked for.
    let open = harness.send(get("/v1").header(VERSION, "instance-backup 9.9")).await;
    assert_eq!(open.status, 200);
}

#[actix_web::test]
async fn what_is_newer_is_not_there_in_an_older_version() {
    let harness = Harness::new().await;
    for path in ["/v1/agents", "/v1/drivers", "/v1/services/00000000-0000-4000-8000-000000000000"] {
        let old = harness.get(path).await;
        assert_eq!((old.status, old.detail().contains("nothing is at this path")), (404, true));
        assert_ne!(harness.get_latest(path).await.detail(), old.detail(), "{path}");
    }
    for newer in ["fields=id", "sort=created_at", "all_projects=true", "project_id=a"] {
        let path = format!("/v1/jobs?{newer}");
        assert_eq!(harness.get(&path).await.status, 400, "{newer}");
    }
    let point = harness.backup().await;
    assert!(point.get("links").is_none());
    let path = format!("/v1/restore-points/{}", point["id"].as_str().unwrap());
    let new = harness.get_latest(&path).await;
    let link = &new.body["restore_point"]["links"][0];
    assert_eq!(link["rel"], "self");
    assert_eq!(link["href"], format!("http://firn.example:8998{path}"));
}

#[actix_web::test]
async fn every_resource_links_to_itself() {
    let harness = Harness::new().await;
    harness.backup().await;
    for (list, name) in
        [("restore-points", "restore_points"), ("jobs", "jobs"), ("instances", "instances")]
    {
        let answer = harness.get_latest(&format!("/v1/{list}")).await;
        let resource = &answer.body[name][0];
        let href = resource["links"][0]["href"].as_str().unwrap();
        let path = href.strip_prefix("http://firn.example:8998").unwrap();
        let shown = harness.get_latest(path).await;
        let shown = shown.body.as_object().unwrap().values().next().unwrap().clone();
        assert_eq!((&shown["id"], &shown["links"]), (&resource["id"], &resource["links"]));
    }
}

#[actix_web::test]
async fn only_the_fields_asked_for_are_shown() {
    let harness = Harness::new().await;
    let point = harness.backup().await;
    let keys = |value: &Value| -> Vec<String> {
        let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort_unstable();
        keys
    };
    let list = harness.get_latest("/v1/restore-points?fields=id,status&limit=1").await;
    assert_eq!(keys(&list.body["restore_points"][0]), ["id", "status"]);
    let path = format!("/v1/restore-points/{}", point["id"].as_str().unwrap());
    let one = harness.get_latest(&format!("{path}?fields=name&fields=disks")).await;
    assert_eq!(keys(&one.body["restore_point"]), ["disks", "name"]);
    let job = format!("/v1/jobs/{}?fields=steps", point["job_id"].as_str().unwrap());
    assert_eq!(keys(&harness.get_latest(&job).await.body["job"]), ["steps"]);
    for bad in ["generation", "", "id,", "trust_id", "%00"] {
        let answer = harness.get_latest(&format!("{path}?fields={bad}")).await;
        assert_eq!(answer.status, 400, "{bad}");
        assert!(answer.detail().starts_with("fields"), "{}", answer.detail());
    }
}

#[actix_web::test]
async fn a_point_changes_only_as_it_was_seen() {
    let harness = Harness::new().await;
    let point = harness.backup().await;
    let path = format!("/v1/restore-points/{}", point["id"].as_str().unwrap());
    let seen = harness.get(&path).await.header("etag").to_owned();
    assert!(seen.starts_with('"'), "{seen}");
    let patch = |name: &str, only: &str| {
        let body = json!({"restore_point": {"name": name}});
        Request::json(Method::PATCH, &path, &body).header("if-match", only)
    };
    let first = harness.send(patch("first", &seen)).await;
    assert_eq!(first.status, 200, "{}", first.body);
    let newer = first.header("etag").to_owned();
    assert_ne!(newer, seen);
    let late = harness.send(patch("late", &seen)).await;
    assert_eq!(late.status, 412);
    assert_eq!(harness.get(&path).await.body["restore_point"]["name"], "first");
    for (only, status) in [
        (newer.as_str(), 200),
        ("*", 200),
        ("W/\"1\"", 412),
        ("\"x\", \"y\"", 412),
        ("", 400),
        ("7", 400),
    ] {
        assert_eq!(harness.send(patch("again", only)).await.status, status, "{only}");
    }
    let now = harness.get(&path).await.header("etag").to_owned();
    let again = harness.send(get(&path).header("if-none-match", &now)).await;
    assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", now.as_str()));
    assert_eq!(harness.send(get(&path).header("if-none-match", &seen)).await.status, 200);
    // What is not there has no tag to compare.
    let gone = "/v1/restore-points/00000000-0000-4000-8000-000000000000";
    let body = json!({"restore_point": {"name": "x"}});
    let gone = Request::json(Method::PATCH, gone, &body).header("if-match", "\"1\"");
    assert_eq!(harness.send(gone).await.status, 404);
}

#[actix_web::test]
async fn racing_changes_with_a_tag_give_one() {
    let harness = Harness::new().await;
    let point = harness.backup().await;
    let path = format!("/v1/restore-points/{}", point["id"].as_str().unwrap());
    let seen = harness.get(&path).await.header("etag").to_owned();
    let answers = futures_util::future::join_all((0..8).map(|number| {
        let body = json!({"restore_point": {"name": format!("n{number}")}});
        harness.send(Request::json(Method::PATCH, &path, &body).header("if-match", &seen))
    }))
    .await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
}

#[actix_web::test]
async fn what_can_be_got_has_a_head() {
    let harness = Harness::new().await;
    let point = harness.backup().await;
    let id = point["id"].as_str().unwrap();
    for path in ["/", "/v1", "/healthcheck", "/v1/jobs", &format!("/v1/restore-points/{id}")] {
        let answer = harness.send(Request::new(Method::HEAD, path)).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    let unknown = "/v1/jobs/00000000-0000-4000-8000-000000000000";
    assert_eq!(harness.send(Request::new(Method::HEAD, unknown)).await.status, 404);
}

#[actix_web::test]
async fn an_administrator_sees_the_own_project_or_all() {
    let harness = Harness::new().await;
    harness.backup().await;
    for (query, count) in [
        ("", 1),
        ("?all_projects=true", 1),
        ("?all_projects=false", 1),
        ("?project_id=standalone", 1),
        ("?all_projects=true&project_id=standalone", 1),
        ("?all_projects=true&project_id=another", 0),
    ] {
        for list in ["restore-points", "jobs", "instances"] {
            let answer = harness.get_latest(&format!("/v1/{list}{query}")).await;
            let rows = answer.body[list.replace('-', "_")].as_array().unwrap().len();
            let expected = if list == "instances" { rows } else { count };
            assert_eq!(rows, expected, "{list}{query}");
        }
    }
    let answer = harness.get_latest("/v1/jobs?project_id=another").await;
    assert_eq!(answer.status, 400);
}

#[actix_web::test]
async fn pages_of_other_sites_are_let_in_only_where_configured() {
    let preflight = || {
        Request::new(Method::OPTIONS, "/v1/jobs")
            .header("origin", "https://dashboard.example")
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "x-auth-token")
    };
    let closed = Harness::new().await;
    assert_eq!(closed.send(preflight()).await.status, 405);
    let answer = closed.send(get("/v1/jobs").header("origin", "https://dashboard.example")).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");

    let allowed_origins = vec!["https://dashboard.example".to_owned()];
    let cors = CorsConfig { allowed_origins, ..CorsConfig::default() };
    let config = ApiConfig { cors, ..ApiConfig::default() };
    let identity = StandaloneIdentity::with_token("0123456789abcdef").unwrap();
    let harness = Harness::with(config, identity).await;
    let asked = harness.send_unchecked(preflight()).await;
    assert_eq!(asked.status, 200, "a browser sends no token beforehand");
    assert_eq!(asked.header("access-control-allow-origin"), "https://dashboard.example");
    assert!(asked.header("access-control-allow-methods").contains("GET"));
    assert!(asked.header("x-openstack-request-id").starts_with("req-"));
    for (origin, allowed) in
        [("https://dashboard.example", "https://dashboard.example"), ("https://evil.example", "")]
    {
        let answer = harness.send(get("/v1/jobs").header("origin", origin)).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{origin}");
        let vary: Vec<_> = answer.headers.get_all("vary").map(|v| v.to_str().unwrap()).collect();
        assert!(vary.contains(&"Origin"), "{vary:?}");
    }
}

#[actix_web::test]
async fn a_stranger_is_refused_before_the_body_is_looked_at() {
    let identity = StandaloneIdentity::with_token("0123456789abcdef").unwrap();
    let config = ApiConfig { max_body_bytes: 100, ..ApiConfig::default() };
    let harness = Harness::with(config, identity).await;
    let post = |body: Vec<u8>| Request::new(Method::POST, "/v1/restore-points").body(body);
    for request in [post(b"{".to_vec()), post(vec![b' '; 200]), post(vec![b'x'; 1 << 20])] {
        assert_eq!(harness.send(request).await.status, 401);
    }
    let known = post(vec![b' '; 101])
        .header("x-auth-token", "0123456789abcdef")
        .header("content-type", "application/json");
    let answer = harness.send(known).await;
    assert_eq!(answer.status, 413);
    assert!(answer.detail().contains("100 bytes"), "{}", answer.detail());
    let body = json!({"restore_point": {"instance_id": INSTANCE}});
    let good = Request::json(Method::POST, "/v1/restore-points", &body);
    assert_eq!(harness.send(good.header("x-auth-token", "0123456789abcdef")).await.status, 202);
}
