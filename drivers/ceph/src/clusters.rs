use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use firn_driver_sdk::{CephConf, DriverError, ErrorKind, HostAddress};
use parking_lot::Mutex;

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

/// The connections to one cluster; locked while one is made.
type Connections = Arc<Mutex<HashMap<Role, Arc<Cluster>>>>;

/// The configured clusters, and the connections to them.
#[derive(Debug)]
pub(crate) struct Clusters {
    settings: Settings,
    /// By `ceph.conf`.
    connections: Mutex<HashMap<PathBuf, Connections>>,
}

/// A cluster, and what its `ceph.conf` says at the moment.
struct Known {
    settings: ClusterSettings,
    conf: Result<CephConf, DriverError>,
}

impl Clusters {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, connections: Mutex::default() }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings of the cluster of `fsid`.
    ///
    /// # Errors
    /// `NotFound` where none is configured, or why the clusters cannot be told.
    pub(crate) fn settings_of(&self, fsid: &str) -> Result<ClusterSettings, DriverError> {
        let mut failure = None;
        for Known { settings, conf } in self.known() {
            match self.fsid(&settings, conf) {
                Ok(found) if found == fsid => return Ok(settings),
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| {
            DriverError::not_found(format!(
                "no ceph.conf known here is of the cluster {fsid}: name its own in [ceph] conf here, \
                 or in [agent] ceph_conf on a host that uses it"
            ))
        }))
    }

    /// The fsid of the cluster that a domain's disk lies in, by the monitors that the domain names;
    /// where only one cluster is configured it is that one.
    ///
    /// # Errors
    /// `NotFound` where no cluster has these monitors, `InvalidInput` where several have.
    pub(crate) fn locate(&self, monitors: &[HostAddress]) -> Result<String, DriverError> {
        let mut known = self.known();
        let with = |ports: fn(Option<u16>, Option<u16>) -> bool| -> Vec<usize> {
            let has =
                |known: &Known| known.conf.as_ref().is_ok_and(|conf| shares(conf, monitors, ports));
            (0..known.len()).filter(|index| has(&known[*index])).collect()
        };
        // Monitors listen on two ports, of which the domain may name the one that ceph.conf
        // does not; so where no port fits, the host alone decides.
        let mut found = if known.len() == 1 { vec![0] } else { with(same_port) };
        if found.is_empty() {
            found = with(|_, _| true);
        }
        if known.len() > 1 {
            for error in known.iter().filter_map(|known| known.conf.as_ref().err()) {
                // The others' disks can be told all the same.
                tracing::warn!(%error, "a configured cluster is left out");
            }
        }
        let names = monitors.iter().map(|monitor| monitor.host.as_str()).collect::<Vec<_>>();
        let names = if names.is_empty() { "no monitors".to_owned() } else { names.join(", ") };
        match found[..] {
            [index] => {
                let Known { settings, conf } = known.swap_remove(index);
                self.fsid(&settings, conf)
            }
            [] => Err(DriverError::not_found(format!(
                "the domain names {names}, which no ceph.conf known here has: name the cluster's \
                 own in [ceph] conf here, or in [agent] ceph_conf on a host that uses it"
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
    /// `NotFound` without such a pool, `Forbidden` where no user is set for the role, `Unavailable`.
    pub(crate) fn pool(&self, place: &Place, role: Role) -> Result<Pool, DriverError> {
        let settings = self.settings_of(&place.fsid);
        let cluster = settings.and_then(|settings| self.connection(&settings, role));
        Pool::open(&cluster.map_err(not_reached)?, &place.pool, place.namespace.as_deref())
    }

    /// Makes sure that the next pool of the role does not use this connection any more.
    pub(crate) fn give_up(&self, cluster: &Arc<Cluster>) {
        // Whoever is connecting holds one of the locks, and may take long.
        let all: Vec<_> = self.connections.lock().values().cloned().collect();
        for connections in all {
            connections.lock().retain(|_, known| !Arc::ptr_eq(known, cluster));
        }
    }

    /// The clusters of the configuration at the moment. Of several with one fsid it is the first,
    /// and a `ceph.conf` that does not exist counts only where there is no other.
    fn known(&self) -> Vec<Known> {
        let mut known: Vec<Known> = Vec::new();
        for configured in &self.settings.clusters {
            let each = configured.each().unwrap_or_else(|error| {
                tracing::warn!(%error, "a folder of clusters is left out");
                Vec::new()
            });
            for settings in each {
                let conf = settings.read_conf();
                let fsid = |conf: &Result<CephConf, _>| conf.as_ref().ok()?.fsid.clone();
                let this = fsid(&conf);
                if this.is_none() || known.iter().all(|other| fsid(&other.conf) != this) {
                    known.push(Known { settings, conf });
                }
            }
        }
        let is_there = |known: &Known| {
            !known.conf.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound)
        };
        if known.iter().any(is_there) {
            known.retain(is_there);
        }
        known
    }

    fn fsid(
        &self,
        settings: &ClusterSettings,
        conf: Result<CephConf, DriverError>,
    ) -> Result<String, DriverError> {
        match conf?.fsid {
            Some(fsid) => Ok(fsid),
            None => Ok(self.connection(settings, Role::Read)?.fsid().to_owned()),
        }
    }

    fn connection(
        &self,
        settings: &ClusterSettings,
        role: Role,
    ) -> Result<Arc<Cluster>, DriverError> {
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
        let connections = Arc::clone(self.connections.lock().entry(conf.clone()).or_default());
        let mut connections = connections.lock();
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

/// Of a cluster that is not known here nobody can say that an image or snapshot is gone: it may be
/// known again tomorrow, with all that is in it.
fn not_reached(error: DriverError) -> DriverError {
    match error.kind() {
        ErrorKind::NotFound => DriverError::unavailable(error.message()).with_source(error),
        _ => error,
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
