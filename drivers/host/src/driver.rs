//! A driver behind the ABI.
#![allow(unsafe_code)] // Calls the driver's functions.

use std::fmt;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use firn_driver_abi as abi;
use firn_driver_sdk::{
    Access, Capabilities, Config, Connected, ConnectionInfo, Connector, Descriptor, Disk,
    DiskLocation, Driver, DriverError, Location, OpenRequest, Probe,
};

use crate::call::{json, optional_text, outcome, to_json};
use crate::disk::LoadedDisk;
use crate::table::Table;
use crate::{LoadError, library, services, trust};

/// A driver whose functions are behind the C ABI. It is destroyed when it and all disks it opened
/// are dropped; its library stays.
pub struct LoadedDriver {
    inner: Arc<Inner>,
}

/// What a driver and its disks share.
pub(crate) struct Inner {
    pub(crate) table: Table,
    handle: *mut abi::DriverHandle,
}

// SAFETY: the ABI demands of every function that it may be called from any thread.
unsafe impl Send for Inner {}
// SAFETY: as above, several at once.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: `create` gave the handle; every disk holds this `Inner`, so all are released.
        unsafe { (self.table.destroy)(self.handle) };
    }
}

impl LoadedDriver {
    /// Loads `libfirn_driver_<name>.so` of `folder` and makes the driver.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(folder: &Path, name: &str, config: &Config) -> Result<Self, LoadError> {
        let path = trust::trusted_library(folder, name)?;
        let entry = library::load(&path)?;
        // SAFETY: the entry of a trusted library, which is never unloaded.
        unsafe { Self::from_entry(name, entry, config) }
    }

    /// Makes a driver of an entry that is already in this process.
    ///
    /// # Errors
    /// See [`LoadError`].
    ///
    /// # Safety
    /// `entry` follows the ABI, and its code and tables live as long as the process.
    pub unsafe fn from_entry(
        name: &str,
        entry: abi::EntryFn,
        config: &Config,
    ) -> Result<Self, LoadError> {
        let host = services::host_for(name);
        let mut vtable = ptr::null();
        // SAFETY: passed on to the caller; both out pointers are ours.
        unsafe { outcome(|report| entry(abi::FIRN_ABI_VERSION, host, &raw mut vtable, report)) }
            .map_err(|source| LoadError::Refused { name: name.to_owned(), source })?;
        // SAFETY: passed on to the caller.
        let table = unsafe { Table::check(name, vtable) }?;

        let create = |source| LoadError::Create { name: name.to_owned(), source };
        let config = to_json(&config.0).map_err(create)?;
        let mut handle = ptr::null_mut();
        // SAFETY: the checked function; host and config outlive what they are lent for.
        unsafe {
            outcome(|report| (table.create)(host, abi::Str::new(&config), &raw mut handle, report))
        }
        .map_err(create)?;
        if handle.is_null() {
            return Err(create(DriverError::internal("it gave a null driver")));
        }
        Ok(Self { inner: Arc::new(Inner { table, handle }) })
    }

    fn table(&self) -> &Table {
        &self.inner.table
    }
}

impl fmt::Debug for LoadedDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LoadedDriver").field(&self.table().descriptor).finish()
    }
}

impl Driver for LoadedDriver {
    fn descriptor(&self) -> Descriptor {
        self.table().descriptor.clone()
    }

    /// What the driver claims, without what it has no functions for.
    fn capabilities(&self) -> Capabilities {
        let table = self.table();
        let Some(capabilities) = table.capabilities else { return Capabilities::default() };
        // SAFETY: a checked function and a handle that lives.
        let flags = unsafe { capabilities(self.inner.handle) };
        let has = |flag| flags & flag != 0;
        Capabilities {
            snapshots: has(abi::FIRN_CAPABILITY_SNAPSHOTS) && table.snapshots.is_some(),
            changed_blocks: has(abi::FIRN_CAPABILITY_CHANGED_BLOCKS) && table.changes.is_some(),
            write: has(abi::FIRN_CAPABILITY_WRITE) && table.write.is_some(),
            create: has(abi::FIRN_CAPABILITY_CREATE) && table.write.is_some(),
            connections: has(abi::FIRN_CAPABILITY_CONNECTIONS) && table.connections.is_some(),
            remove: has(abi::FIRN_CAPABILITY_REMOVE) && table.removal.is_some(),
        }
    }

    fn probe(&self, location: &DiskLocation) -> Result<Option<Probe>, DriverError> {
        let location = to_json(location)?;
        let mut answer = abi::Probe::empty();
        // SAFETY: a checked function; so for every call below. Inputs outlive the call, out
        // pointers are ours, the answer's texts are as the ABI says.
        let (storage, canonical) = unsafe {
            outcome(|report| {
                (self.table().probe)(
                    self.inner.handle,
                    abi::Str::new(&location),
                    &raw mut answer,
                    report,
                )
            })?;
            // Both are taken before either is judged, so that both are released.
            (
                optional_text(&mut answer.storage, "storage"),
                optional_text(&mut answer.location, "location"),
            )
        };
        if answer.flags & abi::FIRN_PROBE_MINE == 0 {
            return Ok(None);
        }
        let lacks = |what: &str| {
            DriverError::internal(format!("the driver claims a disk and gave no {what}"))
        };
        let canonical = canonical?.ok_or_else(|| lacks("location"))?;
        let location = serde_json::from_str(&canonical).map_err(|source| {
            DriverError::internal("the driver's location is not JSON").with_source(source)
        })?;
        Ok(Some(Probe {
            storage: storage?.ok_or_else(|| lacks("storage"))?,
            location,
            size_bytes: answer.size_bytes,
            changed_blocks: answer.flags & abi::FIRN_PROBE_CHANGED_BLOCKS != 0,
            in_use: answer.flags & abi::FIRN_PROBE_IN_USE != 0,
        }))
    }

