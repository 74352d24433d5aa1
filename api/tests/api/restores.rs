//! Restores.

use crate::harness::{Harness, job_of};
use firn_db::JobEnd;
use serde_json::{Value, json};

fn body(point: &Value, name: &str) -> Value {
    json!({"restore": {
        "restore_point_id": point["id"], "target": {"type": "file", "name": name},
    }})
}

#[actix_web::test]
async fn a_restore_is_accepted_shown_and_listed() {
    let harness = Harness::new().await;
    let point = harness.available_point().await;
    harness.wakes.next().await;
    let answer = harness.post("/v1/restores", body(&point, "copy1")).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let restore = &answer.body["restore"];
    assert_eq!(restore["status"], "restoring");
    assert_eq!(restore["restore_point_id"], point["id"]);
    assert_eq!(restore["target"], json!({"type": "file", "name": "copy1"}));
    assert_eq!(harness.wakes.next().await, restore["job_id"].as_str().unwrap());
    let path = format!("/v1/restores/{}", restore["id"].as_str().unwrap());
    assert!(answer.header("location").ends_with(&path));
    assert_eq!(harness.get(&path).await.body["restore"], *restore);
    assert_eq!(harness.get("/v1/restores").await.body["restores"], json!([restore]));

    let claim = harness.claim(job_of(restore)).await;
    harness.end(claim, JobEnd::Restored(None)).await;
    assert_eq!(harness.get(&path).await.body["restore"]["status"], "available");
    let job = harness.get(&format!("/v1/jobs/{}", restore["job_id"].as_str().unwrap())).await;
    assert_eq!(job.body["job"]["status"], "succeeded");
    assert_eq!(job.body["job"]["restore_id"], restore["id"]);
    assert_eq!(job.body["job"]["restore_point_id"], Value::Null);
    assert_eq!(job.body["job"]["progress"]["percent"], 100.0);
}

#[actix_web::test]
async fn only_available_points_are_restored() {
    let harness = Harness::new().await;
    let point = harness.backup().await;
    let answer = harness.post("/v1/restores", body(&point, "copy1")).await;
    assert_eq!(answer.status, 409);
    assert!(answer.detail().contains("creating"), "{}", answer.detail());
    harness.fail(job_of(&point), "no luck").await;
    assert_eq!(harness.post("/v1/restores", body(&point, "copy1")).await.status, 409);
}

#[actix_web::test]
async fn a_target_name_is_used_once() {
    let harness = Harness::new().await;
    let point = harness.available_point().await;
    let first = harness.post("/v1/restores", body(&point, "copy1")).await;
    assert_eq!(first.status, 202);
    let second = harness.post("/v1/restores", body(&point, "copy1")).await;
    assert_eq!(second.status, 409);
    assert!(second.detail().contains("copy1"), "{}", second.detail());
    assert_eq!(harness.post("/v1/restores", body(&point, "copy2")).await.status, 202);

    harness.fail(job_of(&first.body["restore"]), "no luck").await;
    let again = harness.post("/v1/restores", body(&point, "copy1")).await;
    assert_eq!(again.status, 202, "{}", again.body);
    let claim = harness.claim(job_of(&again.body["restore"])).await;
    harness.end(claim, JobEnd::Restored(None)).await;
    assert_eq!(harness.post("/v1/restores", body(&point, "copy1")).await.status, 409);
}

#[actix_web::test]
async fn lists_are_filtered() {
    let harness = Harness::new().await;
    let point = harness.available_point().await;
    for name in ["a", "b", "c"] {
        harness.post("/v1/restores", body(&point, name)).await;
    }
    let id = point["id"].as_str().unwrap();
    for (query, count, more) in [
        ("limit=2".to_owned(), 2, true),
        ("limit=3".to_owned(), 3, false),
        (format!("restore_point_id={id}"), 3, false),
        ("restore_point_id=00000000-0000-4000-8000-000000000000".to_owned(), 0, false),
        ("status=restoring&sort_key=status".to_owned(), 3, false),
        ("status=available".to_owned(), 0, false),
    ] {
        let answer = harness.get(&format!("/v1/restores?{query}")).await;
        assert_eq!(answer.body["restores"].as_array().unwrap().len(), count, "{query}");
        assert_eq!(answer.body["restores_links"].is_array(), more, "{query}");
    }
}
