use serde_json::json;

use super::api::{Client, ClientError};
use super::format::{say, text};
use super::{job, point};

pub(super) fn create(client: &Client, point: &str, name: &str) -> Result<(), ClientError> {
    let point = point::find(client, point)?;
    let target = json!({ "type": "file", "name": name });
    let body = json!({ "restore": { "restore_point_id": point["id"], "target": target } });
    let created = client.post("restores", &body)?;
    job::watch(client, &text(&created["restore"], "job_id"))?;
    say(&format!("restored to restores/{name} in the server's state folder"));
    Ok(())
}
