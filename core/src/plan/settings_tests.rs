use serde_json::{Value, json};

use super::*;

fn least() -> PlanSettings {
    serde_json::from_value(json!({ "name": "nightly", "instances": { "all": true } })).unwrap()
}

fn form(id: PlanId, repository: RepositoryId) -> Value {
    json!({
        "id": id, "name": "nightly", "description": "all web servers",
        "status": "active", "status_reason": null, "project_id": "p1", "user_id": "u1",
        "instances": { "name_pattern": "web-*" },
        "schedule": {
            "cron": "0 2 * * *", "time_zone": "Europe/Berlin",
            "window_minutes": 120, "jitter_seconds": 300,
        },
        "full_every": 7,
        "retention": {
            "last": 3, "hourly": 0, "daily": 7, "weekly": 4, "monthly": 12, "yearly": 0,
        },
        "consistency": "crash", "excluded_disks": ["vdb"],
        "bandwidth_bytes_per_second": null, "repository_id": repository,
        "next_run_at": "2026-11-24T01:02:03Z", "last_run_at": null, "last_run_status": null,
        "created_at": "2026-11-23T01:02:03Z", "updated_at": "2026-11-23T01:02:03Z",
    })
}

#[test]
fn a_plan_has_the_form_of_the_api() {
    let form = form(PlanId::new(), RepositoryId::new());
    let plan: Plan = serde_json::from_value(form.clone()).unwrap();
    assert_eq!(plan.settings.validate(), Ok(()));
    assert_eq!(serde_json::to_value(plan).unwrap(), form);
}

#[test]
fn what_is_left_out_has_a_safe_default() {
    let settings = least();
    assert_eq!(settings.validate(), Ok(()));
    assert_eq!(settings.schedule, None, "on demand only");
    assert_eq!(settings.retention, Retention::default(), "keeps everything");
    assert_eq!(settings.consistency, Consistency::Crash);
    assert_eq!((settings.full_every, settings.zone()), (0, Tz::UTC));
    for missing in [json!({ "name": "a" }), json!({ "instances": { "all": true } })] {
        assert!(serde_json::from_value::<PlanSettings>(missing).is_err());
    }
    let unknown = json!({ "name": "a", "instances": { "all": true }, "colour": "red" });
    let error = serde_json::from_value::<PlanSettings>(unknown).unwrap_err();
    assert!(error.to_string().contains("colour"));
}

#[test]
fn errors_name_the_field() {
    let many: BTreeSet<String> = (0..65).map(|number| format!("vd{number}")).collect();
    let with = |change: fn(&mut PlanSettings)| {
        let mut settings = least();
        change(&mut settings);
        settings
    };
    for (settings, field) in [
        (with(|s| s.name.clear()), "name"),
        (with(|s| s.name = "x".repeat(256)), "name"),
        (with(|s| s.name = "a\nb".into()), "name"),
        (with(|s| s.description = Some("x".repeat(1025))), "description"),
        (with(|s| s.instances = Selector::Ids([].into())), "instances.ids"),
        (
            with(|s| s.schedule = serde_json::from_value(json!({ "cron": "x" })).unwrap()),
            "schedule.cron",
        ),
        (with(|s| s.full_every = 10_001), "full_every"),
        (with(|s| s.retention.daily = 10_001), "retention.daily"),
        (PlanSettings { excluded_disks: many, ..least() }, "excluded_disks"),
        (with(|s| s.excluded_disks = ["../x".into()].into()), "excluded_disks"),
        (with(|s| s.excluded_disks = [String::new()].into()), "excluded_disks"),
        (with(|s| s.bandwidth_bytes_per_second = Some(0)), "bandwidth_bytes_per_second"),
        (with(|s| s.bandwidth_bytes_per_second = Some(u64::MAX)), "bandwidth_bytes_per_second"),
    ] {
        assert_eq!(settings.validate().unwrap_err().field, field);
    }
}

#[test]
fn a_patch_changes_what_it_names_and_null_clears() {
    let before = Plan::deserialize(form(PlanId::new(), RepositoryId::new())).unwrap().settings;
    let patch = |form: Value| serde_json::from_value::<PlanPatch>(form);
    assert_eq!(patch(json!({})).unwrap().apply(before.clone()), before);
    let after = patch(json!({
        "name": "weekly", "description": null, "schedule": null, "full_every": 0,
        "repository_id": null, "bandwidth_bytes_per_second": 1_000_000,
        "instances": { "all": true }, "excluded_disks": [], "retention": { "last": 1 },
        "consistency": "filesystem",
    }))
    .unwrap()
    .apply(before);
    assert_eq!(
        after,
        PlanSettings {
            name: "weekly".into(),
            consistency: Consistency::Filesystem,
            bandwidth_bytes_per_second: Some(1_000_000),
            retention: Retention { last: 1, ..Retention::default() },
            ..least()
        }
    );
    assert!(patch(json!({ "id": PlanId::new() })).is_err());
    assert!(patch(json!({ "status": "paused" })).is_err());
}
