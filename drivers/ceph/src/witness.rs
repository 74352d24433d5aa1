use std::ffi::CString;

use firn_driver_sdk::{DriverError, ErrorKind};

use crate::clusters::Role;
use crate::image::Image;
use crate::location::c_string;
use crate::opener::Opener;

/// What shows at the end whether all that was read is one point in time.
#[derive(Debug)]
pub(crate) enum Witness {
    /// The image itself is read.
    Head(Head),
    /// A snapshot is read, of this id. Once it is removed it reads as zeros, and no error tells.
    Snapshot(u64),
}

impl Witness {
    /// # Errors
    /// What the cluster answers.
    pub(crate) fn of(opener: &Opener, image: &Image) -> Result<Self, DriverError> {
        match opener.snapshot_of(image)? {
            Some(snapshot) => Ok(Self::Snapshot(snapshot.id)),
            None => Head::of(opener, image).map(Self::Head),
        }
    }

    /// # Errors
    /// `Conflict` where something else may have been read too.
    pub(crate) fn check(&self, opener: &Opener, image: &Image) -> Result<(), DriverError> {
        let id = match self {
            Self::Head(head) => return head.check_unchanged(opener, image),
            Self::Snapshot(id) => *id,
        };
        match opener.open_head().and_then(|now| now.snapshots()) {
            Ok(snapshots) if snapshots.iter().any(|snapshot| snapshot.id == id) => Ok(()),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Err(DriverError::conflict(format!(
                "{} was removed while it was read: run the backup again",
                image.label()
            ))),
        }
    }
}

/// What an image's header looked like when the image itself, and no snapshot, was opened to read.
///
/// Whoever writes to an image with an exclusive lock takes the lock first, which is kept in the
/// header, and watches the header while he has it open. So an unchanged header that nobody
/// watches means unchanged content.
#[derive(Debug)]
pub(crate) struct Head {
    object: CString,
    version: u64,
    /// Somebody could write without a trace from the start.
    doubtful: Option<&'static str>,
}

impl Head {
    fn of(opener: &Opener, image: &Image) -> Result<Self, DriverError> {
        let object = c_string(&format!("rbd_header.{}", image.id()?))?;
        // Before the users are listed: one that leaves in between gives back his lock.
        let version = header_version(opener, &object)?;
        let doubtful = if !image.has_exclusive_lock()? {
            Some("without the feature exclusive-lock nobody can tell")
        } else if image.is_watched()? {
            Some("it is in use by a VM")
        } else {
            None
        };
        Ok(Self { object, version, doubtful })
    }

    fn check_unchanged(&self, opener: &Opener, image: &Image) -> Result<(), DriverError> {
        let conflict = |why: &str| {
            Err(DriverError::conflict(format!(
                "{} may have changed while it was read ({why}): read a snapshot of it",
                image.label()
            )))
        };
        if let Some(why) = self.doubtful {
            return conflict(why);
        }
        // Not by the image that was read: its connection may not work any more.
        if opener.open_head()?.is_watched()? {
            return conflict("it is in use by a VM now");
        }
        if header_version(opener, &self.object)? != self.version {
            return conflict("somebody had it open to write");
        }
        Ok(())
    }
}

fn header_version(opener: &Opener, object: &CString) -> Result<u64, DriverError> {
    opener.on_pool(Role::Read, |mut pool| pool.object_version(object))
}
