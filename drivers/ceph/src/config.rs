use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use firn_driver_sdk::{CephConf, Config, DriverError};
use serde::Deserialize;

/// The driver's section of `firn.conf`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// The clusters that hold disks; one with all defaults where nothing is said.
    pub(crate) clusters: Vec<ClusterSettings>,
    /// How long connecting to a cluster may take.
    pub(crate) connect_timeout_seconds: u64,
    /// How long a monitor may take for an answer.
    pub(crate) mon_timeout_seconds: u64,
    /// How long an OSD may take for one: longer than Ceph needs to replace a dead one (some 30 s).
    pub(crate) osd_timeout_seconds: u64,
}

/// One cluster, and who we are to it. A user without a keyring named here uses the one that the
/// cluster's `ceph.conf` names.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ClusterSettings {
    /// Its `ceph.conf`; or a folder, where each file `*.conf` is the one of a cluster. What is in
    /// the folder counts at the time it is asked for.
    pub(crate) conf: PathBuf,
    /// The cephx user that reads (`rbd-read-only`), without `client.`.
    pub(crate) user: String,
    /// That user's keyring.
    pub(crate) keyring: Option<PathBuf>,
    /// The cephx user that makes and removes snapshots; without one the driver does not.
    pub(crate) snapshot_user: Option<String>,
    /// That user's keyring.
    pub(crate) snapshot_keyring: Option<PathBuf>,
    /// The cephx user that restores; without one the driver does not write.
    pub(crate) write_user: Option<String>,
    /// That user's keyring.
    pub(crate) write_keyring: Option<PathBuf>,
    /// The pool for the data of new images, where that is not the pool of the image.
    pub(crate) data_pool: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            clusters: vec![ClusterSettings::default()],
            connect_timeout_seconds: 30,
            mon_timeout_seconds: 30,
            osd_timeout_seconds: 90,
        }
    }
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self {
            conf: "/etc/ceph/ceph.conf".into(),
            user: "firn-backup".into(),
            keyring: None,
            snapshot_user: None,
            snapshot_keyring: None,
            write_user: None,
            write_keyring: None,
            data_pool: None,
        }
    }
}

impl Settings {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// `InvalidInput` for options that cannot be.
    pub(crate) fn read(config: &Config) -> Result<Self, DriverError> {
        let settings: Self = config.parse()?;
        if settings.clusters.is_empty() {
            return Err(DriverError::invalid_input(
                "the ceph driver needs at least one cluster: name its ceph.conf in clusters",
            ));
        }
        for seconds in [
            settings.connect_timeout_seconds,
            settings.mon_timeout_seconds,
            settings.osd_timeout_seconds,
        ] {
            // Zero means "without end" to Ceph.
            if !(1..=3600).contains(&seconds) {
                return Err(DriverError::invalid_input(
                    "the ceph driver's timeouts must be from 1 to 3600 seconds",
                ));
            }
        }
        for cluster in &settings.clusters {
            cluster.check()?;
        }
        Ok(settings)
    }

    /// After so long without any answer an operation is given up, whatever Ceph thinks.
    pub(crate) fn silence(&self) -> Duration {
        Duration::from_secs(self.osd_timeout_seconds + self.mon_timeout_seconds)
    }
}

impl ClusterSettings {
    fn check(&self) -> Result<(), DriverError> {
        let keyrings = [&self.keyring, &self.snapshot_keyring, &self.write_keyring];
        for path in keyrings.into_iter().flatten().chain([&self.conf]) {
            if !path.is_absolute() {
                return Err(DriverError::invalid_input(format!(
                    "{} in the ceph driver's configuration must be an absolute path",
                    path.display()
                )));
            }
        }
        let users = [Some(&self.user), self.snapshot_user.as_ref(), self.write_user.as_ref()];
        for user in users.into_iter().flatten() {
            if user.is_empty() || user.starts_with("client.") {
                return Err(DriverError::invalid_input(format!(
                    "{user:?} in the ceph driver's configuration must be the name of a cephx user \
                     without client."
                )));
            }
        }
        Ok(())
    }

    /// The same for each cluster where it is a folder, ordered by name; else itself.
    ///
    /// # Errors
    /// What the system answers.
    pub(crate) fn each(&self) -> Result<Vec<Self>, DriverError> {
        if !self.conf.is_dir() {
            return Ok(vec![self.clone()]);
        }
        let failed = |source| DriverError::io(format!("read {}", self.conf.display()), source);
        let entries = fs::read_dir(&self.conf).map_err(failed)?;
        let paths: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.path())).collect();
        let mut paths = paths.map_err(failed)?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
        paths.sort();
        Ok(paths.into_iter().map(|conf| Self { conf, ..self.clone() }).collect())
    }

    /// What the cluster's `ceph.conf` says now.
    ///
    /// # Errors
    /// What the system answers.
    pub(crate) fn read_conf(&self) -> Result<CephConf, DriverError> {
        let text = fs::read_to_string(&self.conf)
            .map_err(|source| DriverError::io(format!("read {}", self.conf.display()), source))?;
        Ok(CephConf::parse(&text))
    }
}

#[cfg(test)]
mod tests {
    use firn_driver_sdk::ErrorKind;
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_and_refusals() {
        let settings = Settings::read(&Config::default()).unwrap();
        assert_eq!(settings.clusters.len(), 1);
        assert_eq!(settings.clusters[0].user, "firn-backup");
        assert_eq!(settings.clusters[0].conf, PathBuf::from("/etc/ceph/ceph.conf"));
        for bad in [
            json!({"cluster": []}),
            json!({"clusters": []}),
            json!({"clusters": [{"conf": "ceph.conf"}]}),
            json!({"clusters": [{"keyring": "a.keyring"}]}),
            json!({"clusters": [{"user": "client.admin"}]}),
            json!({"clusters": [{"user": ""}]}),
            json!({"clusters": [{"key": "a secret"}]}),
            json!({"osd_timeout_seconds": 0}),
        ] {
            let error = Settings::read(&Config(bad.clone())).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}");
        }
    }
}
