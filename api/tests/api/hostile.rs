//! Requests that nobody should send: each is refused with 4xx, a reason and a request id, and
//! leaves nothing behind.

use crate::harness::{Harness, Request};
use actix_web::http::Method;
use serde_json::{Value, json};

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

/// A request, the status it must get, and a word that the reason must hold.
struct Case {
    request: Request,
    status: u16,
    reason: &'static str,
}

fn case(request: Request, status: u16, reason: &'static str) -> Case {
    Case { request, status, reason }
}

async fn refuse(cases: Vec<Case>, at_least: usize) {
    let harness = Harness::new().await;
    let rows = harness.rows().await;
    assert!(cases.len() >= at_least, "only {} cases", cases.len());
    for Case { request, status, reason } in cases {
        let shown = request.shown();
        let answer = harness.send(request).await;
        assert_eq!(answer.status, status, "{shown}: {}", answer.body);
        let problem = &answer.body["errors"][0];
        assert_eq!(problem["status"], status, "{shown}");
        assert_eq!(problem["request_id"], answer.header("x-openstack-request-id"), "{shown}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(reason), "{shown}: {reason:?} is not in {detail:?}");
        assert!(!detail.is_empty() && detail.chars().count() <= 601, "{shown}");
        assert!(!detail.chars().any(char::is_control), "{shown}: {detail:?}");
    }
    assert_eq!(harness.rows().await, rows, "something was made");
}

fn point(fields: Value) -> Request {
    Request::json(Method::POST, "/v1/restore-points", &json!({ "restore_point": fields }))
}

fn restore(name: Value) -> Request {
    let target = json!({"type": "file", "name": name});
    let restore = json!({"restore_point_id": UNKNOWN, "target": target});
    Request::json(Method::POST, "/v1/restores", &json!({ "restore": restore }))
}

#[actix_web::test]
async fn wrong_types_and_numbers_in_every_field() {
    let wrong = [
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e308),
        json!(u64::MAX),
        json!(true),
        json!([]),
        json!(["full"]),
        json!({}),
        json!({"$ne": null}),
        json!("\u{0}"),
        json!("x".repeat(2000)),
    ];
    let mut cases = Vec::new();
    for field in ["instance_id", "mode", "name", "description", "repository_id"] {
        for value in &wrong {
            let mut fields = json!({"instance_id": crate::harness::INSTANCE});
            fields[field] = value.clone();
            cases.push(case(point(fields), 400, field));
        }
    }
    for field in ["instance_id", "mode", "repository_id"] {
        for text in ["", " ", "FULL", "../../etc/passwd", "' OR 1=1 --", "00000000-0000-4000-8000"]
        {
            let mut fields = json!({"instance_id": crate::harness::INSTANCE});
            fields[field] = json!(text);
            cases.push(case(point(fields), 400, field));
        }
    }
    for field in ["restore_point_id", "target"] {
        for value in &wrong {
            let mut fields = json!({
                "restore_point_id": UNKNOWN, "target": {"type": "file", "name": "a"},
            });
            fields[field] = value.clone();
            let body = json!({ "restore": fields });
            let request = Request::json(Method::POST, "/v1/restores", &body);
            cases.push(case(request, 400, "restore."));
        }
    }
    for value in &wrong {
        let body = json!({"restore_point": {"name": value}});
        let path = format!("/v1/restore-points/{UNKNOWN}");
        cases.push(case(Request::json(Method::PATCH, &path, &body), 400, "restore_point.name"));
    }
    refuse(cases, 110).await;
}

