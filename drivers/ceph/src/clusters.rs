use std::collections::HashMap;
use std::sync::Arc;

use firn_driver_sdk::{DriverError, HostAddress};
use parking_lot::Mutex;

use crate::ceph_conf::CephConf;
use crate::cluster::{Cluster, Pool};
use crate::config::{ClusterSettings, Settings};
use crate::location::Place;

/// Ports of monitors where `ceph.conf` names none.
const DEFAULT_PORTS: [u16; 2] = [3300, 6789];

/// What a connection is for; each has a cephx user of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Read,
    Snapshot,
    Write,
}

/// The configured clusters, and the connections to them.
#[derive(Debug)]
pub(crate) struct Clusters {
    settings: Settings,
    /// By place in the settings.
    connections: Vec<Mutex<HashMap<Role, Arc<Cluster>>>>,
}

impl Clusters {
    pub(crate) fn new(settings: Settings) -> Self {
        let connections = settings.clusters.iter().map(|_| Mutex::default()).collect();
        Self { settings, connections }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings of the cluster of `fsid`.
    ///
    /// # Errors
    /// `NotFound` where none is configured, or why the clusters cannot be told.
    pub(crate) fn settings_of(&self, fsid: &str) -> Result<&ClusterSettings, DriverError> {
        Ok(&self.settings.clusters[self.find(fsid)?])
    }

    /// The fsid of the cluster that a domain's disk lies in, by the monitors that the domain names;
    /// where only one cluster is configured it is that one.
    ///
    /// # Errors
    /// `NotFound` where no cluster has these monitors, `InvalidInput` where several have.
    pub(crate) fn locate(&self, monitors: &[HostAddress]) -> Result<String, DriverError> {
        if self.connections.len() == 1 {
            return self.fsid(0);
        }
        let mut confs = Vec::new();
        for (index, cluster) in self.settings.clusters.iter().enumerate() {
            match cluster.read_conf() {
                Ok(conf) => confs.push((index, conf)),
                // The others' disks can be told all the same.
                Err(error) => tracing::warn!(%error, "a configured cluster is left out"),
            }
        }
        let with = |ports: fn(Option<u16>, Option<u16>) -> bool| -> Vec<usize> {
            let matches = confs.iter().filter(|(_, conf)| shares(conf, monitors, ports));
            matches.map(|(index, _)| *index).collect()
        };
        // Monitors listen on two ports, of which the domain may name the one that ceph.conf
        // does not; so where no port fits, the host alone decides.
        let mut found = with(same_port);
        if found.is_empty() {
            found = with(|_, _| true);
        }
        let names = monitors.iter().map(|monitor| monitor.host.as_str()).collect::<Vec<_>>();
        let names = if names.is_empty() { "no monitors".to_owned() } else { names.join(", ") };
        match found[..] {
            [index] => self.fsid(index),
            [] => Err(DriverError::not_found(format!(
                "the domain names {names}, which no cluster of the ceph driver's configuration \
                 has: add the cluster's ceph.conf to clusters"
            ))),
            _ => Err(DriverError::invalid_input(format!(
                "the domain names {names}, which several clusters of the ceph driver's \
                 configuration have: correct mon_host in their ceph.conf"
            ))),
        }
    }

    /// The pool of an image, on a connection as the role's user.
    ///
    /// # Errors
    /// `NotFound` without such a cluster or pool, `Forbidden` where no user is set for the role,
    /// `Unavailable`.
    pub(crate) fn pool(&self, place: &Place, role: Role) -> Result<Pool, DriverError> {
        let cluster = self.connection(self.find(&place.fsid)?, role)?;
        Pool::open(&cluster, &place.pool, place.namespace.as_deref())
    }

    /// Makes sure that the next pool of the role does not use this connection any more.
    pub(crate) fn give_up(&self, cluster: &Arc<Cluster>) {
        for connections in &self.connections {
            connections.lock().retain(|_, known| !Arc::ptr_eq(known, cluster));
        }
    }

    fn find(&self, fsid: &str) -> Result<usize, DriverError> {
        let mut failure = None;
        for index in 0..self.connections.len() {
            match self.fsid(index) {
                Ok(found) if found == fsid => return Ok(index),
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| {
            DriverError::not_found(format!(
                "no cluster of the ceph driver's configuration has the fsid {fsid}: add its \
                 ceph.conf to clusters"
            ))
        }))
    }

    fn fsid(&self, index: usize) -> Result<String, DriverError> {
        match self.settings.clusters[index].read_conf()?.fsid {
            Some(fsid) => Ok(fsid),
            None => Ok(self.connection(index, Role::Read)?.fsid().to_owned()),
        }
    }

    fn connection(&self, index: usize, role: Role) -> Result<Arc<Cluster>, DriverError> {
        let settings = &self.settings.clusters[index];
        let conf = &settings.conf;
        let (user, keyring) = match role {
            Role::Read => (Some(&settings.user), &settings.keyring),
            Role::Snapshot => (settings.snapshot_user.as_ref(), &settings.snapshot_keyring),
            Role::Write => (settings.write_user.as_ref(), &settings.write_keyring),
        };
        let user = user.ok_or_else(|| {
            let (option, doing) = match role {
                Role::Write => ("write_user", "written to"),
                _ => ("snapshot_user", "given snapshots"),
            };
            DriverError::forbidden(format!(
                "the images of {} cannot be {doing}: set {option} in the ceph driver's configuration",
                conf.display()
            ))
        })?;
        let mut connections = self.connections[index].lock();
        if let Some(cluster) = connections.get(&role) {
            return Ok(Arc::clone(cluster));
        }
        let made = Cluster::connect(conf, user, keyring.as_deref(), &self.settings)?;
        let named = settings.read_conf()?.fsid;
        if named.as_deref().is_some_and(|named| named != made.fsid()) {
            return Err(DriverError::invalid_input(format!(
                "{} names another fsid than the cluster that answers has: correct it",
                conf.display()
            )));
        }
        let made = Arc::new(made);
        connections.insert(role, Arc::clone(&made));
        Ok(made)
    }
}

fn shares(
    conf: &CephConf,
    monitors: &[HostAddress],
    ports: fn(Option<u16>, Option<u16>) -> bool,
) -> bool {
    let is_same = |ours: &HostAddress, named: &HostAddress| {
        ours.host == named.host.to_ascii_lowercase() && ports(ours.port, named.port)
    };
    conf.monitors.iter().any(|ours| monitors.iter().any(|named| is_same(ours, named)))
}

fn same_port(ours: Option<u16>, named: Option<u16>) -> bool {
    match (ours, named) {
        (_, None) => true,
        (None, Some(named)) => DEFAULT_PORTS.contains(&named),
        (Some(ours), Some(named)) => ours == named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, port: Option<u16>) -> HostAddress {
        HostAddress { host: host.into(), port }
    }

    #[test]
    fn monitors_are_the_same_by_host_and_port() {
        let conf = CephConf::parse("mon_host = v2:10.0.0.1:3300,mon2");
        for (monitor, same) in [
            (at("10.0.0.1", Some(3300)), true),
            (at("10.0.0.1", None), true),
            (at("10.0.0.1", Some(6789)), false),
            (at("MON2", Some(6789)), true),
            (at("mon2", Some(6790)), false),
            (at("10.0.0.2", None), false),
        ] {
            let monitors = [monitor];
            assert_eq!(shares(&conf, &monitors, same_port), same, "{monitors:?}");
        }
        assert!(!shares(&conf, &[], same_port));
    }
}
