//! A conductor and an agent, as they talk about freezing and about the clusters of the host.

use std::path::Path;

use firn_agent::rpc::{Agent, AgentOptions};
use firn_agent::{FolderSource, FreezeError, FreezeOptions, Freezes, GuestFreezer, SourceError};
use firn_db::ServiceReport;
use oslo_messaging::InProcess;
use uuid::Uuid;

use super::*;

const WITH_AGENT: &str = "0b6d6f1e-55a1-4a0e-9c53-000000000001";
const WITHOUT: &str = "0b6d6f1e-55a1-4a0e-9c53-000000000002";

/// Guests that do what they are asked.
struct Willing;

impl GuestFreezer for Willing {
    fn freeze(&self, _: InstanceId) -> Result<u32, FreezeError> {
        Ok(2)
    }

    fn thaw(&self, _: InstanceId) -> Result<Option<u32>, SourceError> {
        Ok(Some(2))
    }
}

fn define(folder: &Path, id: &str, channel: &str) {
    let xml = format!(
        "<domain type='kvm'><name>{id}</name><uuid>{id}</uuid><memory>1</memory>\
         <devices>{channel}</devices></domain>"
    );
    std::fs::write(folder.join(format!("{id}.xml")), xml).unwrap();
}

/// An agent of `host` that sees the domains in `folder`.
fn agent(host: &str, folder: &Path, transport: &Arc<dyn Transport>) -> Agent {
    let options = AgentOptions {
        host: host.to_owned(),
        version: "1".to_owned(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        report_interval: Duration::from_secs(60),
        deadline: Duration::from_secs(60),
    };
    Agent::new(options, Arc::new(FolderSource::new(folder)), Arc::clone(transport))
}

fn database(folder: &Path) -> Database {
    Database::open(&format!("sqlite://{}", folder.join("firn.db").display())).unwrap()
}

#[tokio::test]
async fn guests_are_frozen_and_thawed_by_the_agent_of_their_host() {
    let folder = tempfile::tempdir().unwrap();
    let channel = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/>\
                   </channel>";
    define(folder.path(), WITH_AGENT, channel);
    define(folder.path(), WITHOUT, "");
    let freeze_options = FreezeOptions {
        records: folder.path().join("frozen"),
        longest: Duration::from_secs(3600),
        patience: Duration::from_secs(60),
        retry: Duration::from_secs(1),
    };
    let freezes = Arc::new(Freezes::open(Box::new(Willing), freeze_options).unwrap());
    let transport: Arc<dyn Transport> = Arc::new(InProcess::new());
    let agent = agent("h", folder.path(), &transport).with_freezes(freezes);
    let agent = tokio::spawn(async move { agent.run().await });
    let agents = AgentCloud::new(database(folder.path()), transport, Duration::from_secs(60));
    let (id, without): (InstanceId, InstanceId) =
        (WITH_AGENT.parse().unwrap(), WITHOUT.parse().unwrap());
    let (job, other) = (JobId::new(), JobId::new());
    // Until it listens.
    while agents.domain("h", id).await.is_err() {
        tokio::task::yield_now().await;
    }

    assert_eq!(agents.freeze("h", id, job).await.unwrap(), Freeze::Frozen);
    assert!(folder.path().join("frozen").join(WITH_AGENT).exists());
    for (id, part) in [(id, "by another backup"), (without, "no guest agent")] {
        let Freeze::Refused { reason } = agents.freeze("h", id, other).await.unwrap() else {
            panic!("{id} is frozen")
        };
        assert!(reason.contains(part), "{reason}");
    }
    assert!(!agents.thaw("h", id, other).await.unwrap());
    assert!(agents.thaw("h", id, job).await.unwrap());
    assert!(!agents.thaw("h", id, job).await.unwrap());
    let unknown = agents.freeze("h", InstanceId::new(), job).await.unwrap_err();
    assert!(matches!(unknown, CloudError::NotFound { .. }), "{unknown:?}");
    let nobody = agents.freeze("elsewhere", id, job).await.unwrap_err();
    assert!(matches!(nobody, CloudError::Unavailable { .. }), "{nobody:?}");
    agent.abort();
}

#[tokio::test]
async fn clusters_are_those_of_agents_that_are_up() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    database.migrate().unwrap();
    let now = Utc::now();
    for (host, seen) in [("a", now), ("b", now), ("gone", now - TimeDelta::hours(1))] {
        let report = ServiceReport {
            kind: ServiceKind::Agent,
            host: host.to_owned(),
            version: "1".to_owned(),
            started_at: seen,
        };
        let beat = |conn: &mut _| firn_db::service_heartbeat(conn, &report, Uuid::new_v4(), seen);
        database.run_blocking(beat).unwrap();
    }
    let transport: Arc<dyn Transport> = Arc::new(InProcess::new());
    let conf = folder.path().join("ceph.conf");
    std::fs::write(&conf, "[global]\nfsid = f1\nmon_host = 10.0.0.1\n").unwrap();
    let mut running = Vec::new();
    for host in ["a", "b", "gone"] {
        let agent = agent(host, folder.path(), &transport).with_ceph(vec![conf.clone()]);
        running.push(tokio::spawn(async move { agent.run().await }));
    }
    let agents = AgentCloud::new(database, transport, Duration::from_secs(60));
    // Until both listen.
    while agents.ceph_clusters().await.unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    let told = CephCluster { fsid: "f1".to_owned(), mon_host: "10.0.0.1".to_owned() };
    assert_eq!(agents.ceph_clusters().await.unwrap(), [told.clone(), told]);
    running.iter().for_each(tokio::task::JoinHandle::abort);
}
