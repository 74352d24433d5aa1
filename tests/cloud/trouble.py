"""Backups and restores while processes of Firn and of the cloud are killed at random moments.

Each round changes the guest's disks, asks for a backup or a restore, kills one process after a while
and starts it again. The job ends, well or with a reason; what ended well is compared through `rbd`;
what failed has changed nothing. Nothing is left anywhere. Rounds are made from the seed and their
number; moments are parts of the time that the same operation takes when nothing happens.

    cloud.trouble [--seed N] [--rounds N] [--round N]     all rounds, or that one alone
"""

import argparse
import json
import random
import re
import time
import traceback
from collections.abc import Callable

from cloud.backup import MIB, export_sum, snapshots
from cloud.leftovers import Owned, left
from cloud.outage import VICTIMS, Outage
from cloud.restore import Restore
from harness.api import FINAL, ApiError
from harness.ground import GroundError

# The longest that a job may take to end, and its traces to go.
JOB_DEADLINE = 600
SETTLE_DEADLINE = 240
# How often an operation is chosen; a server takes half a minute.
OPERATIONS = {"incremental": 4, "full": 2, "to_files": 3, "to_new_volume": 3, "over_volume": 4, "to_new_server": 1}
# What a user's message does not contain: words of the program.
JUNK = re.compile(r"panicked|unwrap|backtrace|\.rs:\d|\b(Some|None|Err|Ok)\(")

# A job, and what there is to check when it has ended: well, if that is true.
Asked = tuple[str, Callable[[bool], None]]


