//! Function tables, copied and checked once: what is left has no null where a call goes.
#![allow(unsafe_code)] // Reads the tables that the driver points at.

use std::ffi::c_void;

use firn_driver_abi as abi;
use firn_driver_sdk::Descriptor;

use crate::LoadError;

/// Everything a driver gave out, checked. Static data of a library that is never unloaded.
pub(crate) struct Table {
    pub(crate) descriptor: Descriptor,
    pub(crate) create: CreateFn,
    pub(crate) destroy: unsafe extern "C" fn(*mut abi::DriverHandle),
    pub(crate) probe: ProbeFn,
    pub(crate) open: OpenFn,
    pub(crate) capabilities: Option<unsafe extern "C" fn(*mut abi::DriverHandle) -> u64>,
    pub(crate) disk: Disk,
    pub(crate) write: Option<Write>,
    pub(crate) changes: Option<Changes>,
    pub(crate) snapshots: Option<Snapshots>,
    pub(crate) connections: Option<Connections>,
    pub(crate) removal: Option<Removal>,
}

type CreateFn = unsafe extern "C" fn(
    *const abi::Host,
    abi::Str,
    *mut *mut abi::DriverHandle,
    *mut abi::ErrorReport,
) -> abi::Status;
type ProbeFn = unsafe extern "C" fn(
    *mut abi::DriverHandle,
    abi::Str,
    *mut abi::Probe,
    *mut abi::ErrorReport,
) -> abi::Status;
type OpenFn = unsafe extern "C" fn(
    *mut abi::DriverHandle,
    *const abi::OpenRequest,
    *mut *mut abi::DiskHandle,
    *mut abi::ErrorReport,
) -> abi::Status;
type ExtentsFn = unsafe extern "C" fn(
    *mut abi::DiskHandle,
    u64,
    u64,
    *mut abi::Extents,
    *mut abi::ErrorReport,
) -> abi::Status;

