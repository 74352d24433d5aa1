use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize};

use super::{PlanError, PlanStatus, Retention, RunState, Schedule, Selector, Timetable};
use crate::{Consistency, PlanId, ProjectId, RepositoryId};

/// What the owner of a plan chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanSettings {
    /// What the owner calls it; not unique.
    pub name: String,
    /// The owner's note.
    #[serde(default)]
    pub description: Option<String>,
    /// Which instances of the project it protects.
    pub instances: Selector,
    /// When it runs; `None`: only on demand.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// Every how many points of an instance are full; 0: only the first.
    #[serde(default)]
    pub full_every: u32,
    /// What is kept; nothing is removed where it is left out.
    #[serde(default)]
    pub retention: Retention,
    /// The least grade that a point must have; one that does not reach it fails.
    #[serde(default = "crash")]
    pub consistency: Consistency,
    /// Devices that are not read (`vdb`).
    #[serde(default)]
    pub excluded_disks: BTreeSet<String>,
    /// How fast each backup may read; `None`: as fast as it can.
    #[serde(default)]
    pub bandwidth_bytes_per_second: Option<u64>,
    /// Where points go; `None`: to the only repository there is.
    #[serde(default)]
    pub repository_id: Option<RepositoryId>,
}

/// A change to a plan's settings: what is left out stays, `null` clears what can be cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanPatch {
    /// See [`PlanSettings::name`].
    pub name: Option<String>,
    /// See [`PlanSettings::description`].
    #[serde(deserialize_with = "given")]
    pub description: Option<Option<String>>,
    /// See [`PlanSettings::instances`].
    pub instances: Option<Selector>,
    /// See [`PlanSettings::schedule`]; replaced as a whole.
    #[serde(deserialize_with = "given")]
    pub schedule: Option<Option<Schedule>>,
    /// See [`PlanSettings::full_every`].
    pub full_every: Option<u32>,
    /// See [`PlanSettings::retention`]; replaced as a whole.
    pub retention: Option<Retention>,
    /// See [`PlanSettings::consistency`].
    pub consistency: Option<Consistency>,
    /// See [`PlanSettings::excluded_disks`]; replaced as a whole.
    pub excluded_disks: Option<BTreeSet<String>>,
    /// See [`PlanSettings::bandwidth_bytes_per_second`].
    #[serde(deserialize_with = "given")]
    pub bandwidth_bytes_per_second: Option<Option<u64>>,
    /// See [`PlanSettings::repository_id`].
    #[serde(deserialize_with = "given")]
    pub repository_id: Option<Option<RepositoryId>>,
}

/// A plan, in the API's JSON form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// What its owner chose.
    #[serde(flatten)]
    pub settings: PlanSettings,
    /// Its state.
    pub status: PlanStatus,
    /// Why it is paused or in error.
    pub status_reason: Option<String>,
    /// Who owns it, and whose instances it protects.
    pub project_id: ProjectId,
    /// Keystone id of the user in whose name it runs.
    pub user_id: String,
    /// When the next run starts, jitter included; `None` without a schedule or while paused.
    pub next_run_at: Option<DateTime<Utc>>,
    /// When the last run started or was skipped.
    pub last_run_at: Option<DateTime<Utc>>,
    /// What became of it.
    pub last_run_status: Option<RunState>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Below this a backup would take longer than anybody waits, and small reads would stall.
const LEAST_BANDWIDTH: u64 = 64 * 1024;

const MOST_BANDWIDTH: u64 = 1 << 40;

const MOST_EXCLUDED: usize = 64;

fn crash() -> Consistency {
    Consistency::Crash
}

/// Tells `null` from what is left out.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl PlanSettings {
    /// Checks everything that can be checked without asking anybody. The error names the field.
    pub fn validate(&self) -> Result<(), PlanError> {
        let length = self.name.chars().count();
        if !(1..=255).contains(&length) || self.name.chars().any(char::is_control) {
            let message = "must have 1 to 255 characters and no control characters";
            return Err(PlanError::new("name", message));
        }
        if self.description.as_ref().is_some_and(|text| text.chars().count() > 1024) {
            return Err(PlanError::new("description", "must have at most 1024 characters"));
        }
        self.instances.validate()?;
        self.timetable()?;
        if self.full_every > 10_000 {
            let message = "must be at most 10000; 0 makes only the first point a full one";
            return Err(PlanError::new("full_every", message));
        }
        self.retention.validate()?;
        if self.excluded_disks.len() > MOST_EXCLUDED {
            let message = format!("must name at most {MOST_EXCLUDED} devices");
            return Err(PlanError::new("excluded_disks", message));
        }
        for device in &self.excluded_disks {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            if device.is_empty() || device.len() > 32 || !device.bytes().all(plain) {
                let message =
                    format!("{device:?} is no device name: up to 32 lower-case letters and digits");
                return Err(PlanError::new("excluded_disks", message));
            }
        }
        match self.bandwidth_bytes_per_second {
            Some(rate) if !(LEAST_BANDWIDTH..=MOST_BANDWIDTH).contains(&rate) => {
                let message =
                    format!("must be {LEAST_BANDWIDTH} to {MOST_BANDWIDTH}, or null for no limit");
                Err(PlanError::new("bandwidth_bytes_per_second", message))
            }
            _ => Ok(()),
        }
    }

    /// The checked schedule; `None` where there is none.
    pub fn timetable(&self) -> Result<Option<Timetable>, PlanError> {
        self.schedule.as_ref().map(Schedule::timetable).transpose()
    }

    /// The time zone that days, weeks and months are meant in: that of the schedule, else UTC.
    pub fn zone(&self) -> Tz {
        let named = self
            .schedule
            .as_ref()
            .and_then(|schedule| super::schedule::time_zone(&schedule.time_zone));
        named.unwrap_or(Tz::UTC)
    }
}

impl PlanPatch {
    /// The settings with the change made.
    #[must_use]
    pub fn apply(self, before: PlanSettings) -> PlanSettings {
        PlanSettings {
            name: self.name.unwrap_or(before.name),
            description: self.description.unwrap_or(before.description),
            instances: self.instances.unwrap_or(before.instances),
            schedule: self.schedule.unwrap_or(before.schedule),
            full_every: self.full_every.unwrap_or(before.full_every),
            retention: self.retention.unwrap_or(before.retention),
            consistency: self.consistency.unwrap_or(before.consistency),
            excluded_disks: self.excluded_disks.unwrap_or(before.excluded_disks),
            bandwidth_bytes_per_second: self
                .bandwidth_bytes_per_second
                .unwrap_or(before.bandwidth_bytes_per_second),
            repository_id: self.repository_id.unwrap_or(before.repository_id),
        }
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
