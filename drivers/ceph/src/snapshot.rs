//! The snapshots of an opened image.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use firn_driver_sdk::DriverError;

use crate::errno::{ERANGE, check};
use crate::ffi::rbd;
use crate::image::Image;
use crate::location::c_string;

/// A snapshot of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Rises from snapshot to snapshot; never used twice in a pool.
    pub(crate) id: u64,
    pub(crate) name: CString,
    /// Of the image then.
    pub(crate) size_bytes: u64,
}

impl Image {
    /// The snapshots that people made, as there were when the image was opened: none that librbd
    /// keeps for a group, a mirror or a clone.
    ///
    /// # Errors
    /// What the cluster answers.
    pub(crate) fn snapshots(&self) -> Result<Vec<Snapshot>, DriverError> {
        let mut named = Vec::new();
        for snapshot in self.all_snapshots()? {
            if self.is_named(&snapshot)? {
                named.push(snapshot);
            }
        }
        Ok(named)
    }

    /// The snapshots of every kind.
    ///
    /// # Errors
    /// What the cluster answers.
    pub(crate) fn all_snapshots(&self) -> Result<Vec<Snapshot>, DriverError> {
        let mut found = vec![rbd::SnapshotInfo { id: 0, size: 0, name: ptr::null() }; 32];
        loop {
            let mut count = c_int::try_from(found.len()).unwrap_or(c_int::MAX);
            // SAFETY: live; the array has the length that is told.
            let answer =
                unsafe { rbd::rbd_snap_list(self.handle(), found.as_mut_ptr(), &mut count) };
            if answer == -ERANGE {
                // One more for the end, which has no name.
                let count = usize::try_from(count).unwrap_or_default().max(found.len()) + 1;
                found.resize(count, found[0]);
                continue;
            }
            let count = check(answer, || format!("list the snapshots of {}", self.label()))?;
            let found = found.as_mut_slice();
            let snapshots = found[..usize::try_from(count).unwrap_or_default()].iter();
            // SAFETY: librbd gave C strings, which live until they are freed below.
            let copy = |info: &rbd::SnapshotInfo| Snapshot {
                id: info.id,
                name: unsafe { CStr::from_ptr(info.name) }.to_owned(),
                size_bytes: info.size,
            };
            let snapshots: Vec<_> = snapshots.map(copy).collect();
            // SAFETY: what the call put there, which ends with an entry without a name.
            unsafe { rbd::rbd_snap_list_end(found.as_mut_ptr()) };
            return Ok(snapshots);
        }
    }

    /// Whether people made it, and not librbd for a group, a mirror or a clone.
    ///
    /// # Errors
    /// What the cluster answers.
    pub(crate) fn is_named(&self, snapshot: &Snapshot) -> Result<bool, DriverError> {
        let mut kind = 0;
        // SAFETY: live, and an out pointer.
        let answer =
            unsafe { rbd::rbd_snap_get_namespace_type(self.handle(), snapshot.id, &mut kind) };
        check(answer, || format!("look at the snapshots of {}", self.label()))?;
        Ok(kind == rbd::SNAPSHOT_OF_USER)
    }

    /// Whether it must stay: clones of format 1 rest on protected snapshots.
    ///
    /// # Errors
    /// What the cluster answers.
    pub(crate) fn is_protected(&self, snapshot: &Snapshot) -> Result<bool, DriverError> {
        let mut protected = 0;
        // SAFETY: live, a C string and an out pointer.
        let answer = unsafe {
            rbd::rbd_snap_is_protected(self.handle(), snapshot.name.as_ptr(), &mut protected)
        };
        check(answer, || format!("look at the snapshots of {}", self.label()))?;
        Ok(protected != 0)
    }

    /// # Errors
    /// `Conflict` where the name is taken.
    pub(crate) fn snapshot_create(&self, name: &str) -> Result<(), DriverError> {
        self.with_snapshot("make", name, rbd::rbd_snap_create)
    }

    /// # Errors
    /// `NotFound`; `Conflict` where it is protected.
    pub(crate) fn snapshot_remove(&self, name: &str) -> Result<(), DriverError> {
        self.with_snapshot("remove", name, rbd::rbd_snap_remove)
    }

    /// # Errors
    /// `NotFound`; `Conflict` where the other name is taken.
    pub(crate) fn snapshot_rename(&self, from: &str, to: &str) -> Result<(), DriverError> {
        let (old, new) = (c_string(from)?, c_string(to)?);
        // SAFETY: live, and C strings that live through the call.
        let answer = unsafe { rbd::rbd_snap_rename(self.handle(), old.as_ptr(), new.as_ptr()) };
        check(answer, || format!("rename the snapshot {}@{from} to {to}", self.label())).map(drop)
    }

    fn with_snapshot(
        &self,
        doing: &str,
        name: &str,
        call: unsafe extern "C" fn(rbd::Image, *const c_char) -> c_int,
    ) -> Result<(), DriverError> {
        let text = c_string(name)?;
        // SAFETY: live, and a C string that lives through the call.
        let answer = unsafe { call(self.handle(), text.as_ptr()) };
        check(answer, || format!("{doing} the snapshot {}@{name}", self.label())).map(drop)
    }
}
