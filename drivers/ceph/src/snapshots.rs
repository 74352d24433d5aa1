use firn_driver_sdk::{DriverError, ErrorKind};

use crate::control::Control;
use crate::opener::Opener;

/// # Errors
/// `Conflict` where the name is taken; `Unavailable` where it takes too long, which does not say
/// that the snapshot will not be there later.
pub(crate) fn create(opener: Opener, name: &str) -> Result<(), DriverError> {
    let name = name.to_owned();
    let control = control(&opener);
    control.run(move || opener.open_for_snapshots()?.snapshot_create(&name))
}

/// # Errors
/// `Conflict` where it is protected. What is absent succeeds.
pub(crate) fn delete(opener: Opener, name: &str) -> Result<(), DriverError> {
    let name = name.to_owned();
    let control = control(&opener);
    let removed = control.run(move || opener.open_for_snapshots()?.snapshot_remove(&name));
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// # Errors
/// `NotFound`; `Conflict` where the other name is taken.
pub(crate) fn rename(opener: Opener, from: &str, to: &str) -> Result<(), DriverError> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let control = control(&opener);
    control.run(move || opener.open_for_snapshots()?.snapshot_rename(&from, &to))
}

/// # Errors
/// `NotFound` where there is no such image.
pub(crate) fn list(opener: &Opener) -> Result<Vec<String>, DriverError> {
    let snapshots = opener.open_head()?.snapshots()?;
    Ok(snapshots.iter().map(|one| one.name.to_string_lossy().into_owned()).collect())
}

/// A VM that holds the image's lock makes the snapshot for us, after it has been asked several
/// times: librbd's own limits do not end that.
fn control(opener: &Opener) -> Control {
    Control::new(opener.clusters.settings().silence())
}
