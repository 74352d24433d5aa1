"""What is shown of a server: each disk with its kind, size and storage, and how it is protected."""

GIB = 1 << 30


def disks(api, server: str) -> dict[str, dict]:
    instance = api.call("GET", f"/v1/instances/{server}")["instance"]
    return {disk["device"]: disk for disk in instance["disks"]}


def check(backup):
    shown, for_operators = (disks(api, backup.server.id) for api in (backup.api, backup.operator))
    assert shown.keys() == backup.disks.keys(), shown
    kinds = {"vda": "root", "vdb": "ephemeral"}
    for device, spec in backup.disks.items():
        disk, (pool, image) = shown[device], spec.split("/")
        assert disk["kind"] == kinds.get(device, "volume"), disk
        assert disk["size_bytes"] == GIB and disk["driver"] == "ceph", disk
        assert disk["storage"].endswith(f"/{pool}"), disk
        assert disk["protected"] and disk["changed_blocks"] and disk["reason"] is None, disk
        assert not disk["read_only"] and not disk["shareable"] and not disk["encrypted"], disk
        # Only operators see where it lies.
        assert "location" not in disk, disk
        location = for_operators[device]["location"]
        assert (location["pool"], location["image"]) == (pool, image), location
    backup.say("the server's owner is shown its disks, an operator also where they lie")
