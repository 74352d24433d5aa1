"""Backups of a running server on Ceph: root, ephemeral and two volumes of different pools.

What is restored is compared with what `rbd` exports of the snapshots that Firn read, and with what
the guest itself sees; Cinder's and Ceph's own lists tell whether anything is left or in the way.
"""

import hashlib
import json
import re
import shutil
import subprocess
import time
from base64 import b64encode
from pathlib import Path

from cloud import frozen
from cloud.connection import STATE, connect
from cloud.smoke import POOLS, USER_DATA, Smoke, images, rbd, trash
from harness.api import Api, ApiError

VERSION = "instance-backup 1.1"
MIB = 1 << 20


def api_of(cloud) -> Api:
    url = cloud.session.get_endpoint(service_type="instance-backup")
    headers = {"X-Auth-Token": cloud.session.get_token(), "OpenStack-API-Version": VERSION}
    return Api(url, headers)


def snapshots(spec: str) -> list[str]:
    return [one["name"] for one in json.loads(rbd("snap", "ls", "--format", "json", spec))]


def export_sum(spec: str) -> str:
    script = 'rbd -c "$0" export --no-progress "$1" - | sha256sum'
    conf = str(STATE / "ceph/etc/ceph.conf")
    command = ["bash", "-eo", "pipefail", "-c", script, conf, spec]
    seen = subprocess.run(command, check=True, capture_output=True, timeout=300)
    return seen.stdout.decode().split()[0]


