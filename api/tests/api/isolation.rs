//! Two projects do not see, touch, count or guess each other's anything: every route that there
//! is, asked about what another project has. A route that is not in the table here fails the test.

use crate::harness::{ADMIN, Answer, Harness, INSTANCE, MEMBER, Request, STRANGER, job_of};
use actix_web::http::Method;
use serde_json::{Value, json};

const UNKNOWN: &str = "00000000-0000-4000-8000-000000000000";

/// What a route is to somebody of another project.
enum Route {
    /// For everybody, and about nobody.
    Open,
    /// For administrators.
    Admin,
    /// About one thing: with its kind and the body to send.
    Thing(&'static str, Option<Value>),
    /// Makes a thing out of others: the kind that is named, and bodies with `ID` for it.
    Make(&'static str, Vec<Value>),
    /// About the caller's own project.
    Own,
    /// About the project that it names.
    Project,
    /// A list: the name of what is listed, and the kind of its markers.
    List(&'static str, &'static str),
}

fn route(method: &str, path: &str) -> Option<Route> {
    let method = if method == "HEAD" { "GET" } else { method };
    Some(match (method, path) {
        ("GET", "/" | "/v1" | "/healthcheck" | "/openapi.json") => Route::Open,
        (_, "/metrics") => Route::Admin,
        (_, path) if path.starts_with("/v1/repositories") => Route::Admin,
        (_, path) if path.starts_with("/v1/services") => Route::Admin,
        (_, path) if path.starts_with("/v1/agents") => Route::Admin,
        (_, "/v1/drivers") => Route::Admin,
        ("GET", "/v1/instances") => Route::List("instances", "instance"),
        ("GET", "/v1/instances/{id}") => Route::Thing("instance", None),
        ("GET", "/v1/restore-points") => Route::List("restore_points", "point"),
        ("POST", "/v1/restore-points") => {
            Route::Make("instance", vec![json!({"restore_point": {"instance_id": "ID"}})])
        }
        ("GET" | "DELETE", "/v1/restore-points/{id}") => Route::Thing("point", None),
        ("PATCH", "/v1/restore-points/{id}") => {
            Route::Thing("point", Some(json!({"restore_point": {"name": "mine"}})))
        }
        ("POST", "/v1/restore-points/{id}/action") => {
            Route::Thing("point", Some(json!({"verify": {}})))
        }
        ("GET", "/v1/restores") => Route::List("restores", "restore"),
        ("POST", "/v1/restores") => Route::Make("point", restores()),
        ("GET", "/v1/restores/{id}") => Route::Thing("restore", None),
        ("GET", "/v1/jobs") => Route::List("jobs", "job"),
        ("GET", "/v1/jobs/{id}" | "/v1/jobs/{id}/events") => Route::Thing("job", None),
        ("POST", "/v1/jobs/{id}/action") => Route::Thing("job", Some(json!({"cancel": {}}))),
        ("GET", "/v1/usage") => Route::Own,
        ("PUT" | "DELETE", path) if path.starts_with("/v1/quotas") => Route::Admin,
        ("GET", path) if path.starts_with("/v1/quotas") => Route::Project,
        ("GET", "/v1/plans") => Route::List("plans", "plan"),
        ("POST", "/v1/plans") => Route::Make(
            "instance",
            vec![json!({"plan": {"name": "theirs", "instances": {"ids": ["ID"]}}})],
        ),
        ("GET" | "DELETE", "/v1/plans/{id}") | ("GET", "/v1/plans/{id}/runs") => {
            Route::Thing("plan", None)
        }
        ("PATCH", "/v1/plans/{id}") => Route::Thing("plan", Some(json!({"plan": {"name": "x"}}))),
        ("POST", "/v1/plans/{id}/action") => Route::Thing("plan", Some(json!({"run": {}}))),
        _ => return None,
    })
}

/// Restores to every target that a member may use: one to files is for administrators, and would
/// be refused whatever the point.
fn restores() -> Vec<Value> {
    let targets = [
        json!({"type": "new_instance", "name": "copy1"}),
        json!({"type": "original"}),
        json!({"type": "volume", "device": "vda"}),
        json!({"type": "volume", "device": "nosuchdevice", "volume_id": UNKNOWN}),
    ];
    let restore = |(target, dry_run): (&Value, bool)| json!({"restore": {"restore_point_id": "ID", "target": target, "dry_run": dry_run}});
    targets.iter().flat_map(|target| [(target, false), (target, true)]).map(restore).collect()
}

/// The filters of a list that name a thing, and which.
fn filters(list: &str) -> &'static [(&'static str, &'static str)] {
    match list {
        "restore_points" => &[("instance_id", "instance"), ("plan_id", "plan")],
        "restores" => &[("restore_point_id", "point")],
        "jobs" => {
            &[("instance_id", "instance"), ("restore_point_id", "point"), ("restore_id", "restore")]
        }
        _ => &[],
    }
}

/// One of each of what a project can have.
struct Victim {
    harness: Harness,
    point: String,
    restore: String,
    job: String,
    plan: String,
    run: String,
}

impl Victim {
    async fn new() -> Self {
        let harness = Harness::by_token().await;
        let post = async |path: &str, body: Value, token| {
            let answer = harness.send(Request::json(Method::POST, path, &body).token(token)).await;
            assert!([201, 202].contains(&answer.status), "{path}: {}", answer.body);
            answer.body
        };
        let body = json!({"restore_point": {"instance_id": INSTANCE}});
        let point = post("/v1/restore-points", body, MEMBER).await["restore_point"].clone();
        let claim = harness.claim(job_of(&point)).await;
        harness.fill(claim).await;
        let target = json!({"type": "file", "name": "mine"});
        let body = json!({"restore": {"restore_point_id": point["id"], "target": target}});
        let restore = post("/v1/restores", body, ADMIN).await["restore"].clone();
        let body = json!({"plan": {"name": "mine", "instances": {"ids": [INSTANCE]}}});
        let plan = post("/v1/plans", body, MEMBER).await["plan"].clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let plan = text(&plan["id"]);
        post(&format!("/v1/plans/{plan}/action"), json!({"run": {}}), MEMBER).await;
        let runs = Request::new(Method::GET, &format!("/v1/plans/{plan}/runs")).token(MEMBER);
        let runs = harness.send(runs).await;
        Self {
            point: text(&point["id"]),
            job: text(&restore["job_id"]),
            restore: text(&restore["id"]),
            run: text(&runs.body["runs"][0]["id"]),
            plan,
            harness,
        }
    }

