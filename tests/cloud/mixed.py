"""A server with a swap disk, a config drive, and a volume that another server writes to as well.

Swap and config drive hold nothing that a point should have: Nova makes them again. The shared volume is
backed up, and not restored in place as long as another server has it.
"""

from cloud.backup import export_sum, snapshots
from cloud.connection import connect
from cloud.contents import IMAGE
from cloud.guest import Guest, virsh
from cloud.shown import disks
from harness.ground import GroundError

NAME = "mixed"


class Mixed:
    """The servers, and what it takes to have them."""

    def __init__(self, backup):
        self.backup, self.cloud = backup, backup.cloud
        self.quota = backup.quota

    def __enter__(self):
        admin = connect()
        self.flavor = admin.compute.create_flavor(name=NAME, ram=192, vcpus=1, disk=1, swap=64)
        specs = {"multiattach": "<is> True", "volume_backend_name": "standard"}
        self.kind = admin.block_storage.create_type(name=NAME, extra_specs=specs)
        self.volume = self.cloud.create_volume(1, name=NAME, volume_type=NAME, wait=True)
        self.server, self.other = (self.boot(name, more) for name, more in (
            (NAME, {"config_drive": True}), (f"{NAME}-other", {}),
        ))  # fmt: skip
        # Its own count of the quota goes with what it makes.
        self.backup.quota = self.backup.tenant()
        return self

    def boot(self, name: str, more: dict):
        compute = self.cloud.compute
        server = compute.create_server(
            name=name, image_id=self.cloud.image.find_image(IMAGE).id, flavor_id=self.flavor.id,
            networks="none", **more,
        )  # fmt: skip
        server = compute.wait_for_server(server, wait=300)
        compute.create_volume_attachment(server, volume_id=self.volume.id)
        storage = self.cloud.block_storage
        storage.wait_for_status(storage.get_volume(self.volume.id), "in-use", wait=300)
        Guest(server.id).ready()
        return server

    def __exit__(self, *_):
        for server in (self.server, self.other):
            self.cloud.delete_server(server.id, wait=True, timeout=300)
        storage, admin = self.cloud.block_storage, connect()
        storage.wait_for_status(storage.get_volume(self.volume.id), "available", wait=300)
        self.cloud.delete_volume(self.volume.id, wait=True, timeout=300)
        admin.block_storage.delete_type(self.kind)
        admin.compute.delete_flavor(self.flavor)
        self.backup.quota = self.quota

    def shown(self) -> str:
        """The shared volume's device."""
        shown = disks(self.backup.api, self.server.id)
        (swap,) = (disk for disk in shown.values() if disk["kind"] == "swap")
        assert not swap["protected"] and swap["reason"], swap
        assert not any(disk["protected"] for disk in shown.values() if disk["kind"] == "config_drive")
        (shared,) = (device for device, disk in shown.items() if disk["kind"] == "volume")
        assert shown[shared]["protected"] and shown[shared]["shareable"], shown
        assert {device for device, disk in shown.items() if disk["protected"]} == {"vda", shared}
        return shared

    def point(self, mode: str, device: str, specs: dict[str, str]) -> dict:
        body = {"restore_point": {"instance_id": self.server.id, "mode": mode}}
        asked = self.backup.api.call("POST", "/v1/restore-points", body)["restore_point"]
        self.backup.api.wait(asked["job_id"], 600)
        point = self.backup.api.call("GET", f"/v1/restore-points/{asked['id']}")["restore_point"]
        assert {disk["device"] for disk in point["disks"]} == {"vda", device}, point
        # Its guests are idle.
        self.backup.truth[point["id"]] = {name: export_sum(spec) for name, spec in specs.items()}
        return point

    def points(self):
        device = self.shown()
        spec = self.backup.spec(self.volume.id)
        specs = {"vda": f"vms/{self.server.id}_disk", device: spec}
        guest = Guest(self.server.id)
        guest.do("write", device, "5M", "3M", 500)
        full = self.point("full", device, specs)
        guest.do("write", device, "50M", "2M", 501)
        # The other server writes to it, too: by the name that it has there.
        (other,) = (name for name, disk in disks(self.backup.api, self.other.id).items()
                    if disk["kind"] == "volume")  # fmt: skip
        Guest(self.other.id).do("write", other, "90M", "2M", 502)
        first = self.point("incremental", device, specs)
        assert len(snapshots(spec)) == 1, snapshots(spec)
        made = [full["id"], first["id"]]
        for point in made:
            self.backup.restore(point, f"mixed-{point}")
        self.in_place(first["id"])
        self.rebuilt(first["id"], device)
        for point in made:
            self.backup.delete_point(point)
            del self.backup.truth[point]

    def in_place(self, point: str):
        """Refused before anything is done, as the other server has a disk open."""
        target = {"type": "original"}
        plan = self.backup.restored(point, target, dry_run=True)["original"]
        assert any("several instances" in problem for problem in plan["problems"]), plan
        try:
            self.backup.restored(point, target)
        except GroundError as error:
            assert "several instances" in str(error), error
        else:
            raise AssertionError("a volume was restored under another server's feet")
        status = self.cloud.compute.get_server(self.server.id).status
        assert status == "ACTIVE", f"the server is {status} after a restore that was refused"

    def rebuilt(self, point: str, device: str):
        """A new server has swap and config drive of its own."""
        result = self.backup.restored(point, {"type": "new_instance", "name": "mixed-copy"})
        server, volumes = result["instance_id"], result["volumes"]
        assert set(volumes) == {"vda", device}, volumes
        Guest(server).ready()
        assert export_sum(self.backup.spec(volumes[device])) == self.backup.truth[point][device]
        assert self.cloud.compute.get_server(server).has_config_drive
        xml = virsh("dumpxml", server)
        for image in (f"{server}_disk.swap", f"{server}_disk.config"):
            assert image in xml, f"the new server has no {image}"
        self.backup.drop(server, list(volumes.values()))


def check(backup):
    with Mixed(backup) as mixed:
        mixed.points()
    backup.say("swap and config drive are left out and made again; a shared volume is backed up")