/// A checked copy of a table: each slot by name, required unless marked.
macro_rules! checked {
    (
        $(#[$doc:meta])*
        $checked:ident of $table:ident ($label:literal) {
            $($slot:ident: unsafe extern "C" fn($($argument:ty),* $(,)?) $(-> $answer:ty)?,)*
        }
    ) => {
        $(#[$doc])*
        pub(crate) struct $checked {
            $(pub(crate) $slot: unsafe extern "C" fn($($argument),*) $(-> $answer)?,)*
        }

        impl $checked {
            fn check(name: &str, table: &abi::$table) -> Result<Self, LoadError> {
                Ok(Self { $($slot: slot(name, $label, stringify!($slot), table.$slot)?,)* })
            }
        }
    };
}

checked! {
    /// Required functions of a disk.
    DiskSlots of DiskVtable ("disk") {
        size_bytes: unsafe extern "C" fn(*mut abi::DiskHandle) -> u64,
        read: unsafe extern "C" fn(
            *mut abi::DiskHandle, *const abi::ReadRequest, usize, *mut abi::ErrorReport,
        ) -> abi::Status,
        cancel: unsafe extern "C" fn(*mut abi::DiskHandle),
        close: unsafe extern "C" fn(*mut abi::DiskHandle, *mut abi::ErrorReport) -> abi::Status,
        release: unsafe extern "C" fn(*mut abi::DiskHandle),
    }
}

checked! {
    /// Writing.
    Write of WriteExtension ("write") {
        write: unsafe extern "C" fn(
            *mut abi::DiskHandle, u64, *const u8, usize, *mut abi::ErrorReport,
        ) -> abi::Status,
        zero: unsafe extern "C" fn(
            *mut abi::DiskHandle, u64, u64, *mut abi::ErrorReport,
        ) -> abi::Status,
        flush: unsafe extern "C" fn(*mut abi::DiskHandle, *mut abi::ErrorReport) -> abi::Status,
    }
}

checked! {
    /// Changed extents.
    Changes of ChangesExtension ("changes") {
        change_token: unsafe extern "C" fn(
            *mut abi::DiskHandle, *mut abi::Text, *mut abi::ErrorReport,
        ) -> abi::Status,
        extents_changed: unsafe extern "C" fn(
            *mut abi::DiskHandle, abi::Str, *mut abi::Extents, *mut abi::ErrorReport,
        ) -> abi::Status,
    }
}

checked! {
    /// Snapshots.
    Snapshots of SnapshotsExtension ("snapshots") {
        create: unsafe extern "C" fn(
            *mut abi::DriverHandle, abi::Str, abi::Str, *mut abi::ErrorReport,
        ) -> abi::Status,
        remove: unsafe extern "C" fn(
            *mut abi::DriverHandle, abi::Str, abi::Str, *mut abi::ErrorReport,
        ) -> abi::Status,
        list: unsafe extern "C" fn(
            *mut abi::DriverHandle, abi::Str, *mut abi::Text, *mut abi::ErrorReport,
        ) -> abi::Status,
        rename: unsafe extern "C" fn(
            *mut abi::DriverHandle, abi::Str, abi::Str, abi::Str, *mut abi::ErrorReport,
        ) -> abi::Status,
    }
}

checked! {
    /// Connections.
    Connections of ConnectionsExtension ("connections") {
        connector: unsafe extern "C" fn(
            *mut abi::DriverHandle, *mut abi::Text, *mut abi::ErrorReport,
        ) -> abi::Status,
        connect: unsafe extern "C" fn(
            *mut abi::DriverHandle, abi::Str, *mut abi::Text, *mut abi::ErrorReport,
        ) -> abi::Status,
        disconnect: unsafe extern "C" fn(
            *mut abi::DriverHandle, abi::Str, *mut abi::ErrorReport,
        ) -> abi::Status,
    }
}

checked! {
    /// Removing disks.
    Removal of RemovalExtension ("removal") {
        remove: unsafe extern "C" fn(
            *mut abi::DriverHandle, abi::Str, abi::Str, *mut abi::ErrorReport,
        ) -> abi::Status,
    }
}

/// The functions of a disk.
pub(crate) struct Disk {
    pub(crate) required: DiskSlots,
    pub(crate) extents_allocated: Option<ExtentsFn>,
}

impl Table {
    /// Copies and checks what `firn_driver_entry` gave out.
    ///
    /// # Safety
    /// `vtable` is null, or a table as the ABI describes it, of a library that is never unloaded.
    pub(crate) unsafe fn check(
        name: &str,
        vtable: *const abi::DriverVtable,
    ) -> Result<Self, LoadError> {
        // SAFETY: passed on to the caller; so below for everything that the table points at.
        let table = unsafe { copy(name, "driver", vtable) }?;
        if table.abi_version != abi::FIRN_ABI_VERSION {
            return Err(LoadError::AbiVersion {
                name: name.to_owned(),
                driver: table.abi_version,
                host: abi::FIRN_ABI_VERSION,
            });
        }
        // SAFETY: see above.
        let (descriptor, disk) =
            unsafe { (descriptor(name, table.descriptor)?, copy(name, "disk", table.disk)?) };
        let required = |slot_name| move || missing(name, "driver", slot_name);
        let extensions = Extensions { name, get: table.get_extension };
        Ok(Self {
            descriptor,
            create: table.create.ok_or_else(required("create"))?,
            destroy: table.destroy.ok_or_else(required("destroy"))?,
            probe: table.probe.ok_or_else(required("probe"))?,
            open: table.open.ok_or_else(required("open"))?,
            capabilities: table.capabilities,
            disk: Disk {
                required: DiskSlots::check(name, &disk)?,
                extents_allocated: disk.extents_allocated,
            },
            // SAFETY: see above.
            write: unsafe { extensions.copy(abi::FIRN_EXTENSION_WRITE, "write") }?
                .map(|table| Write::check(name, &table))
                .transpose()?,
            // SAFETY: see above.
            changes: unsafe { extensions.copy(abi::FIRN_EXTENSION_CHANGES, "changes") }?
                .map(|table| Changes::check(name, &table))
                .transpose()?,
            // SAFETY: see above.
            snapshots: unsafe { extensions.copy(abi::FIRN_EXTENSION_SNAPSHOTS, "snapshots") }?
                .map(|table| Snapshots::check(name, &table))
                .transpose()?,
            // SAFETY: see above.
            connections: unsafe {
                extensions.copy(abi::FIRN_EXTENSION_CONNECTIONS, "connections")
            }?
            .map(|table| Connections::check(name, &table))
            .transpose()?,
            // SAFETY: see above.
            removal: unsafe { extensions.copy(abi::FIRN_EXTENSION_REMOVAL, "removal") }?
                .map(|table| Removal::check(name, &table))
                .transpose()?,
        })
    }
}

struct Extensions<'a> {
    name: &'a str,
    get: Option<unsafe extern "C" fn(abi::Str) -> *const c_void>,
}

impl Extensions<'_> {
    /// # Safety
    /// `get` answers as the ABI says, for `id` with null or a table of the type `T`.
    unsafe fn copy<T: abi::Growing>(
        &self,
        id: &'static str,
        table: &'static str,
    ) -> Result<Option<T>, LoadError> {
        let Some(get) = self.get else { return Ok(None) };
        // SAFETY: passed on to the caller; the id outlives the call.
        let found = unsafe { get(abi::Str::new(id)) }.cast::<T>();
        if found.is_null() {
            return Ok(None);
        }
        // SAFETY: passed on to the caller.
        unsafe { copy(self.name, table, found) }.map(Some)
    }
}

