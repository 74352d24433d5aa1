use std::collections::BTreeSet;

use chrono::{NaiveDateTime, TimeDelta};
use proptest::prelude::*;

use super::*;

const NONE: Retention =
    Retention { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

fn time(text: &str) -> DateTime<Utc> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc()
}

fn available(id: u32, text: &str) -> Candidate<u32> {
    Candidate { id, time: time(text), standing: Standing::Available }
}

/// The kept ids with the first letters of their reasons.
fn kept(retention: Retention, zone: Tz, points: &[Candidate<u32>]) -> Vec<(u32, String)> {
    let letters = |verdict: &Verdict<u32>| {
        verdict.reasons.iter().map(|reason| format!("{reason:?}").remove(0)).collect()
    };
    let verdicts = retention.select(points, zone);
    verdicts.iter().filter(|v| v.kept()).map(|v| (v.id, letters(v))).collect()
}

fn ids(retention: Retention, zone: Tz, points: &[Candidate<u32>]) -> Vec<u32> {
    kept(retention, zone, points).into_iter().map(|(id, _)| id).collect()
}

#[test]
fn each_rule_by_itself() {
    let points = [
        available(1, "2024-12-31 23:30"),
        available(2, "2025-01-01 00:30"),
        available(3, "2025-12-28 10:00"), // Sunday, week 52
        available(4, "2025-12-29 10:00"), // Monday, week 1 of 2026
        available(5, "2026-01-01 10:00"), // Thursday, week 1
        available(6, "2026-01-01 10:45"),
        available(7, "2026-01-01 11:00"),
    ];
    for (retention, expected) in [
        (Retention { last: 1, ..NONE }, vec![7]),
        (Retention { last: 3, ..NONE }, vec![7, 6, 5]),
        (Retention { last: 99, ..NONE }, vec![7, 6, 5, 4, 3, 2, 1]),
        (Retention { hourly: 1, ..NONE }, vec![7]),
        (Retention { hourly: 2, ..NONE }, vec![7, 6]),
        (Retention { hourly: 3, ..NONE }, vec![7, 6, 4]),
        (Retention { daily: 2, ..NONE }, vec![7, 4]),
        (Retention { daily: 3, ..NONE }, vec![7, 4, 3]),
        (Retention { weekly: 1, ..NONE }, vec![7]),
        (Retention { weekly: 2, ..NONE }, vec![7, 3]),
        (Retention { weekly: 3, ..NONE }, vec![7, 3, 2]),
        (Retention { monthly: 2, ..NONE }, vec![7, 4]),
        (Retention { monthly: 4, ..NONE }, vec![7, 4, 2, 1]),
        (Retention { yearly: 1, ..NONE }, vec![7]),
        (Retention { yearly: 2, ..NONE }, vec![7, 4]),
        (Retention { yearly: 9, ..NONE }, vec![7, 4, 1]),
        (NONE, vec![7, 6, 5, 4, 3, 2, 1]),
    ] {
        assert_eq!(ids(retention, Tz::UTC, &points), expected, "{retention:?}");
    }
    // Yearly keeps the newest of the year 2025 and of 2024, which are 4 and 1; in a zone to the
    // east, the last evening of 2024 is in 2025.
    let yearly = Retention { yearly: 9, ..NONE };
    assert_eq!(ids(yearly, Tz::Europe__Berlin, &points), [7, 4]);
}

#[test]
fn reasons_add_up() {
    let points = [available(1, "2026-01-01 10:00"), available(2, "2026-01-02 10:00")];
    let retention = Retention { last: 1, hourly: 1, daily: 2, weekly: 1, monthly: 1, yearly: 1 };
    let found = kept(retention, Tz::UTC, &points);
    assert_eq!(found, [(2, "LHDWMY".to_owned()), (1, "D".to_owned())]);
    let found = kept(NONE, Tz::UTC, &points);
    assert_eq!(found, [(2, "E".to_owned()), (1, "E".to_owned())]);
}

#[test]
fn a_year_of_days_leaves_the_usual_picture() {
    let points: Vec<_> = (0..400)
        .map(|day| Candidate {
            id: day,
            time: time("2025-01-01 02:00") + TimeDelta::days(day.into()),
            standing: Standing::Available,
        })
        .collect();
    let retention = Retention { last: 3, daily: 7, weekly: 4, monthly: 12, ..NONE };
    // Day 399 is 2026-02-04, a Wednesday.
    let days = ids(retention, Tz::UTC, &points);
    let dates: Vec<String> =
        days.iter().map(|day| points[*day as usize].time.format("%y%m%d").to_string()).collect();
    assert_eq!(
        dates,
        [
            "260204", "260203", "260202", "260201", "260131", "260130", "260129", "260125",
            "260118", "251231", "251130", "251031", "250930", "250831", "250731", "250630",
            "250531", "250430", "250331"
        ]
    );
}

