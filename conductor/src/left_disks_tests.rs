use serde_json::json;

use super::*;

const ID: &str = "3f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a04";

#[test]
fn only_disks_that_are_called_after_the_server_are_its_own() {
    let id = ID.parse().unwrap();
    let image = |name: String| json!({"fsid": "f", "pool": "vms", "image": name});
    for end in ["_disk", "_disk.eph0", "_disk.local"] {
        assert!(is_of_server(&image(format!("{ID}{end}")), id), "{end}");
    }
    for name in [
        // Another server's, a volume, one that only mentions the server, a name that Nova never gives.
        "4f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a04_disk".to_owned(),
        "volume-3f0c7d4e-6a52-4f0e-9c1a-1d3d9b1f2a04".to_owned(),
        format!("old-{ID}_disk"),
        format!("{ID}_disk2"),
        ID.to_owned(),
        String::new(),
    ] {
        assert!(!is_of_server(&image(name.clone()), id), "{name}");
    }
    for location in
        [json!(format!("{ID}_disk")), json!({"path": format!("/{ID}_disk")}), json!({"image": 7})]
    {
        assert!(!is_of_server(&location, id), "{location}");
    }
}

#[test]
fn a_server_is_gone_after_two_looks_a_minute_apart() {
    let at = |seconds| DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap();
    let wait = |since| Decision::Wait { missing_since: at(since) };
    let remove = |since| Decision::Remove { missing_since: at(since) };
    for (server, missing_since, now, decision) in [
        (Server::Gone, None, 0, wait(0)),
        (Server::Gone, Some(0), 59, wait(0)),
        (Server::Gone, Some(0), 60, remove(0)),
        // Of clocks that differ.
        (Server::Gone, Some(90), 60, wait(90)),
        (Server::There, Some(0), 600, Decision::Leave),
        (Server::There, None, 600, Decision::Leave),
        // A cloud that does not say so has not said it twice.
        (Server::Unknown, Some(0), 600, Decision::Leave),
        (Server::Unknown, None, 600, Decision::Leave),
    ] {
        let missing = missing_since.map(at);
        assert_eq!(
            decide(server, missing, at(now)),
            decision,
            "{server:?} {missing_since:?} {now}"
        );
    }
}
