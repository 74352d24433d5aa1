//! Jobs: progress, steps, events, cancel.

use crate::harness::{Harness, job_of};
use chrono::Utc;
use firn_db::{EventLevel, JobEnd, JobProgress};
use serde_json::{Value, json};

#[actix_web::test]
async fn a_running_job_shows_progress_and_steps() {
    let harness = Harness::new().await;
    let point = harness.backup().await;
    let job = job_of(&point);
    let claim = harness.claim(job).await;
    let progress = JobProgress {
        done_bytes: 1 << 20,
        total_bytes: 3 << 20,
        rate_bytes_per_second: Some(1 << 20),
        eta_seconds: Some(2),
    };
    harness.beat(claim, progress).await;
    harness
        .database
        .run(move |conn| firn_db::job_step_start(conn, &claim, 0, "discover", Utc::now()))
        .await
        .unwrap();
    let shown = harness.get(&format!("/v1/jobs/{job}")).await.body["job"].clone();
    assert_eq!(shown["status"], "running");
    assert_eq!(
        shown["progress"],
        json!({
            "done_bytes": 1 << 20, "total_bytes": 3 << 20, "percent": 33.33,
            "rate_bytes_per_second": 1 << 20, "eta_seconds": 2,
        })
    );
    assert_eq!(shown["steps"][0]["name"], "discover");
    assert_eq!(shown["steps"][0]["status"], "started");
    assert_eq!(shown["error"], Value::Null);
}

#[actix_web::test]
async fn a_failed_job_says_why() {
    let harness = Harness::new().await;
    let job = job_of(&harness.backup().await);
    harness.fail(job, "the storage does not answer").await;
    let shown = harness.get(&format!("/v1/jobs/{job}")).await.body["job"].clone();
    assert_eq!(shown["status"], "failed");
    let error = json!({"kind": "unavailable", "message": "the storage does not answer"});
    assert_eq!(shown["error"], error);
}

#[actix_web::test]
async fn cancel_stops_what_can_be_stopped() {
    let harness = Harness::new().await;
    let cancel =
        async |job| harness.post(&format!("/v1/jobs/{job}/action"), json!({"cancel": {}})).await;

    let queued = harness.backup().await;
    let answer = cancel(job_of(&queued)).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    assert_eq!(answer.body["job"]["status"], "cancelled");
    assert!(answer.header("location").ends_with(queued["job_id"].as_str().unwrap()));
    let path = format!("/v1/restore-points/{}", queued["id"].as_str().unwrap());
    assert_eq!(harness.get(&path).await.body["restore_point"]["status"], "error");
    assert_eq!(cancel(job_of(&queued)).await.status, 409);

    let running = job_of(&harness.backup().await);
    let claim = harness.claim(running).await;
    for _ in 0..2 {
        let answer = cancel(running).await;
        assert_eq!((answer.status, &answer.body["job"]["status"]), (202, &json!("cancelling")));
    }
    harness
        .database
        .run(move |conn| firn_db::job_unwind(conn, &claim, None, Utc::now()))
        .await
        .unwrap();
    let answer = cancel(running).await;
    assert_eq!(answer.status, 409);
    assert!(answer.detail().contains("unwinding"), "{}", answer.detail());
    harness.end(claim, JobEnd::Unwound).await;
    let shown = harness.get(&format!("/v1/jobs/{running}")).await;
    assert_eq!(shown.body["job"]["status"], "cancelled");
}

#[actix_web::test]
async fn events_are_paged_oldest_first() {
    let harness = Harness::new().await;
    let job = job_of(&harness.backup().await);
    harness
        .database
        .run(move |conn| {
            for (level, detail) in [
                (EventLevel::Info, "one"),
                (EventLevel::Warning, "two"),
                (EventLevel::Error, "three"),
            ] {
                firn_db::job_event_add(conn, job, level, "disk_read", detail, Utc::now())?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let first = harness.get(&format!("/v1/jobs/{job}/events?limit=2")).await;
    let details = |answer: &crate::harness::Answer| -> Vec<String> {
        let events = answer.body["events"].as_array().unwrap();
        events.iter().map(|event| event["detail"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(details(&first), ["one", "two"]);
    assert_eq!(first.body["events"][1]["severity"], "warning");
    let next = first.body["events_links"][0]["href"].as_str().unwrap();
    let second = harness.get(next.strip_prefix("http://firn.example:8998").unwrap()).await;
    assert_eq!(details(&second), ["three"]);
    assert!(second.body["events_links"].is_null());
}

#[actix_web::test]
async fn lists_are_filtered() {
    let harness = Harness::new().await;
    let point = harness.available_point().await;
    let body = json!({"restore": {
        "restore_point_id": point["id"], "target": {"type": "file", "name": "copy1"},
    }});
    let restore = harness.post("/v1/restores", body).await.body["restore"].clone();
    for (query, count) in [
        (String::new(), 2),
        ("kind=restore".to_owned(), 1),
        ("status=queued&sort_key=kind&sort_dir=asc".to_owned(), 1),
        ("finished=true".to_owned(), 1),
        ("finished=false".to_owned(), 1),
        (format!("restore_point_id={}", point["id"].as_str().unwrap()), 1),
        (format!("restore_id={}", restore["id"].as_str().unwrap()), 1),
        (format!("instance_id={}", crate::harness::INSTANCE), 2),
        (format!("repository_id={}", harness.repository), 2),
    ] {
        let answer = harness.get(&format!("/v1/jobs?{query}")).await;
        assert_eq!(answer.body["jobs"].as_array().unwrap().len(), count, "{query}");
    }
    let id = point["id"].as_str().unwrap();
    let both = harness.get(&format!("/v1/jobs?restore_point_id={id}&restore_id={id}")).await;
    assert_eq!(both.status, 400);
}
