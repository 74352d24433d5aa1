use std::collections::BTreeSet;

use firn_core::{
    Disk, DiskKind, NewInstance, NovaDisks, OpenStackServer, ServerVolume, VolumeTarget,
};

use crate::{FormerDisk, FormerMachine};

/// Why a machine without an identity in OpenStack cannot be rebuilt there.
pub(super) const UNKNOWN: &str = "the machine was backed up without asking Nova what it is, so \
                                  nobody knows its flavor and networks: restore its disks to \
                                  volumes one by one, and make a server of them";

/// A machine that was a server of Nova's.
#[derive(Clone, Copy)]
pub(super) struct Former<'a> {
    pub(super) machine: &'a FormerMachine,
    pub(super) server: &'a OpenStackServer,
}

/// A disk of a restore point with all that is known of it.
#[derive(Clone, Copy)]
pub(super) struct OldDisk<'a> {
    pub(super) disk: &'a FormerDisk,
    /// The volume that it was; none for one that Nova made.
    pub(super) volume: Option<&'a ServerVolume>,
    pub(super) encrypted: bool,
}

impl<'a> Former<'a> {
    /// None for a machine that was backed up without Nova.
    pub(super) fn of(machine: &'a FormerMachine) -> Option<Self> {
        let server = machine.detail.machine.openstack.as_ref()?;
        Some(Self { machine, server })
    }

    pub(super) fn disks(self) -> impl Iterator<Item = OldDisk<'a>> {
        self.machine.disks.iter().map(move |disk| OldDisk::of(self.machine, disk))
    }

    /// The disks that become volumes of a new server.
    pub(super) fn to_volumes(self, wish: &NewInstance) -> impl Iterator<Item = OldDisk<'a>> {
        let recreated = wish.nova_disks == NovaDisks::Recreated;
        self.disks().filter(move |disk| !(recreated && disk.made_by_nova()))
    }

    /// The types of these volumes; none is the default one.
    pub(super) fn volume_types<'w>(self, wish: &'w NewInstance) -> BTreeSet<Option<&'w str>>
    where
        'a: 'w,
    {
        self.to_volumes(wish).map(|disk| disk.volume_type(wish)).collect()
    }

    /// Devices of what belongs into a restore point and is not in this one.
    pub(super) fn missing(self) -> impl Iterator<Item = &'a str> {
        let protected = self.machine.detail.instance.disks.iter();
        let protected = protected.filter(|disk| disk.kind.protected());
        protected
            .map(|disk| disk.device.as_str())
            .filter(move |device| !self.machine.disks.iter().any(|held| held.device == *device))
    }
}

impl<'a> OldDisk<'a> {
    pub(super) fn of(machine: &'a FormerMachine, disk: &'a FormerDisk) -> Self {
        let then = machine.detail.instance.disks.iter().find(|then| then.device == disk.device);
        let volume = then.and_then(|then| volume(machine, then));
        let encrypted =
            then.is_some_and(|then| then.encrypted) || volume.is_some_and(|known| known.encrypted);
        Self { disk, volume, encrypted }
    }

    /// Nova made it, of an image or of nothing.
    pub(super) fn made_by_nova(self) -> bool {
        self.volume.is_none() && matches!(self.disk.kind, DiskKind::Root | DiskKind::Ephemeral)
    }

    pub(super) fn is_root(self) -> bool {
        self.disk.kind == DiskKind::Root
    }

    /// The type that it had as a volume.
    pub(super) fn former_type(self) -> Option<&'a str> {
        self.volume?.volume_type.as_deref()
    }

    /// The type of the volume in its place on a new server; none is the default one.
    pub(super) fn volume_type<'w>(self, wish: &'w NewInstance) -> Option<&'w str>
    where
        'a: 'w,
    {
        match self.former_type() {
            Some(had) => Some(wish.volume_types.get(had).map_or(had, String::as_str)),
            None => wish.volume_type.as_deref(),
        }
    }

    /// The type of the volume that it becomes by itself; none is the default one.
    pub(super) fn lone_volume_type<'w>(self, wish: &'w VolumeTarget) -> Option<&'w str>
    where
        'a: 'w,
    {
        wish.volume_type.as_deref().or_else(|| self.former_type())
    }

    /// Its size in whole GiB.
    pub(super) fn size_gib(self) -> u64 {
        const GIB: u64 = 1 << 30;
        self.disk.size_bytes.div_ceil(GIB).max(1)
    }
}

/// The volume behind a disk: its id is the disk's serial.
fn volume<'a>(machine: &'a FormerMachine, disk: &Disk) -> Option<&'a ServerVolume> {
    let serial = disk.serial.as_ref()?;
    let volumes = &machine.detail.machine.openstack.as_ref()?.volumes;
    volumes.iter().find(|volume| volume.id == *serial)
}
