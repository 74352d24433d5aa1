"""Backups and restores that may fail: what is asked for, and what must be true when the job has ended."""

import random
import time
from collections.abc import Callable

from cloud.backup import export_sum, snapshots
from cloud.restore import Restore
from harness.api import ApiError

# How often an operation is chosen; a server takes half a minute.
OPERATIONS = {
    "incremental_backup": 4, "full_backup": 2, "to_files": 3, "to_new_volume": 3, "over_volume": 4,
    "to_new_server": 2, "recreated": 1, "in_place": 2, "remove_point": 1,
}  # fmt: skip
# A job, and what there is to check when it has ended: well, if that is true.
Asked = tuple[str, Callable[[bool], None]]


class Operations(Restore):
    """The guest writes only before a job is asked for, so its disks stay what they were then."""

    def __init__(self):
        super().__init__()
        # What the disks hold, until something is written.
        self.sums: dict[str, str] = {}
        self.booted: dict[str, int] = {}

    def asking(self):
        """Called when all is as it should be and the job is about to be asked for."""

    def ask(self, api, path: str, key: str, body: dict) -> dict:
        """Asked again while the service says that it cannot now."""
        self.asking()
        end = time.monotonic() + 120
        while True:
            try:
                return api.call("POST", path, {key: body})[key]
            except ApiError as error:
                if error.status != 503 or time.monotonic() > end:
                    raise
                time.sleep(1)

    def scribble(self, chance: random.Random):
        for device in chance.sample(sorted(self.where), 2):
            offset = chance.randrange(20, 900)
            self.sums.pop(device, None)
            self.guest.do("write", device, f"{offset}M", "4M", chance.randrange(1 << 30))

    def backup(self, chance: random.Random, mode: str) -> Asked:
        self.scribble(chance)
        for device, spec in self.disks.items():
            if device not in self.sums:
                self.sums[device] = export_sum(spec)
        sums, boots = dict(self.sums), self.guest.ready()
        body = {"instance_id": self.server.id, "mode": mode}
        asked = self.ask(self.api, "/v1/restore-points", "restore_point", body)

        def check(good: bool):
            point = self.api.call("GET", f"/v1/restore-points/{asked['id']}")["restore_point"]
            assert point["status"] == ("available" if good else "error"), point
            if good:
                self.truth[point["id"]], self.booted[point["id"]] = sums, boots
                self.restore(point["id"], f"check-{point['id']}")

        return asked["job_id"], check

    def full_backup(self, chance: random.Random) -> Asked:
        return self.backup(chance, "full")

    def incremental_backup(self, chance: random.Random) -> Asked:
        return self.backup(chance, "incremental")

    def boots_of(self, point: str) -> int:
        return self.booted[point]

    def restore_to(self, api, point: str, target: dict) -> dict:
        body = {"restore_point_id": point, "target": target}
        return self.ask(api, "/v1/restores", "restore", body)

    def result(self, restore: dict) -> dict:
        return self.api.call("GET", f"/v1/restores/{restore['id']}")["restore"]["result"]

    def a_point(self, chance: random.Random) -> str:
        return chance.choice(list(self.truth)[-4:])

    def to_files(self, chance: random.Random) -> Asked:
        point, name = self.a_point(chance), f"files-{chance.randrange(1 << 30)}"
        restore = self.restore_to(self.operator, point, {"type": "file", "name": name})

        def check(good: bool):
            if good:
                self.check_files(point, name)

        return restore["job_id"], check

    def to_new_volume(self, chance: random.Random) -> Asked:
        point, device = self.a_point(chance), chance.choice(sorted(self.disks))
        restore = self.restore_to(self.api, point, {"type": "volume", "device": device, "name": "new"})

        def check(good: bool):
            if good:
                (volume,) = self.result(restore)["volumes"].values()
                assert export_sum(self.spec(volume)) == self.truth[point][device], f"{device} differs"
                self.cloud.delete_volume(volume, wait=True, timeout=300)

        return restore["job_id"], check

    def over_volume(self, chance: random.Random) -> Asked:
        point, device = self.a_point(chance), chance.choice(sorted(self.disks))
        spec = self.spec(self.used.id)
        before = export_sum(spec)
        target = {"type": "volume", "device": device, "volume_id": self.used.id}
        restore = self.restore_to(self.api, point, target)

        def check(good: bool):
            expected = self.truth[point][device] if good else before
            assert export_sum(spec) == expected, f"the volume is not {'the point' if good else 'as it was'}"
            assert snapshots(spec) == [], "what was kept is still there"
            status = self.cloud.get_volume(self.used.id).status
            assert status == "available", f"the volume is {status}"

        return restore["job_id"], check

    def to_server(self, chance: random.Random, **more) -> Asked:
        point = self.a_point(chance)
        restore = self.restore_to(self.api, point, {"type": "new_instance", "name": "copy", **more})

        def check(good: bool):
            if good:
                made = self.result(restore)
                server, volumes = made["instance_id"], made["volumes"]
                specs = {device: self.spec(volume) for device, volume in volumes.items()}
                specs.setdefault("vdb", f"vms/{server}_disk.eph0")
                self.check_server(server, point, specs)
                self.drop(server, list(volumes.values()))

        return restore["job_id"], check

    def to_new_server(self, chance: random.Random) -> Asked:
        return self.to_server(chance)

    def recreated(self, chance: random.Random) -> Asked:
        return self.to_server(chance, nova_disks="recreated")

    def in_place(self, chance: random.Random) -> Asked:
        """The root boots, and so differs from the point's; the others are the point's, or as they were."""
        point = self.a_point(chance)
        before = {device: export_sum(spec) for device, spec in self.where.items()}
        restore = self.restore_to(self.api, point, {"type": "original"})

        def check(good: bool):
            self.sums.clear()
            self.guest.ready()
            server = self.cloud.compute.get_server(self.server.id)
            assert server.status == "ACTIVE", f"the server is {server.status}"
            expected = self.truth[point] if good else before
            for device, spec in self.where.items():
                assert export_sum(spec) == expected[device], f"{device} differs"

        return restore["job_id"], check

    def remove_point(self, chance: random.Random) -> Asked:
        """A point that others build on; they stay."""
        if len(self.truth) < 2:
            return self.incremental_backup(chance)
        point = next(iter(self.truth))
        self.asking()
        asked = self.api.call("DELETE", f"/v1/restore-points/{point}")["restore_point"]

        def check(good: bool):
            if good:
                del self.truth[point]
            self.restore(next(iter(self.truth)), f"kept-{chance.randrange(1 << 30)}")

        return asked["job_id"], check
