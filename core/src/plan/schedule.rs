use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{Cron, PlanError, Timetable};

/// When a plan runs, as its owner wrote it. [`Schedule::timetable`] is the checked form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five cron fields or a word such as `@daily`; see [`Cron`].
    pub cron: String,
    /// IANA name of the time zone that the fields are meant in.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// A run starts at most this long after its time, or is skipped; `None`: however late.
    #[serde(default)]
    pub window_minutes: Option<u32>,
    /// Each run starts up to this much after its time, so that plans do not start together.
    #[serde(default)]
    pub jitter_seconds: u32,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// A longer window would reach into the runs after it.
const MAX_WINDOW_MINUTES: u32 = 7 * 24 * 60;

const MAX_JITTER_SECONDS: u32 = 24 * 60 * 60;

impl Schedule {
    /// Checks the schedule and prepares its arithmetic.
    pub fn timetable(&self) -> Result<Timetable, PlanError> {
        let cron = Cron::parse(&self.cron)
            .map_err(|error| PlanError::new("schedule.cron", error.to_string()))?;
        let zone = time_zone(&self.time_zone).ok_or_else(|| {
            let zone = &self.time_zone;
            let message = format!("{zone:?} is no IANA time zone; Europe/Berlin and UTC are");
            PlanError::new("schedule.time_zone", message)
        })?;
        if let Some(minutes) = self.window_minutes
            && !(1..=MAX_WINDOW_MINUTES).contains(&minutes)
        {
            let message = format!("must be 1 to {MAX_WINDOW_MINUTES}, or null for no limit");
            return Err(PlanError::new("schedule.window_minutes", message));
        }
        if self.jitter_seconds > MAX_JITTER_SECONDS {
            let message = format!("must be at most {MAX_JITTER_SECONDS}");
            return Err(PlanError::new("schedule.jitter_seconds", message));
        }
        if self.window_minutes.is_some_and(|minutes| self.jitter_seconds > minutes * 60) {
            let message = "must fit into the window, or runs would be skipped at random";
            return Err(PlanError::new("schedule.jitter_seconds", message));
        }
        Ok(Timetable::new(cron, zone, self.window_minutes, self.jitter_seconds))
    }
}

/// A time zone by its exact IANA name.
pub(super) fn time_zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schedule() -> Schedule {
        Schedule {
            cron: "0 2 * * *".into(),
            time_zone: "Europe/Berlin".into(),
            window_minutes: Some(120),
            jitter_seconds: 300,
        }
    }

    #[test]
    fn the_form_is_that_of_the_api() {
        let form = json!({
            "cron": "0 2 * * *", "time_zone": "Europe/Berlin",
            "window_minutes": 120, "jitter_seconds": 300,
        });
        assert_eq!(serde_json::to_value(schedule()).unwrap(), form);
        assert_eq!(serde_json::from_value::<Schedule>(form).unwrap(), schedule());
        let least: Schedule = serde_json::from_value(json!({ "cron": "@daily" })).unwrap();
        assert_eq!((least.time_zone.as_str(), least.window_minutes), ("UTC", None));
        assert!(serde_json::from_value::<Schedule>(json!({ "cron": "@daily", "tz": 1 })).is_err());
    }

    #[test]
    fn errors_name_the_field() {
        assert!(schedule().timetable().is_ok());
        for (bad, field) in [
            (Schedule { cron: "daily".into(), ..schedule() }, "schedule.cron"),
            (Schedule { time_zone: "Mars/Base".into(), ..schedule() }, "schedule.time_zone"),
            (Schedule { time_zone: "+01:00".into(), ..schedule() }, "schedule.time_zone"),
            (Schedule { window_minutes: Some(0), ..schedule() }, "schedule.window_minutes"),
            (Schedule { window_minutes: Some(10_081), ..schedule() }, "schedule.window_minutes"),
            (Schedule { window_minutes: Some(4), ..schedule() }, "schedule.jitter_seconds"),
            (
                Schedule { window_minutes: None, jitter_seconds: 86_401, ..schedule() },
                "schedule.jitter_seconds",
            ),
        ] {
            let error = bad.timetable().unwrap_err();
            assert_eq!(error.field, field, "{error}");
        }
    }
}
