use std::collections::BTreeMap;

use firn_cloud::openstack::block_storage::NewVolume;
use firn_core::ErrorKind;

use crate::ground::{PATIENCE, on_cloud, unique};

const ABSENT: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn a_volume_lives() {
    on_cloud(async |ground| {
        let volume = ground.volume(&ground.alpha, "fast").await;
        let storage = &ground.service.services.block_storage;
        let seen = storage.volume_get(&volume.id).await.unwrap();
        assert_eq!(seen.project_id.as_ref(), Some(&ground.alpha.project.0));
        assert_eq!(seen.host.as_deref(), Some("node1@fast#fast"));
        assert_eq!(seen.storage_id(), volume.id);
        assert!(!seen.is_bootable() && !seen.encrypted && !seen.multiattach && !seen.is_moving());

        let properties = BTreeMap::from([("hw_disk_bus".to_owned(), "scsi".to_owned())]);
        storage.volume_set_bootable(&volume.id, true).await.unwrap();
        storage.volume_set_image_metadata(&volume.id, &properties).await.unwrap();
        storage.volume_extend(&volume.id, 2).await.unwrap();
        storage.volume_wait(&volume.id, "available", PATIENCE).await.unwrap();
        let seen = storage.volume_get(&volume.id).await.unwrap();
        assert!(seen.is_bootable());
        assert_eq!((seen.size_gib, seen.image_metadata), (2, properties));
        let error = storage.volume_extend(&volume.id, 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");

        storage.volume_reset_status(&volume.id, "error").await.unwrap();
        let error = storage.volume_wait(&volume.id, "available", PATIENCE).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        storage.volume_reset_status(&volume.id, "available").await.unwrap();

        let alpha = &ground.alpha.services.block_storage;
        alpha.volume_delete(&volume.id).await.unwrap();
        alpha.volume_wait_gone(&volume.id, PATIENCE).await.unwrap();
        alpha.volume_delete(&volume.id).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn lists_have_all_pages() {
    on_cloud(async |ground| {
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(ground.volume(&ground.beta, "standard").await.id);
        }
        for page_size in [1, 2, 1000] {
            let storage = ground.service.paged(page_size).block_storage;
            let listed = storage.volume_list(&ground.beta.project).await.unwrap();
            let found = listed.iter().filter(|volume| ids.contains(&volume.id)).count();
            assert_eq!(found, 3, "{page_size}");
            let of_beta = Some(&ground.beta.project.0);
            assert!(listed.iter().all(|volume| volume.project_id.as_ref() == of_beta));
        }
    })
    .await;
}

#[tokio::test]
async fn a_volume_of_ours_becomes_anothers() {
    on_cloud(async |ground| {
        let volume = ground.volume(&ground.service, "standard").await;
        let (ours, theirs) =
            (&ground.service.services.block_storage, &ground.beta.services.block_storage);
        assert_eq!(theirs.volume_get(&volume.id).await.unwrap_err().kind(), ErrorKind::NotFound);
        let before = theirs.quota_usage().await.unwrap();

        let withdrawn = ours.transfer_create(&volume.id).await.unwrap();
        ours.transfer_delete(&withdrawn.id).await.unwrap();
        ours.transfer_delete(&withdrawn.id).await.unwrap();
        ours.volume_wait(&volume.id, "available", PATIENCE).await.unwrap();
        assert_eq!(
            theirs.transfer_accept(&withdrawn).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );

        let transfer = ours.transfer_create(&volume.id).await.unwrap();
        assert!(!format!("{transfer:?}").contains(transfer.auth_key.expose()));
        theirs.transfer_accept(&transfer).await.unwrap();
        let taken = theirs.volume_wait(&volume.id, "available", PATIENCE).await.unwrap();
        assert_eq!(taken.id, volume.id);
        let seen = ours.volume_get(&volume.id).await.unwrap();
        assert_eq!(seen.project_id.as_ref(), Some(&ground.beta.project.0));
        let after = theirs.quota_usage().await.unwrap();
        assert!(after.volumes.in_use > before.volumes.in_use, "{after:?}");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_is_told_apart() {
    on_cloud(async |ground| {
        let storage = &ground.alpha.services.block_storage;
        let large = NewVolume { size_gib: 5000, name: unique("large"), ..NewVolume::default() };
        let error = storage.volume_create(&large).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::QuotaExceeded, "{error}");
        let wrong = NewVolume { volume_type: Some("absent".to_owned()), size_gib: 1, ..large };
        let error = storage.volume_create(&wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        let nothing = NewVolume { volume_type: None, size_gib: 0, ..wrong };
        let error = storage.volume_create(&nothing).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert_eq!(storage.volume_get(ABSENT).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(storage.service_list().await.unwrap_err().kind(), ErrorKind::Forbidden);
        let reset = storage.volume_reset_status(ABSENT, "error").await.unwrap_err();
        assert!(matches!(reset.kind(), ErrorKind::Forbidden | ErrorKind::NotFound), "{reset}");
    })
    .await;
}