def file_sum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Backup(Smoke):
    """The steps, in their order."""

    def log_in(self):
        self.api = api_of(self.cloud)
        # Restores to files of the backup server are an operator's.
        identity = connect().identity
        identity.assign_project_role_to_user(
            identity.find_project("alpha"), identity.find_user("admin"), identity.find_role("admin")
        )
        self.operator = api_of(connect("admin", "alpha"))
        self.disks = {"vda": f"vms/{self.server.id}_disk", **self.where}
        self.quota = self.tenant()
        # What each point must restore to: a SHA-256 of each disk.
        self.truth: dict[str, dict[str, str]] = {}

    def tenant(self) -> tuple:
        """What the tenant sees of volumes: its snapshots, and what its quota counts."""
        used = self.cloud.block_storage.get(
            f"/os-quota-sets/{self.cloud.current_project_id}?usage=true"
        ).json()["quota_set"]
        counted = {name: value["in_use"] for name, value in used.items() if name != "id"}
        return [one.id for one in self.cloud.list_volume_snapshots()], counted

    def back_up(self, mode: str) -> dict:
        body = {"restore_point": {"instance_id": self.server.id, "mode": mode}}
        asked = self.api.call("POST", "/v1/restore-points", body)["restore_point"]
        self.api.wait(asked["job_id"], 600)
        point = self.api.call("GET", f"/v1/restore-points/{asked['id']}")["restore_point"]
        assert point["status"] == "available", point
        assert self.tenant() == self.quota, "the tenant's volumes, snapshots or quota changed"
        service = connect("firn", "service").list_volume_snapshots()
        assert not service, f"Cinder still has snapshots: {service}"
        self.say(f"{mode}: {point['read_bytes'] / MIB:.1f} MiB read")
        return point

    def full(self):
        point = self.back_up("full")
        for device, spec in self.disks.items():
            assert snapshots(spec) == [], f"a full backup keeps no base, but {device} has one"
        # The guest is idle since it was compared with rbd.
        self.truth[point["id"]] = {
            device: export_sum(spec) for device, spec in self.disks.items()
        }

    def incremental(self, first: int) -> dict:
        for number, device in enumerate(self.where):
            self.guest.do("write", device, f"{20 + first}M", "2M", first + number)
        point = self.back_up("incremental")
        self.truth[point["id"]] = {}
        for device, spec in self.disks.items():
            bases = snapshots(spec)
            assert len(bases) == 1, f"{spec} should have one base: {bases}"
            # What Cinder's driver removes with the volume.
            assert re.fullmatch(r"backup\.[0-9a-f-]{36}\.snap\.[0-9.]+", bases[0]), bases
            self.truth[point["id"]][device] = export_sum(f"{spec}@{bases[0]}")
        return point

    def incrementals(self):
        # The first has no base yet.
        self.incremental(1)
        for first in (2, 4):
            point = self.incremental(first)
            wrote = 2 * MIB * len(self.where)
            # At most the whole objects of 4 MiB that were written to.
            assert point["read_bytes"] <= 2 * wrote, "an incremental read what had not changed"

    def restore(self, point: str, name: str):
        target = {"type": "file", "name": name}
        body = {"restore": {"restore_point_id": point, "target": target}}
        restore = self.operator.call("POST", "/v1/restores", body)["restore"]
        self.operator.wait(restore["job_id"], 600)
        self.check_files(point, name)

    def check_files(self, point: str, name: str):
        """What was restored to files is what the point must be; the files are removed."""
        folder = STATE / "firn/restores" / name
        for device, expected in self.truth[point].items():
            assert file_sum(folder / f"{device}.raw") == expected, f"{device} of {point} differs"
        shutil.rmtree(folder)

    def restores(self):
        for point in self.truth:
            self.restore(point, f"first-{point}")
        self.say(f"{len(self.truth)} points restored, every disk as rbd has it")

    def delete_point(self, point: str):
        answer = self.api.call("DELETE", f"/v1/restore-points/{point}")["restore_point"]
        self.api.wait(answer["job_id"], 300)

    def delete_points(self):
        oldest, _, middle = list(self.truth)[:3]
        for point in (oldest, middle):
            self.delete_point(point)
            del self.truth[point]
        for point in self.truth:
            self.restore(point, f"second-{point}")
        self.say("the oldest and the middle point are deleted; the others restore")

    def freeze(self):
        frozen.check(self)
        assert self.tenant() == self.quota, "something of the frozen server is left"

    def isolation(self):
        """Another tenant sees none of it."""
        other = api_of(connect("beta"))
        for path, key in (
            ("/v1/instances", "instances"),
            ("/v1/restore-points", "restore_points"),
            ("/v1/jobs", "jobs"),
        ):
            ids = {row["id"] for row in other.call("GET", path)[key]}
            assert not ids & {self.server.id, *self.truth}, f"{path} shows what is not beta's"
        point = next(iter(self.truth))
        for path in (f"instances/{self.server.id}", f"restore-points/{point}"):
            try:
                other.call("GET", f"/v1/{path}")
            except ApiError as error:
                assert error.status == 404, error
            else:
                raise AssertionError(f"beta sees {path}")
        self.say("the other tenant sees nothing of it")

    def read_only(self):
        """The user that reads can do nothing else."""
        spec = next(iter(self.where.values()))
        pool = spec.partition("/")[0]
        for program, *command in (
            ["rbd", "snap", "create", f"{spec}@forbidden"],
            ["rbd", "resize", "--size", "2G", spec],
            # What a write to an image comes to in the end.
            ["rados", "-p", pool, "put", "forbidden", "/etc/hostname"],
        ):
            user = ["-c", STATE / "ceph/etc/ceph.conf", "--id", "firn-backup"]
            refused = subprocess.run(
                [program, *user, *command], capture_output=True, text=True, timeout=60
            )
            assert refused.returncode != 0, f"firn-backup may {command}"
            # Not for another reason.
            assert "Operation not permitted" in refused.stderr, f"{command}: {refused.stderr}"
        assert "forbidden" not in snapshots(spec)
        self.say("firn-backup can only read")

    def secrets(self):
        """User data is in the sealed restore points, and nowhere else."""
        command = ["mariadb-dump", "--no-defaults", f"--socket={STATE}/mariadb/socket", "firn"]
        texts = {"database": subprocess.run(command, check=True, capture_output=True).stdout}
        texts |= {log.name: log.read_bytes() for log in (STATE / "log").glob("firn*")}
        for secret in (USER_DATA.encode(), b64encode(USER_DATA.encode())):
            for where, text in texts.items():
                assert text and secret not in text, f"user data is in the {where}"
        self.say(f"no user data in {', '.join(texts)}")

    def delete(self):
        """The tenant deletes everything, right after an incremental backup."""
        self.delete_all()
        for pool in POOLS.values():
            left = images(pool) - self.before[pool]
            assert not left and not trash(pool), f"left in {pool}: {left} {trash(pool)}"
        self.say("the tenant has deleted server and volumes; nothing is left in Cinder's pools")
        # Nova does not remove a disk that has a snapshot; Firn does, after two looks for its server.
        end = time.monotonic() + 300
        while left := images("vms") - self.before["vms"]:
            assert time.monotonic() < end, f"left in vms: {left}"
            time.sleep(2)
        assert not trash("vms"), "left in the trash of vms"
        self.say("what Nova had left of it is removed")
        for point in self.truth:
            self.restore(point, f"last-{point}")
        self.say("the points restore without them")

    def steps(self):
        return (
            self.boot, self.attach, self.write, self.log_in, self.full, self.incrementals,
            self.restores, self.delete_points, self.freeze, self.isolation, self.read_only,
            self.secrets, self.delete,
        )  # fmt: skip


def main():
    backup = Backup()
    for step in backup.steps():
        step()
    print("cloud-test: ok")


if __name__ == "__main__":
    main()
