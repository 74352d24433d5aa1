use firn_core::plan::*;
use firn_core::*;
use firn_db::*;
use serde_json::json;

use crate::engines::every_engine;
use crate::support::{Db, at, project};

pub(crate) fn settings(name: &str) -> PlanSettings {
    serde_json::from_value(json!({
        "name": name,
        "description": "every hour",
        "instances": { "name_pattern": "web-*" },
        "schedule": { "cron": "0 * * * *", "time_zone": "Europe/Berlin", "jitter_seconds": 60 },
        "full_every": 7,
        "retention": { "last": 2, "daily": 3 },
        "consistency": "filesystem",
        "excluded_disks": ["vdb", "vdc"],
        "bandwidth_bytes_per_second": 1_000_000,
    }))
    .unwrap()
}

impl Db {
    pub(crate) fn plan(&self, project: &str, settings: PlanSettings, seconds: i64) -> PlanRow {
        let new = NewPlan {
            id: PlanId::new(),
            project_id: ProjectId(project.to_owned()),
            user_id: "u1".to_owned(),
            trust_id: Some("t1".to_owned()),
            settings,
        };
        self.run(|conn| plan_create(conn, new, at(seconds)))
    }

    pub(crate) fn plan_now(&self, id: PlanId) -> PlanRow {
        self.run(|conn| plan_get(conn, &Scope::All, id))
    }
}

fn change(form: serde_json::Value) -> PlanPatch {
    serde_json::from_value(form).unwrap()
}

fn what_was_written_is_read_back(db: Db) {
    let mut wanted = settings("nightly");
    wanted.repository_id = Some(db.repository);
    let made = db.plan("a", wanted.clone(), 1);
    assert_eq!(made.plan.settings, wanted);
    assert_eq!((made.plan.status, made.revision), (PlanStatus::Active, 0));
    let (scheduled, start) = (made.scheduled_at.unwrap(), made.plan.next_run_at.unwrap());
    assert!(scheduled > at(1) && start >= scheduled);
    assert_eq!(db.plan_now(made.plan.id), made);
    // The smallest plan there is.
    let least = json!({ "name": "x", "instances": { "all": true } });
    let made = db.plan("a", serde_json::from_value(least).unwrap(), 1);
    assert_eq!(db.plan_now(made.plan.id), made);
    assert_eq!((made.scheduled_at, made.plan.next_run_at), (None, None));
}

fn wrong_settings_are_refused_with_the_field(db: Db) {
    let wrong = |change: fn(&mut PlanSettings)| {
        let mut settings = settings("nightly");
        change(&mut settings);
        let new = NewPlan {
            id: PlanId::new(),
            project_id: ProjectId("a".to_owned()),
            user_id: "u1".to_owned(),
            trust_id: None,
            settings,
        };
        db.database.run_blocking(|conn| plan_create(conn, new, at(1))).unwrap_err()
    };
    let error = wrong(|settings| settings.schedule.as_mut().unwrap().cron = "never".to_owned());
    assert!(matches!(error, DbError::InvalidInput { field: "schedule.cron", .. }), "{error}");
    let error = wrong(|settings| settings.repository_id = Some(RepositoryId::new()));
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let plan = db.plan("a", settings("nightly"), 1);
    let patch = change(json!({ "name": "" }));
    let error = db.database.run_blocking(|conn| plan_update(conn, &plan, patch, at(2)));
    assert!(matches!(error, Err(DbError::InvalidInput { field: "name", .. })));
}

fn another_project_sees_nothing(db: Db) {
    let plan = db.plan("a", settings("nightly"), 1);
    let id = plan.plan.id;
    assert_eq!(db.kind(|conn| plan_get(conn, &project("b"), id)), ErrorKind::NotFound);
    let list = |scope: Scope| {
        db.run(|conn| plan_list(conn, &scope, &PlanFilter::default(), &Page::first(10))).len()
    };
    assert_eq!((list(project("a")), list(project("b")), list(Scope::All)), (1, 0, 1));
    let marker = Page { marker: Some(id), ..Page::first(10) };
    let filter = PlanFilter::default();
    assert_eq!(
        db.kind(|conn| plan_list(conn, &project("b"), &filter, &marker)),
        ErrorKind::InvalidInput
    );
    let run = PlanRunId::new();
    db.run(|conn| plan_run_request(conn, &plan, run, "req-1", at(2)));
    assert_eq!(db.kind(|conn| plan_run_get(conn, &project("b"), run)), ErrorKind::NotFound);
    assert!(db.run(|conn| plan_run_list(conn, &project("b"), id, None, 9)).is_empty());
    assert_eq!(db.run(|conn| plan_run_list(conn, &project("a"), id, None, 9)).len(), 1);
}

