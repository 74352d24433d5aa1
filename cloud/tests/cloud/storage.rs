use crate::ground::on_cloud;

#[tokio::test]
async fn cinders_backends_and_types_are_seen() {
    on_cloud(async |ground| {
        let storage = &ground.service.services.block_storage;
        let services = storage.service_list().await.unwrap();
        for host in ["node1@standard", "node1@fast"] {
            let service = services.iter().find(|service| service.host == host).unwrap();
            assert_eq!(service.binary, "cinder-volume");
            assert!(service.is_up() && service.is_enabled());
        }
        let types = storage.volume_type_list().await.unwrap();
        let backend = |name: &str| {
            let found = types.iter().find(|one| one.name == name).unwrap();
            (found.is_public, found.backend_name())
        };
        assert_eq!(backend("fast"), (true, Some("fast")));
        assert_eq!(backend("any"), (true, None));
        assert_eq!(backend("firn"), (false, None), "Firn's own, private");

        let seen = ground.alpha.services.block_storage.volume_type_list().await.unwrap();
        assert!(!seen.iter().any(|one| one.name == "firn"));
        assert!(seen.iter().all(|one| one.backend_name().is_none()), "not for tenants");

        let theirs = ground.alpha.services.block_storage.quota_usage().await.unwrap();
        assert!(theirs.volumes.left().is_some() && theirs.snapshots.left().is_some());
        assert_eq!(theirs.per_volume_gib.left(), None, "Cinder's default");
        let ours = storage.quota_usage().await.unwrap();
        let left = [ours.volumes.left(), ours.snapshots.left(), ours.size_gib.left()];
        assert_eq!(left, [None; 3], "devstack/lib/firn raises it: make the cloud anew");

        assert_eq!(storage.availability_zones().await.unwrap(), ["nova"]);
    })
    .await;
}
