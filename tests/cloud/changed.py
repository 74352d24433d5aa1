"""An incremental backup of a large thin volume beside `rbd export-diff` of the same change.

A volume of 20 GiB with 2 GiB written, here and there, is backed up; then, round by round, whole objects
are changed at scattered places, 1 % of what is written and 1 % of the disk, and Firn and `rbd
export-diff` (to nowhere and to a file) take what changed since the round before, in turns. Bytes are
checked, times only told.

    cloud.changed [--rounds N] [--seed N]
"""

import argparse
import random
import shutil
import statistics
import subprocess
import time
from datetime import datetime
from pathlib import Path

import rados
import rbd as librbd

from cloud.backup import MIB, Backup
from cloud.connection import STATE
from cloud.smoke import rbd

GIB = 1 << 30
SIZE = 20 * GIB
# What is written and changed at once: an object of RBD.
OBJECT = 4 * MIB
WRITTEN = 2 * GIB // OBJECT
# Objects that change in a round.
CHANGES = {"1 % of the data": WRITTEN // 100, "1 % of the disk": SIZE // OBJECT // 100}
CONF = str(STATE / "ceph/etc/ceph.conf")


def seconds(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()


def told(steps: dict[str, float]) -> str:
    return ", ".join(f"{name} {took:.2f}" for name, took in steps.items())


class Changed(Backup):
    def __init__(self, seed: int, rounds: int):
        super().__init__()
        self.chance, self.rounds = random.Random(seed), rounds
        # No volumes but the large one.
        self.where = {}

    def make(self):
        size = SIZE // GIB
        self.volume = self.cloud.create_volume(size, name="large", volume_type="standard", wait=True)
        self.spec = f"volumes/volume-{self.volume.id}"
        self.places = self.chance.sample(range(SIZE // OBJECT), WRITTEN)
        self.put(self.places)
        self.kept = self.mark("full")
        self.say(f"a volume of {size} GiB, {WRITTEN * OBJECT / GIB:.1f} GiB of it written")

    def put(self, places: list[int]):
        """Content that does not compress, while the volume is attached to nobody."""
        pool, name = self.spec.split("/")
        with rados.Rados(conffile=CONF) as cluster, cluster.open_ioctx(pool) as io:
            with librbd.Image(io, name) as image:
                for place in places:
                    image.write(self.chance.randbytes(OBJECT), place * OBJECT)

    def mark(self, name: str) -> str:
        rbd("snap", "create", "--no-progress", f"{self.spec}@{name}")
        return name

    def plug(self):
        self.cloud.attach_volume(self.server, self.cloud.get_volume(self.volume.id), timeout=300)
        self.disk = self.device(self.volume)

    def unplug(self):
        self.cloud.detach_volume(self.server, self.cloud.get_volume(self.volume.id), timeout=300)

    def firn(self, mode: str) -> tuple[dict, float, dict[str, float]]:
        """What the point says of the volume, and the seconds of the whole job and of its steps."""
        body = {"restore_point": {"instance_id": self.server.id, "mode": mode}}
        asked = self.api.call("POST", "/v1/restore-points", body)["restore_point"]
        job = self.api.wait(asked["job_id"], 1800)
        point = self.api.call("GET", f"/v1/restore-points/{asked['id']}")["restore_point"]
        self.point = point["id"]
        (disk,) = [one for one in point["disks"] if one["device"] == self.disk]
        steps = {one["name"]: seconds(one["started_at"], one["finished_at"]) for one in job["steps"]}
        return disk, seconds(job["created_at"], job["finished_at"]), steps

    def export_diff(self, snapshot: str, since: str | None, target: Path | None) -> float:
        """The seconds that it takes, to that file or to nowhere."""
        options = ["--no-progress", *(["--from-snap", since] if since else [])]
        command = ["rbd", "-c", CONF, "export-diff", *options, f"{self.spec}@{snapshot}", target or "-"]
        begin = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=1800)
        return time.monotonic() - begin

    def peer(self, snapshot: str, since: str | None) -> tuple[float, float, int]:
        """Seconds to nowhere and to a file, and the bytes of the file."""
        file = STATE / "export.diff"
        file.unlink(missing_ok=True)
        nowhere = self.export_diff(snapshot, since, None)
        written = self.export_diff(snapshot, since, file)
        size = file.stat().st_size
        file.unlink()
        return nowhere, written, size

    def full(self):
        self.plug()
        disk, whole, steps = self.firn("full")
        nowhere, written, size = self.peer(self.kept, None)
        expected = WRITTEN * OBJECT
        assert disk["read_bytes"] == expected, f"a full backup read {disk['read_bytes']}, not {expected}"
        assert size >= expected, "export-diff has not all"
        self.say(
            f"full: Firn read {disk['read_bytes'] / MIB:.1f} MiB in {whole:.1f} s ({told(steps)});"
            f" export-diff {size / MIB:.1f} MiB in {nowhere:.1f} s to nowhere, {written:.1f} s to a file"
        )
        # A full backup keeps no base: the first incremental reads all that is allocated.
        disk, whole, _ = self.firn("incremental")
        self.say(f"first incremental: {disk['read_bytes'] / MIB:.1f} MiB read in {whole:.1f} s")

    def incremental(self, number: int, objects: int) -> dict[str, float]:
        """The seconds of everything that was timed."""
        self.unplug()
        self.put(self.chance.sample(self.places, objects))
        begin = time.monotonic()
        name, since = self.mark(f"changed-{objects}-{number}"), self.kept
        snapshots = time.monotonic() - begin
        self.plug()
        # Who comes second finds what the first has read in the OSD's cache.
        if number % 2:
            nowhere, written, size = self.peer(name, since)
            disk, whole, steps = self.firn("incremental")
        else:
            disk, whole, steps = self.firn("incremental")
            nowhere, written, size = self.peer(name, since)
        changed = objects * OBJECT
        assert disk["read_bytes"] == changed, f"{disk['read_bytes']} read, {changed} changed"
        assert size >= changed, "export-diff has not all"
        begin = time.monotonic()
        rbd("snap", "rm", "--no-progress", f"{self.spec}@{since}")
        snapshots += time.monotonic() - begin
        self.kept = name
        self.say(
            f"Firn read {disk['read_bytes'] / MIB:.1f} MiB in {whole:.2f} s ({told(steps)});"
            f" export-diff {size / MIB:.1f} MiB in {nowhere:.2f} s to nowhere, {written:.2f} s to a file,"
            f" {snapshots:.2f} s for its snapshots"
        )
        return {
            "job": whole,
            "transfer": steps["transfer"],
            "to nowhere": nowhere,
            "to a file": written,
            "to a file with its snapshots": written + snapshots,
        }

    def measure(self):
        for share, objects in CHANGES.items():
            times = [self.incremental(number, objects) for number in range(self.rounds)]
            median = {kind: statistics.median(one[kind] for one in times) for kind in times[0]}
            for kind in ("to nowhere", "to a file", "to a file with its snapshots"):
                self.say(
                    f"{share}: Firn's transfer takes {median['transfer'] / median[kind]:.1f} times as long"
                    f" as export-diff {kind}, its whole job {median['job'] / median[kind]:.1f} times"
                    f" (medians of {self.rounds})"
                )

    def compare(self):
        """The last point is the disk, byte for byte."""
        target = {"type": "file", "name": "changed"}
        body = {"restore": {"restore_point_id": self.point, "target": target}}
        self.operator.wait(self.operator.call("POST", "/v1/restores", body)["restore"]["job_id"], 1800)
        file = STATE / f"firn/restores/changed/{self.disk}.raw"
        script = 'rbd -c "$0" export --no-progress "$1" - | cmp - "$2"'
        command = ["bash", "-eo", "pipefail", "-c", script, CONF, f"{self.spec}@{self.kept}", file]
        subprocess.run(command, check=True, timeout=1800)
        shutil.rmtree(file.parent)
        self.say("the last point restored, the same through rbd")

    def remove(self):
        rbd("snap", "rm", "--no-progress", f"{self.spec}@{self.kept}")
        self.cloud.delete_server(self.server.id, wait=True, timeout=300)
        storage = self.cloud.block_storage
        storage.wait_for_status(storage.get_volume(self.volume.id), "available", wait=300)
        self.cloud.delete_volume(self.volume.id, wait=True, timeout=300)

    def steps(self):
        return (self.boot, self.log_in, self.make, self.full, self.measure, self.compare, self.remove)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    changed = Changed(options.seed, options.rounds)
    for step in changed.steps():
        step()
    print("cloud-bench: ok")


if __name__ == "__main__":
    main()
