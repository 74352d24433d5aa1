use firn_cloud::Cloud;
use firn_cloud::openstack::compute::{Compute, NewServer, Nova};
use firn_cloud::openstack::{ClientOptions, Microversion, Supported};
use firn_core::{ErrorKind, InstanceId, PowerState};

use crate::ground::{PATIENCE, on_cloud, unique};

const ABSENT: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn each_project_has_its_own_servers() {
    on_cloud(async |ground| {
        let wanted = ground.new_server("root").await;
        let (a, b) =
            tokio::join!(ground.boot(&ground.alpha, &wanted), ground.boot(&ground.beta, &wanted),);
        let (a, b): (InstanceId, InstanceId) = (a.id.parse().unwrap(), b.id.parse().unwrap());
        let cloud = ground.cloud();
        let ids = |list: Vec<firn_cloud::InstanceSummary>| {
            list.into_iter().map(|one| one.id).collect::<Vec<_>>()
        };
        let of_alpha = cloud.instance_list(&ground.alpha.project).await.unwrap();
        let found = of_alpha.iter().find(|one| one.id == a).unwrap();
        assert_eq!(found.name, wanted.name);
        assert_eq!(found.project_id, ground.alpha.project);
        assert_eq!(found.power_state, PowerState::Running);
        let of_alpha = ids(of_alpha);
        let of_beta = ids(cloud.instance_list(&ground.beta.project).await.unwrap());
        assert!(!of_alpha.contains(&b) && of_beta.contains(&b) && !of_beta.contains(&a));
        let all = ids(cloud.instance_list_all().await.unwrap());
        assert!(all.contains(&a) && all.contains(&b));

        // The same when each is a page of its own.
        let paged = ground.service.paged(1).compute.server_list(None).await.unwrap();
        let paged: Vec<_> = paged.into_iter().map(|server| server.id).collect();
        assert!(paged.contains(&a.to_string()) && paged.contains(&b.to_string()));

        // A tenant sees its own only, and may not ask for more.
        let alpha = &ground.alpha.services.compute;
        let error = alpha.server_get(&b.to_string()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(alpha.server_list(None).await.unwrap_err().kind(), ErrorKind::Forbidden);
        // What runs cannot be started.
        let error = alpha.server_start(&a.to_string()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.said().message.contains("vm_state active"), "{error}");
        assert!(error.said().request_id.as_ref().unwrap().starts_with("req-"), "{error}");

        alpha.server_delete(&a.to_string()).await.unwrap();
        alpha.server_wait_gone(&a.to_string(), PATIENCE).await.unwrap();
        alpha.server_delete(&a.to_string()).await.unwrap();
        let gone = cloud.instance_get(a).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound, "{gone:?}");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_is_told_apart() {
    on_cloud(async |ground| {
        let compute = &ground.alpha.services.compute;
        let kind = |error: firn_cloud::openstack::OpenStackError| error.kind();
        assert_eq!(kind(compute.server_get(ABSENT).await.unwrap_err()), ErrorKind::NotFound);
        assert_eq!(kind(compute.flavor_get("absent").await.unwrap_err()), ErrorKind::NotFound);

        let unknown =
            NewServer { flavor_id: "absent".to_owned(), ..ground.new_server("root").await };
        let error = compute.server_create(&unknown).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.said().message.contains("absent"), "{error}");

        // Nova's quota of metadata is 128 pairs.
        let metadata = (0..129).map(|n| (format!("key{n}"), "x".to_owned())).collect();
        let hoarder = NewServer { metadata, ..ground.new_server("root").await };
        let error = compute.server_create(&hoarder).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::QuotaExceeded, "{error}");

        let keypair = compute.keypair_get(&unique("user"), "absent").await.unwrap_err();
        assert_eq!(keypair.kind(), ErrorKind::Forbidden, "of another user: {keypair}");
    })
    .await;
}

#[tokio::test]
async fn versions_are_agreed_on() {
    on_cloud(async |ground| {
        let session = &ground.service.session;
        let nova = Nova::new(session.clone(), ClientOptions::default());
        assert_eq!(nova.microversion().await.unwrap(), Microversion::new(2, 93), "Zed's");

        let nova = |oldest, newest| {
            let (oldest, newest) = (Microversion::new(2, oldest), Microversion::new(2, newest));
            let versions = Supported { oldest, newest };
            Nova::with_versions(session.clone(), ClientOptions::default(), versions)
        };
        let older = nova(1, 80);
        assert_eq!(older.microversion().await.unwrap(), Microversion::new(2, 80));
        older.flavor_list().await.unwrap();

        let error = nova(200, 300).server_get(ABSENT).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("2.1 to 2.93"), "{error}");
    })
    .await;
}
