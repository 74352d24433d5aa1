use proptest::prelude::*;

use super::super::Schedule;
use super::*;

fn timetable(cron: &str, zone: &str) -> Timetable {
    with(cron, zone, None, 0)
}

fn with(cron: &str, zone: &str, window_minutes: Option<u32>, jitter_seconds: u32) -> Timetable {
    let schedule =
        Schedule { cron: cron.into(), time_zone: zone.into(), window_minutes, jitter_seconds };
    schedule.timetable().unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc()
}

fn runs(timetable: &Timetable, from: &str, to: &str) -> Vec<String> {
    let (mut time, to) = (utc(from), utc(to));
    let mut found = Vec::new();
    while let Some(next) = timetable.next_after(time).filter(|next| *next < to) {
        found.push(next.format("%m-%d %H:%M").to_string());
        time = next;
    }
    found
}

#[test]
fn local_times_follow_the_zone() {
    let berlin = timetable("0 2 * * *", "Europe/Berlin");
    assert_eq!(berlin.next_after(utc("2026-07-01 00:00")), Some(utc("2026-07-02 00:00")));
    assert_eq!(berlin.next_after(utc("2026-12-01 00:00")), Some(utc("2026-12-01 01:00")));
    let kolkata = timetable("30 5 * * *", "Asia/Kolkata");
    assert_eq!(kolkata.next_after(utc("2026-01-01 00:00")), Some(utc("2026-01-02 00:00")));
}

#[test]
fn a_time_that_does_not_exist_runs_once_at_the_next_that_does() {
    // 2027-03-28 in Berlin: 02:00 becomes 03:00 at 01:00 UTC.
    let once =
        |cron| runs(&timetable(cron, "Europe/Berlin"), "2027-03-27 12:00", "2027-03-29 12:00");
    assert_eq!(once("30 2 * * *"), ["03-28 01:00", "03-29 00:30"]);
    // Several in the gap, and the first one after it, are one run.
    assert_eq!(once("0,20,40 2 28 * *"), ["03-28 01:00"]);
    assert_eq!(once("0 2,3 28 * *"), ["03-28 01:00"]);
    // Every hour goes on every hour.
    assert_eq!(
        runs(&timetable("0 * * * *", "Europe/Berlin"), "2027-03-27 23:30", "2027-03-28 03:30"),
        ["03-28 00:00", "03-28 01:00", "03-28 02:00", "03-28 03:00"]
    );
}

#[test]
fn a_time_that_occurs_twice_runs_once() {
    // 2026-10-25 in Berlin: 03:00 becomes 02:00 at 01:00 UTC.
    let daily = timetable("30 2 * * *", "Europe/Berlin");
    assert_eq!(
        runs(&daily, "2026-10-24 12:00", "2026-10-26 12:00"),
        ["10-25 00:30", "10-26 01:30"]
    );
    // Asked in the second of the two hours.
    assert_eq!(daily.next_after(utc("2026-10-25 01:10")), Some(utc("2026-10-26 01:30")));
    assert_eq!(
        runs(&timetable("0 * * * *", "Europe/Berlin"), "2026-10-24 23:30", "2026-10-25 03:30"),
        ["10-25 00:00", "10-25 02:00", "10-25 03:00"]
    );
}

#[test]
fn half_an_hour_and_a_whole_day_can_be_missing() {
    // Lord Howe goes forward by half an hour: 02:00 becomes 02:30 at 15:30 UTC.
    let howe = timetable("15 2 * * *", "Australia/Lord_Howe");
    assert_eq!(runs(&howe, "2026-10-03 00:00", "2026-10-04 12:00"), ["10-03 15:30"]);
    // Apia left out the 30th of December 2011.
    let apia = timetable("0 12 30 12 *", "Pacific/Apia");
    assert_eq!(runs(&apia, "2011-12-29 00:00", "2012-01-02 00:00"), ["12-30 10:00"]);
}

#[test]
fn jitter_is_the_same_for_everybody_and_spread() {
    let timetable = with("0 2 * * *", "UTC", None, 300);
    let at = utc("2026-11-23 02:00");
    let plan = PlanId::new();
    assert_eq!(timetable.jitter(plan, at), timetable.jitter(plan, at));
    let draws: Vec<i64> =
        (0..500).map(|_| timetable.jitter(PlanId::new(), at).num_seconds()).collect();
    assert!(draws.iter().all(|draw| (0..=300).contains(draw)));
    let mean = draws.iter().sum::<i64>() / 500;
    assert!((120..=180).contains(&mean), "{mean}");
    let known = PlanId(Uuid::nil());
    assert_eq!(timetable.jitter(known, at).num_seconds(), 238, "over releases too");
    assert_eq!(with("0 2 * * *", "UTC", None, 0).jitter(plan, at), TimeDelta::zero());
}

