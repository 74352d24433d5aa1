//! The Ceph clusters that this host's programs use.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use firn_core::CephConf;

/// A `ceph.conf` is never near this long.
const MAX_BYTES: u64 = 1 << 20;

/// What each `ceph.conf` of the host says now. One that is not there is passed over; one that
/// cannot be used is, with a line in the log.
pub(crate) fn clusters(paths: &[PathBuf]) -> Vec<CephConf> {
    let mut clusters = Vec::new();
    for path in paths {
        match read(path) {
            Ok(conf) if conf.fsid.is_some() && !conf.monitors.is_empty() => clusters.push(conf),
            Ok(_) => tracing::warn!(path = %path.display(), "a ceph.conf without fsid or mon_host"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(path = %path.display(), %error, "a ceph.conf not read"),
        }
    }
    clusters
}

fn read(path: &Path) -> io::Result<CephConf> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(CephConf::parse(&text))
}
