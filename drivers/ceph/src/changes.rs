//! What changed since an earlier snapshot; `docs/adr/0040` has the rule.

use std::sync::Arc;

use firn_driver_sdk::{DriverError, Extent, ExtentList};

use crate::control::Control;
use crate::diff::{Detail, diff};
use crate::image::Image;
use crate::opener::Opener;
use crate::snapshot::Snapshot;
use crate::token::{ImageIdentity, Token};

/// The token of what is opened; `None` where that is not a snapshot.
///
/// # Errors
/// What the cluster answers.
pub(crate) fn token(opener: &Opener, image: &Image) -> Result<Option<Token>, DriverError> {
    let Some(snapshot) = opener.snapshot_of(image)? else { return Ok(None) };
    let (size_bytes, overlap_bytes) = (image.size_bytes()?, image.overlap_bytes()?);
    let token = Token::new(identity(opener, image)?, &snapshot, size_bytes, overlap_bytes);
    Ok(Some(token))
}

/// What may be data, inside `range`.
///
/// # Errors
/// What the cluster answers, or the cancel.
pub(crate) fn allocated(
    image: &Arc<Image>,
    range: Extent,
    control: &Arc<Control>,
) -> Result<ExtentList, DriverError> {
    // Of a parent it is not known what sizes it had.
    let trusted = is_map_trusted(image, 0)? && image.overlap_bytes()? == 0;
    let detail = if trusted { Detail::Objects } else { Detail::Exact };
    diff(image, None, &[range].into_iter().collect(), detail, control)
}

/// What may differ from the snapshot that `from` names, over the whole image.
///
/// # Errors
/// `NotFound` where that snapshot is gone, `Conflict` where it is of another image or younger.
pub(crate) fn changed(
    opener: &Opener,
    image: &Arc<Image>,
    from: &Token,
    control: &Arc<Control>,
) -> Result<ExtentList, DriverError> {
    if from.image != identity(opener, image)? {
        return Err(DriverError::conflict(format!(
            "{} is not the image that the last backup read: it was made anew",
            image.label()
        )));
    }
    let base = find(image, from)?;
    if let Some(snapshot) = opener.snapshot_of(image)? {
        if snapshot.id == base.id {
            return Ok(ExtentList::new());
        }
        if snapshot.id < base.id {
            return Err(DriverError::conflict(format!(
                "{} is older than the snapshot {} of the last backup",
                image.label(),
                from.snapshot
            )));
        }
    }
    let size_bytes = image.size_bytes()?;
    let mut changed = compare(image, &base, size_bytes, control)?;
    changed = changed.union(&resized(from, size_bytes, image.overlap_bytes()?));
    // Had it been removed meanwhile, differences to it would be missing.
    let opener = opener.clone();
    find(&control.run(move || opener.open_head())?, from)?;
    Ok(changed.intersection(&ExtentList::whole(size_bytes)))
}

/// Which objects, by the object map where it can be trusted; then where in those.
fn compare(
    image: &Arc<Image>,
    base: &Snapshot,
    size_bytes: u64,
    control: &Arc<Control>,
) -> Result<ExtentList, DriverError> {
    let whole = ExtentList::whole(size_bytes);
    let candidates = match is_map_trusted(image, base.id)? {
        true => diff(image, Some(&base.name), &whole, Detail::Objects, control)?,
        false => whole,
    };
    diff(image, Some(&base.name), &candidates, Detail::Exact, control)
}

/// Whether the object maps of the snapshots from `since` on tell what they should. librbd 16 misses
/// objects where the image had another size in between (`docs/adr/0040`).
fn is_map_trusted(image: &Image, since: u64) -> Result<bool, DriverError> {
    let size_bytes = image.size_bytes()?;
    let snapshots = image.all_snapshots()?;
    let mut met = snapshots.iter().filter(|snapshot| snapshot.id >= since);
    Ok(image.has_fast_diff()? && met.all(|snapshot| snapshot.size_bytes == size_bytes))
}

/// What was cut off or added, of the image and of what comes from its parent: this does not rest on
/// what librbd does to objects then.
fn resized(from: &Token, size_bytes: u64, overlap_bytes: u64) -> ExtentList {
    let between = |one: u64, other: u64| Extent::new(one.min(other), one.abs_diff(other));
    [between(from.size_bytes, size_bytes), between(from.overlap_bytes, overlap_bytes)]
        .into_iter()
        .collect()
}

fn identity(opener: &Opener, image: &Image) -> Result<ImageIdentity, DriverError> {
    let fsid = opener.place.fsid.clone();
    let pool_id = image.pool().map_or(-1, |pool| pool.id());
    Ok(ImageIdentity { fsid, pool_id, image_id: image.id()? })
}

/// The token's snapshot, by its id: under another name it is the same, and another of its name
/// is not.
fn find(image: &Image, from: &Token) -> Result<Snapshot, DriverError> {
    image.snapshots()?.into_iter().find(|one| one.id == from.snapshot_id).ok_or_else(|| {
        DriverError::not_found(format!(
            "the snapshot {} of the last backup is gone from {}",
            from.snapshot,
            image.label()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_resize_or_a_flatten_touches() {
        let image = ImageIdentity { fsid: "f".into(), pool_id: 1, image_id: "a".into() };
        let base = Snapshot { id: 4, name: c"then".into(), size_bytes: 100 };
        let from = Token::new(image, &base, 100, 60);
        for (size, overlap, expected) in [
            (100, 60, vec![]),
            (130, 60, vec![Extent::new(100, 30)]),
            (80, 50, vec![Extent::new(50, 10), Extent::new(80, 20)]),
            (100, 0, vec![Extent::new(0, 60)]),
        ] {
            assert_eq!(resized(&from, size, overlap).as_slice(), expected, "{size} {overlap}");
        }
    }
}
