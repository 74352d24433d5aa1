//! Plans run by themselves, keep what they say, and demand what they say.

use std::time::Duration;

use firn_integration_tests::{
    Api, Change, Format, Ground, MIB, Machine, Service, nothing_left, until,
};
use serde_json::{Value, json};

const RUN_LIMIT: Duration = Duration::from_secs(180);

fn machine(ground: &Ground, name: &str) -> Machine {
    Machine::new(ground, name)
        .disk(ground, "vda", Format::Raw, 8 * MIB, &Change::mixed(8 * MIB, 1))
        .disk(ground, "vdb", Format::Raw, 4 * MIB, &Change::mixed(4 * MIB, 2))
        .define()
}

/// Makes a plan; gives its id.
fn create(api: &Api, plan: &Value) -> String {
    let answer = api.send("POST", "/v1/plans", &json!({ "plan": plan }));
    assert!((200..300).contains(&answer.status), "{}", answer.json());
    answer.json()["plan"]["id"].as_str().unwrap().to_owned()
}

fn shown(api: &Api, plan: &str) -> Value {
    api.get(&format!("/v1/plans/{plan}"))["plan"].clone()
}

/// Waits until a run that started after `before` has ended; gives its status.
fn run_ended(api: &Api, plan: &str, before: &Value) -> String {
    until("the plan's run has ended", RUN_LIMIT, || {
        let plan = shown(api, plan);
        let status = plan["last_run_status"].as_str().unwrap_or("running").to_owned();
        (plan["last_run_at"] != *before && status != "running").then_some(status)
    })
}

/// Runs the plan now and waits; gives the run's status.
fn run(api: &Api, plan: &str) -> String {
    let before = shown(api, plan)["last_run_at"].clone();
    let answer = api.send("POST", &format!("/v1/plans/{plan}/action"), &json!({ "run": {} }));
    assert!((200..300).contains(&answer.status), "{}", answer.json());
    run_ended(api, plan, &before)
}

#[test]
fn a_plan_runs_by_itself_and_keeps_what_it_says() {
    let ground = Ground::new();
    let machine_ = machine(&ground, "web-1");
    machine(&ground, "db-1");
    let service = Service::start(&ground);
    let api = service.api().latest();
    let plan = create(
        &api,
        &json!({
            "name": "every minute",
            "instances": { "name_pattern": "web-*" },
            "schedule": { "cron": "* * * * *", "time_zone": "Europe/Berlin" },
            "full_every": 2,
            "retention": { "last": 2 },
            "excluded_disks": ["vdb", "vdz"],
        }),
    );
    assert_eq!(run_ended(&api, &plan, &Value::Null), "succeeded", "without being asked");
    let by_hand = api.backed_up(&machine_.id, "full");
    // By now the schedule may have run again; what is asked for comes besides.
    for _ in 0..3 {
        assert_eq!(run(&api, &plan), "succeeded");
    }
    let pause = api.send("POST", &format!("/v1/plans/{plan}/action"), &json!({ "pause": {} }));
    assert!((200..300).contains(&pause.status), "{}", pause.json());
    let settled = || {
        let points = api.points();
        let statuses: Vec<_> = points.iter().map(|point| point["status"].clone()).collect();
        statuses.iter().all(|status| status == "available").then_some(points)
    };
    let points = until("all jobs have ended", RUN_LIMIT, settled);
    let ours: Vec<_> = points.iter().filter(|point| point["plan_id"] == json!(plan)).collect();
    assert!((2..=3).contains(&ours.len()), "the last two, or three when paused in between");
    assert!(ours.iter().all(|point| point["instance_name"] == "web-1"));
    assert!(points.iter().any(|point| point["id"] == by_hand["id"]), "not the plan's to remove");
    for point in &ours {
        let disks = point["disks"].as_array().unwrap();
        assert_eq!(disks.len(), 1, "vdb is excluded");
        assert_eq!(disks[0]["device"], "vda");
        let events = api.events(point["job_id"].as_str().unwrap_or_default()).join("\n");
        assert!(events.contains("vdz"), "a name that is no disk is told: {events}");
    }
    nothing_left(&ground, &service);
}

#[test]
fn a_point_below_its_demand_is_not_kept() {
    let ground = Ground::new();
    // A folder of XML does not know whether a machine runs: nothing above `crash` can be had.
    machine(&ground, "web-1");
    let service = Service::start(&ground);
    let api = service.api().latest();
    let plan = create(
        &api,
        &json!({
            "name": "strict", "instances": { "all": true }, "consistency": "filesystem",
        }),
    );
    assert_eq!(run(&api, &plan), "failed");
    let jobs = api.list("/v1/jobs", "jobs");
    let said = jobs[0]["error"]["message"].as_str().unwrap();
    assert!(said.contains("filesystem") && said.contains("crash"), "{said}");
    let points = api.points();
    assert!(points.iter().all(|point| point["status"] == "error"), "{points:#?}");
    nothing_left(&ground, &service);
}

#[test]
fn bandwidth_is_bounded() {
    let ground = Ground::new();
    Machine::new(&ground, "web-1")
        .disk(&ground, "vda", Format::Raw, 24 * MIB, &Change::mixed(24 * MIB, 1))
        .define();
    let service = Service::start(&ground);
    let api = service.api().latest();
    let plan = create(
        &api,
        &json!({
            "name": "slow", "instances": { "all": true },
            "bandwidth_bytes_per_second": 2 * MIB,
        }),
    );
    let started = std::time::Instant::now();
    assert_eq!(run(&api, &plan), "succeeded");
    let point = api.points().remove(0);
    let read = point["disks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|disk| disk["read_bytes"].as_u64().unwrap())
        .sum::<u64>();
    assert!(read >= 10 * MIB, "enough to tell: {read}");
    // All but the burst and what every thread reads at once.
    let least = (read.saturating_sub(4 * MIB)) as f64 / (2 * MIB) as f64;
    let took = started.elapsed().as_secs_f64();
    assert!(took >= least, "{read} bytes in {took} s");
    nothing_left(&ground, &service);
}
