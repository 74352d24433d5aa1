use firn_driver_abi as abi;

use super::guard::{give, guard, guard_plain, text};
use crate::{Disk, DriverError, Extent, ExtentList, ReadRequest};

/// One table serves the disks of every driver in Rust: their handles lead to a `Box<dyn Disk>`.
pub(super) static VTABLE: abi::DiskVtable = abi::DiskVtable {
    struct_size: size_of::<abi::DiskVtable>(),
    size_bytes: Some(size_bytes),
    read: Some(read),
    cancel: Some(cancel),
    close: Some(close),
    release: Some(release),
    extents_allocated: Some(extents_allocated),
};

pub(super) static WRITE: abi::WriteExtension = abi::WriteExtension {
    struct_size: size_of::<abi::WriteExtension>(),
    write: Some(write),
    zero: Some(zero),
    flush: Some(flush),
};

pub(super) static CHANGES: abi::ChangesExtension = abi::ChangesExtension {
    struct_size: size_of::<abi::ChangesExtension>(),
    change_token: Some(change_token),
    extents_changed: Some(extents_changed),
};

/// Lets go of a disk; `release` takes it back.
///
/// # Safety
/// `out_disk` is null or writable.
pub(super) unsafe fn give_disk(
    out_disk: *mut *mut abi::DiskHandle,
    disk: Box<dyn Disk>,
) -> Result<(), DriverError> {
    let handle = Box::into_raw(Box::new(disk));
    // SAFETY: passed on to the caller.
    unsafe { give(out_disk, handle.cast()) }.inspect_err(|_| {
        // SAFETY: the box of above, which nobody else has.
        drop(unsafe { Box::from_raw(handle) });
    })
}

/// # Safety
/// `handle` is null, or comes from `give_disk` and is not released during `'a`.
unsafe fn disk<'a>(handle: *mut abi::DiskHandle) -> Result<&'a dyn Disk, DriverError> {
    // SAFETY: passed on to the caller; `give_disk` made it of this type.
    unsafe { handle.cast::<Box<dyn Disk>>().as_ref() }
        .map(|disk| &**disk)
        .ok_or_else(|| DriverError::internal("the host gave no disk"))
}

/// # Safety
/// As the ABI says: handles live, inputs are readable, out pointers null or writable. So for all
/// that follow.
unsafe extern "C" fn size_bytes(handle: *mut abi::DiskHandle) -> u64 {
    // SAFETY: passed on to the caller.
    guard_plain(0, || unsafe { disk(handle) }.map_or(0, Disk::size_bytes))
}

unsafe extern "C" fn read(
    handle: *mut abi::DiskHandle,
    requests: *const abi::ReadRequest,
    count: usize,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    let call = || {
        // SAFETY: passed on to the caller.
        let disk = unsafe { disk(handle) }?;
        if count == 0 {
            return disk.read(&mut []);
        }
        if requests.is_null() {
            return Err(DriverError::internal("the host gave no read requests"));
        }
        // SAFETY: the host gives `count` requests.
        let requests = unsafe { std::slice::from_raw_parts(requests, count) };
        let mut requests: Vec<_> = requests
            .iter()
            .map(|request| ReadRequest {
                offset: request.offset,
                buffer: match request.length {
                    0 => &mut [],
                    // SAFETY: the host lends each buffer, initialised and overlapping no other,
                    // for the duration of the call.
                    length => unsafe { std::slice::from_raw_parts_mut(request.buffer, length) },
                },
            })
            .collect();
        disk.read(&mut requests)
    };
    // SAFETY: passed on to the caller.
    unsafe { guard(out_error, call) }
}

unsafe extern "C" fn extents_allocated(
    handle: *mut abi::DiskHandle,
    offset: u64,
    length: u64,
    out_extents: *mut abi::Extents,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    let call = || {
        // SAFETY: passed on to the caller.
        let extents = unsafe { disk(handle) }?.extents_allocated(Extent::new(offset, length))?;
        // SAFETY: passed on to the caller.
        unsafe { give(out_extents, extents_out(&extents)) }
    };
    // SAFETY: passed on to the caller.
    unsafe { guard(out_error, call) }
}

fn extents_out(extents: &ExtentList) -> abi::Extents {
    let items: Vec<_> = extents
        .as_slice()
        .iter()
        .map(|extent| abi::Extent { offset: extent.offset, length: extent.length })
        .collect();
    items.into()
}

unsafe extern "C" fn change_token(
    handle: *mut abi::DiskHandle,
    out_token: *mut abi::Text,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    let call = || {
        // SAFETY: passed on to the caller.
        let token = unsafe { disk(handle) }?.change_token()?;
        // SAFETY: passed on to the caller.
        unsafe { give(out_token, token.map_or_else(abi::Text::none, abi::Text::from)) }
    };
    // SAFETY: passed on to the caller.
    unsafe { guard(out_error, call) }
}

unsafe extern "C" fn extents_changed(
    handle: *mut abi::DiskHandle,
    from: abi::Str,
    out_extents: *mut abi::Extents,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    let call = || {
        // SAFETY: passed on to the caller.
        let (disk, from) = unsafe { (disk(handle)?, text(from, "change token")?) };
        let extents = disk.extents_changed(from)?;
        // SAFETY: passed on to the caller.
        unsafe { give(out_extents, extents_out(&extents)) }
    };
    // SAFETY: passed on to the caller.
    unsafe { guard(out_error, call) }
}

unsafe extern "C" fn write(
    handle: *mut abi::DiskHandle,
    offset: u64,
    data: *const u8,
    length: usize,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    let call = || {
        // SAFETY: passed on to the caller.
        let disk = unsafe { disk(handle) }?;
        let data = match length {
            0 => &[],
            // SAFETY: the host lends `length` bytes for the duration of the call.
            length => unsafe { std::slice::from_raw_parts(data, length) },
        };
        disk.write(offset, data)
    };
    // SAFETY: passed on to the caller.
    unsafe { guard(out_error, call) }
}

unsafe extern "C" fn zero(
    handle: *mut abi::DiskHandle,
    offset: u64,
    length: u64,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: passed on to the caller.
    unsafe { guard(out_error, || disk(handle)?.zero(Extent::new(offset, length))) }
}

unsafe extern "C" fn flush(
    handle: *mut abi::DiskHandle,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: passed on to the caller.
    unsafe { guard(out_error, || disk(handle)?.flush()) }
}

unsafe extern "C" fn cancel(handle: *mut abi::DiskHandle) {
    guard_plain((), || {
        // SAFETY: passed on to the caller.
        if let Ok(disk) = unsafe { disk(handle) } {
            disk.cancel();
        }
    });
}

unsafe extern "C" fn close(
    handle: *mut abi::DiskHandle,
    out_error: *mut abi::ErrorReport,
) -> abi::Status {
    // SAFETY: passed on to the caller.
    unsafe { guard(out_error, || disk(handle)?.close()) }
}

unsafe extern "C" fn release(handle: *mut abi::DiskHandle) {
    guard_plain((), || {
        if !handle.is_null() {
            // SAFETY: the box that `give_disk` let go of; the host releases it once.
            drop(unsafe { Box::from_raw(handle.cast::<Box<dyn Disk>>()) });
        }
    });
}
