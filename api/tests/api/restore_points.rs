//! Restore points: asking for them, finding them, changing and deleting them.

use crate::harness::{Harness, INSTANCE, OTHER_INSTANCE, Request, job_of};
use actix_web::http::Method;
use firn_db::JobEnd;
use oslo_messaging::Transport;
use serde_json::{Value, json};

fn path(point: &Value) -> String {
    format!("/v1/restore-points/{}", point["id"].as_str().unwrap())
}

#[actix_web::test]
async fn a_backup_is_accepted_and_a_conductor_woken() {
    let harness = Harness::new().await;
    let body = json!({"restore_point": {
        "instance_id": INSTANCE, "mode": "full", "name": "before the upgrade", "description": "",
    }});
    let answer = harness.post("/v1/restore-points", body).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let point = &answer.body["restore_point"];
    assert_eq!(point["status"], "creating");
    assert_eq!(point["mode"], "full");
    assert_eq!(point["instance_id"], INSTANCE);
    assert_eq!(point["instance_name"], "web1");
    assert_eq!(point["name"], "before the upgrade");
    assert_eq!(point["repository_id"], harness.repository.to_string());
    assert_eq!(point["size_bytes"], Value::Null);
    assert!(point["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(answer.header("location"), format!("http://firn.example:8998{}", path(point)));
    assert_eq!(harness.wakes.next().await, point["job_id"].as_str().unwrap());

    let job = harness.get(&format!("/v1/jobs/{}", point["job_id"].as_str().unwrap())).await;
    let job = &job.body["job"];
    assert_eq!((&job["status"], &job["kind"]), (&json!("queued"), &json!("create_point")));
    assert_eq!(job["request_id"], answer.header("x-openstack-request-id"));
    assert_eq!(job["restore_point_id"], point["id"]);
    assert_eq!(job["progress"]["percent"], 0.0);
}

#[actix_web::test]
async fn incremental_is_the_default() {
    let harness = Harness::new().await;
    let body = json!({"restore_point": {"instance_id": INSTANCE}});
    let answer = harness.post("/v1/restore-points", body).await;
    assert_eq!(answer.body["restore_point"]["mode"], "incremental");
}

#[actix_web::test]
async fn one_backup_of_an_instance_at_a_time() {
    let harness = Harness::new().await;
    let first = harness.backup().await;
    let body = json!({"restore_point": {"instance_id": INSTANCE}});
    let second = harness.post("/v1/restore-points", body.clone()).await;
    assert_eq!(second.status, 409);
    assert!(second.detail().contains(first["job_id"].as_str().unwrap()), "{}", second.detail());
    let other = json!({"restore_point": {"instance_id": OTHER_INSTANCE}});
    assert_eq!(harness.post("/v1/restore-points", other).await.status, 202);

    harness.fail(job_of(&first), "the storage does not answer").await;
    let failed = harness.get(&path(&first)).await;
    assert_eq!(failed.body["restore_point"]["status"], "error");
    assert_eq!(failed.body["restore_point"]["status_reason"], "the storage does not answer");
    assert_eq!(harness.post("/v1/restore-points", body).await.status, 202);
}

#[actix_web::test]
async fn racing_backups_of_an_instance_give_one() {
    let harness = Harness::new().await;
    let body = json!({"restore_point": {"instance_id": INSTANCE}});
    let answers = futures_util::future::join_all(
        (0..8).map(|_| harness.post("/v1/restore-points", body.clone())),
    )
    .await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(harness.rows().await, (1, 0, 1));
}

#[actix_web::test]
async fn an_instance_without_disks_to_back_up_is_refused() {
    let harness = Harness::new().await;
    let body = json!({"restore_point": {"instance_id": crate::harness::DISKLESS}});
    let answer = harness.post("/v1/restore-points", body).await;
    assert_eq!(answer.status, 409);
    assert!(answer.detail().contains("no disk"), "{}", answer.detail());
}

#[actix_web::test]
async fn without_a_conductor_a_backup_is_unavailable() {
    let harness = Harness::without_conductor().await;
    let body = json!({"restore_point": {"instance_id": INSTANCE}});
    let answer = harness.post("/v1/restore-points", body).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(harness.rows().await, (0, 0, 0));
}

#[actix_web::test]
async fn a_filled_point_shows_its_sizes_and_disks() {
    let harness = Harness::new().await;
    let point = harness.available_point().await;
    assert_eq!(point["status"], "available");
    assert_eq!(point["consistency"], "application");
    assert_eq!(point["size_bytes"], 8_u64 << 30);
    assert_eq!(point["disks"][0]["device"], "vda");
    assert_eq!(point["disks"][0]["stored_bytes"], 1_u64 << 30);
    let listed = harness.get("/v1/restore-points").await;
    assert_eq!(listed.body["restore_points"], json!([point]));
}

#[actix_web::test]
async fn lists_are_filtered_sorted_and_paged() {
    let harness = Harness::new().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        let point = harness.backup().await;
        harness.fail(job_of(&point), "no luck").await;
        made.push(point["id"].clone());
    }
    let good = harness.available_point().await;

    let mut next = Some("/v1/restore-points?limit=2&status=error&sort_dir=asc".to_owned());
    let mut seen = Vec::new();
    let mut pages = 0;
    while let Some(path) = next {
        let answer = harness.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let points = answer.body["restore_points"].as_array().unwrap();
        assert!(points.len() <= 2 && !points.is_empty());
        seen.extend(points.iter().map(|point| point["id"].clone()));
        let link = &answer.body["restore_points_links"][0];
        assert!(link.is_null() || link["rel"] == "next");
        next = link["href"]
            .as_str()
            .map(|href| href.strip_prefix("http://firn.example:8998").unwrap().to_owned());
        pages += 1;
    }
    assert_eq!((seen, pages), (made, 3));

    for (query, count) in [
        ("", 6),
        ("?status=available", 1),
        ("?status=creating", 0),
        ("?instance_name=web1", 6),
        ("?instance_name=web2", 0),
        ("?mode=full", 6),
        ("?mode=incremental", 0),
        ("?name=x", 0),
        (&format!("?instance_id={INSTANCE}"), 6),
        (&format!("?instance_id={OTHER_INSTANCE}"), 0),
        (&format!("?repository_id={}", harness.repository), 6),
        ("?sort_key=status&sort_dir=asc&limit=1&status=available", 1),
        ("?sort_key=updated_at", 6),
        ("?sort_key=instance_name", 6),
    ] {
        let answer = harness.get(&format!("/v1/restore-points{query}")).await;
        assert_eq!(answer.body["restore_points"].as_array().unwrap().len(), count, "{query}");
    }
    let newest = harness.get("/v1/restore-points?limit=1").await;
    assert_eq!(newest.body["restore_points"][0]["id"], good["id"]);
}

#[actix_web::test]
async fn name_and_note_can_be_changed_and_cleared() {
    let harness = Harness::new().await;
    let point = harness.backup().await;
    let patch = async |change: Value| {
        let body = json!({ "restore_point": change });
        let answer = harness.send(Request::json(Method::PATCH, &path(&point), &body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let point = &answer.body["restore_point"];
        (point["name"].clone(), point["description"].clone())
    };
    assert_eq!(patch(json!({"name": "a"})).await, (json!("a"), Value::Null));
    assert_eq!(patch(json!({"description": "b"})).await, (json!("a"), json!("b")));
    assert_eq!(patch(json!({"name": null})).await, (Value::Null, json!("b")));
}

#[actix_web::test]
async fn a_point_is_deleted_unless_it_is_in_use() {
    let harness = Harness::new().await;
    let creating = harness.backup().await;
    let delete = |point: &Value| harness.send(Request::new(Method::DELETE, &path(point)));
    assert_eq!(delete(&creating).await.status, 409);
    harness.fail(job_of(&creating), "no luck").await;

    let point = harness.available_point().await;
    let restore = json!({"restore": {
        "restore_point_id": point["id"], "target": {"type": "file", "name": "copy1"},
    }});
    let restore = harness.post("/v1/restores", restore).await;
    let busy = delete(&point).await;
    assert_eq!(busy.status, 409);
    assert!(busy.detail().contains(restore.body["restore"]["job_id"].as_str().unwrap()));
    harness.fail(job_of(&restore.body["restore"]), "no luck").await;

    let answer = delete(&point).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let deleting = &answer.body["restore_point"];
    assert_eq!(deleting["status"], "deleting");
    assert_ne!(deleting["job_id"], point["job_id"]);
    assert_eq!(delete(&point).await.status, 409);
    let claim = harness.claim(job_of(deleting)).await;
    harness.end(claim, JobEnd::PointDeleted).await;
    assert_eq!(harness.get(&path(&point)).await.status, 404);
    assert_eq!(delete(&point).await.status, 404);
}

#[actix_web::test]
async fn verify_makes_a_job_with_its_sample() {
    let harness = Harness::new().await;
    let point = harness.available_point().await;
    let action = format!("{}/action", path(&point));
    let answer = harness.post(&action, json!({"verify": {"sample": 0.1}})).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let job = job_of(&answer.body["restore_point"]);
    let row = harness
        .database
        .run(move |conn| firn_db::job_get(conn, &firn_db::Scope::All, job))
        .await
        .unwrap();
    assert_eq!(row.spec, json!({"sample": 0.1}));
    assert_eq!(harness.post(&action, json!({"verify": {}})).await.status, 409);
    let claim = harness.claim(job).await;
    harness.end(claim, JobEnd::PointSampled).await;
    assert_eq!(harness.post(&action, json!({"verify": {}})).await.status, 202);
}

#[actix_web::test]
async fn a_wake_up_that_cannot_be_sent_fails_nothing() {
    let harness = Harness::new().await;
    let point = harness.available_point().await;
    harness.transport.close().await;
    let answer = harness.send(Request::new(Method::DELETE, &path(&point))).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let job = harness.get(&format!("/v1/jobs/{}", job_of(&answer.body["restore_point"]))).await;
    assert_eq!(job.body["job"]["status"], "queued");
}
