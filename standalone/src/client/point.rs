use serde_json::{Value, json};

use super::api::{Client, ClientError};
use super::format::{bytes, say, table, text};
use super::job;

const PATH: &str = "restore-points";
const KEY: &str = "restore_points";

pub(super) fn create(
    client: &Client,
    instance: &str,
    incremental: bool,
) -> Result<(), ClientError> {
    let instance = client.find("instances", "instances", "instance", instance)?;
    let mode = if incremental { "incremental" } else { "full" };
    let body = json!({ "restore_point": { "instance_id": instance["id"], "mode": mode } });
    let created = client.post(PATH, &body)?;
    let point = &created["restore_point"];
    job::watch(client, &text(point, "job_id"))?;
    let id = text(point, "id");
    let filled = client.get(&format!("{PATH}/{id}"))?;
    let point = &filled["restore_point"];
    say(&format!(
        "restore point {id}: {} of disks, {} read, {} new, {} stored",
        bytes(point, "size_bytes"),
        bytes(point, "read_bytes"),
        bytes(point, "new_bytes"),
        bytes(point, "stored_bytes"),
    ));
    Ok(())
}

pub(super) fn list(client: &Client, instance: Option<&str>) -> Result<(), ClientError> {
    let path = match instance {
        Some(name) => {
            let instance = client.find("instances", "instances", "instance", name)?;
            format!("{PATH}?instance_id={}", text(&instance, "id"))
        }
        None => PATH.to_owned(),
    };
    let row = |point: &Value| {
        let mut row: Vec<_> = ["id", "instance_name", "mode", "status", "created_at"]
            .map(|key| text(point, key))
            .into();
        row.extend(["size_bytes", "read_bytes", "stored_bytes"].map(|key| bytes(point, key)));
        row
    };
    let rows: Vec<_> = client.list(&path, KEY)?.iter().map(row).collect();
    table(&["ID", "INSTANCE", "MODE", "STATUS", "CREATED", "SIZE", "READ", "STORED"], &rows);
    Ok(())
}

pub(super) fn delete(client: &Client, point: &str) -> Result<(), ClientError> {
    let point = find(client, point)?;
    let deleted = client.delete(&format!("{PATH}/{}", text(&point, "id")))?;
    job::watch(client, &text(&deleted["restore_point"], "job_id"))
}

/// Verifies one point, or each that was ever filled. Goes on after a
/// damage, so that one run names them all.
pub(super) fn verify(
    client: &Client,
    point: Option<&str>,
    sample: Option<f64>,
) -> Result<(), ClientError> {
    let points = match point {
        // What is asked for by name is never passed over.
        Some(point) => vec![find(client, point)?],
        None => client.list(PATH, KEY)?.into_iter().filter(verifiable).collect(),
    };
    let mut worst = Ok(());
    for point in &points {
        let id = text(point, "id");
        match verify_one(client, &id, sample) {
            Ok(()) => {
                say(&format!("restore point {id}: all that was checked is as it was written"))
            }
            Err(error) => {
                say(&format!("restore point {id}: {error}"));
                worst = Err(error);
            }
        }
    }
    worst
}

/// Whether a point was ever filled, and is not going away.
fn verifiable(point: &Value) -> bool {
    point["size_bytes"].is_u64() && matches!(point["status"].as_str(), Some("available" | "error"))
}

fn verify_one(client: &Client, id: &str, sample: Option<f64>) -> Result<(), ClientError> {
    let body = match sample {
        Some(sample) => json!({ "verify": { "sample": sample } }),
        None => json!({ "verify": {} }),
    };
    let asked = client.post(&format!("{PATH}/{id}/action"), &body)?;
    job::watch(client, &job::id_in(&asked))
}

pub(super) fn find(client: &Client, point: &str) -> Result<Value, ClientError> {
    client.find(PATH, KEY, "point", point)
}
