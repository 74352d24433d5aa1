use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

/// A crontab's five fields: minute, hour, day of month, month, day of week.
///
/// Each is `*` or a comma list of numbers, names (`jan`, `mon`) and ranges, `*` and ranges with
/// an optional step (`*/15`, `8-18/2`). Weekday 0 and 7 are Sunday. Where both day fields say
/// less than `*`, one that fits is enough; a field that begins with `*` counts as saying nothing,
/// and must then fit besides. `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`,
/// `@midnight` and `@hourly` stand for their fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// One of the day fields begins with `*`: both must fit.
    both_days: bool,
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// Not five fields.
    #[error(
        "five fields are needed (minute hour day-of-month month day-of-week), not {count}: \
         \"0 2 * * *\" is every day at two"
    )]
    Fields {
        /// How many there are.
        count: usize,
    },
    /// An unknown word with `@`.
    #[error("{word} is not known: use @hourly, @daily, @weekly, @monthly, @yearly or five fields")]
    Word {
        /// The word.
        word: String,
    },
    /// A part of a field cannot be read.
    #[error("{text:?} is no {field} ({range})")]
    Part {
        /// Which field.
        field: &'static str,
        /// The part.
        text: String,
        /// What is allowed: `0-59`.
        range: &'static str,
    },
    /// A range that ends before it begins.
    #[error("the {field} range {text} is backwards")]
    Backwards {
        /// Which field.
        field: &'static str,
        /// The range.
        text: String,
    },
    /// A step that is no positive number, or follows a single value.
    #[error("the step of the {field} {text:?} must be a number from 1 after * or a range")]
    Step {
        /// Which field.
        field: &'static str,
        /// The part.
        text: String,
    },
    /// No such day ever comes.
    #[error("no day ever fits this")]
    Never,
}

struct Field {
    name: &'static str,
    range: &'static str,
    first: u32,
    last: u32,
    /// Names of the values from `first` on.
    names: &'static [&'static str],
}

const MINUTE: Field = Field { name: "minute", range: "0-59", first: 0, last: 59, names: &[] };
const HOUR: Field = Field { name: "hour", range: "0-23", first: 0, last: 23, names: &[] };
const DAY: Field = Field { name: "day of month", range: "1-31", first: 1, last: 31, names: &[] };
const MONTH: Field = Field {
    name: "month",
    range: "1-12 or jan-dec",
    first: 1,
    last: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAY: Field = Field {
    name: "day of week",
    range: "0-7 or sun-sat",
    first: 0,
    last: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// No pattern of days is longer: the 29th of February on one weekday comes again within 40 years.
const HORIZON_YEARS: i32 = 41;

impl Cron {
    /// Reads five fields or a word with `@`.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let text = text.trim();
        let spelled = match text.strip_prefix('@') {
            None => text,
            Some(word) => match word.to_ascii_lowercase().as_str() {
                "yearly" | "annually" => "0 0 1 1 *",
                "monthly" => "0 0 1 * *",
                "weekly" => "0 0 * * 0",
                "daily" | "midnight" => "0 0 * * *",
                "hourly" => "0 * * * *",
                _ => return Err(CronError::Word { word: text.to_owned() }),
            },
        };
        let fields: Vec<&str> = spelled.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return Err(CronError::Fields { count: fields.len() });
        };
        let mut cron = Self {
            minutes: MINUTE.parse(minutes)?,
            hours: HOUR.parse(hours)?,
            days: DAY.parse(days)?,
            months: MONTH.parse(months)?,
            weekdays: WEEKDAY.parse(weekdays)?,
            both_days: days.starts_with('*') || weekdays.starts_with('*'),
        };
        if has(cron.weekdays, 7) {
            cron.weekdays |= 1;
        }
        let some_day = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default();
        match cron.next_after(some_day.and_time(NaiveTime::MIN)) {
            Some(_) => Ok(cron),
            None => Err(CronError::Never),
        }
    }

    /// The first local time after `local` that fits, in whole minutes. `None` at the end of the
    /// calendar only.
    pub fn next_after(&self, local: NaiveDateTime) -> Option<NaiveDateTime> {
        let mut date = local.date();
        let mut from = Some((local.hour(), local.minute() + 1));
        let end = date.year().checked_add(HORIZON_YEARS)?;
        while date.year() <= end {
            if !has(self.months, date.month()) {
                date = first_of_next_month(date)?;
                from = None;
                continue;
            }
            if self.fits_day(date)
                && let Some(time) = self.first_time(from.unwrap_or((0, 0)))
            {
                return Some(date.and_time(time));
            }
            date = date.checked_add_days(Days::new(1))?;
            from = None;
        }
        None
    }

    /// Whether a local time fits, by the minute.
    pub fn matches(&self, local: NaiveDateTime) -> bool {
        has(self.months, local.month())
            && self.fits_day(local.date())
            && has(self.hours, local.hour())
            && has(self.minutes, local.minute())
    }

    fn fits_day(&self, date: NaiveDate) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().num_days_from_sunday());
        if self.both_days { day && weekday } else { day || weekday }
    }

    /// The first fitting time of a day from (hour, minute) on; the minute may be 60.
    fn first_time(&self, (hour, minute): (u32, u32)) -> Option<NaiveTime> {
        let at = |hour, from| {
            let minute = first_from(self.minutes, from).filter(|minute| *minute < 60)?;
            NaiveTime::from_hms_opt(hour, minute, 0)
        };
        if has(self.hours, hour)
            && let Some(time) = at(hour, minute)
        {
            return Some(time);
        }
        at(first_from(self.hours, hour + 1)?, 0)
    }
}

