"""A plan that runs by its schedule, in its owner's name by a trust of a real Keystone.

It protects what carries its metadata: a server of its own, and not the one beside it. When its trust is
gone it does not run, and says why, until its owner pauses and resumes it.
"""

import time

from cloud.backup import snapshots
from cloud.connection import auth_url, connect
from cloud.contents import IMAGE
from cloud.leftovers import BASE, trusts

TAG = {"key": "backup", "value": "each-minute"}
ENDED = ("succeeded", "partial", "failed", "skipped")
# A run is due within a minute; the backup of a small disk takes seconds.
RUN_DEADLINE = 120


class Scheduled:
    """The plan and its server; `backup` are the steps with the API."""

    def __init__(self, backup):
        self.api, self.cloud, self.say = backup.api, backup.cloud, backup.say
        self.delete_point = backup.delete_point
        identity = connect().identity
        self.users = tuple(identity.find_user(name).id for name in ("alpha", "firn"))
        self.path = None

    def __enter__(self):
        self.before = self.trusts()
        compute = self.cloud.compute
        server = compute.create_server(
            name="tagged", image_id=self.cloud.image.find_image(IMAGE).id,
            flavor_id=compute.find_flavor("root").id, networks="none",
            metadata={TAG["key"]: TAG["value"]},
        )  # fmt: skip
        self.server = compute.wait_for_server(server, wait=300)
        self.disk = f"vms/{self.server.id}_disk"
        return self

    def __exit__(self, *_):
        if self.path:
            # It would run each minute.
            self.api.call("DELETE", self.path)
        self.cloud.delete_server(self.server.id, wait=True, timeout=300)

    def trusts(self) -> set[str]:
        """Those of the tenant for Firn."""
        return {
            one["id"]
            for one in trusts()
            if (one["trustor_user_id"], one["trustee_user_id"]) == self.users
        }

    def its_trust(self) -> str:
        new = self.trusts() - self.before
        assert len(new) == 1, f"a plan has one trust, not {new}"
        return new.pop()

    def plan(self) -> dict:
        return self.api.call("GET", self.path)["plan"]

    def act(self, action: str):
        self.api.call("POST", f"{self.path}/action", {action: {}})

    def runs(self) -> list[dict]:
        return self.api.call("GET", f"{self.path}/runs")["runs"]

    def ended(self, known: set[str]) -> dict:
        """The first run after those that are known, when it has ended."""
        end = time.monotonic() + RUN_DEADLINE
        while True:
            new = [run for run in self.runs() if run["id"] not in known]
            if new and new[-1]["status"] in ENDED:
                return new[-1]
            assert time.monotonic() < end, f"no run has ended: {new}, {self.plan()}"
            time.sleep(0.5)

    def run_now(self) -> dict:
        known = {run["id"] for run in self.runs()}
        self.act("run")
        return self.ended(known)

    def good(self, run: dict, trigger: str):
        """It has made a point of the server with the metadata, and of no other."""
        seen = (run["trigger"], run["status"], run["instance_count"], run["refused_count"])
        assert seen == (trigger, "succeeded", 1, 0), run
        points = self.points()
        assert {point["instance_id"] for point in points} == {self.server.id}, points
        assert all(point["status"] == "available" for point in points), points
        bases = snapshots(self.disk)
        assert len(bases) == 1 and BASE.fullmatch(bases[0]), bases

    def points(self) -> list[dict]:
        plan = self.path.rsplit("/", 1)[1]
        return self.api.call("GET", f"/v1/restore-points?plan_id={plan}")["restore_points"]

    def by_schedule(self):
        settings = {
            "name": "each-minute",
            "instances": {"metadata": TAG},
            "schedule": {"cron": "* * * * *"},
            # A full one and incremental ones: a base is kept.
            "full_every": 3,
        }
        begin = time.monotonic()
        plan = self.api.call("POST", "/v1/plans", {"plan": settings})["plan"]
        self.path = f"/v1/plans/{plan['id']}"
        assert plan["user_id"] == self.users[0], plan
        trust = self.its_trust()
        run = self.ended(set())
        took = time.monotonic() - begin
        # From here on it runs when it is asked to; one more may have started.
        self.api.call("PATCH", self.path, {"plan": {"schedule": None}})
        end = time.monotonic() + RUN_DEADLINE
        while any(run["status"] not in ENDED for run in self.runs()):
            assert time.monotonic() < end, f"a run does not end: {self.runs()}"
            time.sleep(0.5)
        self.good(run, "schedule")
        assert self.its_trust() == trust, "the plan has another trust now"
        self.say(f"a plan has run by its schedule and its trust, {took:.1f} s after it was made")

    def without_trust(self):
        """Its owner removes the trust, as Keystone lets them."""
        trust = self.its_trust()
        self.cloud.session.delete(f"{auth_url()}/OS-TRUST/trusts/{trust}")
        points = len(self.points())
        run = self.run_now()
        assert run["status"] == "failed" and "trust" in (run["status_reason"] or ""), run
        plan = self.plan()
        assert plan["status"] == "error" and "trust" in (plan["status_reason"] or ""), plan
        assert len(self.points()) == points, "a run without a trust has made a point"
        self.say(f"without its trust it does not: {run['status_reason']}")
        self.act("pause")
        self.act("resume")
        assert self.its_trust() != trust, "the trust that was deleted is back"
        assert self.plan()["status"] == "active", self.plan()
        self.good(self.run_now(), "manual")
        self.say("paused and resumed by its owner, it runs by a new trust")

    def delete(self):
        points = self.points()
        self.api.call("DELETE", self.path)
        self.path = None
        left = self.trusts() - self.before
        assert not left, f"trusts of a plan that is deleted: {left}"
        for point in reversed(points):
            self.delete_point(point["id"])
        assert snapshots(self.disk) == [], "the last point has left a base"
        self.say("deleted, the plan has left no trust, and its points no snapshot")


def check(backup):
    with Scheduled(backup) as scheduled:
        scheduled.by_schedule()
        scheduled.without_trust()
        scheduled.delete()