#[actix_web::test]
async fn bodies_that_are_no_request() {
    let deep = |open: &str, close: &str| {
        format!("{}1{}", open.repeat(20_000), close.repeat(20_000)).into_bytes()
    };
    let good = format!(r#"{{"restore_point": {{"instance_id": "{UNKNOWN}"}}}}"#);
    let bodies: Vec<(Vec<u8>, &'static str)> = vec![
        (b"".to_vec(), "EOF"),
        (b" ".to_vec(), "EOF"),
        (b"null".to_vec(), "object"),
        (b"true".to_vec(), "object"),
        (b"0".to_vec(), "object"),
        (b"\"restore_point\"".to_vec(), "object"),
        (b"[]".to_vec(), "object"),
        (b"{}".to_vec(), "restore_point"),
        (b"{".to_vec(), "EOF"),
        (b"}".to_vec(), "value"),
        (b"{\"restore_point\"".to_vec(), "EOF"),
        (b"{'restore_point': {}}".to_vec(), "key"),
        (b"{\"restore_point\": {},}".to_vec(), "instance_id"),
        (b"{\"restore_point\": NaN}".to_vec(), "value"),
        (b"{\"restore_point\": null}".to_vec(), "restore_point"),
        (b"{\"restore_point\": {}}".to_vec(), "instance_id"),
        (b"{\"restore_point\": {\"instance_id\": null}}".to_vec(), "instance_id"),
        (b"{\"restore_point\": [\"00000000-0000-4000-8000-000000000000\"]}".to_vec(), "object"),
        (b"{\"restore\": {}}".to_vec(), "restore"),
        (b"{\"RESTORE_POINT\": {}}".to_vec(), "RESTORE_POINT"),
        (b"{\"__proto__\": {}}".to_vec(), "__proto__"),
        (b"\xff\xfe{\"restore_point\": {}}".to_vec(), "value"),
        (b"\xef\xbb\xbf{\"restore_point\": {}}".to_vec(), "value"),
        (b"{\"restore_point\": {\"instance_id\": \"\xff\xff\"}}".to_vec(), "unicode"),
        (b"{\"restore_point\": {\"instance_id\": \"\\ud800\"}}".to_vec(), "escape"),
        (b"{\"restore_point\": {\"\xc3\x28\": 1}}".to_vec(), "unicode"),
        (b"{\"restore_point\": {\"a\nb\": 1}}".to_vec(), "control"),
        (b"{\"restore_point\": {\"a\\nb\\u001b[2J\": 1}}".to_vec(), "unknown field"),
        (vec![0; 4096], "value"),
        (deep("[", "]"), "object"),
        (deep("{\"restore_point\":", "}"), "unknown field"),
        (deep("{\"restore_point\":{\"name\":[", "]}}"), "name"),
        (format!("{good} {good}").into_bytes(), "trailing"),
        (format!("{good}]").into_bytes(), "trailing"),
        (good.replace('}', r#", "instance_id": "x"}"#).into_bytes(), "duplicate"),
        (format!(r#"{{"restore_point": {{}}, {}"#, &good[1..]).into_bytes(), "instance_id"),
        (format!("{}, {}", &good[..good.len() - 1], &good[1..]).into_bytes(), "duplicate"),
        (good.replace("instance_id", "instance_ids").into_bytes(), "instance_ids"),
        (good.replace(UNKNOWN, "1e999").into_bytes(), "instance_id"),
        (good.replace(&format!("\"{UNKNOWN}\""), "1e999").into_bytes(), "number"),
        (good.replace(&format!("\"{UNKNOWN}\""), &"9".repeat(10_000)).into_bytes(), "number"),
        (format!(r#"{{"{}": 1}}"#, "k".repeat(500_000)).into_bytes(), "unknown field"),
    ];
    let cases = bodies
        .into_iter()
        .map(|(body, reason)| {
            let request = Request::new(Method::POST, "/v1/restore-points").body(body);
            case(request.header("content-type", "application/json"), 400, reason)
        })
        .collect();
    refuse(cases, 40).await;
}

#[actix_web::test]
async fn restore_names_that_are_no_plain_file_name() {
    let long = "x".repeat(256);
    let wide = "ü".repeat(200);
    let names = [
        "",
        ".",
        "..",
        "...",
        "../x",
        "../../../../etc/cron.d/x",
        "/etc/passwd",
        "//x",
        "a/b",
        "a/../../b",
        "a/",
        "./a",
        "\\",
        "..\\..\\x",
        "C:\\x",
        "\\\\host\\share",
        ".hidden",
        ".partial",
        "a\0",
        "\0",
        "a\0.raw",
        "a\nb",
        "a\rb",
        "a\tb",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{85}",
        "\u{202e}war.x",
        "\u{200b}",
        "\u{feff}a",
        "\u{2028}",
        "file:///etc/passwd",
        "a/\u{2025}",
        long.as_str(),
        wide.as_str(),
    ];
    let mut cases: Vec<_> = names
        .into_iter()
        .map(|name| case(restore(json!(name)), 400, "restore.target.name"))
        .collect();
    for value in [json!(null), json!(7), json!(["a"]), json!({"a": "b"}), json!(false)] {
        cases.push(case(restore(value), 400, "restore.target.name"));
    }
    for target in [
        json!({"name": "a"}),
        json!({"type": "file"}),
        json!({"type": "FILE", "name": "a"}),
        json!({"type": "volume", "name": "a"}),
        json!({"type": "", "name": "a"}),
        json!({"type": "file", "name": "a", "path": "/etc"}),
        json!({"type": "file", "name": "a", "type ": "file"}),
        json!({"type": {"file": {}}, "name": "a"}),
    ] {
        let body = json!({"restore": {"restore_point_id": UNKNOWN, "target": target}});
        let request = Request::json(Method::POST, "/v1/restores", &body);
        cases.push(case(request, 400, "restore.target"));
    }
    cases.push(case(restore(json!("copy1")), 404, UNKNOWN));
    refuse(cases, 45).await;
}

#[actix_web::test]
async fn ids_that_name_nothing() {
    let long = "a".repeat(4000);
    let ids = [
        UNKNOWN,
        "0",
        "-1",
        "null",
        "..",
        "%2e%2e",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "00000000000040008000000000000000",
        "%7B00000000-0000-4000-8000-000000000000%7D",
        "urn:uuid:00000000-0000-4000-8000-000000000000",
        "00000000-0000-4000-8000-00000000000g",
        "00000000-0000-4000-8000-000000000000%00",
        "%ff%fe",
        "'%20OR%201=1--",
        "%F0%9F%92%A3",
        long.as_str(),
    ];
    let mut cases = Vec::new();
    for (method, before, after) in [
        (Method::GET, "/v1/instances/", ""),
        (Method::GET, "/v1/restore-points/", ""),
        (Method::DELETE, "/v1/restore-points/", ""),
        (Method::GET, "/v1/restores/", ""),
        (Method::GET, "/v1/jobs/", ""),
        (Method::GET, "/v1/jobs/", "/events"),
        (Method::GET, "/v1/repositories/", ""),
    ] {
        for id in ids {
            let path = format!("{before}{id}{after}");
            cases.push(case(Request::new(method.clone(), &path), 404, ""));
        }
    }
    for (path, action) in [("/v1/restore-points", "verify"), ("/v1/jobs", "cancel")] {
        for id in ids {
            let path = format!("{path}/{id}/action");
            let request = Request::json(Method::POST, &path, &json!({ action: {} }));
            cases.push(case(request, 404, ""));
        }
    }
    cases.push(case(point(json!({"instance_id": UNKNOWN})), 404, "instance"));
    let elsewhere = json!({"instance_id": crate::harness::INSTANCE, "repository_id": UNKNOWN});
    cases.push(case(point(elsewhere), 404, "repository"));
    refuse(cases, 140).await;
}

#[actix_web::test]
async fn queries_that_ask_for_what_there_is_not() {
    let mut cases = Vec::new();
    let lists = [
        ("/v1/instances", "name"),
        ("/v1/restore-points", "created_at"),
        ("/v1/restores", "created_at"),
        ("/v1/jobs", "created_at"),
    ];
    for (path, sort_key) in lists {
        for (query, reason) in [
            ("limit=0", "limit"),
            ("limit=-1", "limit"),
            ("limit=1.5", "limit"),
            ("limit=abc", "limit"),
            ("limit=", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("limit=1&limit=2", "limit"),
            ("marker=x", "marker"),
            ("marker=00000000-0000-4000-8000-000000000000", "marker"),
            ("sort_key=password", "sort_key"),
            ("sort_key=created_at;drop%20table%20jobs", "sort_key"),
            ("sort_dir=up", "sort_dir"),
            ("all_projects=1", "all_projects"),
            ("%00=1", "unknown field"),
            ("%ff=%fe", "unknown field"),
            ("=", "unknown field"),
        ] {
            cases.push(case(Request::new(Method::GET, &format!("{path}?{query}")), 400, reason));
        }
        let twice = format!("{path}?sort_key={sort_key}&sort_key={sort_key}");
        cases.push(case(Request::new(Method::GET, &twice), 400, "sort_key"));
        let long = format!("{path}?{}=1", "q".repeat(10_000));
        cases.push(case(Request::new(Method::GET, &long), 400, "unknown field"));
    }
    for (query, reason) in [
        ("status=done", "status"),
        ("status=AVAILABLE", "status"),
        ("status=", "status"),
        ("mode=differential", "mode"),
        ("instance_id=x", "instance_id"),
        ("instance_id=", "instance_id"),
        ("repository_id=1", "repository_id"),
        ("name=", "name"),
        ("name=%00", "name"),
        ("name=a%0Ab", "name"),
    ] {
        let path = format!("/v1/restore-points?{query}");
        cases.push(case(Request::new(Method::GET, &path), 400, reason));
    }
    for (query, reason) in [
        ("finished=1", "finished"),
        ("kind=backup", "kind"),
        ("status=running%20", "status"),
        ("restore_point_id=x", "restore_point_id"),
    ] {
        cases.push(case(Request::new(Method::GET, &format!("/v1/jobs?{query}")), 400, reason));
    }
    for path in ["/", "/v1", "/healthcheck", "/metrics", "/openapi.json", "/v1/services"] {
        let path = format!("{path}?debug=1");
        cases.push(case(Request::new(Method::GET, &path), 400, "debug"));
    }
    refuse(cases, 85).await;
}

#[actix_web::test]
async fn methods_that_a_path_does_not_have() {
    let harness = Harness::new().await;
    let mut cases = Vec::new();
    for (path, allowed) in harness.documented_methods() {
        let path = path.replace("{id}", UNKNOWN);
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PURGE"] {
            if !allowed.iter().any(|allowed| allowed == method) {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                cases.push((Request::new(method, &path), allowed.clone()));
            }
        }
    }
    assert!(cases.len() > 80, "only {}", cases.len());
    for (request, allowed) in cases {
        let shown = request.shown();
        let answer = harness.send(request).await;
        assert_eq!(answer.status, 405, "{shown}");
        let mut allow: Vec<_> = answer.header("allow").split(", ").collect();
        allow.sort_unstable();
        assert_eq!(allow, allowed, "{shown}");
    }
}

#[actix_web::test]
async fn paths_that_lead_nowhere() {
    let long = format!("/{}", "a/".repeat(5_000));
    let cases = [
        "/v2",
        "/v1/",
        "/v1/plans",
        "/v1/restore-points/../../etc/passwd",
        "/v1/restore_points",
        "/V1/jobs",
        "/v1/jobs.json",
        "/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1/jobs/%00/x",
        "/.git/config",
        "/favicon.ico",
        "/v1/jobs/00000000-0000-4000-8000-000000000000/events/1",
        "/v1;a=b/jobs",
        long.as_str(),
    ]
    .into_iter()
    .filter(|path| *path != "/v1/")
    .map(|path| case(Request::new(Method::GET, path), 404, "GET /v1"))
    .collect();
    refuse(cases, 15).await;
}

#[actix_web::test]
async fn heads_and_sizes_that_do_not_fit() {
    let good = json!({"restore_point": {"instance_id": UNKNOWN}}).to_string().into_bytes();
    let plain = || Request::new(Method::POST, "/v1/restore-points").body(good.clone());
    let mut cases = vec![case(plain(), 415, "application/json")];
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/vnd.api+json",
        "text/json",
        "*/*",
        "",
        ";",
        "application/xml",
        "json",
    ] {
        cases.push(case(plain().header("content-type", media), 415, "application/json"));
    }
    let twice = plain()
        .header("content-type", "application/json")
        .header("content-type", "application/json");
    cases.push(case(twice, 415, "application/json"));
    for encoding in ["gzip", "br", "identity", "chunked, gzip"] {
        let request = plain().header("content-type", "application/json");
        cases.push(case(request.header("content-encoding", encoding), 400, "Content-Encoding"));
    }
    let sized = |bytes: Vec<u8>| {
        Request::new(Method::POST, "/v1/restore-points")
            .body(bytes)
            .header("content-type", "application/json")
    };
    let long_name = json!({"restore_point": {"name": "x".repeat(10 << 20)}}).to_string();
    for body in
        [vec![b' '; (1 << 20) + 1], vec![b'['; 10 << 20], vec![0; 10 << 20], long_name.into_bytes()]
    {
        cases.push(case(sized(body), 413, "1048576 bytes"));
    }
    // One byte less is read, and found wanting.
    cases.push(case(sized(vec![b' '; 1 << 20]), 400, "EOF"));
    for name in ["x-auth-token", "x-service-token"] {
        let twice = Request::new(Method::GET, "/v1/jobs").header(name, "a").header(name, "b");
        cases.push(case(twice, 400, name));
        let bytes = Request::new(Method::GET, "/v1/jobs").header_bytes(name, b"\xff\xfe");
        cases.push(case(bytes, 400, name));
    }
    refuse(cases, 26).await;
}

#[actix_web::test]
async fn actions_that_there_are_not() {
    let mut cases = Vec::new();
    let point = format!("/v1/restore-points/{UNKNOWN}/action");
    let job = format!("/v1/jobs/{UNKNOWN}/action");
    for (path, body, reason) in [
        (&point, json!({}), "verify"),
        (&point, json!({"delete": {}}), "delete"),
        (&point, json!({"verify": null}), "verify"),
        (&point, json!({"verify": []}), "verify"),
        (&point, json!({"verify": {}, "restore": {}}), "restore"),
        (&point, json!({"verify": {"sample": "all"}}), "verify.sample"),
        (&point, json!({"verify": {"sample": 0}}), "verify.sample"),
        (&point, json!({"verify": {"sample": -0.1}}), "verify.sample"),
        (&point, json!({"verify": {"sample": 1.000_001}}), "verify.sample"),
        (&point, json!({"verify": {"sample": 1e300}}), "verify.sample"),
        (&point, json!({"verify": {"sample": [0.5]}}), "verify.sample"),
        (&point, json!({"verify": {"depth": 1}}), "depth"),
        (&job, json!({}), "cancel"),
        (&job, json!({"cancel": null}), "cancel"),
        (&job, json!({"cancel": true}), "cancel"),
        (&job, json!({"cancel": [1]}), "cancel"),
        (&job, json!({"cancel": {"force": true}}), "force"),
        (&job, json!({"retry": {}}), "retry"),
    ] {
        cases.push(case(Request::json(Method::POST, path, &body), 400, reason));
    }
    let patch = format!("/v1/restore-points/{UNKNOWN}");
    for (body, reason) in [
        (json!({"restore_point": {}}), "name or description"),
        (json!({"restore_point": {"status": "available"}}), "status"),
        (json!({"restore_point": {"id": UNKNOWN}}), "id"),
        (json!({"restore_point": {"name": "a\u{202e}b"}}), "restore_point.name"),
        (json!({"restore_point": {"description": "a\nb"}}), "restore_point.description"),
        (json!({"restore_point": {"description": "x".repeat(1001)}}), "restore_point.description"),
    ] {
        cases.push(case(Request::json(Method::PATCH, &patch, &body), 400, reason));
    }
    refuse(cases, 24).await;
}