#[test]
fn what_is_due_by_table() {
    let plan = PlanId::new();
    let due = |window, first: &str, now: &str| {
        with("0 2 * * *", "UTC", window, 0).due(plan, utc(first), utc(now))
    };
    assert_eq!(due(None, "2026-11-23 02:00", "2026-11-23 01:59"), None);
    let found = due(None, "2026-11-23 02:00", "2026-11-23 02:00").unwrap();
    assert_eq!((found.scheduled_at, found.missed), (utc("2026-11-23 02:00"), 0));
    assert_eq!(found.next.unwrap().scheduled_at, utc("2026-11-24 02:00"));
    // Down for three days: one run for all.
    let found = due(None, "2026-11-20 02:00", "2026-11-23 05:00").unwrap();
    assert_eq!((found.scheduled_at, found.missed), (utc("2026-11-23 02:00"), 3));
    assert!(!found.window_over);
    // Two hours' window: to the last moment of it, and no more.
    assert!(!due(Some(120), "2026-11-23 02:00", "2026-11-23 04:00").unwrap().window_over);
    assert!(due(Some(120), "2026-11-23 02:00", "2026-11-23 04:01").unwrap().window_over);
    // Years of silence.
    let found = with("* * * * *", "UTC", None, 0)
        .due(plan, utc("2016-01-01 00:00"), utc("2026-11-23 02:00"))
        .unwrap();
    assert_eq!(found.scheduled_at, utc("2026-11-23 02:00"));
    assert_eq!(found.missed, Timetable::MAX_MISSED);
    let found = with("0 0 29 2 *", "UTC", None, 0)
        .due(plan, utc("2016-02-29 00:00"), utc("2026-11-23 02:00"))
        .unwrap();
    assert_eq!((found.scheduled_at, found.missed), (utc("2024-02-29 00:00"), 2));
}

#[test]
fn a_run_whose_jitter_is_not_over_is_not_due() {
    let timetable = with("0 2 * * *", "UTC", Some(120), 3600);
    let first = utc("2026-11-23 02:00");
    let plan = std::iter::repeat_with(PlanId::new)
        .find(|plan| timetable.jitter(*plan, first) > TimeDelta::minutes(10))
        .unwrap();
    let start = first + timetable.jitter(plan, first);
    assert_eq!(timetable.due(plan, first, start - TimeDelta::seconds(1)), None);
    assert_eq!(timetable.due(plan, first, start).unwrap().scheduled_at, first);
}

const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Africa/Casablanca",
];
const CRONS: [&str; 8] = [
    "0 2 * * *",
    "30 1,2,3 * * *",
    "*/20 * * * *",
    "0 0 * * sun",
    "15 */3 1-7 * mon",
    "59 23 31 * *",
    "0 2 29 2 *",
    "7 0-4 * mar,oct,nov *",
];

proptest! {
    /// The slow way: every local minute of the days around, each made an instant by walking over
    /// all instants of those days.
    #[test]
    fn next_after_agrees_with_walking_over_every_minute(
        cron in prop::sample::select(CRONS.to_vec()),
        zone in prop::sample::select(ZONES.to_vec()),
        start in 0i64..(3 * 366 * 1440),
    ) {
        let timetable = timetable(cron, zone);
        let start = utc("2025-01-01 00:00") + TimeDelta::minutes(start);
        // A local time's instant is the first one whose local time is not before it, as far as
        // no local time was reached earlier: so walk, keep the latest local time reached, and
        // take what lies between it and the next as reached now.
        let mut reached = (start - TimeDelta::hours(26)).with_timezone(&timetable.zone).naive_local();
        let mut slow = None;
        for minute in -26 * 60 + 1..=4 * 1440 {
            let now = start + TimeDelta::minutes(minute);
            let local = now.with_timezone(&timetable.zone).naive_local();
            let mut passed = false;
            while reached < local {
                reached += TimeDelta::minutes(1);
                passed |= timetable.cron.matches(reached);
            }
            if passed && now > start {
                slow = Some(now);
                break;
            }
        }
        let next = timetable.next_after(start).unwrap();
        match slow {
            Some(slow) => prop_assert_eq!(next, slow),
            None => prop_assert!(next > start + TimeDelta::days(4)),
        }
    }

    /// A scheduler that looks at any moments deals with every scheduled time once, as run or as
    /// missed.
    #[test]
    fn no_scheduled_time_is_lost_or_doubled(
        cron in prop::sample::select(CRONS.to_vec()),
        zone in prop::sample::select(ZONES.to_vec()),
        jitter in prop::sample::select(vec![0u32, 60, 7200]),
        pauses in prop::collection::vec(1i64..3000, 1..30),
    ) {
        let timetable = with(cron, zone, None, jitter);
        let plan = PlanId::new();
        let start = utc("2026-01-01 00:00");
        let mut first = timetable.next_after(start).unwrap();
        let mut now = start;
        let mut dealt = 0;
        for pause in pauses {
            now += TimeDelta::minutes(pause);
            while let Some(due) = timetable.due(plan, first, now) {
                prop_assert!(due.scheduled_at >= first && due.scheduled_at <= now);
                dealt += due.missed + 1;
                first = due.next.unwrap().scheduled_at;
            }
        }
        let mut expected = 0;
        let mut time = timetable.next_after(start).unwrap();
        while time < first {
            expected += 1;
            time = timetable.next_after(time).unwrap();
        }
        prop_assert_eq!(dealt, expected);
        prop_assert!(first + TimeDelta::seconds(jitter.into()) > now);
    }
}
