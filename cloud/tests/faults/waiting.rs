use std::sync::Arc;
use std::time::Duration;

use firn_cloud::VolumeSnapshots;
use firn_cloud::openstack::CinderSnapshots;
use firn_cloud::openstack::block_storage::{BlockStorage, Cinder};
use firn_core::ErrorKind;
use serde_json::json;

use crate::scripted::{Cloud, Scripted, patient};

const PATIENCE: Duration = Duration::from_secs(30);

fn snapshot(status: &str) -> Scripted {
    Scripted::ok(&json!({"snapshot": {"id": "s", "volume_id": "v", "size": 1, "status": status}}))
}

fn gone() -> Scripted {
    Scripted::json("404 Not Found", &json!({"itemNotFound": {"message": "Gone"}}))
}

#[tokio::test]
async fn a_deletion_is_waited_for() {
    let cloud = Cloud::of([snapshot("deleting"), snapshot("deleting"), gone()]).await;
    let cinder = Cinder::new(cloud.session(), patient());
    cinder.snapshot_wait_gone("s", PATIENCE).await.unwrap();
    assert_eq!(cloud.seen()[0].line, "GET /volume/v3/p1/snapshots/s HTTP/1.1");
    assert_eq!(cloud.seen()[0].header("openstack-api-version"), Some("volume 3.70"));
}

/// Cinder answers 202 to the deletion of a snapshot that it then finds to be in use.
#[tokio::test]
async fn a_deletion_that_cinder_gave_up_is_no_success() {
    for ended in ["available", "error_deleting"] {
        let cloud = Cloud::of([snapshot("deleting"), snapshot(ended)]).await;
        let cinder = Cinder::new(cloud.session(), patient());
        let error = cinder.snapshot_wait_gone("s", PATIENCE).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains(ended), "{error}");
    }
}

/// Cinder sets the status when it is asked, and refuses to be asked again, as a conductor does that takes
/// over the job of one that has died.
#[tokio::test]
async fn what_cinder_is_at_already_is_waited_for() {
    let refused = || {
        let message = "Invalid snapshot: Snapshot status must be available or error";
        Scripted::json("400 Bad Request", &json!({"badRequest": {"message": message}}))
    };
    let snapshots = async |script: Vec<Scripted>| {
        let cloud = Cloud::of(script).await;
        let cinder = Cinder::new(cloud.session(), patient());
        (cloud, CinderSnapshots::new(Arc::new(cinder)))
    };
    let script = vec![refused(), snapshot("unmanaging"), snapshot("unmanaging"), gone()];
    let (cloud, cinder) = snapshots(script).await;
    cinder.release("s").await.unwrap();
    assert!(cloud.seen()[0].body.contains("os-unmanage"), "{:?}", cloud.seen());
    assert_eq!(cloud.seen().len(), 4);
    let (_cloud, cinder) = snapshots(vec![refused(), snapshot("deleting"), gone()]).await;
    cinder.remove("s").await.unwrap();
    // What it is not at it does not do; and one that is forgotten is not removed.
    for status in ["available", "deleting"] {
        let (_cloud, cinder) = snapshots(vec![refused(), snapshot(status)]).await;
        let error = cinder.release("s").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{status}: {error}");
    }
    let (_cloud, cinder) = snapshots(vec![refused(), snapshot("unmanaging")]).await;
    assert_eq!(cinder.remove("s").await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_snapshot_that_is_being_forgotten_is_not_kept() {
    for (answer, kept) in [
        (snapshot("available"), true),
        (snapshot("error_deleting"), true),
        (snapshot("unmanaging"), false),
        (gone(), false),
    ] {
        let cloud = Cloud::of([answer]).await;
        let cinder = CinderSnapshots::new(Arc::new(Cinder::new(cloud.session(), patient())));
        assert_eq!(cinder.keeps("s").await.unwrap(), kept);
    }
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let cloud = Cloud::of(vec![snapshot("creating"); 50]).await;
    let cinder = Cinder::new(cloud.session(), patient());
    let allowed = Duration::from_secs(1);
    let error = cinder.snapshot_wait_available("s", allowed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("still creating"), "{error}");

    let cloud = Cloud::of([snapshot("creating"), snapshot("error")]).await;
    let cinder = Cinder::new(cloud.session(), patient());
    let error = cinder.snapshot_wait_available("s", PATIENCE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}
