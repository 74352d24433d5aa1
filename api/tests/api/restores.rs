//! Restores.

use crate::harness::{ByToken, Harness, MEMBER, Request, STRANGER, Trusts, job_of};
use actix_web::http::Method;
use firn_api::ApiConfig;
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

fn into_cloud(point: &Value, target: &Value) -> Value {
    json!({"restore": {"restore_point_id": point["id"], "target": target}})
}

#[actix_web::test]
async fn targets_in_the_cloud_are_shown_as_they_were_asked_for() {
    let harness = Harness::new().await;
    let point = harness.available_point().await;
    let server = json!({
        "type": "new_instance", "name": "copy", "flavor": "m1.small", "key_name": "mine",
        "availability_zone": "az2", "networks": {"old": "new"}, "keep_addresses": false,
        "volume_types": {"fast": "slow"}, "volume_type": "slow", "nova_disks": "recreated",
    });
    let volume = json!({"type": "volume", "device": "vdb", "name": "data"});
    for target in [server, json!({"type": "original"}), volume] {
        let answer = harness.post("/v1/restores", into_cloud(&point, &target)).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        assert_eq!(answer.body["restore"]["target"], target);
    }
    let bare = json!({"type": "new_instance"});
    let answer = harness.post("/v1/restores", into_cloud(&point, &bare)).await;
    let shown = json!({"type": "new_instance", "keep_addresses": true, "nova_disks": "volumes"});
    assert_eq!(answer.body["restore"]["target"], shown);

    let restore = &answer.body["restore"];
    assert!(restore.get("result").is_none());
    let made = json!({"instance_id": "i", "volumes": {"vda": "v"}, "changes": []});
    let claim = harness.claim(job_of(restore)).await;
    harness.end(claim, JobEnd::Restored(Some(made.clone()))).await;
    let path = format!("/v1/restores/{}", restore["id"].as_str().unwrap());
    assert_eq!(harness.get(&path).await.body["restore"]["result"], made);
}

#[actix_web::test]
async fn what_is_no_target_is_said() {
    let harness = Harness::new().await;
    let point = harness.available_point().await;
    for target in [
        json!({"type": "original", "name": "copy"}),
        json!({"type": "new_instance", "flavour": "m1.small"}),
        json!({"type": "new_instance", "name": ""}),
        json!({"type": "new_instance", "nova_disks": "lost"}),
        json!({"type": "new_instance", "networks": {"a\nb": "new"}}),
        json!({"type": "new_instance", "networks": ["new"]}),
        json!({"type": "volume"}),
        json!({"type": "volume", "device": "vdb", "volume_id": "../x"}),
        json!({"type": "tape"}),
        json!({}),
    ] {
        let answer = harness.post("/v1/restores", into_cloud(&point, &target)).await;
        assert_eq!(answer.status, 400, "{target}: {}", answer.body);
    }
    let mut files = body(&point, "copy1");
    files["restore"]["dry_run"] = json!(true);
    let answer = harness.post("/v1/restores", files).await;
    assert!(answer.status == 400 && answer.detail().contains("dry_run"), "{}", answer.body);
    assert_eq!(harness.rows().await.1, 0, "no restore was made");
}

#[actix_web::test]
async fn a_restore_into_the_cloud_is_done_under_a_trust() {
    let trusts = Trusts::default();
    let harness = Harness::with_delegation(ApiConfig::default(), ByToken, trusts.clone()).await;
    let send = async |body: Value, path: &str, token: &'static str| {
        harness.send(Request::json(Method::POST, path, &body).token(token)).await
    };
    let backup = json!({"restore_point": {"instance_id": crate::harness::INSTANCE}});
    let point = send(backup, "/v1/restore-points", MEMBER).await.body["restore_point"].clone();
    let new = into_cloud(&point, &json!({"type": "new_instance"}));

    // What does not start leaves no trust, and what may not be seen makes none.
    assert_eq!(send(new.clone(), "/v1/restores", MEMBER).await.status, 409);
    assert_eq!(send(new.clone(), "/v1/restores", STRANGER).await.status, 404);
    assert!(trusts.there().is_empty());
    let claim = harness.claim(job_of(&point)).await;
    harness.fill(claim).await;

    let original = into_cloud(&point, &json!({"type": "original"}));
    assert_eq!(send(original, "/v1/restores", MEMBER).await.status, 202);
    assert!(trusts.there().is_empty(), "the service itself may do that");
    let answer = send(new.clone(), "/v1/restores", MEMBER).await;
    assert_eq!((answer.status, trusts.there()), (202, vec!["trust-of-alice".to_owned()]));
    assert!(!answer.text.contains("trust-of-alice"), "it is shown to nobody");
    let job = harness.job_spec(job_of(&answer.body["restore"])).await;
    assert_eq!(job["grant"]["trust_id"], "trust-of-alice");

    let cancel = format!("/v1/jobs/{}/action", job_of(&answer.body["restore"]));
    assert_eq!(send(json!({"cancel": {}}), &cancel, MEMBER).await.status, 202);
    assert!(trusts.there().is_empty(), "nobody will run it");

    trusts.fail(Some("refuse"));
    assert_eq!(send(new, "/v1/restores", MEMBER).await.status, 403);
}
