use std::collections::BTreeMap;

use firn_cloud::openstack::block_storage::{NewSnapshot, NewVolume, SnapshotFilter};
use firn_cloud::openstack::compute::NewAttachment;
use firn_core::ErrorKind;

use crate::ground::{Ground, PATIENCE, on_cloud, unique};

fn ours(volume_id: &str) -> NewSnapshot {
    NewSnapshot {
        volume_id: volume_id.to_owned(),
        name: unique("snapshot"),
        metadata: BTreeMap::from([("firn".to_owned(), unique("job"))]),
    }
}

/// What is in a pool's image besides its head.
fn rbd_snapshots(ground: &Ground, image: &str) -> Vec<String> {
    let listed = ground.rbd(&["snap", "ls", image]);
    let names = listed.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1));
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_tenants_volume_is_snapshot_in_our_project_and_handed_over() {
    on_cloud(async |ground| {
        let volume = ground.volume(&ground.alpha, "fast").await;
        let server = ground.boot(&ground.alpha, &ground.new_server("root").await).await;
        let attachment = NewAttachment {
            volume_id: volume.id.clone(),
            device: None,
            tag: None,
            delete_on_termination: false,
        };
        let compute = &ground.alpha.services.compute;
        compute.volume_attach(&server.id, &attachment).await.unwrap();
        let storage = &ground.service.services.block_storage;
        let theirs = &ground.alpha.services.block_storage;
        storage.volume_wait(&volume.id, "in-use", PATIENCE).await.unwrap();
        let (our_quota, their_quota) =
            (storage.quota_usage().await.unwrap(), theirs.quota_usage().await.unwrap());

        let wanted = ours(&volume.id);
        let made = storage.snapshot_create(&wanted).await.unwrap();
        ground.note_snapshot(&made.id);
        let made = storage.snapshot_wait_available(&made.id, PATIENCE).await.unwrap();
        assert_eq!(made.volume_id, volume.id);
        assert_eq!(made.project_id.as_ref(), Some(&ground.service.project.0));

        // Ours is found by what marks it, and the tenant sees nothing of it.
        let marked = SnapshotFilter { metadata: wanted.metadata.clone(), ..Default::default() };
        let found = storage.snapshot_list(&marked).await.unwrap();
        assert_eq!(found.iter().map(|one| &one.id).collect::<Vec<_>>(), [&made.id]);
        let other = SnapshotFilter { name_prefix: Some("other".to_owned()), ..marked };
        assert!(storage.snapshot_list(&other).await.unwrap().is_empty());
        let of_volume =
            SnapshotFilter { volume_id: Some(volume.id.clone()), ..SnapshotFilter::default() };
        assert_eq!(storage.snapshot_list(&of_volume).await.unwrap().len(), 1);
        assert!(theirs.snapshot_list(&of_volume).await.unwrap().is_empty());
        let error = theirs.snapshot_get(&made.id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(theirs.quota_usage().await.unwrap(), their_quota);
        let charged = storage.quota_usage().await.unwrap().size_gib.in_use;
        assert!(charged > our_quota.size_gib.in_use, "{charged}");

        // Cinder forgets it, and the storage keeps it.
        let host = storage.volume_get(&volume.id).await.unwrap().host.unwrap();
        let on_storage = format!("snapshot-{}", made.id);
        let known_as = async || {
            let all = storage.manageable_snapshots(&host).await.unwrap();
            let found = all.into_iter().find(|one| one.reference.source_name == on_storage);
            let found = found.expect("it is on the storage");
            assert_eq!(found.source_reference.source_name, format!("volume-{}", volume.id));
            found.cinder_id
        };
        assert_eq!(known_as().await.as_ref(), Some(&made.id));
        storage.snapshot_unmanage(&made.id).await.unwrap();
        storage.snapshot_wait_gone(&made.id, PATIENCE).await.unwrap();
        storage.snapshot_unmanage(&made.id).await.unwrap();
        storage.snapshot_delete(&made.id).await.unwrap();
        assert_eq!(known_as().await, None);
        let image = format!("volumes-fast/volume-{}", volume.id);
        assert_eq!(rbd_snapshots(&ground, &image), [on_storage.as_str()]);

        // Renamed as Cinder's own backups are, it goes with the volume.
        let base = format!("{image}@backup.{}.snap.1", made.id);
        ground.rbd(&["snap", "rename", &format!("{image}@{on_storage}"), &base]);
        compute.server_delete(&server.id).await.unwrap();
        storage.volume_wait(&volume.id, "available", PATIENCE).await.unwrap();
        theirs.volume_delete(&volume.id).await.unwrap();
        storage.volume_wait_gone(&volume.id, PATIENCE).await.unwrap();
        let left =
            ground.rbd(&["ls", "volumes-fast"]) + &ground.rbd(&["trash", "ls", "volumes-fast"]);
        assert!(!left.contains(&volume.id), "{left}");
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_is_read_through_a_volume_of_ours() {
    on_cloud(async |ground| {
        let volume = ground.volume(&ground.alpha, "standard").await;
        let storage = &ground.service.services.block_storage;
        let made = storage.snapshot_create(&ours(&volume.id)).await.unwrap();
        ground.note_snapshot(&made.id);
        storage.snapshot_wait_available(&made.id, PATIENCE).await.unwrap();
        let temporary = NewVolume {
            size_gib: 1,
            name: unique("temporary"),
            snapshot_id: Some(made.id.clone()),
            ..NewVolume::default()
        };
        let temporary = storage.volume_create(&temporary).await.unwrap();
        ground.note_volume(&temporary.id);
        let seen = storage.volume_wait(&temporary.id, "available", PATIENCE).await.unwrap();
        assert_eq!(seen.snapshot_id.as_ref(), Some(&made.id));
        assert_eq!(seen.project_id.as_ref(), Some(&ground.service.project.0));

        // While it is there the owner cannot delete the volume.
        let theirs = &ground.alpha.services.block_storage;
        let error = theirs.volume_delete(&volume.id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        storage.volume_delete(&temporary.id).await.unwrap();
        storage.volume_wait_gone(&temporary.id, PATIENCE).await.unwrap();
        storage.snapshot_delete(&made.id).await.unwrap();
        storage.snapshot_wait_gone(&made.id, PATIENCE).await.unwrap();
        theirs.volume_delete(&volume.id).await.unwrap();
        storage.volume_wait_gone(&volume.id, PATIENCE).await.unwrap();
    })
    .await;
}
