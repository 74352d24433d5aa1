//! Reads a restore point back and checks it.

use std::sync::Arc;

use firn_core::ErrorKind;
use firn_repository::{Affected, Damage, Repository, VerifyScope};

use super::error::TaskError;
use super::link::Link;
use super::protocol::{Level, Task, Verify, VerifyResult};
use super::repository;

/// Objects of the index begin with this.
const INDEX: &str = "index/";

pub(super) fn run(task: &Task, work: &Verify, link: &Arc<Link>) -> Result<VerifyResult, TaskError> {
    let repository = repository::open(&task.repository)?;
    // Where the point cannot be measured, the verification says why.
    if let Ok(point) = repository.point(work.point_id)
        && let Ok(bytes) = repository::data_bytes(&repository, &point)
    {
        link.plan((bytes as f64 * work.sample.unwrap_or(1.0)) as u64);
    }
    let scope = VerifyScope { sample: work.sample, points: Some(vec![work.point_id]) };
    let report = match repository.verify(&scope, &repository::control(link)) {
        // The service knows the point, so its record was there.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let damages = vec![format!("{}: the record is gone", work.point_id)];
            return Ok(VerifyResult { checked_chunks: 0, damages });
        }
        report => report.map_err(|error| repository::error("verifying", &error))?,
    };
    let damages = report.damage.iter().map(describe).collect();
    if report.damage.iter().any(|damage| damage.object.starts_with(INDEX)) {
        rebuild_index(&repository, link)?;
    }
    Ok(VerifyResult { checked_chunks: report.chunks, damages })
}

/// The index holds nothing that the packs do not, so its damage is repaired on the spot. It is
/// told all the same: storage that rots should not do so in silence.
fn rebuild_index(repository: &Repository, link: &Arc<Link>) -> Result<(), TaskError> {
    let report = repository
        .rebuild_index(&repository::control(link))
        .map_err(|error| repository::error("building the index anew", &error))?;
    let packs = report.packs;
    let text = format!("the damaged index was built anew from {packs} packs: verify again");
    link.message(Level::Warning, "index", text);
    Ok(())
}

fn describe(damage: &Damage) -> String {
    let Damage { object, what, affected } = damage;
    let places: Vec<_> = affected.iter().map(place).collect();
    match places.as_slice() {
        [] => format!("{object}: {what}"),
        places => format!("{object}: {what}; lost: {}", places.join(", ")),
    }
}

fn place(Affected { point, device, range, .. }: &Affected) -> String {
    format!("point {point} disk {device} bytes {} to {}", range.offset, range.end())
}
