"""Restores into the cloud: new servers, volumes, and the server itself.

Goes on where backup.py has made its points. What is restored is compared, through `rbd`, with what
the snapshots held that Firn had read; new servers boot. Among them a tenant moves a volume, and a plan
runs by its schedule.
"""

import argparse
import time
from base64 import b64decode
from contextlib import suppress

from openstack.exceptions import NotFoundException

from cloud import mixed, moved, rebuilt, scheduled, sealed, shown
from cloud.backup import Backup, api_of, export_sum, snapshots
from cloud.connection import connect
from cloud.guest import Guest
from cloud.smoke import POOLS, USER_DATA, images, trash
from harness.api import FINAL, ApiError
from harness.ground import GroundError

# Steps that make what the others work on, and the one that removes it.
NEEDED = {"boot", "attach", "write", "log_in", "full", "incrementals", "delete"}


class Restore(Backup):
    """Backup's steps with restores among them."""

    # How often the guest had booted when its points were made.
    boots = 1

    def restored(self, point: str, target: dict, **more) -> dict:
        """A restore that has ended well."""
        body = {"restore": {"restore_point_id": point, "target": target, **more}}
        asked = self.api.call("POST", "/v1/restores", body)["restore"]
        self.api.wait(asked["job_id"], 900)
        restore = self.api.call("GET", f"/v1/restores/{asked['id']}")["restore"]
        assert restore["status"] == "available", restore
        return restore["result"]

    def refused(self, point: str, target: dict) -> str:
        """Why a restore is not done."""
        try:
            self.restored(point, target)
        except GroundError as error:
            return str(error)
        raise AssertionError(f"{target} should be refused")

    def spec(self, volume: str) -> str:
        pools = [pool for pool in POOLS.values() if f"volume-{volume}" in images(pool)]
        assert len(pools) == 1, f"volume {volume} is in {pools}"
        return f"{pools[0]}/volume-{volume}"

    def attach_again(self, name: str):
        """A volume that was detached; it may lie elsewhere, and the guest call it otherwise now."""
        volume = self.volumes[name]
        self.cloud.attach_volume(self.server, self.cloud.get_volume(volume.id), timeout=300)
        device, spec = self.device(volume), self.spec(volume.id)
        for where in (self.where, self.disks):
            where.pop(next(one for one, at in where.items() if at.endswith(f"-{volume.id}")))
            where[device] = spec

    def everything(self) -> dict:
        """What there is in the cloud, for a look at what is left over."""
        storage = self.cloud.block_storage
        attachments = connect().block_storage.get(
            "/attachments?all_tenants=1", microversion="3.27"
        ).json()["attachments"]
        pools = ("vms", *POOLS.values())
        return {
            "servers": {server.id for server in self.cloud.compute.servers()},
            "volumes": {volume.id: volume.status for volume in storage.volumes()},
            "ports": {port.id for port in self.cloud.network.ports()},
            "attachments": {one["id"] for one in attachments},
            "images": {pool: images(pool) for pool in pools},
            "trash": {pool: len(trash(pool)) for pool in pools},
        }

    def unchanged(self, before: dict):
        now = self.everything()
        for what, was in before.items():
            assert now[what] == was, f"{what} were {was} and are {now[what]}"

    def dry_runs(self):
        point = list(self.truth)[-1]
        before = self.everything()
        plan = self.restored(point, {"type": "new_instance"}, dry_run=True)["server"]
        assert plan["problems"] == [], plan
        assert [one["device"] for one in plan["volumes"]] == sorted(self.disks), plan
        wrong = {
            "type": "new_instance", "flavor": "none-such", "availability_zone": "nova",
            "volume_types": {"fast": "none-such"},
        }  # fmt: skip
        plan = self.restored(point, wrong, dry_run=True)["server"]
        assert len(plan["problems"]) == 2, plan["problems"]
        assert all("none-such" in problem for problem in plan["problems"]), plan["problems"]
        said = self.refused(point, wrong)
        assert all(problem in said for problem in plan["problems"]), said
        plan = self.restored(point, {"type": "original"}, dry_run=True)["original"]
        assert plan["problems"] == [] and len(plan["disks"]) == len(self.disks), plan
        self.unchanged(before)
        self.say("dry runs say what would be made and what stands against it, and make nothing")

    def boots_of(self, point: str) -> int:
        """How often a point's root has booted."""
        return self.boots

    def check_server(self, server: str, point: str, specs: dict[str, str]):
        """It boots, from a root that has booted as often as the point's, and has its data."""
        boots, before = Guest(server).ready(), self.boots_of(point)
        assert boots == before + 1, f"the root has booted {boots} times, the point's had {before}"
        # The guest writes to its root alone when it boots.
        for device in self.where:
            seen = export_sum(specs[device])
            assert seen == self.truth[point][device], f"{device} of {point} differs"

    def drop(self, server: str, volumes: list[str]):
        self.cloud.delete_server(server, wait=True, timeout=300)
        storage = self.cloud.block_storage
        for volume in volumes:
            # Some go with their server, now or in a moment.
            with suppress(NotFoundException):
                storage.wait_for_status(storage.get_volume(volume), "available", wait=300)
                self.cloud.delete_volume(volume, wait=True, timeout=300)

    def new_servers(self):
        """Every point as a server that boots from a volume, and its root as a volume alone."""
        before = self.everything()
        for point in self.truth:
            result = self.restored(point, {"type": "new_instance", "name": f"copy-{point}"})
            volumes = result["volumes"]
            specs = {device: self.spec(volume) for device, volume in volumes.items()}
            server = connect().compute.get_server(result["instance_id"])
            assert server.name == f"copy-{point}"
            assert b64decode(server.user_data).decode() == USER_DATA
            self.check_server(result["instance_id"], point, specs)
            self.drop(result["instance_id"], list(volumes.values()))
            result = self.restored(point, {"type": "volume", "device": "vda", "name": "root"})
            (volume,) = result["volumes"].values()
            assert export_sum(self.spec(volume)) == self.truth[point]["vda"], "the root differs"
            self.cloud.delete_volume(volume, wait=True, timeout=300)
        self.unchanged(before)
        self.say(f"{len(self.truth)} points restored as servers that boot, the same through rbd")

    def recreated(self):
        """Root and ephemeral disk as Nova's again."""
        point = list(self.truth)[1]
        target = {"type": "new_instance", "name": "as-before", "nova_disks": "recreated"}
        result = self.restored(point, target)
        server, volumes = result["instance_id"], result["volumes"]
        specs = {device: self.spec(volume) for device, volume in volumes.items()}
        specs |= {"vdb": f"vms/{server}_disk.eph0"}
        assert f"{server}_disk" in images("vms")
        self.check_server(server, point, specs)
        self.drop(server, list(volumes.values()))
        self.say("a server with Nova's own disks again, the same through rbd")

    def over_volume(self):
        """A volume's content replaced by a disk of a point."""
        point, device = list(self.truth)[2], list(self.where)[1]
        volume = self.cloud.create_volume(1, name="used", volume_type="standard", wait=True)
        target = {"type": "volume", "device": device, "volume_id": volume.id}
        for one in (list(self.truth)[-1], point):
            self.restored(one, target)
            assert export_sum(self.spec(volume.id)) == self.truth[one][device], "it differs"
            assert snapshots(self.spec(volume.id)) == [], "what was kept is still there"
        status = self.cloud.get_volume(volume.id).status
        assert status == "available", f"the volume is {status}"
        said = self.refused(point, {**target, "volume_id": next(iter(self.volumes.values())).id})
        assert "in-use" in said, said
        self.cloud.delete_volume(volume.id, wait=True, timeout=300)
        self.say("a volume's content replaced, twice")

    def in_place(self):
        """The server itself, back and forth between points."""
        target = {"restore_point_id": next(iter(self.truth)), "target": {"type": "original"}}
        try:
            api_of(connect("beta")).call("POST", "/v1/restores", {"restore": target})
        except ApiError as error:
            assert error.status == 404, error
        else:
            raise AssertionError("another tenant restores over the server")
        boots = self.boots
        for point in (list(self.truth)[0], list(self.truth)[-1]):
            begin = time.monotonic()
            self.restored(point, {"type": "original"})
            assert self.guest.ready() == boots + 1, "the root is not the point's"
            for device, spec in self.where.items():
                assert export_sum(spec) == self.truth[point][device], f"{device} differs"
                left = [name for name in snapshots(spec) if name.startswith("firn-restore")]
                assert not left, f"{spec} has {left}"
            self.say(f"restored in place in {time.monotonic() - begin:.1f} s")
        # An incremental on the bases of before sees what the restores have written.
        self.incremental(7)

    def cancel(self, target: dict):
        """Cancels a restore to a target while it writes."""
        point = next(iter(self.truth))
        body = {"restore": {"restore_point_id": point, "target": target}}
        job = self.api.call("POST", "/v1/restores", body)["restore"]["job_id"]
        end = time.monotonic() + 300
        while True:
            assert time.monotonic() < end, "the restore does not come to write"
            seen = self.api.call("GET", f"/v1/jobs/{job}")["job"]
            if any(step["name"] == "write" for step in seen["steps"]):
                break
            assert seen["status"] not in FINAL, seen
        self.api.call("POST", f"/v1/jobs/{job}/action", {"cancel": {}})
        while (seen := self.api.call("GET", f"/v1/jobs/{job}")["job"])["status"] not in FINAL:
            assert time.monotonic() < end, "the restore is not cancelled"
            time.sleep(0.2)
        assert seen["status"] == "cancelled", seen
        assert all(step["status"] == "undone" for step in seen["steps"]), seen["steps"]

    def undone(self):
        """Cancelled while it writes, a restore leaves what was there, and nothing else."""
        volume = self.cloud.create_volume(1, name="used", volume_type="standard", wait=True)
        before, used = self.everything(), self.spec(volume.id)
        held = export_sum(used)
        for target in (
            {"type": "new_instance", "name": "cancelled"},
            {"type": "new_instance", "name": "cancelled", "nova_disks": "recreated"},
            {"type": "volume", "device": "vda", "name": "cancelled"},
            {"type": "volume", "device": "vda", "volume_id": volume.id},
        ):
            self.cancel(target)
            self.unchanged(before)
            assert export_sum(used) == held and snapshots(used) == [], f"{used} is not what it was"
            self.say(f"cancelled while it wrote, nothing is left of {target}")
        self.cloud.delete_volume(volume.id, wait=True, timeout=300)
        was = {spec: export_sum(spec) for spec in self.where.values()}
        self.cancel({"type": "original"})
        self.guest.ready()
        assert self.cloud.compute.get_server(self.server.id).status == "ACTIVE"
        for spec, expected in was.items():
            assert export_sum(spec) == expected, f"{spec} is not what it was"
            assert not [name for name in snapshots(spec) if name.startswith("firn-restore")]
        self.say("a restore in place, cancelled while it wrote, left what was there")

    def elsewhere(self):
        """An administrator restores a point into another project, whose people then see it."""
        point, beta = list(self.truth)[-1], connect("beta")
        identity = connect().identity
        identity.assign_project_role_to_user(
            identity.find_project("beta"), identity.find_user("admin"), identity.find_role("admin")
        )
        before, there = self.everything(), {one.id for one in beta.list_servers()}
        operator = api_of(connect("admin", "beta"))
        target = {"type": "new_instance", "name": "moved-in"}
        body = {"restore": {"restore_point_id": point, "target": target}}
        asked = operator.call("POST", "/v1/restores", body)["restore"]
        operator.wait(asked["job_id"], 900)
        path = f"/v1/restores/{asked['id']}"
        result = api_of(beta).call("GET", path)["restore"]["result"]
        assert {one.id for one in beta.list_servers()} - there == {result["instance_id"]}
        assert Guest(result["instance_id"]).ready() == self.boots + 1
        for device, volume in result["volumes"].items():
            assert beta.get_volume(volume), f"{device} is not beta's"
        try:
            self.api.call("GET", path)
        except ApiError as error:
            assert error.status == 404, error
        else:
            raise AssertionError("alpha sees what was made in beta")
        beta.delete_server(result["instance_id"], wait=True, timeout=300)
        for volume in result["volumes"].values():
            if found := beta.block_storage.find_volume(volume):
                beta.block_storage.wait_for_status(found, "available", wait=300)
                beta.delete_volume(volume, wait=True, timeout=300)
        self.unchanged(before)
        self.say("a point restored into another project, whose own people see it")

    def show(self):
        shown.check(self)

    def mix(self):
        mixed.check(self)

    def seal(self):
        sealed.check(self)

    def rebuild(self):
        rebuilt.check(self)

    def move(self):
        moved.check(self)

    def schedule(self):
        scheduled.check(self)

    def steps(self):
        return (
            self.boot, self.attach, self.write, self.log_in, self.full, self.incrementals,
            self.show, self.restores, self.dry_runs, self.new_servers, self.recreated,
            self.elsewhere, self.over_volume, self.in_place, self.undone, self.mix, self.rebuild,
            self.move, self.delete_points, self.freeze, self.schedule, self.isolation,
            self.read_only, self.secrets, self.seal, self.delete,
        )  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("step", nargs="*", help="only these, and those that all others need")
    chosen = set(parser.parse_args().step)
    restore = Restore()
    steps = restore.steps()
    if unknown := chosen - {step.__name__ for step in steps}:
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    for step in steps:
        if not chosen or step.__name__ in NEEDED | chosen:
            step()
    print("cloud-test: ok")


if __name__ == "__main__":
    main()
