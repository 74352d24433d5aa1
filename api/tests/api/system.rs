//! Versions, health, figures, the document; identity; request ids.

use std::collections::BTreeSet;

use crate::harness::{Harness, INSTANCE, Request};
use actix_web::http::Method;
use chrono::Utc;
use firn_api::{ApiConfig, StandaloneIdentity};
use firn_db::RepositoryUsage;
use serde_json::json;

#[actix_web::test]
async fn versions_are_discovered() {
    let harness = Harness::new().await;
    let all = harness.get("/").await;
    let one = harness.get("/v1").await;
    assert_eq!((all.status, one.status), (200, 200));
    assert_eq!(all.body["versions"][0], one.body["version"]);
    assert_eq!(one.body["version"]["status"], "CURRENT");
    assert_eq!(one.body["version"]["links"][0]["href"], "http://firn.example:8998/v1");
    assert_eq!(harness.get("/v1/").await.body, one.body);
}

#[actix_web::test]
async fn links_follow_the_public_endpoint() {
    let public_endpoint = Some("https://cloud.example".to_owned());
    let config = ApiConfig { public_endpoint, ..ApiConfig::default() };
    let harness = Harness::with(config, StandaloneIdentity::open()).await;
    let answer = harness.get("/v1").await;
    assert_eq!(answer.body["version"]["links"][0]["href"], "https://cloud.example/v1");
}

#[actix_web::test]
async fn health_is_that_of_the_database() {
    let harness = Harness::new().await;
    let answer = harness.get("/healthcheck").await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("ok")));
}

#[actix_web::test]
async fn figures_are_counted() {
    let harness = Harness::new().await;
    harness.backup().await;
    harness.get("/nowhere").await;
    let text = harness.get("/metrics").await.text;
    for line in [
        r#"firn_jobs{kind="create_point",state="queued"} 1"#,
        r#"firn_restore_points{state="creating"} 1"#,
        r#"firn_http_requests_total{method="POST",route="/v1/restore-points",status="202"} 1"#,
        r#"firn_http_requests_total{method="GET",route="none",status="404"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[actix_web::test]
async fn every_route_is_documented_and_every_documented_route_served() {
    let harness = Harness::new().await;
    let document = harness.get("/openapi.json").await;
    assert_eq!(document.body["openapi"], "3.1.0");
    let paths = document.body["paths"].as_object().unwrap();
    let mut documented = BTreeSet::new();
    for (path, item) in paths {
        for method in item.as_object().unwrap().keys() {
            documented.insert((path.clone(), method.to_uppercase()));
        }
    }
    let mut served = BTreeSet::new();
    for path in paths.keys() {
        // TRACE is no route's; the answer lists those that are.
        let concrete = path.replace("{id}", INSTANCE);
        let answer = harness.send(Request::new(Method::TRACE, &concrete)).await;
        assert_eq!(answer.status, 405, "{path}");
        let methods = answer.header("allow").split(", ");
        served.extend(methods.map(|method| (path.clone(), method.to_owned())));
    }
    assert_eq!(documented, served);
    assert_eq!(documented.into_iter().collect::<Vec<_>>(), firn_api::routes());
}

#[actix_web::test]
async fn a_global_request_id_is_kept_with_the_job() {
    let harness = Harness::new().await;
    let global = "req-d9b7a9d4-6c2a-4e8e-9d05-8f2b6f1c2a3b";
    let body = json!({"restore_point": {"instance_id": INSTANCE}});
    let request = Request::json(Method::POST, "/v1/restore-points", &body);
    let answer = harness.send(request.header("x-openstack-request-id", global)).await;
    assert_ne!(answer.header("x-openstack-request-id"), global);
    let job = answer.body["restore_point"]["job_id"].as_str().unwrap();
    let job = harness.get(&format!("/v1/jobs/{job}")).await;
    assert_eq!(job.body["job"]["request_id"], global);

    for bad in ["", "req-1", "req-${jndi:ldap://x}", "req-d9b7a9d4 6c2a", "\u{e9}"] {
        let request = Request::new(Method::GET, "/v1/jobs");
        let answer = harness.send(request.header("x-openstack-request-id", bad)).await;
        assert_eq!(answer.status, 200, "{bad:?}");
        assert_ne!(
            answer.headers.get("x-openstack-request-id").unwrap().as_bytes(),
            bad.as_bytes()
        );
    }
}

#[actix_web::test]
async fn a_token_is_asked_for_where_there_is_one() {
    let identity = StandaloneIdentity::with_token("0123456789abcdef").unwrap();
    let harness = Harness::with(ApiConfig::default(), identity).await;
    for path in ["/", "/v1", "/healthcheck", "/openapi.json"] {
        assert_eq!(harness.get(path).await.status, 200, "{path}");
    }
    for (path, methods) in harness.documented_methods() {
        if ["/", "/v1", "/healthcheck", "/openapi.json"].contains(&path.as_str()) {
            continue;
        }
        for method in methods {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            for token in [None, Some("0123456789abcdeF")] {
                let path = path.replace("{id}", INSTANCE);
                let mut request = Request::json(method.clone(), &path, &json!({}));
                if let Some(token) = token {
                    request = request.header("x-auth-token", token);
                }
                let answer = harness.send(request).await;
                assert_eq!(answer.status, 401, "{method} {path}");
                assert!(!answer.header("www-authenticate").is_empty());
            }
        }
    }
    let request = Request::new(Method::GET, "/v1/jobs").header("x-auth-token", "0123456789abcdef");
    assert_eq!(harness.send(request).await.status, 200);
}

#[actix_web::test]
async fn repositories_show_how_full_they_are() {
    let harness = Harness::new().await;
    let id = harness.repository;
    harness.available_point().await;
    harness
        .database
        .run(move |conn| {
            let usage = RepositoryUsage {
                capacity_bytes: Some(100 << 30),
                free_bytes: Some(90 << 30),
                stored_bytes: Some(1 << 30),
                virtual_bytes: Some(8 << 30),
            };
            firn_db::repository_report_usage(conn, id, &usage, Utc::now())
        })
        .await
        .unwrap();
    let shown = harness.get(&format!("/v1/repositories/{id}")).await;
    let repository = &shown.body["repository"];
    assert_eq!(repository["name"], "default");
    assert_eq!(repository["free_bytes"], 90_u64 << 30);
    assert_eq!(repository["compression_ratio"], 2.0);
    assert_eq!(repository["dedup_ratio"], 4.0);
    let listed = harness.get("/v1/repositories").await;
    assert_eq!(listed.body["repositories"], json!([repository]));
}
