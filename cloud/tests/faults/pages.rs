use firn_cloud::openstack::ClientOptions;
use firn_cloud::openstack::compute::{Compute, Nova};
use firn_core::{ErrorKind, ProjectId};
use serde_json::json;

use crate::scripted::{Cloud, Scripted, patient};

fn page(id: &str, next: Option<&str>) -> Scripted {
    let server = json!({"id": id, "name": id, "status": "ACTIVE", "tenant_id": "p1"});
    let mut page = json!({"servers": [server]});
    if let Some(marker) = next {
        let href = format!("https://elsewhere.invalid/v2.1/servers/detail?marker={marker}");
        page["servers_links"] = json!([{"rel": "next", "href": href}]);
    }
    Scripted::ok(&page)
}

#[tokio::test]
async fn pages_are_asked_for_where_the_catalog_says() {
    let cloud = Cloud::of([page("a", Some("a")), page("b", Some("b")), page("c", None)]).await;
    let options = ClientOptions { page_size: Some(1), ..patient() };
    let nova = Nova::new(cloud.session(), options);
    let servers = nova.server_list(Some(&ProjectId("p 2".to_owned()))).await.unwrap();
    let ids: Vec<_> = servers.into_iter().map(|server| server.id).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let lines: Vec<_> = cloud.seen().into_iter().map(|seen| seen.line).collect();
    let query = "all_tenants=1&project_id=p+2&limit=1";
    let line = |marker| format!("GET /compute/v2.1/servers/detail?{query}{marker} HTTP/1.1");
    assert_eq!(lines, [line(""), line("&marker=a"), line("&marker=b")]);
}

#[tokio::test]
async fn a_list_that_does_not_end_is_an_error() {
    let cloud = Cloud::of([page("a", Some("a")), page("a", Some("a"))]).await;
    let error = Nova::new(cloud.session(), patient()).server_list(None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.to_string().contains("does not end"), "{error}");
}

#[tokio::test]
async fn half_a_list_is_none() {
    let cloud =
        Cloud::of([page("a", Some("a")), Scripted::json("403 Forbidden", &json!({}))]).await;
    let error = Nova::new(cloud.session(), patient()).server_list(None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
}
