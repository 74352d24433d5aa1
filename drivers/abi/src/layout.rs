//! The layout on a 64-bit machine, frozen. A line here is added for an appended field and never
//! changed.

use std::mem::{offset_of, size_of};

use crate::{
    ChangesExtension, ConnectionsExtension, Descriptor, DiskVtable, DriverVtable, ErrorReport,
    Extent, Extents, Host, OpenRequest, Probe, ReadRequest, RemovalExtension, SnapshotsExtension,
    Str, Text, WriteExtension,
};

macro_rules! layout {
    ($($type:ident $size:literal { $($field:ident $offset:literal),* $(,)? })*) => {
        $(
            const _: () = assert!(size_of::<$type>() == $size);
            $(const _: () = assert!(offset_of!($type, $field) == $offset);)*
        )*
    };
}

const _: () = assert!(size_of::<usize>() == 8, "drivers are for 64-bit machines");

layout! {
    Str 16 { data 0, length 8 }
    Text 32 { data 0, length 8, release 16, owner 24 }
    Extent 16 { offset 0, length 8 }
    Extents 32 { items 0, count 8, release 16, owner 24 }
    ReadRequest 24 { offset 0, buffer 8, length 16 }
    ErrorReport 72 { struct_size 0, message 8, cause 40 }
    Host 40 { struct_size 0, context 8, log_enabled 16, log 24, progress 32 }
    Descriptor 56 { struct_size 0, name 8, vendor 24, version 40 }
    Probe 88 { struct_size 0, flags 8, size_bytes 16, storage 24, location 56 }
    OpenRequest 56 {
        struct_size 0, location 8, snapshot 24, access 40, reserved 44, create_size_bytes 48,
    }
    DriverVtable 80 {
        struct_size 0, abi_version 8, reserved 12, descriptor 16, disk 24, create 32, destroy 40,
        probe 48, open 56, capabilities 64, get_extension 72,
    }
    DiskVtable 56 {
        struct_size 0, size_bytes 8, read 16, cancel 24, close 32, release 40,
        extents_allocated 48,
    }
    WriteExtension 32 { struct_size 0, write 8, zero 16, flush 24 }
    ChangesExtension 24 { struct_size 0, change_token 8, extents_changed 16 }
    SnapshotsExtension 40 { struct_size 0, create 8, remove 16, list 24, rename 32 }
    ConnectionsExtension 32 { struct_size 0, connector 8, connect 16, disconnect 24 }
    RemovalExtension 16 { struct_size 0, remove 8 }
}