class Trouble(Restore):
    def __init__(self, seed: int, rounds: list[int]):
        super().__init__()
        self.seed, self.rounds = seed, rounds
        self.usual: dict[str, float] = {}
        self.findings: list[str] = []
        self.known: set[str] = set()
        # The guest does not boot again.
        self.boots = 1

    def prepare(self):
        for number, device in enumerate(self.where):
            self.guest.do("write", device, "100M", "96M", 200 + number, deadline=900)
        self.used = self.cloud.create_volume(1, name="used", volume_type="standard", wait=True)
        self.say("disks have something to read")

    # Operations. The guest writes only before a job is asked for, so disks are what they were then.

    def ask(self, api, path: str, key: str, body: dict) -> dict:
        """Asked again while the service says that it cannot now."""
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
            self.guest.do("write", device, f"{offset}M", "4M", chance.randrange(1 << 30))

    def backup(self, chance: random.Random, mode: str) -> Asked:
        self.scribble(chance)
        sums = {device: export_sum(spec) for device, spec in self.disks.items()}
        body = {"instance_id": self.server.id, "mode": mode}
        asked = self.ask(self.api, "/v1/restore-points", "restore_point", body)

        def check(good: bool):
            point = self.api.call("GET", f"/v1/restore-points/{asked['id']}")["restore_point"]
            assert point["status"] == ("available" if good else "error"), point
            if good:
                self.truth[point["id"]] = sums
                self.restore(point["id"], f"check-{point['id']}")

        return asked["job_id"], check

    def full(self, chance: random.Random) -> Asked:
        return self.backup(chance, "full")

    def incremental(self, chance: random.Random) -> Asked:
        return self.backup(chance, "incremental")

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

    def to_new_server(self, chance: random.Random) -> Asked:
        point = self.a_point(chance)
        restore = self.restore_to(self.api, point, {"type": "new_instance", "name": "copy"})

        def check(good: bool):
            if good:
                made = self.result(restore)
                specs = {device: self.spec(volume) for device, volume in made["volumes"].items()}
                self.check_server(made["instance_id"], point, specs)
                self.drop(made["instance_id"], list(made["volumes"].values()))

        return restore["job_id"], check

    # Rounds.

    def ended(self, job: str) -> dict:
        end = time.monotonic() + JOB_DEADLINE
        while (seen := self.operator.call("GET", f"/v1/jobs/{job}")["job"])["status"] not in FINAL:
            assert time.monotonic() < end, f"the job does not end: {json.dumps(seen)}"
            time.sleep(0.2)
        return seen

    def check_reason(self, job: dict):
        """A job that did not succeed says why, and what it says is for people."""
        events = self.operator.call("GET", f"/v1/jobs/{job['id']}/events")["events"]
        if job["status"] == "succeeded":
            assert job["error"] is None, job
        else:
            assert job["error"] and job["error"]["message"].strip(), f"no reason: {json.dumps(job)}"
        said = [event["detail"] for event in events] + [(job["error"] or {}).get("message", "")]
        for text in said:
            assert not JUNK.search(text), f"words of the program: {text}"

    def do(self, operation: str, chance: random.Random, outage: Outage | None) -> dict:
        begin = time.monotonic()
        if outage:
            # Some are killed before the job is asked for or while it is.
            outage.start()
        job, check = getattr(self, operation)(chance)
        job = self.ended(job)
        if outage:
            outage.over()
        else:
            self.usual[operation] = time.monotonic() - begin
        self.check_reason(job)
        check(job["status"] == "succeeded")
        return job

    def calm(self):
        """Each operation once with nothing in its way, for the time that it takes."""
        chance = random.Random(f"{self.seed} calm")
        for operation in OPERATIONS:
            job = self.do(operation, chance, None)
            assert job["status"] == "succeeded", job
        self.say(f"undisturbed: {', '.join(f'{name} {took:.1f} s' for name, took in self.usual.items())}")

    def owned(self) -> Owned:
        volumes = {volume.id for volume in self.volumes.values()} | {self.used.id}
        return Owned({self.server.id}, volumes, set(self.disks.values()), {self.spec(self.used.id)})

    def settled(self):
        """Nothing is left, but what an earlier round has complained of."""
        end = time.monotonic() + SETTLE_DEADLINE
        while new := set(left(self.owned())) - self.known:
            if time.monotonic() > end:
                self.known |= new
                raise AssertionError(f"left over: {'; '.join(sorted(new))}")
            time.sleep(2)

    def round(self, number: int):
        chance = random.Random(f"{self.seed} {number}")
        operation = chance.choices(list(OPERATIONS), list(OPERATIONS.values()))[0]
        victim = chance.choice(list(VICTIMS))
        moment, absence = chance.uniform(0, 1.1), chance.uniform(2, 25)
        outage = Outage(victim, moment * self.usual[operation], absence)
        name = f"seed {self.seed} round {number}: {operation}, {victim} killed after {outage.moment:.1f} s for {absence:.0f} s"
        begin = time.monotonic()
        try:
            job = self.do(operation, chance, outage)
            self.settled()
        except (AssertionError, GroundError, ApiError) as error:
            self.findings.append(f"{name}: {error}")
            self.say(f"FAILED: {name}\n{traceback.format_exc()}")
            outage.over()
            return
        reason = f" ({job['error']['message']})" if job["error"] else ""
        self.say(f"{name}: {job['status']}{reason}, {time.monotonic() - begin:.0f} s")

    def troubles(self):
        for number in self.rounds:
            self.round(number)

    def verify(self):
        """At the end all is as if nothing had been: another backup, every point whole, nothing left."""
        self.known.clear()
        self.do("incremental", random.Random(f"{self.seed} end"), None)
        for point in self.truth:
            asked = self.api.call("POST", f"/v1/restore-points/{point}/action", {"verify": {}})
            self.api.wait(asked["restore_point"]["job_id"], JOB_DEADLINE)
        self.settled()
        self.say(f"{len(self.truth)} points verified; nothing is left")

    def tell(self):
        for finding in self.findings:
            print(f"FAILED: {finding}", flush=True)
        assert not self.findings, f"{len(self.findings)} of {len(self.rounds)} rounds failed"

    def steps(self):
        return (
            self.boot, self.attach, self.write, self.log_in, self.prepare, self.calm, self.troubles,
            self.verify, self.tell, self.remove,
        )  # fmt: skip

    def remove(self):
        self.cloud.delete_volume(self.used.id, wait=True, timeout=300)
        self.delete_all()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--round", type=int, help="this round alone")
    options = parser.parse_args()
    rounds = list(range(options.rounds)) if options.round is None else [options.round]
    print(f"seed {options.seed}", flush=True)
    trouble = Trouble(options.seed, rounds)
    for step in trouble.steps():
        step()
    print("cloud-trouble: ok")


if __name__ == "__main__":
    main()
