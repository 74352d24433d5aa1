//! Markers: who is at work.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::format::{MAGIC_SESSION, SESSIONS};
use crate::frame;
use crate::{RepositoryError, Result, Storage};

/// Markers older than this are taken for left-overs when guessing who is at work.
const LIVE_HOURS: i64 = 24;

#[derive(Serialize, Deserialize)]
struct Marker {
    session: Uuid,
    started_at: DateTime<Utc>,
}

/// The other sessions, as their markers tell.
pub(super) struct Others {
    /// How many there are.
    pub(super) live: u16,
    /// How many of them began before.
    pub(super) rank: u16,
}

fn object(session: Uuid) -> String {
    format!("{SESSIONS}{session}")
}

pub(super) fn write(storage: &Storage, session: Uuid) -> Result<()> {
    let marker = Marker { session, started_at: Utc::now() };
    let body = serde_json::to_vec(&marker)
        .map_err(|_| RepositoryError::Internal { what: "a marker does not become JSON" })?;
    let frame = Bytes::from(frame::wrap(MAGIC_SESSION, &body));
    storage.put(&object(session), vec![frame], &session.to_string())
}

pub(super) fn exists(storage: &Storage, session: Uuid) -> Result<bool> {
    storage.stat(&object(session)).map(|size| size.is_some())
}

/// Removes the marker, and what writes of the session left.
pub(crate) fn remove(storage: &Storage, session: Uuid) -> Result<()> {
    storage.clean(&session.to_string())?;
    storage.delete(&object(session))
}

pub(super) fn others(storage: &Storage, session: Uuid) -> Result<Others> {
    let oldest = Utc::now() - TimeDelta::hours(LIVE_HOURS);
    let mut markers = Vec::new();
    for entry in storage.list(SESSIONS)? {
        // Gone meanwhile, or damaged: no matter, this is but a hint.
        let Some(data) = storage.find(&entry.path)? else { continue };
        let Ok(body) = frame::unwrap(MAGIC_SESSION, &data) else { continue };
        if let Ok(marker) = serde_json::from_slice::<Marker>(body)
            && marker.started_at > oldest
        {
            markers.push((marker.started_at, marker.session));
        }
    }
    markers.sort_unstable();
    let rank = markers.iter().position(|(_, other)| *other == session).unwrap_or(markers.len());
    let live = markers.iter().filter(|(_, other)| *other != session).count();
    Ok(Others { live: live as u16, rank: rank as u16 })
}

/// Where the session of a rank starts, as a fraction of 2^16: 0, 1/2, 1/4, 3/4, …
pub(super) fn start_fraction(rank: u16) -> u16 {
    rank.reverse_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_spread() {
        let starts: Vec<_> = (0..4).map(start_fraction).collect();
        assert_eq!(starts, [0, 0x8000, 0x4000, 0xc000]);
    }
}
