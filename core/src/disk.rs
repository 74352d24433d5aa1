use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a disk is to its instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskKind {
    /// What the instance boots from.
    Root,
    /// A scratch disk that Nova made from the flavor.
    Ephemeral,
    /// A Cinder volume, or a data disk where there is no Cinder.
    Volume,
    /// Nova's swap disk: its content is worthless after a reboot, so it is not backed up.
    Swap,
    /// Nova's configuration drive: made anew at every restore.
    ConfigDrive,
}

impl DiskKind {
    /// Whether the content belongs into a restore point.
    pub const fn protected(self) -> bool {
        matches!(self, Self::Root | Self::Ephemeral | Self::Volume)
    }
}

/// How the bytes of a disk lie in its file, block device or image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageFormat {
    /// The guest's bytes as they are.
    Raw,
    /// QEMU's copy-on-write format.
    Qcow2,
    /// A format that no driver of ours reads.
    Other,
}

/// A host and, where one was given, a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HostAddress {
    /// Name or address.
    pub host: String,
    /// TCP port; `None` means the protocol's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// One file that a copy-on-write image rests on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BackingFile {
    /// Absolute path on the host.
    pub path: PathBuf,
    /// Its format.
    pub format: ImageFormat,
}

/// Where a disk lies. This is the versioned JSON that drivers are probed with: variants and
/// fields are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DiskLocation {
    /// A file on the instance's host.
    File {
        /// Absolute path.
        path: PathBuf,
        /// Format of this file.
        format: ImageFormat,
        /// What it rests on, nearest first; empty where nothing is known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        backing: Vec<BackingFile>,
    },
    /// A block device on the instance's host.
    Block {
        /// Absolute path, normally below `/dev`.
        path: PathBuf,
        /// Format of its content.
        format: ImageFormat,
    },
    /// An image of a Ceph cluster.
    Rbd {
        /// Pool name.
        pool: String,
        /// RADOS namespace inside the pool.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// Image name.
        image: String,
        /// Monitors named by the domain, possibly none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        monitors: Vec<HostAddress>,
        /// The cephx user the hypervisor uses (never its key).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
    /// A LUN that QEMU itself reaches over iSCSI.
    Iscsi {
        /// Portal.
        portal: HostAddress,
        /// Target's qualified name.
        target: String,
        /// Logical unit number.
        lun: u32,
    },
    /// An NBD export.
    Nbd {
        /// Server.
        server: HostAddress,
        /// Export name.
        export: String,
    },
    /// A volume of a libvirt storage pool.
    PoolVolume {
        /// Pool name.
        pool: String,
        /// Volume name.
        volume: String,
    },
    /// Something this version cannot name; the text says what was seen.
    Unknown {
        /// For the operator.
        description: String,
    },
}

/// A disk of an instance, as found in its domain XML and the cloud's answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Target device in the guest: `vda`.
    pub device: String,
    /// What it is to the instance.
    pub kind: DiskKind,
    /// Guest bus: `virtio`, `scsi`, `sata`, `ide`, `usb`.
    pub bus: String,
    /// Serial number shown to the guest; for Cinder volumes the volume id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Place in the boot order, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_order: Option<u32>,
    /// The guest cannot write to it.
    #[serde(default)]
    pub read_only: bool,
    /// Several instances may write to it at once (multi-attach).
    #[serde(default)]
    pub shareable: bool,
    /// The hypervisor decrypts it (LUKS): its bytes are backed up as they lie.
    #[serde(default)]
    pub encrypted: bool,
    /// Where it lies.
    pub location: DiskLocation,
}