impl Field {
    fn parse(&self, text: &str) -> Result<u64, CronError> {
        text.split(',').try_fold(0, |set, part| Ok(set | self.part(part)?))
    }

    fn part(&self, text: &str) -> Result<u64, CronError> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (text, None),
        };
        let (first, last) = if range == "*" {
            // Weekday 7 is a second name of 0, not a day more.
            (self.first, if self.last == 7 { 6 } else { self.last })
        } else if let Some((first, last)) = range.split_once('-') {
            let (first, last) = (self.value(first, text)?, self.value(last, text)?);
            if last < first {
                return Err(CronError::Backwards { field: self.name, text: range.to_owned() });
            }
            (first, last)
        } else if step.is_some() {
            return Err(CronError::Step { field: self.name, text: text.to_owned() });
        } else {
            let value = self.value(range, text)?;
            (value, value)
        };
        let step = match step {
            None => 1,
            Some(step) => number(step)
                .filter(|step| *step > 0)
                .ok_or_else(|| CronError::Step { field: self.name, text: text.to_owned() })?,
        };
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        Ok((first..=last).step_by(step).fold(0, |set, value| set | 1 << value))
    }

    fn value(&self, word: &str, part: &str) -> Result<u32, CronError> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(word));
        let value = match named {
            Some(place) => u32::try_from(place).ok().map(|place| place + self.first),
            None => number(word),
        };
        value.filter(|value| (self.first..=self.last).contains(value)).ok_or_else(|| {
            CronError::Part { field: self.name, text: part.to_owned(), range: self.range }
        })
    }
}

/// Digits only: `+5` is a number for Rust, not for people who write schedules.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

const fn has(set: u64, value: u32) -> bool {
    set & (1 << value) != 0
}

/// The smallest member of `set` that is at least `from`.
fn first_from(set: u64, from: u32) -> Option<u32> {
    let rest = set.checked_shr(from).unwrap_or(0);
    (rest != 0).then(|| from + rest.trailing_zeros())
}

