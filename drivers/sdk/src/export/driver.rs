use std::marker::PhantomData;

use firn_driver_abi as abi;

use super::guard::{give, guard, guard_plain, json, json_text, location, optional_text};
use super::{disk, extension, host};
use crate::{Access, Capabilities, Config, Disk, DriverError, DriverFactory, OpenRequest};

/// The function table of `T`.
pub fn vtable<T: DriverFactory>() -> &'static abi::DriverVtable {
    Table::<T>::DRIVER
}

struct Table<T>(PhantomData<T>);

impl<T: DriverFactory> Table<T> {
    const DESCRIPTOR: &'static abi::Descriptor = &abi::Descriptor {
        struct_size: size_of::<abi::Descriptor>(),
        name: abi::Str::new(T::NAME),
        vendor: abi::Str::new(T::VENDOR),
        version: abi::Str::new(T::VERSION),
    };

    const DRIVER: &'static abi::DriverVtable = &abi::DriverVtable {
        struct_size: size_of::<abi::DriverVtable>(),
        abi_version: abi::FIRN_ABI_VERSION,
        reserved: 0,
        descriptor: Self::DESCRIPTOR,
        disk: &disk::VTABLE,
        create: Some(create::<T>),
        destroy: Some(destroy::<T>),
        probe: Some(probe::<T>),
        open: Some(open::<T>),
        capabilities: Some(capabilities::<T>),
        get_extension: Some(extension::get_extension::<T>),
    };
}

/// The driver behind a handle.
///
/// # Safety
/// `driver` is null, or comes from `create::<T>` and is not destroyed during `'a`.
pub(super) unsafe fn driver<'a, T: DriverFactory>(
    driver: *mut abi::DriverHandle,
) -> Result<&'a T, DriverError> {
    // SAFETY: passed on to the caller; `create` made it of a `Box<T>`.
    unsafe { driver.cast::<T>().as_ref() }
        .ok_or_else(|| DriverError::internal("the host gave no driver"))
}

/// # Safety
/// As the ABI says: inputs are readable, out pointers null or writable. So for all that follow.
unsafe extern "C" fn create<T: DriverFactory>(
    host: *const abi::Host,
    config: abi::Str,
    out_driver: *mut *mut abi::DriverHandle,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    let call = || {
        // SAFETY: passed on to the caller.
        let (config, host) = unsafe { (json(config, "configuration")?, host::host(host)) };
        let driver = Box::into_raw(Box::new(T::create(&Config(config), host)?)).cast();
        // SAFETY: passed on to the caller.
        unsafe { give(out_driver, driver) }.inspect_err(|_| {
            // SAFETY: the box of above, which nobody else has.
            drop(unsafe { Box::from_raw(driver.cast::<T>()) });
        })
    };
    // SAFETY: passed on to the caller.
    unsafe { guard(out_error, call) }
}

unsafe extern "C" fn destroy<T: DriverFactory>(driver: *mut abi::DriverHandle) {
    guard_plain((), || {
        if !driver.is_null() {
            // SAFETY: the box that `create` let go of; the host destroys it once.
            drop(unsafe { Box::from_raw(driver.cast::<T>()) });
        }
    });
}

unsafe extern "C" fn capabilities<T: DriverFactory>(handle: *mut abi::DriverHandle) -> u64 {
    guard_plain(0, || {
        // SAFETY: passed on to the caller.
        unsafe { driver::<T>(handle) }.map_or(0, |driver| flags(driver.capabilities()))
    })
}

fn flags(capabilities: Capabilities) -> u64 {
    let Capabilities { snapshots, changed_blocks, write, create, connections, remove } =
        capabilities;
    [
        (snapshots, abi::FIRN_CAPABILITY_SNAPSHOTS),
        (changed_blocks, abi::FIRN_CAPABILITY_CHANGED_BLOCKS),
        (write, abi::FIRN_CAPABILITY_WRITE),
        (create, abi::FIRN_CAPABILITY_CREATE),
        (connections, abi::FIRN_CAPABILITY_CONNECTIONS),
        (remove, abi::FIRN_CAPABILITY_REMOVE),
    ]
    .into_iter()
    .filter_map(|(set, flag)| set.then_some(flag))
    .sum()
}

unsafe extern "C" fn probe<T: DriverFactory>(
    handle: *mut abi::DriverHandle,
    location: abi::Str,
    out_probe: *mut abi::Probe,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    let call = || {
        // SAFETY: passed on to the caller.
        let (driver, location) = unsafe { (driver::<T>(handle)?, json(location, "disk")?) };
        let mut answer = abi::Probe::empty();
        if let Some(found) = driver.probe(&location)? {
            answer.flags = abi::FIRN_PROBE_MINE
                | if found.changed_blocks { abi::FIRN_PROBE_CHANGED_BLOCKS } else { 0 }
                | if found.in_use { abi::FIRN_PROBE_IN_USE } else { 0 };
            answer.size_bytes = found.size_bytes;
            answer.location = json_text(&found.location)?;
            answer.storage = found.storage.into();
        }
        // SAFETY: passed on to the caller.
        unsafe { give(out_probe, answer) }
    };
    // SAFETY: passed on to the caller.
    unsafe { guard(out_error, call) }
}

unsafe extern "C" fn open<T: DriverFactory>(
    handle: *mut abi::DriverHandle,
    request: *const abi::OpenRequest,
    out_disk: *mut *mut abi::DiskHandle,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    let call = || {
        // SAFETY: passed on to the caller.
        let (driver, request) = unsafe { (driver::<T>(handle)?, open_request(request)?) };
        let disk: Box<dyn Disk> = driver.open(&request)?;
        // SAFETY: passed on to the caller.
        unsafe { disk::give_disk(out_disk, disk) }
    };
    // SAFETY: passed on to the caller.
    unsafe { guard(out_error, call) }
}

unsafe fn open_request(request: *const abi::OpenRequest) -> Result<OpenRequest, DriverError> {
    // SAFETY: passed on to the caller.
    let request = unsafe { abi::read_prefix(request) }
        .map_err(|fault| DriverError::internal(format!("the host's request: {fault:?}")))?;
    let access = match request.access {
        abi::FIRN_ACCESS_READ_ONLY => Access::ReadOnly,
        abi::FIRN_ACCESS_WRITABLE => Access::Writable,
        abi::FIRN_ACCESS_CREATE => Access::Create { size_bytes: request.create_size_bytes },
        other => return Err(DriverError::unsupported(format_args!("access mode {other}"))),
    };
    // SAFETY: passed on to the caller.
    let (location, snapshot) =
        unsafe { (location(request.location)?, optional_text(request.snapshot, "snapshot")?) };
    Ok(OpenRequest { location, snapshot: snapshot.map(str::to_owned), access })
}