#[test]
fn the_hour_that_comes_twice_is_two_hours() {
    // Berlin, 2026-10-25: 00:30 and 01:30 UTC are both 02:30.
    let points = [available(1, "2026-10-25 00:30"), available(2, "2026-10-25 01:30")];
    let two = Retention { hourly: 2, ..NONE };
    assert_eq!(ids(two, Tz::Europe__Berlin, &points), [2, 1]);
    let one = Retention { daily: 2, ..NONE };
    assert_eq!(ids(one, Tz::Europe__Berlin, &points), [2]);
}

#[test]
fn days_are_those_of_the_zone() {
    let points = [available(1, "2026-06-01 21:30"), available(2, "2026-06-01 22:30")];
    let daily = Retention { daily: 2, ..NONE };
    assert_eq!(ids(daily, Tz::UTC, &points), [2]);
    assert_eq!(ids(daily, Tz::Europe__Berlin, &points), [2, 1], "midnight lies between");
}

#[test]
fn pinned_failed_and_unfinished_points_take_nobodys_place() {
    let with = |id, text, standing| Candidate { standing, ..available(id, text) };
    let points = [
        with(1, "2026-01-01 10:00", Standing::Failed),
        with(2, "2026-01-02 10:00", Standing::Pinned),
        available(3, "2026-01-03 10:00"),
        available(4, "2026-01-04 10:00"),
        with(5, "2026-01-05 10:00", Standing::Failed),
        available(6, "2026-01-06 10:00"),
        with(7, "2026-01-07 10:00", Standing::Failed),
        with(8, "2026-01-08 10:00", Standing::Unfinished),
        with(9, "2026-01-09 10:00", Standing::Pinned),
    ];
    let retention = Retention { last: 2, ..NONE };
    let found = kept(retention, Tz::UTC, &points);
    let expected = [(9, "P"), (8, "U"), (7, "R"), (6, "L"), (5, "R"), (4, "L"), (2, "P")];
    assert_eq!(found, expected.map(|(id, reasons)| (id, reasons.to_owned())));
    assert_eq!(ids(NONE, Tz::UTC, &points).len(), 9, "all zero keeps everything");
    let only_failed = [with(1, "2026-01-01 10:00", Standing::Failed)];
    assert_eq!(ids(retention, Tz::UTC, &only_failed), [1]);
}

#[test]
fn same_time_goes_by_id() {
    let points = [available(1, "2026-01-01 10:00"), available(2, "2026-01-01 10:00")];
    assert_eq!(ids(Retention { last: 1, ..NONE }, Tz::UTC, &points), [2]);
    assert_eq!(ids(Retention { daily: 5, ..NONE }, Tz::UTC, &points), [2]);
}

#[test]
fn the_form_is_that_of_the_api_and_fields_may_be_left_out() {
    let form = serde_json::json!({
        "last": 3, "hourly": 0, "daily": 7, "weekly": 4, "monthly": 12, "yearly": 0,
    });
    let retention = Retention { last: 3, daily: 7, weekly: 4, monthly: 12, ..NONE };
    assert_eq!(serde_json::to_value(retention).unwrap(), form);
    assert_eq!(serde_json::from_value::<Retention>(form).unwrap(), retention);
    assert_eq!(serde_json::from_str::<Retention>("{}").unwrap(), NONE);
    assert!(serde_json::from_str::<Retention>("{\"days\": 1}").is_err());
    let error = Retention { weekly: 10_001, ..NONE }.validate().unwrap_err();
    assert_eq!(error.field, "retention.weekly");
}

/// A period's name, by formatting: another way than the arithmetic above.
fn label(reason: KeepReason, time: DateTime<Utc>, zone: Tz) -> String {
    let form = match reason {
        KeepReason::Hourly => "%Y-%m-%d %H %z",
        KeepReason::Daily => "%Y-%m-%d",
        KeepReason::Weekly => "%G-%V",
        KeepReason::Monthly => "%Y-%m",
        _ => "%Y",
    };
    time.with_timezone(&zone).format(form).to_string()
}

/// Whether one rule keeps the point at `place` of the newest-first list, by counting: it is the
/// newest of its period, and fewer than `most` periods begin before it.
fn slow(reason: KeepReason, most: u32, points: &[Candidate<u32>], place: usize, zone: Tz) -> bool {
    let name = |place: usize| label(reason, points[place].time, zone);
    let newer: BTreeSet<String> = (0..place).map(name).collect();
    !newer.contains(&name(place)) && newer.len() < most as usize
}

