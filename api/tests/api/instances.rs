//! Instances, as a conductor describes them.

use crate::harness::{Harness, INSTANCE};
use serde_json::Value;

#[actix_web::test]
async fn an_instance_shows_its_disks() {
    let harness = Harness::new().await;
    let answer = harness.get(&format!("/v1/instances/{INSTANCE}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let instance = &answer.body["instance"];
    assert_eq!(instance["name"], "web1");
    assert_eq!(instance["power_state"], "shut_off");
    assert_eq!(instance["disks"][0]["device"], "vda");
    assert_eq!(instance["disks"][0]["location"]["type"], "file");
    assert_eq!(instance["disks"][1]["driver"], Value::Null);
    assert_eq!(instance["disks"][1]["reason"], "no driver reads it");
}

#[actix_web::test]
async fn instances_are_listed_in_pages() {
    let harness = Harness::new().await;
    let names = async |query: &str| -> Vec<String> {
        let answer = harness.get(&format!("/v1/instances{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let instances = answer.body["instances"].as_array().unwrap();
        instances.iter().map(|instance| instance["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("").await, ["diskless", "web1", "web2"]);
    assert_eq!(names("?sort_dir=desc").await, ["web2", "web1", "diskless"]);
    assert_eq!(names("?sort_key=power_state").await[0], "web2");
    assert_eq!(names(&format!("?marker={INSTANCE}")).await, ["web2"]);
    let answer = harness.get("/v1/instances?limit=1").await;
    assert!(
        answer.body["instances_links"][0]["href"].as_str().unwrap().contains("limit=1&marker=")
    );
}

#[actix_web::test]
async fn without_a_conductor_there_is_no_answer_but_503() {
    let harness = Harness::without_conductor().await;
    for path in ["/v1/instances", &format!("/v1/instances/{INSTANCE}")] {
        let answer = harness.get(path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(!answer.detail().contains("conductor"), "{}", answer.detail());
    }
}

#[actix_web::test]
async fn an_instance_that_cannot_be_understood_is_a_conflict() {
    let harness = Harness::new().await;
    let answer = harness.get(&format!("/v1/instances/{}", crate::harness::UNUSABLE)).await;
    assert_eq!(answer.status, 409);
    assert_eq!(answer.detail(), "its XML makes no sense");
}

#[actix_web::test]
async fn a_conductor_that_fails_or_talks_nonsense_is_a_500_without_words() {
    let harness = Harness::new().await;
    for id in [crate::harness::BROKEN, crate::harness::NONSENSE] {
        let answer = harness.get(&format!("/v1/instances/{id}")).await;
        assert_eq!(answer.status, 500, "{id}");
        assert!(!answer.text.contains("secret"), "{}", answer.text);
    }
}
