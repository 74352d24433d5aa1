use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::Cron;
use crate::PlanId;

/// A checked [`super::Schedule`] and its arithmetic. All results are pure functions of the
/// arguments.
///
/// Each local time that the cron fields name gives one instant:
/// - a local time that does not exist (clocks went forward over it) the first one after the gap;
/// - a local time that occurs twice (clocks went back over it) the first of the two.
///
/// Local times that give the same instant are one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    cron: Cron,
    zone: Tz,
    window: Option<TimeDelta>,
    jitter_seconds: u32,
}

/// A run to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextRun {
    /// Its time by the schedule; with the plan, what makes it unique.
    pub scheduled_at: DateTime<Utc>,
    /// When it starts: its time with jitter.
    pub start_at: DateTime<Utc>,
}

/// What has to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The newest run whose start has come.
    pub scheduled_at: DateTime<Utc>,
    /// Runs before it that nobody made; they are not made up for one by one. Counted up to
    /// [`Timetable::MAX_MISSED`].
    pub missed: u32,
    /// It is late beyond its window and must be skipped.
    pub window_over: bool,
    /// The run after it.
    pub next: Option<NextRun>,
}

impl Timetable {
    /// Missed runs are counted up to this.
    pub const MAX_MISSED: u32 = 1000;

    pub(super) fn new(
        cron: Cron,
        zone: Tz,
        window_minutes: Option<u32>,
        jitter_seconds: u32,
    ) -> Self {
        let window = window_minutes.map(|minutes| TimeDelta::minutes(minutes.into()));
        Self { cron, zone, window, jitter_seconds }
    }

    /// The time zone that it is meant in.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first scheduled time after `instant`. `None` at the end of the calendar only.
    pub fn next_after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut local = instant.with_timezone(&self.zone).naive_local();
        loop {
            local = self.cron.next_after(local)?;
            let next = self.instant(local)?;
            // Local times grow and their instants never shrink, but several may give one.
            if next > instant {
                return Some(next);
            }
        }
    }

    /// The next run after `instant`, with jitter.
    pub fn next_run(&self, plan: PlanId, instant: DateTime<Utc>) -> Option<NextRun> {
        self.next_after(instant).map(|scheduled_at| self.run(plan, scheduled_at))
    }

    /// What is due at `now`, where `first` is the first scheduled time that was not dealt with.
    pub fn due(&self, plan: PlanId, first: DateTime<Utc>, now: DateTime<Utc>) -> Option<Due> {
        let scheduled_at = self.newest_started(plan, first, now)?;
        let mut missed = 0;
        let mut time = first;
        while time < scheduled_at && missed < Self::MAX_MISSED {
            missed += 1;
            time = self.next_after(time)?;
        }
        let window_over = self.window.is_some_and(|window| now > scheduled_at + window);
        let next = self.next_run(plan, scheduled_at);
        Some(Due { scheduled_at, missed, window_over, next })
    }

    /// How much after its scheduled time a run starts: the same whoever asks, spread evenly over
    /// plans and times.
    pub fn jitter(&self, plan: PlanId, scheduled_at: DateTime<Utc>) -> TimeDelta {
        let draw = Uuid::new_v5(&plan.0, &scheduled_at.timestamp().to_be_bytes());
        let draw = draw.as_u128() % (u128::from(self.jitter_seconds) + 1);
        TimeDelta::seconds(i64::try_from(draw).unwrap_or(0))
    }

    fn run(&self, plan: PlanId, scheduled_at: DateTime<Utc>) -> NextRun {
        NextRun { scheduled_at, start_at: scheduled_at + self.jitter(plan, scheduled_at) }
    }

    /// The newest scheduled time from `first` on whose start is not after `now`.
    fn newest_started(
        &self,
        plan: PlanId,
        first: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        // After years of silence, not every minute of them is looked at: first only the last
        // hours, and more where there was nothing in them.
        let jitter = TimeDelta::seconds(self.jitter_seconds.into());
        for hours in [1, 24, 24 * 40, 24 * 366 * 50] {
            let from = (now - jitter - TimeDelta::hours(hours)).max(first);
            let mut newest = None;
            // `from` itself counts.
            let mut time = self.next_after(from - TimeDelta::nanoseconds(1));
            while let Some(scheduled_at) = time.filter(|time| *time <= now) {
                if self.run(plan, scheduled_at).start_at <= now {
                    newest = Some(scheduled_at);
                }
                time = self.next_after(scheduled_at);
            }
            if newest.is_some() || from == first {
                return newest;
            }
        }
        None
    }

    /// The instant of a local time; see the type.
    fn instant(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        // The longest gap ever was a day that an island left out.
        const LONGEST_GAP_MINUTES: i64 = 48 * 60;
        (0..=LONGEST_GAP_MINUTES).find_map(|minutes| {
            let local = local.checked_add_signed(TimeDelta::minutes(minutes))?;
            match self.zone.from_local_datetime(&local) {
                MappedLocalTime::Single(time) | MappedLocalTime::Ambiguous(time, _) => {
                    Some(time.with_timezone(&Utc))
                }
                MappedLocalTime::None => None,
            }
        })
    }
}

#[cfg(test)]
#[path = "timetable_tests.rs"]
mod tests;