    fn id(&self, kind: &str) -> &str {
        match kind {
            "instance" => INSTANCE,
            "point" => &self.point,
            "restore" => &self.restore,
            "job" => &self.job,
            "plan" => &self.plan,
            kind => panic!("{kind}"),
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Value>, token: &str) -> Answer {
        let method: Method = method.parse().unwrap();
        let request = match body {
            Some(body) => Request::json(method, path, body),
            None => Request::new(method, path),
        };
        self.harness.send(request.token(token)).await
    }

    /// Asks as a stranger, once about what the victim has and once about what nobody has, wherever
    /// `ID` stands: both times the same is to be said. Gives the status.
    async fn told_apart(
        &self,
        (method, path): (&str, &str),
        body: Option<&Value>,
        id: &str,
    ) -> u16 {
        let mut answers = Vec::new();
        for id in [id, UNKNOWN] {
            let body = body.map(|body| body.to_string().replace("ID", id).parse().unwrap());
            let path = path.replace("ID", id);
            let answer = self.ask(method, &path, body.as_ref(), STRANGER).await;
            answers.push(shape(&answer, id));
        }
        assert_eq!(answers[0], answers[1], "{method} {path} {body:?}");
        answers[0].0
    }
}

/// An answer with what may differ between two taken out.
fn shape(answer: &Answer, id: &str) -> (u16, String, Vec<String>) {
    let request_id = answer.header("x-openstack-request-id");
    let text = answer.text.replace(request_id, "REQUEST").replace(id, "ID");
    let mut headers: Vec<_> = answer.headers.keys().map(|name| name.to_string()).collect();
    headers.sort_unstable();
    (answer.status, text, headers)
}

#[actix_web::test]
async fn what_another_project_has_does_not_exist() {
    let victim = Victim::new().await;
    let before = victim.harness.rows().await;
    let mut things = 0;
    for (path, method) in firn_api::routes() {
        let kind = route(&method, &path);
        let kind = kind.unwrap_or_else(|| panic!("{method} {path}: add it to this test's table"));
        match kind {
            Route::Open => {}
            Route::Admin => {
                let path = path.replace("{id}", "ID").replace("{project_id}", "ID");
                let body = match (method.as_str(), path.starts_with("/v1/quotas")) {
                    ("PUT", true) => Some(json!({"quota": {"instances": 0}})),
                    ("PATCH" | "PUT", _) => Some(json!({})),
                    _ => None,
                };
                let repository = victim.harness.repository.to_string();
                for id in ["standalone", &repository] {
                    let status = victim.told_apart((&method, &path), body.as_ref(), id).await;
                    assert_eq!(status, 403, "{method} {path}");
                }
            }
            Route::Thing(kind, body) => {
                let path = path.replace("{id}", "ID");
                let id = victim.id(kind);
                let status = victim.told_apart((&method, &path), body.as_ref(), id).await;
                assert_eq!(status, 404, "{method} {path}");
                things += 1;
            }
            Route::Make(kind, bodies) => {
                for body in bodies {
                    let id = victim.id(kind);
                    let status = victim.told_apart((&method, &path), Some(&body), id).await;
                    assert_eq!(status, 404, "{method} {path} {body}");
                    things += 1;
                }
            }
            Route::Own => {
                let own = victim.ask("GET", &path, None, STRANGER).await;
                let zero = json!([{
                    "project_id": "elsewhere", "instances": 0, "restore_points": 0,
                    "virtual_bytes": 0, "unique_bytes": 0, "stored_bytes": 0, "concurrent_jobs": 0,
                }]);
                assert_eq!(own.body["usage"], zero);
                let all = format!("{path}?all_projects=true");
                assert_eq!(victim.ask("GET", &all, None, STRANGER).await.status, 403);
                for (query, refused) in [("?", 400), ("?all_projects=true&", 403)] {
                    let marked = format!("{path}{query}marker=ID");
                    let status = victim.told_apart(("GET", &marked), None, "standalone").await;
                    assert_eq!(status, refused, "{marked}");
                }
            }
            Route::Project => {
                let path = path.replace("{project_id}", "ID");
                let status = victim.told_apart((&method, &path), None, "standalone").await;
                assert_eq!(status, 404, "{method} {path}");
                things += 1;
            }
            Route::List(name, kind) => {
                let listed = victim.ask(&method, &path, None, STRANGER).await;
                assert_eq!(listed.body[name], json!([]), "{method} {path}");
                assert!(listed.body.get(format!("{name}_links")).is_none(), "{method} {path}");
                let marked = format!("{path}?marker=ID");
                let status = victim.told_apart((&method, &marked), None, victim.id(kind)).await;
                assert_eq!(status, 400, "{method} {path}");
                for (query, kind) in filters(name) {
                    let asked = format!("{path}?{query}=ID");
                    let status = victim.told_apart((&method, &asked), None, victim.id(kind)).await;
                    assert_eq!(status, 200, "{asked}");
                }
                for more in ["all_projects=true", "project_id=standalone"] {
                    let asked = format!("{path}?{more}");
                    let answer = victim.ask(&method, &asked, None, STRANGER).await;
                    assert!([400, 403].contains(&answer.status), "{method} {asked}");
                }
                let own = victim.ask("GET", &path, None, MEMBER).await;
                assert!(!own.body[name].as_array().unwrap().is_empty(), "{path}: nothing to hide");
                let all = format!("{path}?all_projects=true");
                let all = victim.ask("GET", &all, None, ADMIN).await;
                assert!(!all.body[name].as_array().unwrap().is_empty(), "{path}: an admin sees");
            }
        }
    }
    assert!(things > 25, "only {things}");
    assert_eq!(victim.harness.rows().await, before, "something was made or removed");
    let plan = format!("/v1/plans/{}", victim.plan);
    let plan = victim.ask("GET", &plan, None, MEMBER).await;
    assert_eq!(plan.body["plan"]["name"], "mine");
}

/// What a stranger does have is no way to what another project has.
#[actix_web::test]
async fn an_own_plan_takes_in_nothing_of_another_project() {
    let victim = Victim::new().await;
    let body = json!({"plan": {"name": "own", "instances": {"all": true}}});
    let plan = victim.ask("POST", "/v1/plans", Some(&body), STRANGER).await;
    assert_eq!(plan.status, 201, "{}", plan.body);
    let own = format!("/v1/plans/{}", plan.body["plan"]["id"].as_str().unwrap());
    let theirs = json!({"plan": {"instances": {"ids": ["ID"]}}});
    assert_eq!(victim.told_apart(("PATCH", &own), Some(&theirs), INSTANCE).await, 404);
    let runs = format!("{own}/runs?marker=ID");
    assert_eq!(victim.told_apart(("GET", &runs), None, &victim.run).await, 400);
    let runs = format!("/v1/plans/{}/runs?marker={}", victim.plan, victim.run);
    assert_eq!(victim.ask("GET", &runs, None, MEMBER).await.status, 200);
    assert_eq!(victim.ask("GET", &runs, None, STRANGER).await.status, 404);
}

#[actix_web::test]
async fn filters_find_nothing_of_another_project() {
    let victim = Victim::new().await;
    for query in [
        format!("/v1/restore-points?instance_id={INSTANCE}"),
        "/v1/restore-points?instance_name=web1&status=available".to_owned(),
        format!("/v1/restores?restore_point_id={}", victim.point),
        format!("/v1/jobs?restore_id={}", victim.restore),
        format!("/v1/jobs?instance_id={INSTANCE}"),
        format!("/v1/jobs?restore_point_id={}", victim.point),
        "/v1/plans?name=mine".to_owned(),
        "/v1/instances?name=web1".to_owned(),
    ] {
        let theirs = victim.ask("GET", &query, None, STRANGER).await;
        let theirs = theirs.body.as_object().unwrap().values().next().unwrap().clone();
        assert_eq!(theirs, json!([]), "{query}");
        let own = victim.ask("GET", &query, None, MEMBER).await;
        let own = own.body.as_object().unwrap().values().next().unwrap().clone();
        assert!(!own.as_array().unwrap().is_empty(), "{query}");
    }
}

#[actix_web::test]
async fn where_disks_lie_is_for_administrators() {
    let victim = Victim::new().await;
    let path = format!("/v1/instances/{INSTANCE}");
    let own = victim.ask("GET", &path, None, MEMBER).await;
    assert_eq!(own.status, 200);
    assert!(own.body["instance"]["disks"][0].get("location").is_none(), "{}", own.body);
    let admin = victim.ask("GET", &path, None, ADMIN).await;
    assert_eq!(admin.body["instance"]["disks"][0]["location"]["type"], "file");
}
