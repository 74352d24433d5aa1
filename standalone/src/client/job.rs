use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::api::{Client, ClientError};
use super::format::{bytes, say, table, text};

const PATH: &str = "jobs";
const POLL: Duration = Duration::from_millis(200);
const BAR: &str = "{msg} {bar:30} {percent}% {bytes}/{total_bytes} {prefix}";

pub(super) fn list(client: &Client) -> Result<(), ClientError> {
    let row = |job: &Value| {
        let mut row: Vec<_> =
            ["id", "kind", "status", "created_at"].map(|key| text(job, key)).into();
        row.push(bytes(&job["progress"], "done_bytes"));
        row.push(error(job));
        row
    };
    let rows: Vec<_> = client.list(PATH, PATH)?.iter().map(row).collect();
    table(&["ID", "KIND", "STATUS", "CREATED", "DONE", "ERROR"], &rows);
    Ok(())
}

pub(super) fn watch_by_id(client: &Client, job: &str) -> Result<(), ClientError> {
    let job = client.find(PATH, PATH, "job", job)?;
    watch(client, &text(&job, "id"))
}

pub(super) fn cancel(client: &Client, job: &str) -> Result<(), ClientError> {
    let id = text(&client.find(PATH, PATH, "job", job)?, "id");
    client.post(&format!("{PATH}/{id}/action"), &json!({ "cancel": {} }))?;
    say(&format!("job {id} is being cancelled"));
    Ok(())
}

/// Shows a job's progress and messages until its end; an error where it did not succeed.
pub(super) fn watch(client: &Client, id: &str) -> Result<(), ClientError> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.set_style(style);
    }
    let mut seen = 0;
    loop {
        let answer = client.get(&format!("{PATH}/{id}"))?;
        let job = &answer["job"];
        let status = text(job, "status");
        let progress = &job["progress"];
        bar.set_length(progress["total_bytes"].as_u64().unwrap_or(0));
        bar.set_position(progress["done_bytes"].as_u64().unwrap_or(0));
        bar.set_message(status.clone());
        bar.set_prefix(rate(progress));
        seen = tell_events(client, id, seen, &bar)?;
        match status.as_str() {
            "succeeded" => {
                bar.finish_and_clear();
                return Ok(());
            }
            "failed" | "cancelled" => {
                bar.abandon();
                let mut message = error(&answer["job"]);
                if message.is_empty() {
                    message = "as was asked for".to_owned();
                }
                let job = id.to_owned();
                return Err(ClientError::Job { job, status, message });
            }
            _ => thread::sleep(POLL),
        }
    }
}

/// Tells the events after the first `seen`.
fn tell_events(
    client: &Client,
    id: &str,
    seen: usize,
    bar: &ProgressBar,
) -> Result<usize, ClientError> {
    let answer = client.get(&format!("{PATH}/{id}/events"))?;
    let events = answer["events"].as_array().map_or(&[][..], Vec::as_slice);
    for event in events.iter().skip(seen) {
        let line = format!("{}: {}", text(event, "severity"), text(event, "detail"));
        bar.suspend(|| say(&line));
    }
    Ok(events.len())
}

fn rate(progress: &Value) -> String {
    match progress["rate_bytes_per_second"].as_u64() {
        Some(_) => format!("{}/s", bytes(progress, "rate_bytes_per_second")),
        None => String::new(),
    }
}

fn error(job: &Value) -> String {
    text(&job["error"], "message")
}

/// The job's id in an answer to an action.
pub(super) fn id_in(answer: &Value) -> String {
    let job = &answer["job"];
    if job.is_object() { text(job, "id") } else { text(&answer["restore_point"], "job_id") }
}
