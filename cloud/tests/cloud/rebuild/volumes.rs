use firn_cloud::{PlannedVolume, Rebuild};
use firn_core::{DiskLocation, ErrorKind, RestoreId};

use super::rebuild;
use crate::ground::{on_cloud, unique};

fn empty_volume(device: &str) -> PlannedVolume {
    PlannedVolume {
        device: device.to_owned(),
        name: unique("volume"),
        size_gib: 1,
        volume_type: Some("standard".to_owned()),
        delete_on_termination: true,
        ..PlannedVolume::default()
    }
}

#[tokio::test]
async fn a_volume_is_the_owners_and_ours_to_write_meanwhile() {
    on_cloud(async |ground| {
        let (rebuild, grant) = rebuild(&ground, &ground.alpha).await;
        let (admin, owner) =
            (&ground.service.services.block_storage, &ground.alpha.services.block_storage);
        let restore = RestoreId::new();
        let planned = PlannedVolume {
            bootable: true,
            image_metadata: [("hw_disk_bus".to_owned(), "scsi".to_owned())].into(),
            metadata: [("mine".to_owned(), "yes".to_owned())].into(),
            ..empty_volume("vda")
        };
        let before = owner.quota_usage().await.unwrap();
        let id = rebuild.volume_make(&grant, restore, &planned).await.unwrap();
        ground.note_volume(&id);
        ground.note_holder(&restore.to_string());
        assert_eq!(rebuild.volume_make(&grant, restore, &planned).await.unwrap(), id);
        let made = admin.volume_get(&id).await.unwrap();
        assert_eq!(made.project_id.as_ref(), Some(&ground.alpha.project.0));
        assert!(made.is_bootable());
        assert_eq!(made.metadata["mine"], "yes");
        assert_eq!(made.image_metadata, planned.image_metadata);
        let after = owner.quota_usage().await.unwrap();
        assert!(after.volumes.in_use > before.volumes.in_use, "{after:?}");

        let location = rebuild.volume_attach(restore, &id).await.unwrap();
        let DiskLocation::Rbd { pool, image, monitors, user, .. } = &location else {
            panic!("{location:?}")
        };
        assert_eq!((pool.as_str(), image.as_str()), ("volumes", format!("volume-{id}").as_str()));
        assert!(!monitors.is_empty() && user.is_none());
        assert_eq!(rebuild.volume_attach(restore, &id).await.unwrap(), location);
        let other = rebuild.volume_attach(RestoreId::new(), &id).await.unwrap_err();
        assert_eq!(other.kind(), ErrorKind::Conflict);
        assert_eq!(owner.volume_delete(&id).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(owner.transfer_create(&id).await.is_err());
        assert!(owner.volume_extend(&id, 2).await.is_err());

        rebuild.volume_detach(restore, &id).await.unwrap();
        rebuild.volume_detach(restore, &id).await.unwrap();
        assert_eq!(admin.volume_get(&id).await.unwrap().status, "available");

        // One that failed is made again.
        admin.volume_reset_status(&id, "error").await.unwrap();
        let again = rebuild.volume_make(&grant, restore, &planned).await.unwrap();
        ground.note_volume(&again);
        assert_ne!(again, id);
        assert_eq!(admin.volume_get(&id).await.unwrap_err().kind(), ErrorKind::NotFound);

        // Another restore's is left alone.
        let theirs = rebuild.volume_make(&grant, RestoreId::new(), &planned).await.unwrap();
        ground.note_volume(&theirs);
        admin.volume_reset_status(&again, "error_deleting").await.unwrap();
        rebuild.volumes_remove(&grant, restore).await.unwrap();
        rebuild.volumes_remove(&grant, restore).await.unwrap();
        assert_eq!(admin.volume_get(&again).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(admin.volume_get(&theirs).await.unwrap().status, "available");
        rebuild.volume_detach(restore, &again).await.expect("what is gone is not attached");
    })
    .await;
}

#[tokio::test]
async fn what_exceeds_the_owners_quota_is_the_owners() {
    on_cloud(async |ground| {
        let (rebuild, grant) = rebuild(&ground, &ground.beta).await;
        let restore = RestoreId::new();
        let large = PlannedVolume { size_gib: 5000, ..empty_volume("vda") };
        let error = rebuild.volume_make(&grant, restore, &large).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::QuotaExceeded, "{error:?}");
        rebuild.volumes_remove(&grant, restore).await.unwrap();
    })
    .await;
}