prop_compose! {
    fn candidates()(
        // Close together and far apart, so that every period is met.
        gaps in prop::collection::vec(prop_oneof![0i64..120, 0i64..3_000, 0i64..400_000], 0..40),
        standings in prop::collection::vec(0u8..10, 40),
    ) -> Vec<Candidate<u32>> {
        let mut at = time("2024-02-20 00:00");
        gaps.into_iter().zip(standings).enumerate().map(|(id, (gap, standing))| {
            at += TimeDelta::minutes(gap);
            let standing = match standing {
                0 => Standing::Pinned,
                1 => Standing::Failed,
                2 => Standing::Unfinished,
                _ => Standing::Available,
            };
            Candidate { id: id as u32, time: at, standing }
        }).collect()
    }
}

prop_compose! {
    fn retentions()(
        last in 0u32..4, hourly in 0u32..5, daily in 0u32..5,
        weekly in 0u32..5, monthly in 0u32..5, yearly in 0u32..4,
    ) -> Retention {
        Retention { last, hourly, daily, weekly, monthly, yearly }
    }
}

fn zones() -> impl Strategy<Value = Tz> {
    prop::sample::select(vec![
        Tz::UTC,
        Tz::Europe__Berlin,
        Tz::America__New_York,
        Tz::Pacific__Kiritimati,
        Tz::Australia__Lord_Howe,
    ])
}

proptest! {
    #[test]
    fn agrees_with_counting(points in candidates(), retention in retentions(), zone in zones()) {
        let verdicts = retention.select(&points, zone);
        prop_assert_eq!(verdicts.len(), points.len());
        let mut newest_first: Vec<_> =
            points.iter().copied().filter(|p| p.standing == Standing::Available).collect();
        newest_first.sort_by_key(|p| std::cmp::Reverse((p.time, p.id)));
        for (place, point) in newest_first.iter().enumerate() {
            let mut expected = Vec::new();
            if place < retention.last as usize {
                expected.push(KeepReason::Last);
            }
            for (reason, most) in [
                (KeepReason::Hourly, retention.hourly),
                (KeepReason::Daily, retention.daily),
                (KeepReason::Weekly, retention.weekly),
                (KeepReason::Monthly, retention.monthly),
                (KeepReason::Yearly, retention.yearly),
            ] {
                if slow(reason, most, &newest_first, place, zone) {
                    expected.push(reason);
                }
            }
            if retention == NONE {
                expected.push(KeepReason::Everything);
            }
            let verdict = verdicts.iter().find(|verdict| verdict.id == point.id).unwrap();
            prop_assert_eq!(&verdict.reasons, &expected);
        }
    }

    #[test]
    fn never_everything_and_never_what_is_not_ours_to_remove(
        points in candidates(), retention in retentions(), zone in zones(),
    ) {
        let verdicts = retention.select(&points, zone);
        let newest = points
            .iter()
            .filter(|point| point.standing == Standing::Available)
            .max_by_key(|point| (point.time, point.id));
        if let Some(newest) = newest {
            prop_assert!(verdicts.iter().any(|v| v.id == newest.id && v.kept()), "the newest stays");
        }
        for point in &points {
            if matches!(point.standing, Standing::Pinned | Standing::Unfinished) {
                prop_assert!(verdicts.iter().any(|v| v.id == point.id && v.kept()));
            }
        }
    }

    #[test]
    fn the_order_of_the_points_does_not_matter_and_twice_is_once(
        points in candidates(), retention in retentions(), zone in zones(),
    ) {
        let verdicts = retention.select(&points, zone);
        let mut turned = points.clone();
        turned.reverse();
        prop_assert_eq!(&retention.select(&turned, zone), &verdicts);
        // What was kept is kept again, for the same reasons, when the rest is gone.
        let stays: Vec<_> = points
            .iter()
            .copied()
            .filter(|point| verdicts.iter().any(|v| v.id == point.id && v.kept()))
            .collect();
        let kept: Vec<_> = verdicts.into_iter().filter(Verdict::kept).collect();
        prop_assert_eq!(retention.select(&stays, zone), kept);
    }

    #[test]
    fn more_is_kept_by_larger_rules(
        points in candidates(), retention in retentions(), zone in zones(),
    ) {
        prop_assume!(retention != NONE);
        let larger = Retention { daily: retention.daily + 1, last: retention.last + 1, ..retention };
        let more: BTreeSet<_> =
            larger.select(&points, zone).into_iter().filter(Verdict::kept).map(|v| v.id).collect();
        for verdict in retention.select(&points, zone).iter().filter(|v| v.kept()) {
            prop_assert!(more.contains(&verdict.id));
        }
    }
}
