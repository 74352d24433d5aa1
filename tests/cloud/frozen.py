"""Points of a running server whose guest is frozen for its snapshots.

It is a server of its own: a freeze and its thaw write to the file system, and what the other one
has is compared byte for byte.
"""

import time

from cloud.connection import STATE, connect
from cloud.guest import Guest, virsh

IMAGE = "console-guest-agent"


class Frozen:
    """A server whose image says that its guest has an agent; `backup` are the steps with the API."""

    def __init__(self, backup):
        self.api, self.cloud, self.say = backup.api, backup.cloud, backup.say
        self.delete_point = backup.delete_point

    def __enter__(self):
        admin = connect()
        self.image = admin.create_image(
            IMAGE, filename=str(STATE / "guest.raw"), disk_format="raw", container_format="bare",
            visibility="public", wait=True, use_import=False, min_disk=1, hw_qemu_guest_agent="yes",
        )  # fmt: skip
        compute = self.cloud.compute
        server = compute.create_server(
            name="frozen", image_id=self.image.id, flavor_id=compute.find_flavor("root").id,
            networks="none",
        )  # fmt: skip
        self.server = compute.wait_for_server(server, wait=300)
        self.guest = Guest(self.server.id)
        self.guest.ready()
        self.until("the guest agent is connected", lambda: "state='connected'" in self.xml())
        return self

    def __exit__(self, *_):
        self.cloud.delete_server(self.server.id, wait=True, timeout=300)
        connect().delete_image(self.image.id, wait=True, timeout=300)

    def until(self, what: str, true):
        end = time.monotonic() + 120
        while not true():
            assert time.monotonic() < end, f"never: {what}"
            time.sleep(0.5)

    def xml(self) -> str:
        return virsh("dumpxml", self.server.id)

    def thawed(self):
        command = '{"execute":"guest-fsfreeze-status"}'
        status = virsh("qemu-agent-command", self.server.id, command)
        assert '"thawed"' in status, f"the guest is left frozen: {status}"
        self.guest.do("file", "after", "1M", 7, deadline=60)

    def point(self):
        """A point of it is consistent for its file systems."""
        body = {"restore_point": {"instance_id": self.server.id, "mode": "full"}}
        asked = self.api.call("POST", "/v1/restore-points", body)["restore_point"]
        self.api.wait(asked["job_id"], 600)
        point = self.api.call("GET", f"/v1/restore-points/{asked['id']}")["restore_point"]
        events = self.api.call("GET", f"/v1/jobs/{asked['job_id']}/events")["events"]
        assert point["consistency"] == "filesystem", f"{point}\n{events}"
        self.thawed()
        self.delete_point(point["id"])
        self.say("a point of a running server with a guest agent is filesystem consistent")

    def demand(self, consistency: str, expected: str):
        """What a plan with that demand leads to."""
        body = {"name": consistency, "instances": {"ids": [self.server.id]}, "full_every": 1}
        plan = self.api.call("POST", "/v1/plans", {"plan": body | {"consistency": consistency}})
        path = f"/v1/plans/{plan['plan']['id']}"
        self.api.call("POST", f"{path}/action", {"run": {}})

        def last() -> str:
            return self.api.call("GET", f"{path}/runs")["runs"][0]["status"]

        self.until("the run has ended", lambda: last() in ("succeeded", "failed", "skipped"))
        assert last() == expected, f"a plan that demands {consistency}: {last()}"
        points = self.api.call("GET", f"/v1/restore-points?plan_id={path.rsplit('/', 1)[1]}")
        for point in points["restore_points"]:
            wanted = consistency if expected == "succeeded" else None
            assert point.get("consistency") == wanted, point
            self.delete_point(point["id"])
        self.api.call("DELETE", path)
        self.thawed()
        self.say(f"a plan that demands {consistency}: {expected}")


def check(backup):
    with Frozen(backup) as frozen:
        frozen.point()
        frozen.demand("filesystem", "succeeded")
        frozen.demand("application", "failed")
