"""A server with a volume that Cinder encrypts, which is backed up as it lies.

Its key, which only Cinder and Nova have, opens what is put back in its place. A new volume would have
another key by right (here all have the same), and is refused before anything is made.
"""

from cloud.backup import export_sum
from cloud.connection import connect
from cloud.contents import IMAGE
from cloud.guest import Guest, GuestError
from cloud.shown import disks

NAME = "sealed"
MIB = 1 << 20


class Sealed:
    """The server, and what it takes to have it."""

    def __init__(self, backup):
        self.backup, self.cloud = backup, backup.cloud
        self.quota = backup.quota

    def __enter__(self):
        storage, compute = connect().block_storage, self.cloud.compute
        self.kind = storage.create_type(name=NAME, extra_specs={"volume_backend_name": "fast"})
        storage.create_type_encryption(
            self.kind, provider="luks", cipher="aes-xts-plain64", key_size=256,
            control_location="front-end",
        )  # fmt: skip
        self.volume = self.cloud.create_volume(1, name=NAME, volume_type=NAME, wait=True)
        self.server = compute.wait_for_server(compute.create_server(
            name=NAME, image_id=self.cloud.image.find_image(IMAGE).id,
            flavor_id=compute.find_flavor("root").id, networks="none",
        ), wait=300)  # fmt: skip
        self.cloud.attach_volume(self.server, self.volume, timeout=300)
        self.guest = Guest(self.server.id)
        # Its own count of the quota goes with what it makes.
        self.backup.quota = self.backup.tenant()
        return self

    def __exit__(self, *_):
        self.cloud.delete_server(self.server.id, wait=True, timeout=300)
        storage = self.cloud.block_storage
        storage.wait_for_status(storage.get_volume(self.volume.id), "available", wait=300)
        self.cloud.delete_volume(self.volume.id, wait=True, timeout=300)
        connect().block_storage.delete_type(self.kind)
        self.backup.quota = self.quota

    def point(self, mode: str) -> dict:
        api = self.backup.api
        body = {"restore_point": {"instance_id": self.server.id, "mode": mode}}
        asked = api.call("POST", "/v1/restore-points", body)["restore_point"]
        api.wait(asked["job_id"], 600)
        # Its guest is idle.
        specs = {"vda": f"vms/{self.server.id}_disk", self.device: self.spec}
        self.backup.truth[asked["id"]] = {name: export_sum(at) for name, at in specs.items()}
        return api.call("GET", f"/v1/restore-points/{asked['id']}")["restore_point"]

    def points(self):
        shown = disks(self.backup.api, self.server.id)
        (self.device,) = (device for device, disk in shown.items() if disk["kind"] == "volume")
        assert shown[self.device]["encrypted"] and shown[self.device]["protected"], shown
        assert not shown["vda"]["encrypted"], shown
        self.spec = self.backup.spec(self.volume.id)
        self.guest.ready()
        self.guest.do("write", self.device, "5M", "3M", 600)
        full = self.point("full")
        # What the guest sees is not what lies there.
        plain = self.guest.do("sum", self.device, deadline=900)
        assert plain != export_sum(self.spec), "it is not encrypted at all"
        self.guest.do("write", self.device, "50M", "2M", 601)
        second = self.point("incremental")
        for number, mib in enumerate((5, 50)):
            self.guest.do("write", self.device, f"{mib}M", "2M", 602 + number)
        third = self.point("incremental")
        assert third["read_bytes"] < 64 * MIB, "an incremental read what had not changed"
        made = [point["id"] for point in (full, second, third)]
        for point in made:
            self.backup.restore(point, f"sealed-{point}")
        self.new_volume(made[0])
        self.in_place(made[1])
        for point in made:
            self.backup.delete_point(point)
            del self.backup.truth[point]

    def new_volume(self, point: str):
        """Refused: it would have another key."""
        before = self.backup.everything()
        target = {"type": "new_instance", "name": "opened"}
        plan = self.backup.restored(point, target, dry_run=True)["server"]
        assert any(f"{self.device} was encrypted" in one for one in plan["problems"]), plan
        said = self.backup.refused(point, target)
        assert all(problem in said for problem in plan["problems"]), said
        self.backup.unchanged(before)

    def in_place(self, point: str):
        """The guest reads what the point held, and what was written later is gone."""
        self.backup.restored(point, {"type": "original"})
        assert self.guest.ready() == 2, "the root is not the point's"
        assert export_sum(self.spec) == self.backup.truth[point][self.device]
        self.guest.do("check", self.device, "5M", "3M", 600)
        self.guest.do("check", self.device, "50M", "2M", 601)
        try:
            self.guest.do("check", self.device, "50M", "2M", 603)
        except GuestError:
            return
        raise AssertionError("what was written after the point is still there")


def check(backup):
    with Sealed(backup) as sealed:
        sealed.points()
    backup.say("an encrypted volume is backed up as it lies, put back, and read by its guest")
