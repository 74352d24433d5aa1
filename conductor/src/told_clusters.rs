//! The Ceph clusters that the agents tell of, for the driver that is shown this folder.
//!
//! Each has a file `FSID.conf` with fsid and monitors, and nothing else of what a host says: how a
//! conductor proves who it is, and demands the same of a cluster, is not for hypervisors to decide.
//! So a host that lies can make a cluster unreachable, and cannot pose as one.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use firn_agent::rpc::CephCluster;
use firn_core::{CephConf, chain};
use uuid::Uuid;

use crate::AgentCloud;

/// Keeps the files as the agents' hosts have it. Clusters that nobody tells of any more stay: what
/// was backed up from there may be restored to there.
pub struct ToldClusters {
    /// Where the files are.
    pub folder: PathBuf,
    /// Where the keyrings of cephx users are: `FSID.client.USER.keyring`, else
    /// `ceph.client.USER.keyring`.
    pub keyring_dir: PathBuf,
    /// How often the agents are asked until one tells of a cluster.
    pub at_first: Duration,
    /// How often they are asked then.
    pub interval: Duration,
}

impl ToldClusters {
    /// Runs until dropped.
    pub async fn keep(self, agents: Arc<AgentCloud>) -> ! {
        let mut wait = self.at_first;
        loop {
            match agents.ceph_clusters().await {
                Ok(told) if told.is_empty() => {}
                Ok(told) => {
                    self.write(told);
                    wait = self.interval;
                }
                Err(error) => {
                    tracing::warn!(error = chain(&error), "no agent is asked for Ceph clusters");
                }
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn write(&self, told: Vec<CephCluster>) {
        for (fsid, mon_host) in most_told(told) {
            let path = self.folder.join(format!("{fsid}.conf"));
            let text = self.text(fsid, &mon_host);
            match replace(&path, &text) {
                Ok(false) => {}
                Ok(true) => tracing::info!(%fsid, mon_host, "agents tell of a Ceph cluster"),
                Err(error) => tracing::error!(path = %path.display(), %error, "cannot be written"),
            }
        }
    }

    fn text(&self, fsid: Uuid, mon_host: &str) -> String {
        let keyrings = self.keyring_dir.display();
        format!(
            "# Kept by firn-conductor as agents tell of their hosts' ceph.conf; changes are lost.\n\
             [global]\nfsid = {fsid}\nmon_host = {mon_host}\n\
             keyring = {keyrings}/{fsid}.$name.keyring,{keyrings}/ceph.$name.keyring\n"
        )
    }
}

/// What most hosts say of each cluster; what no `ceph.conf` could say counts for nothing.
fn most_told(told: Vec<CephCluster>) -> BTreeMap<Uuid, String> {
    let mut votes: BTreeMap<Uuid, BTreeMap<String, usize>> = BTreeMap::new();
    for CephCluster { fsid, mon_host } in told {
        match fsid.parse() {
            Ok(id) if names_monitors(&mon_host) => {
                *votes.entry(id).or_default().entry(mon_host).or_default() += 1;
            }
            _ => tracing::warn!(fsid, mon_host, "an agent's Ceph cluster makes no sense"),
        }
    }
    let most = |said: BTreeMap<String, usize>| said.into_iter().max_by_key(|(_, hosts)| *hosts);
    votes.into_iter().filter_map(|(id, said)| Some((id, most(said)?.0))).collect()
}

/// An agent's word ends up in a file that Ceph reads: addresses and what stands between them.
fn names_monitors(mon_host: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".:-_/,[] ".contains(c);
    mon_host.chars().all(plain)
        && !CephConf::parse(&format!("mon_host = {mon_host}")).monitors.is_empty()
}

/// Whether the file said something else before. Who reads it meets the old text or the new one.
fn replace(path: &Path, text: &str) -> io::Result<bool> {
    match std::fs::read_to_string(path) {
        Ok(old) if old == text => return Ok(false),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let new = path.with_extension("new");
    let mut file = std::fs::File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "c0ffee00-0000-4000-8000-000000000001";

    fn cluster(fsid: &str, mon_host: &str) -> CephCluster {
        CephCluster { fsid: fsid.to_owned(), mon_host: mon_host.to_owned() }
    }

    #[test]
    fn most_hosts_are_believed_and_nonsense_is_not() {
        let told = vec![
            cluster(ID, "10.0.0.9"),
            cluster(ID, "[v2:10.0.0.1:3300/0,v1:[fd00::1]:6789/0] mon-2"),
            cluster(ID, "[v2:10.0.0.1:3300/0,v1:[fd00::1]:6789/0] mon-2"),
            cluster("../../etc/ceph/ceph", "10.0.0.1"),
            cluster("c0ffee00-0000-4000-8000-000000000002", "10.0.0.1\nkeyring = /tmp/mine"),
            cluster("c0ffee00-0000-4000-8000-000000000003", " "),
            cluster("c0ffee00-0000-4000-8000-000000000004", "10.0.0.1 # \\"),
        ];
        let expected = "[v2:10.0.0.1:3300/0,v1:[fd00::1]:6789/0] mon-2";
        let expected = [(ID.parse().unwrap(), expected.to_owned())];
        assert_eq!(most_told(told), BTreeMap::from(expected));
    }

    #[test]
    fn a_file_is_written_once_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let told = ToldClusters {
            folder: folder.path().to_owned(),
            keyring_dir: "/k".into(),
            at_first: Duration::from_secs(1),
            interval: Duration::from_secs(1),
        };
        let path = folder.path().join(format!("{ID}.conf"));
        let read = || std::fs::read_to_string(&path).unwrap();
        told.write(vec![cluster(ID, "10.0.0.1")]);
        let conf = CephConf::parse(&read());
        assert_eq!((conf.fsid.as_deref(), conf.mon_host.as_str()), (Some(ID), "10.0.0.1"));
        assert!(read().contains(&format!("keyring = /k/{ID}.$name.keyring,/k/ceph.$name.keyring")));
        assert!(!replace(&path, &read()).unwrap());
        told.write(vec![cluster(ID, "10.0.0.2")]);
        told.write(Vec::new());
        assert_eq!(CephConf::parse(&read()).mon_host, "10.0.0.2");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