fn lists_are_sorted_filtered_and_paged(db: Db) {
    for (name, seconds) in [("b", 1), ("a", 2), ("d", 3), ("c", 4)] {
        db.plan("a", settings(name), seconds);
    }
    let names = |filter: &PlanFilter, page: &Page<PlanId, PlanSort>| -> Vec<String> {
        let rows = db.run(|conn| plan_list(conn, &project("a"), filter, page));
        rows.into_iter().map(|row| row.plan.settings.name).collect()
    };
    let all = PlanFilter::default();
    assert_eq!(names(&all, &Page::first(10)), ["c", "d", "a", "b"]);
    for (sort, expected) in [
        (PlanSort::Name, ["a", "b", "c", "d"]),
        (PlanSort::CreatedAt, ["b", "a", "d", "c"]),
        (PlanSort::UpdatedAt, ["b", "a", "d", "c"]),
    ] {
        let mut marker = None;
        let mut seen = Vec::new();
        loop {
            let page = Page { limit: 1, marker, sort, direction: Direction::Ascending };
            let rows = db.run(|conn| plan_list(conn, &project("a"), &all, &page));
            let Some(row) = rows.into_iter().next() else { break };
            marker = Some(row.plan.id);
            seen.push(row.plan.settings.name);
        }
        assert_eq!(seen, expected, "{sort:?}");
    }
    let by = PlanFilter { name: Some("d".to_owned()), ..all.clone() };
    assert_eq!(names(&by, &Page::first(10)), ["d"]);
    let by = PlanFilter { status: Some(PlanStatus::Paused), ..all.clone() };
    assert!(names(&by, &Page::first(10)).is_empty());
    let by = PlanFilter { repository_id: Some(db.repository), ..all };
    assert!(names(&by, &Page::first(10)).is_empty());
    // Sorting by state needs plans in several.
    let status = Page { sort: PlanSort::Status, ..Page::first(10) };
    assert_eq!(names(&PlanFilter::default(), &status).len(), 4);
}

fn a_change_is_made_to_what_was_read_or_not_at_all(db: Db) {
    let read = db.plan("a", settings("nightly"), 1);
    let patch = change(json!({ "name": "weekly", "description": null }));
    let after = db.run(|conn| plan_update(conn, &read, patch.clone(), at(2)));
    assert_eq!((after.plan.settings.name.as_str(), after.revision), ("weekly", 1));
    assert_eq!((after.plan.settings.description.as_ref(), after.plan.updated_at), (None, at(2)));
    assert_eq!(after.scheduled_at, read.scheduled_at, "the schedule did not change");
    assert_eq!(db.plan_now(read.plan.id), after);
    // Who still has the first revision is too late, for anything.
    assert_eq!(db.kind(|conn| plan_update(conn, &read, patch, at(3))), ErrorKind::Conflict);
    let pause = PlanEvent::Pause;
    assert_eq!(
        db.kind(|conn| plan_transition(conn, &read, pause, None, at(3))),
        ErrorKind::Conflict
    );
    assert_eq!(db.kind(|conn| plan_delete(conn, &read)), ErrorKind::Conflict);
    let run = PlanRunId::new();
    assert_eq!(
        db.kind(|conn| plan_run_request(conn, &read, run, "req-1", at(3))),
        ErrorKind::Conflict
    );
    assert_eq!(db.plan_now(read.plan.id), after);
}

fn a_changed_schedule_counts_from_now(db: Db) {
    let plan = db.plan("a", settings("hourly"), 0);
    let patch = change(json!({ "schedule": { "cron": "30 * * * *" } }));
    let day = 86_400;
    let after = db.run(|conn| plan_update(conn, &plan, patch, at(day)));
    let next = after.scheduled_at.unwrap();
    assert!(next > at(day) && next <= at(day + 3600), "nothing of the old one is made up for");
    let patch = change(json!({ "schedule": null }));
    let after = db.run(|conn| plan_update(conn, &after, patch, at(day)));
    assert_eq!((after.scheduled_at, after.plan.next_run_at), (None, None));
}

