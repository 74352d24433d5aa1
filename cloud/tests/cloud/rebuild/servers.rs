use firn_cloud::openstack::OpenStackError;
use firn_cloud::{Cloud, Rebuild, ServerParts};
use firn_core::{DiskKind, ErrorKind, NewInstance, NovaDisks, RestoreId};

use super::{backed_up, rebuild};
use crate::ground::{on_cloud, unique};

#[tokio::test]
async fn a_server_is_made_stopped_started_and_removed() {
    on_cloud(async |ground| {
        let (rebuild, grant) = rebuild(&ground, &ground.alpha).await;
        let machine = backed_up(&ground).await;
        let (compute, storage) =
            (&ground.service.services.compute, &ground.service.services.block_storage);
        for nova_disks in [NovaDisks::Volumes, NovaDisks::Recreated] {
            let restore = RestoreId::new();
            let name = Some(unique("server"));
            let wish = NewInstance { name: name.clone(), nova_disks, ..NewInstance::default() };
            let plan = rebuild.server_plan(&grant, &machine, &wish).await.unwrap();
            assert_eq!(plan.problems, [""; 0]);
            let mut parts = ServerParts::default();
            for volume in &plan.volumes {
                let id = rebuild.volume_make(&grant, restore, volume).await.unwrap();
                ground.note_volume(&id);
                parts.volumes.push((volume.clone(), id));
            }
            let make = || rebuild.server_make(&grant, restore, &plan.server, &machine, &parts);
            let id = make().await.unwrap();
            ground.note_server(&id);
            assert_eq!(make().await.unwrap(), id);
            let made = ground.cloud().instance_get(id.parse().unwrap()).await.unwrap();
            assert_eq!(made.instance.project_id, ground.alpha.project);
            assert_eq!(Some(made.instance.name), name);
            let identity = made.machine.openstack.unwrap();
            assert_eq!(identity.user_id, grant.user_id);
            let attached: Vec<_> = identity.volumes.iter().map(|volume| &volume.id).collect();
            let wanted: Vec<_> = parts.volumes.iter().map(|(_, id)| id).collect();
            assert_eq!(attached, wanted);
            let kinds: Vec<_> = made.instance.disks.iter().map(|disk| disk.kind).collect();
            match nova_disks {
                // Nova's own ephemeral disk is there as the plan said.
                NovaDisks::Volumes => {
                    assert!(plan.changes.iter().any(|change| change.contains("empty ephemeral")));
                    assert_eq!(kinds.iter().filter(|kind| **kind == DiskKind::Volume).count(), 2);
                    assert_eq!(kinds.len(), 4);
                }
                NovaDisks::Recreated => {
                    let expected = [DiskKind::Root, DiskKind::Ephemeral, DiskKind::Volume];
                    assert_eq!(kinds, expected);
                }
            }

            rebuild.server_stop(&id).await.unwrap();
            rebuild.server_stop(&id).await.unwrap();
            assert_eq!(compute.server_get(&id).await.unwrap().status, "SHUTOFF");
            assert_eq!(make().await.unwrap(), id, "it was made, though it is off now");
            rebuild.server_start(&id).await.unwrap();
            rebuild.server_start(&id).await.unwrap();
            assert_eq!(compute.server_get(&id).await.unwrap().status, "ACTIVE");

            rebuild.server_remove(&grant, restore).await.unwrap();
            rebuild.server_remove(&grant, restore).await.unwrap();
            // Nova remembers a server for a moment after it is gone.
            let remembered = OpenStackError::or_absent(compute.server_get(&id).await).unwrap();
            assert!(remembered.is_none_or(|server| server.status == "DELETED"));
            rebuild.volumes_remove(&grant, restore).await.unwrap();
            for (_, id) in &parts.volumes {
                let gone = storage.volume_get(id).await.unwrap_err();
                assert_eq!(gone.kind(), ErrorKind::NotFound);
            }
        }
        rebuild.grant_end(&grant).await.unwrap();
        rebuild.grant_end(&grant).await.unwrap();
        let wish = NewInstance::default();
        let error = rebuild.server_plan(&grant, &machine, &wish).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
    })
    .await;
}
