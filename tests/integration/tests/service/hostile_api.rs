//! Hundreds of requests that nobody should send, over the wire, to a service with real data: each
//! is refused with 4xx, a reason and a request id, and nothing happens.

use std::time::{Duration, Instant};

use firn_integration_tests::{
    Change, Format, Ground, MIB, Machine, Service, alive, nothing_left, request,
};
use serde_json::{Value, json};

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

struct Hostile {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn sends(method: &'static str, path: impl Into<String>, body: impl Into<Vec<u8>>) -> Hostile {
    let headers = vec![("Content-Type", "application/json".to_owned())];
    Hostile { method, path: path.into(), headers, body: body.into() }
}

fn posts(path: &str, body: &Value) -> Hostile {
    sends("POST", path, body.to_string())
}

fn gets(path: impl Into<String>) -> Hostile {
    Hostile { headers: Vec::new(), ..sends("GET", path, "") }
}

/// Values that are wrong wherever an id, a word or a number is meant.
fn wrong_values() -> Vec<Value> {
    vec![
        json!(0),
        json!(-1),
        json!(1e308),
        json!(u64::MAX),
        json!(true),
        json!([]),
        json!({}),
        json!([["full"]]),
        json!({"$gt": ""}),
        json!(""),
        json!("\u{0}"),
        json!("../../../../etc/passwd"),
        json!("'; DROP TABLE jobs; --"),
        json!("A".repeat(100_000)),
    ]
}

fn wrong_fields(instance: &str, point: &str) -> Vec<Hostile> {
    let mut all = Vec::new();
    for value in wrong_values() {
        for field in ["instance_id", "mode", "repository_id"] {
            let mut body = json!({"restore_point": {"instance_id": instance}});
            body["restore_point"][field] = value.clone();
            all.push(posts("/v1/restore-points", &body));
        }
        for field in ["restore_point_id", "target"] {
            let target = json!({"type": "file", "name": "a"});
            let mut body = json!({"restore": {"restore_point_id": point, "target": target}});
            body["restore"][field] = value.clone();
            all.push(posts("/v1/restores", &body));
        }
        let target = json!({"type": value, "name": "a"});
        let body = json!({"restore": {"restore_point_id": point, "target": target}});
        all.push(posts("/v1/restores", &body));
        let path = format!("/v1/restore-points/{point}/action");
        all.push(posts(&path, &json!({"verify": {"sample": value}})));
        if !value.is_object() {
            all.push(posts(&path, &json!({ "verify": value })));
            all.push(posts(&format!("/v1/jobs/{UNKNOWN}/action"), &json!({ "cancel": value })));
        }
    }
    all
}

fn names(point: &str) -> Vec<Hostile> {
    let (long, deep) = ("n".repeat(300), "a/".repeat(2000));
    [
        "",
        ".",
        "..",
        "...",
        "../escape",
        "../../tmp/escape",
        "/tmp/escape",
        "//escape",
        "a/b",
        "a/../../escape",
        "./escape",
        "escape/",
        "..\\escape",
        "C:\\escape",
        ".partial-1",
        ".hidden",
        "a\0b",
        "\0",
        "a\nb",
        "a\r\nb",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{202e}x",
        "\u{feff}x",
        "file:///tmp/escape",
        &long,
        &deep,
    ]
    .into_iter()
    .map(|name| {
        let target = json!({"type": "file", "name": name});
        posts("/v1/restores", &json!({"restore": {"restore_point_id": point, "target": target}}))
    })
    .collect()
}

fn bodies(instance: &str) -> Vec<Hostile> {
    let good = format!(r#"{{"restore_point": {{"instance_id": "{instance}"}}}}"#);
    let mut all: Vec<_> = [
        "",
        " ",
        "null",
        "true",
        "0",
        "\"x\"",
        "[]",
        "{}",
        "{",
        "}",
        "[[[[",
        "{\"restore_point\"",
        "{'restore_point': {}}",
        "{\"restore_point\": NaN}",
        "{\"restore_point\": null}",
        "{\"restore_point\": []}",
        "{\"__proto__\": {}}",
        "\u{feff}{}",
        "<xml/>",
        "a=b&c=d",
    ]
    .into_iter()
    .map(|body| sends("POST", "/v1/restore-points", body))
    .collect();
    let unusual: [Vec<u8>; 9] = [
        format!("{good}{good}").into_bytes(),
        good.replace("}}", &format!(r#", "instance_id": "{instance}"}}}}"#)).into_bytes(),
        good.replace("}}", r#", "shell": "rm -rf /"}}"#).into_bytes(),
        b"{\"restore_point\": {\"instance_id\": \"\xff\xfe\"}}".to_vec(),
        vec![0; 5000],
        "[".repeat(500_000).into_bytes(),
        "{\"restore_point\":".repeat(200_000).into_bytes(),
        // 10 MiB of one string, and of nothing.
        format!(r#"{{"restore_point": {{"name": "{}"}}}}"#, "x".repeat(10 << 20)).into_bytes(),
        vec![b' '; 10 << 20],
    ];
    all.extend(unusual.into_iter().map(|body| sends("POST", "/v1/restore-points", body)));
    all.push(sends("PATCH", format!("/v1/restore-points/{UNKNOWN}"), vec![b'9'; 10 << 20]));
    all
}

fn paths() -> Vec<Hostile> {
    let mut all = Vec::new();
    let ids = [
        UNKNOWN,
        "1",
        "-1",
        "%00",
        "..",
        "../../etc/passwd",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "'",
        "*",
        "null",
        "00000000-0000-4000-8000-00000000000g",
        "%ff%fe",
        "a%0d%0aSet-Cookie:x=y",
    ];
    for id in ids {
        for resource in ["instances", "restore-points", "restores", "jobs", "repositories"] {
            all.push(gets(format!("/v1/{resource}/{id}")));
        }
    }
    let queries = [
        "limit=0",
        "limit=-1",
        "limit=99999999999999999999",
        "limit=x",
        "limit=1&limit=2",
        "marker=x",
        "marker=../..",
        "sort_key=password",
        "sort_dir=up",
        "status=%27",
        "unknown=1",
        "finished=maybe",
        "instance_id=%00",
        "limit=%31%",
        "sort_key[]=name",
    ];
    all.extend(queries.map(|query| gets(format!("/v1/jobs?{query}"))));
    let longest = format!("/v1/jobs?marker={}", "a".repeat(20_000));
    let others = [
        "/etc/passwd",
        "/../../etc/passwd",
        "/v1/../../etc/passwd",
        "/v2",
        "/V1/jobs",
        "/v1/jobs;x=y/1",
        "/.git/config",
        "/v1/restores/../jobs/%2e%2e",
        &longest,
    ];
    all.extend(others.map(gets));
    all
}

fn methods_and_headers(instance: &str) -> Vec<Hostile> {
    let mut all = Vec::new();
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "BREW"] {
        for path in ["/v1/jobs", "/v1/instances", "/healthcheck"] {
            all.push(sends(method, path, ""));
        }
    }
    let good = format!(r#"{{"restore_point": {{"instance_id": "{instance}"}}}}"#);
    for kind in ["text/plain", "application/xml", "application/json2", "", "multipart/form-data"] {
        let headers = vec![("Content-Type", kind.to_owned())];
        all.push(Hostile { headers, ..sends("POST", "/v1/restore-points", good.as_bytes()) });
    }
    for (name, value) in [
        ("Content-Encoding", "gzip"),
        ("Content-Encoding", "br"),
        ("Expect", "the unexpected"),
        ("X-Auth-Token", "a\u{e9}b"),
    ] {
        let mut hostile = sends("POST", "/v1/restore-points", b"{bad".as_slice());
        hostile.headers.push((name, value.to_owned()));
        all.push(hostile);
    }
    all
}

#[test]
fn hundreds_of_hostile_requests() {
    let ground = Ground::new();
    let machine = Machine::new(&ground, "web")
        .disk(&ground, "vda", Format::Raw, 4 * MIB, &Change::mixed(4 * MIB, 1))
        .define();
    let service = Service::start(&ground);
    let api = service.api();
    let point = api.backed_up(&machine.id, "full");
    let point = point["id"].as_str().unwrap();
    let rows =
        || (api.points(), api.list("/v1/jobs", "jobs"), api.list("/v1/restores", "restores"));
    let (rows_before, files_before) = (rows(), ground.outside_state());

    let hostile = [
        wrong_fields(&machine.id, point),
        names(point),
        bodies(&machine.id),
        paths(),
        methods_and_headers(&machine.id),
    ];
    let hostile: Vec<_> = hostile.into_iter().flatten().collect();
    assert!(hostile.len() >= 200, "only {}", hostile.len());
    let problems: Vec<_> =
        hostile.iter().filter_map(|hostile| problem(&service, hostile)).collect();
    assert!(
        problems.is_empty(),
        "{} of {}:\n{}",
        problems.len(),
        hostile.len(),
        problems.join("\n")
    );

    assert!(alive(service.pid()));
    assert_eq!(rows(), rows_before, "something was made");
    assert_eq!(ground.outside_state(), files_before, "a file outside the state folder");
    assert!(!service.log().contains("panicked"), "a panic");
    machine.check_restore(&api, point, &machine.truth());
    nothing_left(&ground, &service);
}

/// What is wrong with the answer to a hostile request, if anything.
fn problem(service: &Service, hostile: &Hostile) -> Option<String> {
    let Hostile { method, path, headers, body } = hostile;
    let cut = |text: &str| text.chars().take(150).collect::<String>();
    let sent =
        format!("{method} {} {headers:?} {}", cut(path), cut(&String::from_utf8_lossy(body)));
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let begin = Instant::now();
    let answer = match request(service.address(), method, path, &headers, body) {
        Ok(answer) => answer,
        Err(error) => return Some(format!("{sent}: {error}")),
    };
    if begin.elapsed() > Duration::from_secs(5) {
        return Some(format!("{sent}: answered after {:?}", begin.elapsed()));
    }
    let id = answer.header("x-openstack-request-id").unwrap_or_default().to_owned();
    let said = &answer.json()["errors"][0];
    let reason = said["detail"].as_str().unwrap_or_default();
    let good = (400..500).contains(&answer.status)
        && id.starts_with("req-")
        && said["request_id"] == id
        && !reason.is_empty();
    (!good).then(|| format!("{sent}: {} {}", answer.status, String::from_utf8_lossy(&answer.body)))
}