fn first_of_next_month(date: NaiveDate) -> Option<NaiveDate> {
    match date.month() {
        12 => NaiveDate::from_ymd_opt(date.year() + 1, 1, 1),
        month => NaiveDate::from_ymd_opt(date.year(), month + 1, 1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn local(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    #[test]
    fn the_next_time_by_table() {
        // 2026-11-23 is a Monday.
        for (cron, after, expected) in [
            ("0 2 * * *", "2026-11-23 01:59", "2026-11-23 02:00"),
            ("0 2 * * *", "2026-11-23 02:00", "2026-11-24 02:00"),
            ("*/15 * * * *", "2026-11-23 10:50", "2026-11-23 11:00"),
            ("59 23 31 12 *", "2026-11-23 00:00", "2026-12-31 23:59"),
            ("0 0 * * mon", "2026-11-23 00:00", "2026-11-30 00:00"),
            ("0 0 * * 0", "2026-11-23 00:00", "2026-11-29 00:00"),
            ("0 0 * * 7", "2026-11-23 00:00", "2026-11-29 00:00"),
            ("0 0 * * 5-7", "2026-11-28 00:00", "2026-11-29 00:00"),
            ("30 8-18/5 * * MON-FRI", "2026-11-20 18:30", "2026-11-23 08:30"),
            ("0 0 29 2 *", "2026-11-23 00:00", "2028-02-29 00:00"),
            ("0 0 29 feb *", "2097-01-01 00:00", "2104-02-29 00:00"),
            ("0 12 1,15 * *", "2026-11-15 12:00", "2026-12-01 12:00"),
            // Both day fields say something: either is enough.
            ("0 0 13 * fri", "2026-11-23 00:00", "2026-11-27 00:00"),
            ("0 0 24 * fri", "2026-11-23 00:00", "2026-11-24 00:00"),
            // One begins with a star: both must fit.
            ("0 0 */2 * tue", "2026-11-23 00:00", "2026-12-01 00:00"),
            ("0 0 13 * */5", "2026-11-23 00:00", "2026-12-13 00:00"),
            ("@yearly", "2026-11-23 00:00", "2027-01-01 00:00"),
            ("@annually", "2026-11-23 00:00", "2027-01-01 00:00"),
            ("@monthly", "2026-11-23 00:00", "2026-12-01 00:00"),
            ("@weekly", "2026-11-23 00:00", "2026-11-29 00:00"),
            ("@daily", "2026-11-23 00:00", "2026-11-24 00:00"),
            ("@Midnight", "2026-11-23 00:00", "2026-11-24 00:00"),
            (" @hourly ", "2026-11-23 00:00", "2026-11-23 01:00"),
            ("0,30 0 1 jan-mar,dec *", "2026-11-23 00:00", "2026-12-01 00:00"),
        ] {
            let next = Cron::parse(cron).unwrap().next_after(local(after));
            assert_eq!(next, Some(local(expected)), "{cron} after {after}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_the_field() {
        for (cron, said) in [
            ("", "not 0"),
            ("* * * *", "not 4"),
            ("0 0 2 * * *", "not 6"),
            ("60 * * * *", "minute"),
            ("* 24 * * *", "hour"),
            ("* * 0 * *", "day of month"),
            ("* * 32 * *", "day of month"),
            ("* * * 13 *", "month"),
            ("* * * foo *", "month"),
            ("* * * * 8", "day of week"),
            ("* * * * fri-mon", "backwards"),
            ("5-1 * * * *", "backwards"),
            ("*/0 * * * *", "step"),
            ("*/x * * * *", "step"),
            ("0/15 * * * *", "step"),
            ("1-2-3 * * * *", "minute"),
            ("1,,2 * * * *", "minute"),
            (", * * * *", "minute"),
            ("-1 * * * *", "minute"),
            ("+1 * * * *", "minute"),
            ("99999999999 * * * *", "minute"),
            ("@reboot", "@reboot"),
            ("@", "@"),
            ("0 0 30 2 *", "no day"),
            ("0 0 31 4,6,9,11 *", "no day"),
        ] {
            let error = Cron::parse(cron).unwrap_err().to_string();
            assert!(error.contains(said), "{cron}: {error}");
        }
    }

    proptest! {
        /// Against looking at every minute of four weeks.
        #[test]
        fn agrees_with_looking_at_every_minute(
            minute in prop::sample::select(vec!["*", "0", "*/7", "59", "5,10-20/3"]),
            hour in prop::sample::select(vec!["*", "0", "23", "*/5", "8-18"]),
            day in prop::sample::select(vec!["*", "1", "28", "29-31", "*/3", "10-15"]),
            month in prop::sample::select(vec!["*", "2", "*/2", "nov-dec"]),
            weekday in prop::sample::select(vec!["*", "0", "7", "mon-fri", "*/2", "3"]),
            start_minutes in 0i64..1_000_000,
        ) {
            let text = format!("{minute} {hour} {day} {month} {weekday}");
            let cron = Cron::parse(&text).unwrap();
            let start = local("2026-01-01 00:00") + chrono::TimeDelta::minutes(start_minutes);
            let slow = (1..=40_320)
                .map(|minutes| start + chrono::TimeDelta::minutes(minutes))
                .find(|time| cron.matches(*time));
            let next = cron.next_after(start).unwrap();
            match slow {
                Some(slow) => prop_assert_eq!(next, slow, "{}", text),
                None => prop_assert!(next > start + chrono::TimeDelta::minutes(40_320)),
            }
        }

        #[test]
        fn nothing_panics(text in "[0-9*/,@a-z -]{0,20}") {
            let _ = Cron::parse(&text);
        }
    }
}
