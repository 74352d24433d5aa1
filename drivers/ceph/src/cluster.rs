//! One connection to a cluster as one cephx user, and pools of it: the safe face of librados.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use firn_driver_sdk::DriverError;

use crate::config::Settings;
use crate::errno::{ENOENT, check, failed};
use crate::ffi::rados;
use crate::location::c_string;

/// An fsid as text, and its end.
const FSID_BYTES: usize = 37;

/// A connection; ended when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    handle: rados::Cluster,
    fsid: String,
}

// SAFETY: librados's handles may be used from any thread, several at once.
unsafe impl Send for Cluster {}
// SAFETY: as above.
unsafe impl Sync for Cluster {}

impl Cluster {
    /// Connects to the cluster of `conf` as `client.{user}`.
    ///
    /// # Errors
    /// `Forbidden` where the cluster does not know the user or its key, `Unavailable` where it
    /// does not answer, `InvalidInput` where `conf` cannot be read.
    pub(crate) fn connect(
        conf: &Path,
        user: &str,
        keyring: Option<&Path>,
        settings: &Settings,
    ) -> Result<Self, DriverError> {
        let name = c_string(&format!("client.{user}"))?;
        // It stands for $cluster where a keyring's path is made from it.
        let stem = conf.file_stem().and_then(|stem| stem.to_str()).unwrap_or("ceph");
        let cluster_name = c_string(stem)?;
        let mut handle = ptr::null_mut();
        // SAFETY: an out pointer and C strings that live through the call.
        let made =
            unsafe { rados::rados_create2(&mut handle, cluster_name.as_ptr(), name.as_ptr(), 0) };
        check(made, || "start librados")?;
        let mut cluster = Self { handle, fsid: String::new() };
        cluster.configure(conf, keyring, settings)?;
        // SAFETY: the handle is live and not connected yet.
        let connected = unsafe { rados::rados_connect(handle) };
        if connected < 0 {
            return Err(refused(-connected, conf, user));
        }
        cluster.fsid = cluster.ask_fsid()?;
        Ok(cluster)
    }

    /// The cluster's id, in lower case.
    pub(crate) fn fsid(&self) -> &str {
        &self.fsid
    }

    fn configure(
        &self,
        conf: &Path,
        keyring: Option<&Path>,
        settings: &Settings,
    ) -> Result<(), DriverError> {
        let path = c_string(&conf.to_string_lossy())?;
        // SAFETY: the handle is live; the C string lives through the call.
        let read = unsafe { rados::rados_conf_read_file(self.handle, path.as_ptr()) };
        check(read, || format!("read {}", conf.display()))?;
        let seconds = |seconds: u64| seconds.to_string();
        // A guest of other programs' processes: no files, sockets or output of its own.
        for (option, value) in [
            ("admin_socket", String::new()),
            ("log_file", String::new()),
            ("log_to_stderr", "false".to_owned()),
            ("err_to_stderr", "false".to_owned()),
            ("log_to_syslog", "false".to_owned()),
            ("err_to_syslog", "false".to_owned()),
            ("pid_file", String::new()),
            ("client_mount_timeout", seconds(settings.connect_timeout_seconds)),
            ("rados_mon_op_timeout", seconds(settings.mon_timeout_seconds)),
            ("rados_osd_op_timeout", seconds(settings.osd_timeout_seconds)),
            // Large reads gain nothing from it, and a written block is durable at once.
            ("rbd_cache", "false".to_owned()),
        ] {
            self.set(option, &value)?;
        }
        match keyring {
            Some(keyring) => self.set("keyring", &keyring.to_string_lossy()),
            None => Ok(()),
        }
    }

    fn set(&self, option: &str, value: &str) -> Result<(), DriverError> {
        let (name, value) = (c_string(option)?, c_string(value)?);
        // SAFETY: the handle is live; the C strings live through the call.
        let set = unsafe { rados::rados_conf_set(self.handle, name.as_ptr(), value.as_ptr()) };
        check(set, || format!("set Ceph's option {option}")).map(drop)
    }

    fn ask_fsid(&self) -> Result<String, DriverError> {
        let mut text = [0_u8; FSID_BYTES];
        // SAFETY: the handle is live and connected; the buffer has the length that is told.
        let length =
            unsafe { rados::rados_cluster_fsid(self.handle, text.as_mut_ptr().cast(), text.len()) };
        check(length, || "ask a cluster for its fsid")?;
        let text = CStr::from_bytes_until_nul(&text).map(CStr::to_string_lossy);
        Ok(text.unwrap_or_default().to_ascii_lowercase())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SAFETY: live, and never used again: pools hold their cluster.
        unsafe { rados::rados_shutdown(self.handle) };
    }
}

/// Librados answers ENOENT where it finds no keyring.
fn refused(errno: i32, conf: &Path, user: &str) -> DriverError {
    let doing = format!("connect to the cluster of {} as client.{user}", conf.display());
    let error = failed(errno, &doing);
    if errno == ENOENT {
        let message = format!("cannot {doing}: there is no keyring of this user, or no monitor");
        return DriverError::forbidden(message).with_source(error);
    }
    error
}

/// A pool, and a namespace in it: where images are opened.
#[derive(Debug)]
pub(crate) struct Pool {
    io: rados::IoContext,
    id: i64,
    cluster: Arc<Cluster>,
}

// SAFETY: what is set once is only read afterwards; librbd copies it at every open.
unsafe impl Send for Pool {}
// SAFETY: as above; `object_version`, which writes to it, opens its own.
unsafe impl Sync for Pool {}

impl Pool {
    /// # Errors
    /// `NotFound` where there is no such pool.
    pub(crate) fn open(
        cluster: &Arc<Cluster>,
        name: &str,
        namespace: Option<&str>,
    ) -> Result<Self, DriverError> {
        let pool = c_string(name)?;
        let namespace = namespace.map(c_string).transpose()?;
        let mut io = ptr::null_mut();
        // SAFETY: the handle is live and connected; an out pointer and a C string.
        let made = unsafe { rados::rados_ioctx_create(cluster.handle, pool.as_ptr(), &mut io) };
        check(made, || format!("open the pool {name}"))?;
        if let Some(namespace) = namespace {
            // SAFETY: live, and a C string that is copied.
            unsafe { rados::rados_ioctx_set_namespace(io, namespace.as_ptr()) };
        }
        // SAFETY: live.
        let id = unsafe { rados::rados_ioctx_get_id(io) };
        Ok(Self { io, id, cluster: Arc::clone(cluster) })
    }

    /// Never used twice by a cluster.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// The cluster it is of.
    pub(crate) fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    /// For librbd, as long as `self` lives.
    pub(crate) fn io(&self) -> rados::IoContext {
        self.io
    }

    /// How often an object's content or attributes were changed. Not for several threads at once.
    ///
    /// # Errors
    /// `NotFound` where there is no such object.
    pub(crate) fn object_version(&mut self, object: &CString) -> Result<u64, DriverError> {
        let (mut size, mut modified) = (0, 0);
        let name: *const c_char = object.as_ptr();
        // SAFETY: live; a C string and out pointers. Nobody else works with this context.
        let (answer, version) = unsafe {
            let answer = rados::rados_stat(self.io, name, &mut size, &mut modified);
            (answer, rados::rados_get_last_version(self.io))
        };
        check(answer, || format!("look at the object {}", object.to_string_lossy()))?;
        Ok(version)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: live, and never used again: images hold their pool.
        unsafe { rados::rados_ioctx_destroy(self.io) };
    }
}
