"""A server's life on the cloud: boot, disks in three pools, writes, `down` and `up`, delete.

Its disks are compared through `rbd`, past Nova and Cinder; nothing is left in Ceph at the end.
"""

import json
import subprocess
import time
from base64 import b64encode
from pathlib import Path

from cloud.connection import STATE, connect
from cloud.contents import IMAGE
from cloud.guest import Guest

HERE = Path(__file__).parent
# For a program in the guest; it may hold passwords.
USER_DATA = "user-data-of-the-smoke-server"
POOLS = {"standard": "volumes", "fast": "volumes-fast"}


def rbd(*arguments: str) -> bytes:
    command = ["rbd", "-c", STATE / "ceph/etc/ceph.conf", *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=300).stdout


def images(pool: str) -> set[str]:
    return set(json.loads(rbd("ls", "--format", "json", pool)))


def trash(pool: str) -> list:
    return json.loads(rbd("trash", "ls", "--format", "json", pool))


class Smoke:
    def __init__(self):
        self.begin = time.monotonic()
        self.cloud = connect("alpha")
        self.before = {pool: images(pool) for pool in ("vms", *POOLS.values())}

    def say(self, text: str):
        print(f"{time.monotonic() - self.begin:6.1f} s  {text}", flush=True)

    def boot(self):
        compute = self.cloud.compute
        server = compute.create_server(
            name="smoke",
            image_id=self.cloud.image.find_image(IMAGE).id,
            flavor_id=compute.find_flavor("root-ephemeral").id,
            networks="none",
            user_data=b64encode(USER_DATA.encode()).decode(),
        )
        self.server = compute.wait_for_server(server, wait=300)
        self.guest = Guest(self.server.id)
        self.say("server is active")
        assert self.guest.ready() == 1
        self.say("guest is ready")

    def attach(self):
        self.volumes = {}
        for name in POOLS:
            volume = self.cloud.create_volume(1, name=f"smoke-{name}", volume_type=name)
            self.cloud.attach_volume(self.server, volume, timeout=300)
            self.volumes[name] = volume
        self.say("a volume of each type is attached")

    def device(self, volume) -> str:
        """As the guest calls it; a serial number is cut to 20 characters."""
        for disk in self.guest.do("disks").split():
            name, _, serial = disk.split(":")
            if serial and volume.id.startswith(serial):
                return name
        raise AssertionError(f"the guest does not see {volume.id}")

    def find(self):
        """Where the disks lie, but for the root."""
        self.where = {"vdb": f"vms/{self.server.id}_disk.eph0"}
        for name, volume in self.volumes.items():
            self.where[self.device(volume)] = f"{POOLS[name]}/volume-{volume.id}"

    def write(self):
        self.find()
        for number, (device, spec) in enumerate(self.where.items()):
            self.guest.do("write", device, "5M", "3M", 100 + number)
            self.guest.do("check", device, "5M", "3M", 100 + number)
            self.compare(device, spec)
        seen = ", ".join(self.where.values())
        self.say(f"written by the guest, and the same through rbd: {seen}")

    def compare(self, device: str, spec: str):
        digest = self.guest.do("sum", device, deadline=900)
        script = 'rbd -c "$0" export --no-progress "$1" - | sha256sum'
        conf = str(STATE / "ceph/etc/ceph.conf")
        seen = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script, conf, spec], check=True, capture_output=True
        )
        assert seen.stdout.decode().split()[0] == digest, f"{spec} is not what the guest sees"

    def restart(self):
        for script in ("down", "up"):
            subprocess.run([HERE / script], check=True)
            self.say(script)
        self.cloud = connect("alpha")
        # Until Nova starts the server again, its console is the old one.
        end = time.monotonic() + 300
        while (boots := self.guest.ready()) != 2:
            assert time.monotonic() < end, f"the guest has booted {boots} times, not twice"
            time.sleep(1)
        for number, device in enumerate(self.where):
            self.guest.do("check", device, "5M", "3M", 100 + number)
        self.say("the server runs again and has what it wrote")

    def delete_all(self):
        """What the tenant has."""
        self.cloud.delete_server(self.server.id, wait=True, timeout=300)
        for volume in self.volumes.values():
            # Nova lets go of it after the server is gone.
            storage = self.cloud.block_storage
            storage.wait_for_status(storage.get_volume(volume.id), "available", wait=300)
            self.cloud.delete_volume(volume.id, wait=True, timeout=300)

    def delete(self):
        self.delete_all()
        for pool, before in self.before.items():
            left = images(pool) - before
            assert not left, f"left in {pool}: {left}"
            assert not trash(pool), f"left in the trash of {pool}"
        self.say("deleted, and nothing of it is left in Ceph")


def main():
    smoke = Smoke()
    for step in (smoke.boot, smoke.attach, smoke.write, smoke.restart, smoke.delete):
        step()


if __name__ == "__main__":
    main()
