use std::borrow::Cow;

/// Who a driver is. Known before it is created and never changing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The name in `enabled_drivers` and in `libfirn_driver_<name>.so`: `[a-z0-9_]+`.
    pub name: Cow<'static, str>,
    /// Who answers for it.
    pub vendor: Cow<'static, str>,
    /// The driver's own version.
    pub version: Cow<'static, str>,
}

/// What a driver can do beyond `probe`, `open` read-only and `read`. Nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `snapshot_create`, `snapshot_delete`, `snapshot_list`, and `open` of a snapshot.
    pub snapshots: bool,
    /// Some disks give a change token and answer `extents_changed`.
    pub changed_blocks: bool,
    /// `open` with `Access::Writable`; `write`, `zero` and `flush`.
    pub write: bool,
    /// `open` with `Access::Create`.
    pub create: bool,
    /// `connector`, `connect` and `disconnect`.
    pub connections: bool,
    /// `remove`.
    pub remove: bool,
}
