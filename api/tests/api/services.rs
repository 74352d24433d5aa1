//! Services, agents and drivers, as operators see them.

use crate::harness::{Harness, Request, Running};
use actix_web::http::Method;
use chrono::{TimeDelta, Utc};
use firn_db::{ServiceKind, ServiceReport};
use serde_json::{Value, json};
use uuid::Uuid;

async fn with_services() -> Harness {
    let harness = Harness::new().await;
    harness
        .database
        .run(|conn| {
            for (kind, host, minutes) in [
                (ServiceKind::Conductor, "alive", 0),
                (ServiceKind::Conductor, "silent", 10),
                (ServiceKind::Agent, "hypervisor1", 0),
            ] {
                let at = Utc::now() - TimeDelta::minutes(minutes);
                let report = ServiceReport {
                    kind,
                    host: host.to_owned(),
                    version: "0.1.0".to_owned(),
                    started_at: at,
                };
                firn_db::service_heartbeat(conn, &report, Uuid::new_v4(), at)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    harness
}

fn hosts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|service| service["host"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn services_are_up_or_down_by_their_heartbeat() {
    let harness = with_services().await;
    let answer = harness.get("/v1/services").await;
    let services = answer.body["services"].as_array().unwrap();
    let states: Vec<_> = services.iter().map(|s| (s["host"].clone(), s["state"].clone())).collect();
    let expected = [("alive", "up"), ("silent", "down"), ("hypervisor1", "up")];
    assert_eq!(states, expected.map(|(host, state)| (json!(host), json!(state))));
    for (query, expected) in [
        ("?state=down", vec!["silent"]),
        ("?kind=agent", vec!["hypervisor1"]),
        ("?host=alive", vec!["alive"]),
        ("?disabled=true", vec![]),
        ("?sort_key=host&sort_dir=desc", vec!["silent", "hypervisor1", "alive"]),
        ("?sort=state,host:desc", vec!["silent", "hypervisor1", "alive"]),
        ("?sort=state:desc,host", vec!["alive", "hypervisor1", "silent"]),
        ("?limit=1", vec!["alive"]),
    ] {
        let answer = harness.get_latest(&format!("/v1/services{query}")).await;
        assert_eq!(hosts(&answer.body["services"]), expected, "{query}");
    }
    let first = harness.get("/v1/services?limit=1").await;
    let next = first.body["services_links"][0]["href"].as_str().unwrap();
    let rest = harness.get(next.strip_prefix("http://firn.example:8998").unwrap()).await;
    assert_eq!(hosts(&rest.body["services"]), ["silent"]);
}

#[actix_web::test]
async fn a_service_is_disabled_with_a_reason_and_enabled() {
    let harness = with_services().await;
    let services = harness.get("/v1/services?host=alive").await;
    let path = format!("/v1/services/{}", services.body["services"][0]["id"].as_str().unwrap());
    let patch = async |fields: Value| {
        let body = json!({ "service": fields });
        harness.latest(Request::json(Method::PATCH, &path, &body)).await
    };
    let answer = patch(json!({"disabled": true, "disabled_reason": "new memory"})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["service"]["disabled_reason"], "new memory");
    let shown = harness.get_latest(&path).await;
    assert_eq!(shown.body, answer.body);
    let again = patch(json!({"disabled": true})).await;
    assert_eq!(again.body["service"]["disabled"], true);
    assert_eq!(patch(json!({"disabled": false, "disabled_reason": "x"})).await.status, 400);
    let enabled = patch(json!({"disabled": false, "disabled_reason": null})).await;
    assert_eq!(enabled.body["service"]["disabled"], false);
    assert_eq!(enabled.body["service"]["disabled_reason"], Value::Null);
    let gone = format!("/v1/services/{}", Uuid::new_v4());
    let body = json!({"service": {"disabled": true}});
    assert_eq!(harness.latest(Request::json(Method::PATCH, &gone, &body)).await.status, 404);
}

#[actix_web::test]
async fn agents_are_the_services_on_hypervisors() {
    let harness = with_services().await;
    let agents = harness.get_latest("/v1/agents").await;
    assert_eq!(hosts(&agents.body["agents"]), ["hypervisor1"]);
    let agent = &agents.body["agents"][0];
    let shown = harness.get_latest(&format!("/v1/agents/{}", agent["id"].as_str().unwrap())).await;
    assert_eq!(&shown.body["agent"], agent);
    let services = harness.get("/v1/services?kind=conductor").await;
    let other = services.body["services"][0]["id"].as_str().unwrap();
    assert_eq!(harness.get_latest(&format!("/v1/agents/{other}")).await.status, 404);
}

#[actix_web::test]
async fn drivers_are_those_of_a_conductor() {
    let harness = Harness::new().await;
    let answer = harness.get_latest("/v1/drivers").await;
    let drivers = answer.body["drivers"].as_array().unwrap();
    assert_eq!((&drivers[0]["name"], &drivers[0]["status"]), (&json!("file"), &json!("enabled")));
    assert_eq!(drivers[1]["reason"], "librbd.so.1 is missing");
    let silent = Harness::without_conductor().await;
    assert_eq!(silent.get_latest("/v1/drivers").await.status, 503);
}

#[actix_web::test]
async fn drivers_of_all_conductors_are_listed() {
    let harness = Harness::without_conductor().await;
    let mut conductors = Vec::new();
    for host in ["two", "one", "silent"] {
        let (id, report) = (Uuid::new_v4(), conductor(host));
        let beat = move |conn: &mut _| firn_db::service_heartbeat(conn, &report, id, Utc::now());
        harness.database.run(beat).await.unwrap();
        if host != "silent" {
            let target = format!("firn.conductor.{host}");
            conductors.push(Running::start_at(&harness.transport, &target).await);
        }
    }
    let answer = harness.get_latest("/v1/drivers").await;
    assert_eq!(answer.body["drivers"].as_array().unwrap().len(), 4, "{}", answer.body);
}

fn conductor(host: &str) -> ServiceReport {
    ServiceReport {
        kind: ServiceKind::Conductor,
        host: host.to_owned(),
        version: "0.1.0".to_owned(),
        started_at: Utc::now(),
    }
}

#[actix_web::test]
async fn an_api_is_not_disabled() {
    let harness = Harness::new().await;
    let id = Uuid::new_v4();
    let report = ServiceReport {
        kind: ServiceKind::Api,
        host: "controller".to_owned(),
        version: "0.1.0".to_owned(),
        started_at: Utc::now(),
    };
    let beat = move |conn: &mut _| firn_db::service_heartbeat(conn, &report, id, Utc::now());
    let id = harness.database.run(beat).await.unwrap().id;
    let path = format!("/v1/services/{id}");
    let body = json!({"service": {"disabled": true}});
    let answer = harness.latest(Request::json(Method::PATCH, &path, &body)).await;
    assert_eq!(answer.status, 409);
    assert!(answer.detail().contains("load balancer"), "{}", answer.detail());
}
