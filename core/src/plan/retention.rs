use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Offset, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::PlanError;

/// How many points of an instance are kept (grandfather, father, son).
///
/// `last` keeps that many of the newest. Each of the others looks at the newest point of every
/// hour, day, ISO week, month or year in the plan's time zone, and keeps that many of them, newest
/// first; periods without a point do not count. A point kept for any reason stays. All zero keeps
/// everything: whoever wants nothing kept deletes the plan and its points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// The newest points.
    pub last: u32,
    /// Newest points of an hour.
    pub hourly: u32,
    /// Newest points of a day.
    pub daily: u32,
    /// Newest points of an ISO week (from Monday).
    pub weekly: u32,
    /// Newest points of a month.
    pub monthly: u32,
    /// Newest points of a year.
    pub yearly: u32,
}

/// What a point is worth to retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can be restored: the rules look at these only.
    Available,
    /// Somebody said that it stays: it is kept, and takes nobody's place.
    Pinned,
    /// It failed or is damaged: it takes nobody's place, and goes when it is older than
    /// everything that is kept.
    Failed,
    /// It is being made or deleted: nothing is done to it.
    Unfinished,
}

/// A point that retention decides on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<Id> {
    /// Which one.
    pub id: Id,
    /// When it was made.
    pub time: DateTime<Utc>,
    /// What it is worth.
    pub standing: Standing,
}

/// Why a point is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepReason {
    /// One of the newest.
    Last,
    /// Newest of its hour.
    Hourly,
    /// Newest of its day.
    Daily,
    /// Newest of its week.
    Weekly,
    /// Newest of its month.
    Monthly,
    /// Newest of its year.
    Yearly,
    /// All rules are zero.
    Everything,
    /// Pinned.
    Pinned,
    /// Being made or deleted.
    Unfinished,
    /// It failed, and something older is kept, or nothing at all is there to keep.
    RecentFailure,
}

/// What becomes of a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<Id> {
    /// Which one.
    pub id: Id,
    /// Why it is kept, in the order of [`KeepReason`]; without a reason it is removed.
    pub reasons: Vec<KeepReason>,
}

impl<Id> Verdict<Id> {
    /// Whether the point is kept.
    pub fn kept(&self) -> bool {
        !self.reasons.is_empty()
    }
}

/// A period of local time, comparable inside one rule.
type Period = (i64, i64);

const MOST: u32 = 10_000;

impl Retention {
    /// Decides on the points of one instance, newest first; of two with the same time the one
    /// with the larger id counts as newer. The order of `points` does not matter.
    ///
    /// As long as one is available, at least one available point is kept.
    pub fn select<Id: Copy + Ord>(&self, points: &[Candidate<Id>], zone: Tz) -> Vec<Verdict<Id>> {
        let mut points = points.to_vec();
        points.sort_by_key(|point| std::cmp::Reverse((point.time, point.id)));
        let mut verdicts: Vec<_> =
            points.iter().map(|point| Verdict { id: point.id, reasons: Vec::new() }).collect();
        let available: Vec<usize> = (0..points.len())
            .filter(|place| points[*place].standing == Standing::Available)
            .collect();
        if *self == Self::default() {
            available
                .iter()
                .for_each(|place| verdicts[*place].reasons.push(KeepReason::Everything));
        }
        for place in available.iter().take(count(self.last)) {
            verdicts[*place].reasons.push(KeepReason::Last);
        }
        for (reason, most, period) in self.rules() {
            // Places grow with age, so the first of a period is its newest.
            let mut newest: BTreeMap<Period, usize> = BTreeMap::new();
            for place in &available {
                newest.entry(period(points[*place].time, zone)).or_insert(*place);
            }
            for place in newest.values().rev().take(count(most)) {
                verdicts[*place].reasons.push(reason);
            }
        }
        let oldest_kept = available.iter().rev().find(|place| verdicts[**place].kept()).copied();
        for (place, point) in points.iter().enumerate() {
            let recent = oldest_kept.is_none_or(|oldest| place < oldest);
            match point.standing {
                Standing::Pinned => verdicts[place].reasons.push(KeepReason::Pinned),
                Standing::Unfinished => verdicts[place].reasons.push(KeepReason::Unfinished),
                Standing::Failed if recent || *self == Self::default() => {
                    verdicts[place].reasons.push(KeepReason::RecentFailure);
                }
                Standing::Failed | Standing::Available => {}
            }
        }
        verdicts
    }

    pub(super) fn validate(&self) -> Result<(), PlanError> {
        let Self { last, hourly, daily, weekly, monthly, yearly } = *self;
        for (field, value) in [
            ("retention.last", last),
            ("retention.hourly", hourly),
            ("retention.daily", daily),
            ("retention.weekly", weekly),
            ("retention.monthly", monthly),
            ("retention.yearly", yearly),
        ] {
            if value > MOST {
                let message = format!("must be at most {MOST}; all zero keeps everything");
                return Err(PlanError::new(field, message));
            }
        }
        Ok(())
    }

    #[allow(clippy::type_complexity)]
    fn rules(&self) -> [(KeepReason, u32, fn(DateTime<Utc>, Tz) -> Period); 5] {
        [
            (KeepReason::Hourly, self.hourly, |time, zone| {
                // The hour that comes twice is two hours.
                let local = time.with_timezone(&zone);
                let offset = i64::from(local.offset().fix().local_minus_utc());
                let hour = local.naive_local().and_utc().timestamp()
                    - i64::from(local.minute() * 60 + local.second());
                (hour - offset, offset)
            }),
            (KeepReason::Daily, self.daily, |time, zone| {
                let local = time.with_timezone(&zone);
                (local.year().into(), local.ordinal().into())
            }),
            (KeepReason::Weekly, self.weekly, |time, zone| {
                let week = time.with_timezone(&zone).iso_week();
                (week.year().into(), week.week().into())
            }),
            (KeepReason::Monthly, self.monthly, |time, zone| {
                let local = time.with_timezone(&zone);
                (local.year().into(), local.month().into())
            }),
            (KeepReason::Yearly, self.yearly, |time, zone| {
                (time.with_timezone(&zone).year().into(), 0)
            }),
        ]
    }
}

fn count(most: u32) -> usize {
    usize::try_from(most).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
