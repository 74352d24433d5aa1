use super::api::{Client, ClientError};
use super::format::{bytes, table, text};

pub(super) fn list(client: &Client) -> Result<(), ClientError> {
    let mut rows = Vec::new();
    for instance in client.list("instances", "instances")? {
        let id = text(&instance, "id");
        let shown = client.get(&format!("instances/{id}"))?;
        let disks = shown["instance"]["disks"].as_array().cloned().unwrap_or_default();
        let disks = disks.iter().map(|disk| {
            let (device, kind) = (text(disk, "device"), text(disk, "kind"));
            format!("{device} ({kind}, {})", bytes(disk, "size_bytes"))
        });
        let disks = disks.collect::<Vec<_>>().join(", ");
        rows.push(vec![id, text(&instance, "name"), text(&instance, "power_state"), disks]);
    }
    table(&["ID", "NAME", "POWER", "DISKS"], &rows);
    Ok(())
}
