use std::time::Duration;

use firn_cloud::openstack::block_storage::{BlockStorage, Cinder};
use firn_cloud::openstack::compute::{Compute, Nova};
use firn_cloud::openstack::image::{Glance, ImageStore};
use firn_cloud::openstack::{CinderOptions, ClientOptions, Microversion};
use firn_core::ErrorKind;
use serde_json::json;

use crate::scripted::{Cloud, Scripted, patient};

fn versions(oldest: &str, newest: &str) -> Scripted {
    Scripted::ok(&json!({"version": {"id": "v2.1", "min_version": oldest, "version": newest}}))
}

#[tokio::test]
async fn the_newest_version_that_both_speak_is_spoken() {
    for (newest, minor) in [("2.89", 89), ("2.93", 93), ("2.100", 100), ("2.300", 100)] {
        let cloud = Cloud::with_versions(versions("2.1", newest), []).await;
        let nova = Nova::new(cloud.session(), patient());
        assert_eq!(nova.microversion().await.unwrap(), Microversion::new(2, minor), "{newest}");
    }
}

#[tokio::test]
async fn a_cloud_that_is_too_old_or_too_new_is_told_so() {
    for (oldest, newest) in [("2.1", "2.60"), ("2.200", "2.300")] {
        let cloud = Cloud::with_versions(versions(oldest, newest), []).await;
        let nova = Nova::new(cloud.session(), patient());
        let error = nova.server_get("s1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let expected = format!("versions {oldest} to {newest}, and 2.89 to 2.100 are needed");
        assert!(error.to_string().contains(&expected), "{error}");
        assert!(cloud.seen().is_empty(), "nothing was asked in a version not agreed on");
    }
}

#[tokio::test]
async fn a_version_document_that_says_nothing_is_an_error() {
    let page = Scripted::Answer("200 OK".to_owned(), "<html>Welcome</html>".to_owned());
    let missing = Scripted::json("404 Not Found", &json!({}));
    let empty = Scripted::ok(&json!({"versions": []}));
    for (document, kind) in [
        (page, ErrorKind::Internal),
        (missing, ErrorKind::Unsupported),
        (empty, ErrorKind::Internal),
    ] {
        let cloud = Cloud::with_versions(document, []).await;
        let nova = Nova::new(cloud.session(), patient());
        assert_eq!(nova.microversion().await.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn versions_that_do_not_come_are_waited_for_no_longer_than_an_answer() {
    let cloud = Cloud::with_versions(Scripted::Hang, []).await;
    let options = ClientOptions { deadline: Duration::from_millis(300), ..patient() };
    let nova = Nova::new(cloud.session(), options);
    let asked = [nova.microversion().await.unwrap_err(), nova.server_get("s1").await.unwrap_err()];
    for error in asked {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn a_service_that_the_catalog_lacks_is_not_there() {
    let cloud = Cloud::of([]).await;
    let glance = Glance::new(cloud.session(), patient());
    let error = glance.image_get("i1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("type image"), "{error}");
}

#[tokio::test]
async fn an_operator_may_say_where_a_service_is() {
    let volume = json!({"volume": {"id": "v1", "status": "available", "size": 1}});
    let cloud = Cloud::of([Scripted::ok(&volume)]).await;
    let file = [
        ("OS_CINDER__REGION_NAME", "nowhere".to_owned()),
        ("OS_CINDER__INTERFACE", "admin".to_owned()),
        ("OS_CINDER__ENDPOINT_OVERRIDE", format!("{}/volume/v3/%(project_id)s", cloud.url())),
    ];
    let load = |environment: &[(&str, String)]| {
        let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        let loader = oslo_config::Loader::new("firn").files(Vec::<std::path::PathBuf>::new());
        let loader = loader.default_files(false).environment(environment);
        let config = loader.load(&[CinderOptions::group()]).unwrap();
        config.get::<CinderOptions>().unwrap().client(|| None)
    };
    // No such region and interface in the catalog.
    let elsewhere = Cinder::new(cloud.session(), load(&file[..2]));
    let error = elsewhere.volume_get("v1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("admin endpoint"), "{error}");
    assert!(error.to_string().contains("region nowhere"), "{error}");

    let overridden = Cinder::new(cloud.session(), load(&file));
    assert_eq!(overridden.volume_get("v1").await.unwrap().id, "v1");
    assert_eq!(cloud.seen()[0].line, "GET /volume/v3/p1/volumes/v1 HTTP/1.1");
}
