//! Removing an image, which is done once for all: so everything is looked at before.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::time::Instant;

use firn_driver_sdk::{DriverError, ErrorKind};
use parking_lot::Mutex;

use crate::clusters::Role;
use crate::control::Control;
use crate::errno::check;
use crate::ffi::rbd;
use crate::image::Image;
use crate::location::c_string;
use crate::opener::Opener;
use crate::snapshot::Snapshot;

/// When librbd last said how far a removal is.
type LastAnswer = Mutex<Instant>;

/// Removes the image with the snapshots whose names begin with `ours`. What is absent succeeds.
///
/// # Errors
/// `Conflict`, and nothing is removed, where somebody has it open for writing, where there is a
/// snapshot of another kind or name, and where a clone rests on it. `Unavailable` where it takes too
/// long, which does not say that the image will be there later.
pub(crate) fn remove(opener: Opener, ours: &str) -> Result<(), DriverError> {
    let ours = ours.to_owned();
    let control = Control::new(opener.clusters.settings().silence());
    let last_answer = Arc::new(Mutex::new(Instant::now()));
    let heard = Arc::clone(&last_answer);
    let removed = control.run_while(
        move || *heard.lock(),
        move || {
            let snapshots = removable(&opener.look_before_writing()?, &ours)?;
            if !snapshots.is_empty() {
                let image = opener.open_for_writing()?;
                for snapshot in snapshots {
                    image.snapshot_remove(&snapshot)?;
                    *last_answer.lock() = Instant::now();
                }
            }
            remove_image(&opener, &last_answer)
        },
    );
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The names of the snapshots that go with the image, which are all it has.
fn removable(image: &Image, ours: &str) -> Result<Vec<String>, DriverError> {
    let conflict = |why: String| Err(DriverError::conflict(format!("{} {why}", image.label())));
    if image.is_watched()? {
        return conflict("is in use, so it is not removed".to_owned());
    }
    if image.has_clones()? {
        return conflict("has clones, so it is not removed: flatten or remove those".to_owned());
    }
    let mut names = Vec::new();
    for snapshot in image.all_snapshots()? {
        let name = snapshot.name.to_string_lossy().into_owned();
        if !is_ours(image, &snapshot, ours)? {
            return conflict(format!("has the snapshot {name}, so it is not removed"));
        }
        if image.is_protected(&snapshot)? {
            return conflict(format!("has the protected snapshot {name}, so it is not removed"));
        }
        names.push(name);
    }
    Ok(names)
}

fn is_ours(image: &Image, snapshot: &Snapshot, ours: &str) -> Result<bool, DriverError> {
    Ok(snapshot.name.to_bytes().starts_with(ours.as_bytes()) && image.is_named(snapshot)?)
}

fn remove_image(opener: &Opener, last_answer: &LastAnswer) -> Result<(), DriverError> {
    let pool = opener.clusters.pool(&opener.place, Role::Write)?;
    let name = c_string(&opener.place.image)?;
    let argument: *const LastAnswer = last_answer;
    // SAFETY: the pool, the C string and `last_answer` live through the call, which alone calls
    // `heard`.
    let removed = unsafe {
        let argument = argument.cast_mut().cast();
        rbd::rbd_remove_with_progress(pool.io(), name.as_ptr(), heard, argument)
    };
    check(removed, || format!("remove {}", opener.place)).map(drop)
}

unsafe extern "C" fn heard(_offset: u64, _total: u64, argument: *mut c_void) -> c_int {
    // SAFETY: the `last_answer` of `remove_image`, which is only read from several threads.
    let last_answer = unsafe { &*argument.cast_const().cast::<LastAnswer>() };
    *last_answer.lock() = Instant::now();
    0
}