fn missing(name: &str, table: &'static str, slot: &'static str) -> LoadError {
    LoadError::MissingSlot { name: name.to_owned(), table, slot }
}

fn slot<F>(
    name: &str,
    table: &'static str,
    slot: &'static str,
    function: Option<F>,
) -> Result<F, LoadError> {
    function.ok_or_else(|| missing(name, table, slot))
}

/// # Safety
/// As [`abi::read_prefix`].
unsafe fn copy<T: abi::Growing>(
    name: &str,
    table: &'static str,
    source: *const T,
) -> Result<T, LoadError> {
    // SAFETY: passed on to the caller.
    unsafe { abi::read_prefix(source) }.map_err(|fault| {
        let problem = match fault {
            abi::SizeFault::Null => "it is a null pointer".to_owned(),
            abi::SizeFault::Misaligned => "its address is misaligned".to_owned(),
            abi::SizeFault::Short { struct_size, required } => {
                format!("its struct_size is {struct_size}, at least {required} are needed")
            }
            abi::SizeFault::Absurd { struct_size } => {
                format!("its struct_size of {struct_size} is absurd")
            }
        };
        LoadError::BadTable { name: name.to_owned(), table, problem }
    })
}

/// # Safety
/// `source` is null, or a descriptor as the ABI describes it.
unsafe fn descriptor(name: &str, source: *const abi::Descriptor) -> Result<Descriptor, LoadError> {
    // SAFETY: passed on to the caller.
    let raw = unsafe { copy(name, "descriptor", source) }?;
    let text = |text: abi::Str, field: &str| {
        let bad = |problem| LoadError::BadDescriptor { name: name.to_owned(), problem };
        // SAFETY: passed on to the caller.
        match unsafe { text.read() } {
            Ok(Some(text)) if !text.is_empty() => Ok(text.to_owned()),
            Ok(_) => Err(bad(format!("it has no {field}"))),
            Err(fault) => Err(bad(format!("its {field} is {}", fault.describe()))),
        }
    };
    let found = text(raw.name, "name")?;
    if found != name {
        return Err(LoadError::NameMismatch { name: name.to_owned(), found });
    }
    Ok(Descriptor {
        name: found.into(),
        vendor: text(raw.vendor, "vendor")?.into(),
        version: text(raw.version, "version")?.into(),
    })
}
