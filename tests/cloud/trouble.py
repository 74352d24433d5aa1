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

from cloud.leftovers import Owned, left, login
from cloud.operations import OPERATIONS, Operations
from cloud.outage import VICTIMS, Outage
from harness.api import FINAL

# The longest that a job may take to end, and its traces to go.
JOB_DEADLINE = 600
SETTLE_DEADLINE = 240
# Seconds that a process is away: a conductor's lease has 15.
ABSENCE = (2, 18)
# What a user's message does not contain: words of the program.
JUNK = re.compile(r"panicked|unwrap|backtrace|\.rs:\d|\b(Some|None|Err|Ok)\(")


class Trouble(Operations):
    def __init__(self, seed: int, rounds: list[int]):
        super().__init__()
        self.seed, self.rounds = seed, rounds
        self.usual: dict[str, float] = {}
        self.findings: list[str] = []
        self.known: set[str] = set()

    def prepare(self):
        for number, device in enumerate(self.where):
            self.guest.do("write", device, "100M", "96M", 200 + number, deadline=900)
        self.used = self.cloud.create_volume(1, name="used", volume_type="standard", wait=True)
        # What others have in this cloud.
        self.others = set(left(self.owned()))
        self.say("disks have something to read")

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

    def asking(self):
        self.asked_at = time.monotonic()
        if self.outage:
            self.outage.start()

    def do(self, operation: str, chance: random.Random, outage: Outage | None) -> dict:
        self.outage = outage
        job, check = getattr(self, operation)(chance)
        job = self.ended(job)
        took = time.monotonic() - self.asked_at
        if outage:
            outage.over()
            self.whole()
        else:
            self.usual[operation] = took
        self.check_reason(job)
        check(job["status"] == "succeeded")
        return job

    def whole(self):
        """Until all of Nova's and Cinder's services have said that they live again.

        Of a compute that is silent for long Nova deletes servers in its database alone: their guests go
        on, with volumes that cannot be removed then.
        """
        end = time.monotonic() + 180
        while True:
            down = [
                one["binary"]
                for service in (login().compute, login().block_storage)
                for one in service.get("/os-services").json()["services"]
                if one["state"] != "up"
            ]
            if not down:
                return
            assert time.monotonic() < end, f"down for long: {down}"
            time.sleep(1)

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
        while new := set(left(self.owned())) - self.others - self.known:
            if time.monotonic() > end:
                self.known |= new
                raise AssertionError(f"left over: {'; '.join(sorted(new))}")
            time.sleep(2)

    def round(self, number: int):
        chance = random.Random(f"{self.seed} {number}")
        operation = chance.choices(list(OPERATIONS), list(OPERATIONS.values()))[0]
        victim = chance.choice(list(VICTIMS))
        moment, absence = chance.uniform(0, 1), chance.uniform(*ABSENCE)
        outage = Outage(victim, moment * self.usual[operation], absence)
        name = (
            f"seed {self.seed} round {number}: {operation}, {victim} killed after"
            f" {outage.moment:.1f} s for {absence:.0f} s"
        )
        begin = time.monotonic()
        try:
            job = self.do(operation, chance, outage)
            self.settled()
        except Exception as error:
            self.findings.append(f"{name}: {error}")
            self.say(f"FAILED: {name}\n{traceback.format_exc()}")
            if outage.is_alive():
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
        self.do("incremental_backup", random.Random(f"{self.seed} end"), None)
        for point in self.truth:
            asked = self.api.call("POST", f"/v1/restore-points/{point}/action", {"verify": {}})
            self.api.wait(asked["restore_point"]["job_id"], JOB_DEADLINE)
        self.settled()
        self.say(f"{len(self.truth)} points verified; nothing is left")

    def tell(self):
        for finding in self.findings:
            print(f"FAILED: {finding}", flush=True)
        assert not self.findings, f"{len(self.findings)} of {len(self.rounds)} rounds failed"

    def remove(self):
        self.cloud.delete_volume(self.used.id, wait=True, timeout=300)
        # These are restored once more.
        self.truth = dict(list(self.truth.items())[-2:])
        self.delete()

    def steps(self):
        return (
            self.boot, self.attach, self.find, self.log_in, self.prepare, self.calm, self.troubles,
            self.verify, self.tell, self.remove,
        )  # fmt: skip


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
