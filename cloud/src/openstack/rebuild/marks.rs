//! What is written on everything that a restore makes, so that whoever takes its job over finds it.

use std::collections::BTreeMap;

use firn_core::RestoreId;

/// On volumes and servers: the restore's id.
const RESTORE: &str = "firn_restore";
/// On volumes: the device of the disk in the restore point.
const DISK: &str = "firn_disk";

/// Key and value pairs without marks: what was restored once may be backed up and restored again.
pub(super) fn without(metadata: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let own = metadata.iter().filter(|(key, _)| ![RESTORE, DISK].contains(&key.as_str()));
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// These pairs of a server with the mark of a restore.
pub(super) fn on_server(
    restore: RestoreId,
    metadata: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut marked = without(metadata);
    marked.insert(RESTORE.to_owned(), restore.to_string());
    marked
}

/// These pairs of a volume with the mark of a restore's disk.
pub(super) fn on_volume(
    restore: RestoreId,
    device: &str,
    metadata: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut marked = on_server(restore, metadata);
    marked.insert(DISK.to_owned(), device.to_owned());
    marked
}

/// Whether something with these pairs was made by a restore.
pub(super) fn of_restore(restore: RestoreId, metadata: &BTreeMap<String, String>) -> bool {
    metadata.get(RESTORE) == Some(&restore.to_string())
}

/// Whether a volume with these pairs was made by a restore for this disk.
pub(super) fn of_disk(
    restore: RestoreId,
    device: &str,
    metadata: &BTreeMap<String, String>,
) -> bool {
    of_restore(restore, metadata) && metadata.get(DISK).is_some_and(|marked| marked == device)
}

/// The description of the port that takes the place of another.
pub(super) fn of_port(restore: RestoreId, former_id: &str) -> String {
    format!("{}{former_id}", of_ports(restore))
}

/// What the descriptions of all ports of a restore begin with.
pub(super) fn of_ports(restore: RestoreId) -> String {
    format!("firn restore {restore}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_and_do_not_outlive_a_second_restore() {
        let own = BTreeMap::from([("backup".to_owned(), "daily".to_owned())]);
        let (first, second) = (RestoreId::new(), RestoreId::new());
        let marked = on_volume(first, "vdb", &own);
        assert!(of_restore(first, &marked) && of_disk(first, "vdb", &marked));
        assert!(!of_disk(first, "vda", &marked) && !of_restore(second, &marked));
        assert_eq!(marked["backup"], "daily");
        assert_eq!(without(&marked), own);
        let again = on_server(second, &marked);
        assert!(of_restore(second, &again) && !of_disk(second, "vdb", &again));
        assert!(of_port(first, "p").starts_with(&of_ports(first)));
    }
}
