//! The optional groups. A driver in Rust has them all: what it cannot do, its trait answers with
//! `Unsupported`, and its capabilities tell.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr;

use firn_driver_abi as abi;

use super::disk;
use super::driver::driver;
use super::guard::{give, guard, guard_plain, json, json_text, location, text};
use crate::{ConnectionInfo, DriverFactory};

struct Table<T>(PhantomData<T>);

impl<T: DriverFactory> Table<T> {
    const SNAPSHOTS: &'static abi::SnapshotsExtension = &abi::SnapshotsExtension {
        struct_size: size_of::<abi::SnapshotsExtension>(),
        create: Some(snapshot_create::<T>),
        remove: Some(snapshot_delete::<T>),
        list: Some(snapshot_list::<T>),
        rename: Some(snapshot_rename::<T>),
    };

    const CONNECTIONS: &'static abi::ConnectionsExtension = &abi::ConnectionsExtension {
        struct_size: size_of::<abi::ConnectionsExtension>(),
        connector: Some(connector::<T>),
        connect: Some(connect::<T>),
        disconnect: Some(disconnect::<T>),
    };

    const REMOVAL: &'static abi::RemovalExtension = &abi::RemovalExtension {
        struct_size: size_of::<abi::RemovalExtension>(),
        remove: Some(remove::<T>),
    };
}

/// # Safety
/// As the ABI says: handles live, inputs are readable, out pointers null or writable. So for all
/// that follow.
pub(super) unsafe extern "C" fn get_extension<T: DriverFactory>(id: abi::Str) -> *const c_void {
    guard_plain(ptr::null(), || {
        // SAFETY: passed on to the caller.
        match unsafe { id.read() } {
            Ok(Some(abi::FIRN_EXTENSION_WRITE)) => ptr::from_ref(&disk::WRITE).cast(),
            Ok(Some(abi::FIRN_EXTENSION_CHANGES)) => ptr::from_ref(&disk::CHANGES).cast(),
            Ok(Some(abi::FIRN_EXTENSION_SNAPSHOTS)) => ptr::from_ref(Table::<T>::SNAPSHOTS).cast(),
            Ok(Some(abi::FIRN_EXTENSION_CONNECTIONS)) => {
                ptr::from_ref(Table::<T>::CONNECTIONS).cast()
            }
            Ok(Some(abi::FIRN_EXTENSION_REMOVAL)) => ptr::from_ref(Table::<T>::REMOVAL).cast(),
            _ => ptr::null(),
        }
    })
}

unsafe extern "C" fn snapshot_create<T: DriverFactory>(
    handle: *mut abi::DriverHandle,
    at: abi::Str,
    name: abi::Str,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: passed on to the caller.
    unsafe {
        guard(out_error, || {
            driver::<T>(handle)?.snapshot_create(&location(at)?, text(name, "snapshot name")?)
        })
    }
}

unsafe extern "C" fn snapshot_delete<T: DriverFactory>(
    handle: *mut abi::DriverHandle,
    at: abi::Str,
    name: abi::Str,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: passed on to the caller.
    unsafe {
        guard(out_error, || {
            driver::<T>(handle)?.snapshot_delete(&location(at)?, text(name, "snapshot name")?)
        })
    }
}

unsafe extern "C" fn snapshot_list<T: DriverFactory>(
    handle: *mut abi::DriverHandle,
    at: abi::Str,
    out_names: *mut abi::Text,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: passed on to the caller.
    unsafe {
        guard(out_error, || {
            let names = driver::<T>(handle)?.snapshot_list(&location(at)?)?;
            give(out_names, json_text(&names)?)
        })
    }
}

unsafe extern "C" fn snapshot_rename<T: DriverFactory>(
    handle: *mut abi::DriverHandle,
    at: abi::Str,
    from: abi::Str,
    to: abi::Str,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: passed on to the caller.
    unsafe {
        guard(out_error, || {
            let (from, to) = (text(from, "snapshot name")?, text(to, "snapshot name")?);
            driver::<T>(handle)?.snapshot_rename(&location(at)?, from, to)
        })
    }
}

unsafe extern "C" fn connector<T: DriverFactory>(
    handle: *mut abi::DriverHandle,
    out_connector: *mut abi::Text,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: passed on to the caller.
    unsafe {
        guard(out_error, || {
            let connector = driver::<T>(handle)?.connector()?;
            give(out_connector, json_text(&connector)?)
        })
    }
}

unsafe extern "C" fn connect<T: DriverFactory>(
    handle: *mut abi::DriverHandle,
    info: abi::Str,
    out_location: *mut abi::Text,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: passed on to the caller.
    unsafe {
        guard(out_error, || {
            let info: ConnectionInfo = json(info, "connection")?;
            let connected = driver::<T>(handle)?.connect(&info)?;
            give(out_location, json_text(&connected.location)?)
        })
    }
}

unsafe extern "C" fn disconnect<T: DriverFactory>(
    handle: *mut abi::DriverHandle,
    info: abi::Str,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: passed on to the caller.
    unsafe {
        guard(out_error, || {
            let info: ConnectionInfo = json(info, "connection")?;
            driver::<T>(handle)?.disconnect(&info)
        })
    }
}

unsafe extern "C" fn remove<T: DriverFactory>(
    handle: *mut abi::DriverHandle,
    at: abi::Str,
    our_snapshots: abi::Str,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: passed on to the caller.
    unsafe {
        guard(out_error, || {
            let ours = text(our_snapshots, "beginning of snapshot names")?;
            driver::<T>(handle)?.remove(&location(at)?, ours)
        })
    }
}