fn a_paused_plan_is_never_due_and_a_resumed_one_starts_afresh(db: Db) {
    let plan = db.plan("a", settings("hourly"), 0);
    let due = |seconds| db.run(|conn| plan_due(conn, at(seconds), 10)).len();
    assert_eq!((due(0), due(7200)), (0, 1));
    let paused =
        db.run(|conn| plan_transition(conn, &plan, PlanEvent::Pause, Some("holidays"), at(10)));
    assert_eq!(paused.plan.status_reason.as_deref(), Some("holidays"));
    assert_eq!((due(86_400), paused.plan.next_run_at), (0, None));
    let run = PlanRunId::new();
    assert_eq!(
        db.kind(|conn| plan_run_request(conn, &paused, run, "req-1", at(11))),
        ErrorKind::Conflict
    );
    // A change meanwhile does not wake it.
    let patch = change(json!({ "schedule": { "cron": "30 * * * *" } }));
    let paused = db.run(|conn| plan_update(conn, &paused, patch, at(20)));
    assert_eq!(paused.plan.next_run_at, None);
    let resumed =
        db.run(|conn| plan_transition(conn, &paused, PlanEvent::Resume, None, at(86_400)));
    assert_eq!((resumed.plan.status, resumed.plan.status_reason), (PlanStatus::Active, None));
    assert!(resumed.scheduled_at.unwrap() > at(86_400));
    assert_eq!((due(86_400), due(86_400 + 3700)), (0, 1));
}

fn another_users_trust_takes_over(db: Db) {
    let plan = db.plan("a", settings("hourly"), 0);
    let after = db.run(|conn| plan_set_trust(conn, &plan, "u2", Some("t2"), at(1)));
    assert_eq!((after.plan.user_id.as_str(), after.trust_id.as_deref()), ("u2", Some("t2")));
    assert_eq!(db.plan_now(plan.plan.id), after);
    let shown = serde_json::to_string(&after.plan).unwrap();
    assert!(!shown.contains("t2"), "the trust is never shown");
}

fn deleting_takes_the_runs_along_and_leaves_the_points(db: Db) {
    let plan = db.plan("a", settings("hourly"), 0);
    db.run(|conn| plan_run_request(conn, &plan, PlanRunId::new(), "req-1", at(1)));
    let plan = db.plan_now(plan.plan.id);
    db.run(|conn| plan_delete(conn, &plan));
    let id = plan.plan.id;
    assert_eq!(db.kind(|conn| plan_get(conn, &Scope::All, id)), ErrorKind::NotFound);
    assert!(db.run(|conn| plan_run_list(conn, &Scope::All, id, None, 9)).is_empty());
    assert_eq!(db.kind(|conn| plan_delete(conn, &plan)), ErrorKind::Conflict);
}

fn one_request_at_a_time(db: Db) {
    let plan = db.plan("a", settings("hourly"), 0);
    let run = db.run(|conn| plan_run_request(conn, &plan, PlanRunId::new(), "req-1", at(1)));
    assert_eq!((run.state, run.cause), (RunState::Requested, RunTrigger::Manual));
    let again = db.plan_now(plan.plan.id);
    assert_eq!(
        db.kind(|conn| plan_run_request(conn, &again, PlanRunId::new(), "req-2", at(2))),
        ErrorKind::Conflict
    );
    assert_eq!(db.run(|conn| plan_runs_requested(conn, 10)), [run]);
}

every_engine!(
    what_was_written_is_read_back,
    wrong_settings_are_refused_with_the_field,
    another_project_sees_nothing,
    lists_are_sorted_filtered_and_paged,
    a_change_is_made_to_what_was_read_or_not_at_all,
    a_changed_schedule_counts_from_now,
    a_paused_plan_is_never_due_and_a_resumed_one_starts_afresh,
    another_users_trust_takes_over,
    deleting_takes_the_runs_along_and_leaves_the_points,
    one_request_at_a_time,
);