    fn connector(&self) -> Result<Connector, DriverError> {
        let Some(table) = &self.table().connections else {
            return Err(DriverError::unsupported("connector"));
        };
        let mut connector = abi::Text::none();
        // SAFETY: see `probe`.
        unsafe {
            outcome(|report| (table.connector)(self.inner.handle, &raw mut connector, report))?;
            json(&mut connector, "connector")
        }
    }

    fn connect(&self, info: &ConnectionInfo) -> Result<Connected, DriverError> {
        let Some(table) = &self.table().connections else {
            return Err(DriverError::unsupported("connect"));
        };
        let info = to_json(info)?;
        let mut location = abi::Text::none();
        // SAFETY: see `probe`.
        let location: Location = unsafe {
            outcome(|report| {
                (table.connect)(self.inner.handle, abi::Str::new(&info), &raw mut location, report)
            })?;
            json(&mut location, "location")?
        };
        Ok(Connected { location })
    }

    fn disconnect(&self, info: &ConnectionInfo) -> Result<(), DriverError> {
        let Some(table) = &self.table().connections else {
            return Err(DriverError::unsupported("disconnect"));
        };
        let info = to_json(info)?;
        // SAFETY: see `probe`.
        unsafe {
            outcome(|report| (table.disconnect)(self.inner.handle, abi::Str::new(&info), report))
        }
    }

    fn snapshot_create(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        let Some(table) = &self.table().snapshots else {
            return Err(DriverError::unsupported("snapshot_create"));
        };
        let location = to_json(location)?;
        let (location, name) = (abi::Str::new(&location), abi::Str::new(name));
        // SAFETY: see `probe`.
        unsafe { outcome(|report| (table.create)(self.inner.handle, location, name, report)) }
    }

    fn snapshot_delete(&self, location: &Location, name: &str) -> Result<(), DriverError> {
        let Some(table) = &self.table().snapshots else {
            return Err(DriverError::unsupported("snapshot_delete"));
        };
        let location = to_json(location)?;
        let (location, name) = (abi::Str::new(&location), abi::Str::new(name));
        // SAFETY: see `probe`.
        unsafe { outcome(|report| (table.remove)(self.inner.handle, location, name, report)) }
    }

    fn snapshot_list(&self, location: &Location) -> Result<Vec<String>, DriverError> {
        let Some(table) = &self.table().snapshots else {
            return Err(DriverError::unsupported("snapshot_list"));
        };
        let location = to_json(location)?;
        let mut names = abi::Text::none();
        // SAFETY: see `probe`.
        unsafe {
            outcome(|report| {
                (table.list)(self.inner.handle, abi::Str::new(&location), &raw mut names, report)
            })?;
            json(&mut names, "snapshot list")
        }
    }

    fn snapshot_rename(
        &self,
        location: &Location,
        from: &str,
        to: &str,
    ) -> Result<(), DriverError> {
        let Some(table) = &self.table().snapshots else {
            return Err(DriverError::unsupported("snapshot_rename"));
        };
        let location = to_json(location)?;
        let (location, from, to) =
            (abi::Str::new(&location), abi::Str::new(from), abi::Str::new(to));
        // SAFETY: see `probe`.
        unsafe { outcome(|report| (table.rename)(self.inner.handle, location, from, to, report)) }
    }

    fn remove(&self, location: &Location, our_snapshots: &str) -> Result<(), DriverError> {
        let Some(table) = &self.table().removal else {
            return Err(DriverError::unsupported("remove"));
        };
        let location = to_json(location)?;
        let (location, ours) = (abi::Str::new(&location), abi::Str::new(our_snapshots));
        // SAFETY: see `probe`.
        unsafe { outcome(|report| (table.remove)(self.inner.handle, location, ours, report)) }
    }

    fn open(&self, request: &OpenRequest) -> Result<Box<dyn Disk>, DriverError> {
        let (access, create_size_bytes) = match request.access {
            Access::ReadOnly => (abi::FIRN_ACCESS_READ_ONLY, 0),
            Access::Writable => (abi::FIRN_ACCESS_WRITABLE, 0),
            Access::Create { size_bytes } => (abi::FIRN_ACCESS_CREATE, size_bytes),
        };
        if access != abi::FIRN_ACCESS_READ_ONLY && self.table().write.is_none() {
            return Err(DriverError::unsupported("writing to disks"));
        }
        let location = to_json(&request.location)?;
        let raw = abi::OpenRequest {
            struct_size: size_of::<abi::OpenRequest>(),
            location: abi::Str::new(&location),
            snapshot: request.snapshot.as_deref().map_or(abi::Str::NONE, abi::Str::new),
            access,
            reserved: 0,
            create_size_bytes,
        };
        let mut disk = ptr::null_mut();
        // SAFETY: see `probe`.
        unsafe {
            outcome(|report| {
                (self.table().open)(self.inner.handle, &raw const raw, &raw mut disk, report)
            })?;
        }
        if disk.is_null() {
            return Err(DriverError::internal("the driver opened a disk and gave none"));
        }
        // SAFETY: the driver just gave this disk out, and to nobody else.
        let disk = unsafe { LoadedDisk::new(Arc::clone(&self.inner), disk) };
        Ok(Box::new(disk))
    }
}
