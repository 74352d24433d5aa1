"""What a tenant does to a server while a backup of it reads.

Each deed is done once without a backup and once while one reads, slowed down by its plan: what comes of
it is the same, the backup ends well, and its point is what the disks held at its snapshot.
"""

import time
from collections.abc import Callable

from cloud.backup import export_sum
from cloud.connection import connect
from cloud.restore import Restore
from harness.api import FINAL

# With what the disks hold a backup reads for a minute and more; a resize takes half of one.
BANDWIDTH = 4 << 20
FILL = "64M"


class During(Restore):
    def prepare(self):
        for number, device in enumerate(self.where):
            self.guest.do("write", device, "100M", FILL, 300 + number, deadline=900)
        self.spare = self.cloud.create_volume(1, name="spare", volume_type="standard", wait=True)
        compute = connect().compute
        same = {"disk": 1, "ephemeral": 1, "vcpus": 1}
        self.larger = compute.create_flavor(name="root-ephemeral-larger", ram=256, **same)
        plan = {
            "name": "slow",
            "instances": {"ids": [self.server.id]},
            "full_every": 1,
            "bandwidth_bytes_per_second": BANDWIDTH,
        }
        self.plan = self.api.call("POST", "/v1/plans", {"plan": plan})["plan"]["id"]
        self.boots = self.guest.ready()
        self.say("there is something to read, and a plan that reads slowly")

    # Deeds, each with what undoes it. They answer what came of them.

    def attach_volume(self) -> str:
        self.cloud.attach_volume(self.server, self.cloud.get_volume(self.spare.id), timeout=300)
        return self.cloud.get_volume(self.spare.id).status

    def detach_spare(self):
        self.cloud.detach_volume(self.server, self.cloud.get_volume(self.spare.id), timeout=300)

    def detach_volume(self) -> str:
        volume = self.volumes["fast"].id
        self.cloud.detach_volume(self.server, self.cloud.get_volume(volume), timeout=300)
        return self.cloud.get_volume(volume).status

    def attach_fast(self):
        self.attach_again("fast")

    def create_image(self) -> str:
        compute = self.cloud.compute
        image = compute.create_server_image(self.server.id, "live", wait=True, timeout=600)
        return self.cloud.image.get_image(image.id).status

    def delete_image(self):
        self.cloud.delete_image("live", wait=True)

    def resize(self) -> str:
        """To the larger flavor, or back."""
        compute = self.cloud.compute
        now = compute.get_server(self.server.id).flavor["original_name"]
        flavor = "root-ephemeral" if now == self.larger.name else self.larger.name
        compute.resize_server(self.server.id, compute.find_flavor(flavor).id)
        server = compute.get_server(self.server.id)
        server = compute.wait_for_server(server, status="VERIFY_RESIZE", wait=600)
        compute.confirm_server_resize(server)
        server = compute.wait_for_server(server, status="ACTIVE", wait=300)
        assert server.flavor["original_name"] == flavor, server.flavor
        self.booted()
        return server.status

    def reboot(self) -> str:
        self.cloud.compute.reboot_server(self.server.id, "HARD")
        self.booted()
        return self.cloud.compute.get_server(self.server.id).status

    def booted(self):
        """Until Nova starts the server again, its console is the old one."""
        self.boots += 1
        end = time.monotonic() + 300
        while (boots := self.guest.ready()) != self.boots:
            assert time.monotonic() < end, f"the guest has booted {boots} times, not {self.boots}"
            time.sleep(1)

    def nothing(self):
        pass

    # The backup beside them.

    def newest(self) -> dict | None:
        path = f"/v1/restore-points?plan_id={self.plan}&sort=created_at:desc&limit=1"
        return next(iter(self.api.call("GET", path)["restore_points"]), None)

    def reads(self, job: str) -> bool:
        seen = self.api.call("GET", f"/v1/jobs/{job}")["job"]
        assert seen["status"] not in FINAL, f"the backup has ended: {seen}"
        transfer = [step for step in seen["steps"] if step["name"] == "transfer"]
        return bool(transfer) and transfer[0]["finished_at"] is None

    def start_backup(self) -> dict:
        """A point whose backup reads."""
        before = self.newest()
        self.api.call("POST", f"/v1/plans/{self.plan}/action", {"run": {}})
        end = time.monotonic() + 120
        while (point := self.newest()) is None or (before and point["id"] == before["id"]):
            assert time.monotonic() < end, "the plan makes no point"
            time.sleep(0.2)
        while not self.reads(point["job_id"]):
            assert time.monotonic() < end, "the backup does not read"
            time.sleep(0.2)
        return point

    def beside(self, deed: Callable[[], str], undo: Callable[[], None]):
        alone = deed()
        undo()
        self.guest.ready()
        sums = {device: export_sum(spec) for device, spec in self.disks.items()}
        point = self.start_backup()
        # What is written now is not in the point.
        self.guest.do("write", next(iter(self.where)), "300M", "1M", 400 + len(self.truth))
        begin = time.monotonic()
        seen = deed()
        took = time.monotonic() - begin
        assert seen == alone, f"{deed.__name__}: {alone} without a backup, {seen} during one"
        assert self.reads(point["job_id"]), f"{deed.__name__}: the backup had read all before"
        self.api.wait(point["job_id"], 900)
        undo()
        self.truth[point["id"]] = sums
        self.restore(point["id"], f"during-{point['id']}")
        self.say(f"{deed.__name__} during a backup in {took:.1f} s: {seen}, as without; its point is right")

    def deeds(self):
        for deed, undo in (
            (self.attach_volume, self.detach_spare),
            (self.detach_volume, self.attach_fast),
            (self.create_image, self.delete_image),
            (self.reboot, self.nothing),
            (self.resize, self.nothing),
        ):
            self.beside(deed, undo)

    def remove(self):
        self.api.call("DELETE", f"/v1/plans/{self.plan}")
        self.cloud.delete_volume(self.spare.id, wait=True, timeout=300)
        self.delete()
        connect().compute.delete_flavor(self.larger)

    def steps(self):
        return (
            self.boot, self.attach, self.find, self.log_in, self.prepare, self.deeds, self.remove,
        )  # fmt: skip


def main():
    during = During()
    for step in during.steps():
        step()
    print("cloud-during: ok")


if __name__ == "__main__":
    main()
