//! Reads a restore point back and checks it.

use std::sync::Arc;

use firn_core::ErrorKind;
use firn_repository::{Affected, Damage, VerifyScope};

use super::error::TaskError;
use super::link::Link;
use super::protocol::{Task, Verify, VerifyResult};
use super::repository;

pub(super) fn run(task: &Task, work: &Verify, link: &Arc<Link>) -> Result<VerifyResult, TaskError> {
    let repository = repository::open(&task.repository)?;
    let usage = repository.usage().map_err(|error| repository::error("measuring", &error))?;
    link.plan(usage.stored_bytes);
    let scope = VerifyScope { sample: work.sample, points: Some(vec![work.point_id]) };
    let report = match repository.verify(&scope, &repository::control(link)) {
        // The service knows the point, so its record was there.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let damages = vec![format!("{}: the record is gone", work.point_id)];
            return Ok(VerifyResult { checked_chunks: 0, damages });
        }
        report => report.map_err(|error| repository::error("verifying", &error))?,
    };
    Ok(VerifyResult {
        checked_chunks: report.chunks,
        damages: report.damage.iter().map(describe).collect(),
    })
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
