"""What jobs may not leave behind: looked for in Cinder, Nova, Ceph, Keystone, Firn's database and folders."""

import functools
import json
import re
import subprocess
from dataclasses import dataclass, field

from cloud.backup import snapshots
from cloud.connection import STATE, auth_url, connect
from cloud.outage import processes
from cloud.smoke import POOLS, images, rbd, trash

# What Cinder's driver removes with the volume.
BASE = re.compile(r"backup\.[0-9a-f-]{36}\.snap\.[0-9.]+")
# States that are left within minutes: a row that stays in one is stuck.
PASSING = {
    "jobs": ("queued", "running", "cancelling", "unwinding"),
    "restore_points": ("creating", "deleting"),
    "restores": ("restoring",),
}

# A login asks many services what they can do.
login = functools.cache(connect)


def sql(query: str) -> list[str]:
    command = ["mariadb", "--no-defaults", "-S", STATE / "mariadb/socket", "-u", "root", "-N", "-e", query]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=60
    ).stdout.splitlines()


@dataclass
class Owned:
    """What there is by right: ids of servers and volumes, and the images of both."""

    servers: set[str]
    volumes: set[str]
    # Images that a guest has open.
    disks: set[str]
    # Images that nobody has open.
    idle: set[str] = field(default_factory=set)


def cinder(owned: Owned) -> list[str]:
    found = [f"Cinder's snapshot {one.id}" for one in login("firn", "service").list_volume_snapshots()]
    storage = login().block_storage
    for volume in storage.volumes(all_projects=True):
        if volume.id not in owned.volumes:
            found.append(f"volume {volume.id} {volume.name!r}, which is {volume.status}")
        elif volume.status not in ("available", "in-use"):
            found.append(f"volume {volume.id} is {volume.status}")
    attachments = storage.get("/attachments/detail?all_tenants=1", microversion="3.27").json()
    for one in attachments["attachments"]:
        if one["instance"] not in owned.servers:
            found.append(f"attachment {one['id']} of {one['volume_id']} to {one['instance']}")
    return found


def nova(owned: Owned) -> list[str]:
    return [
        f"server {server.id} {server.name!r}, which is {server.status}"
        for server in login().compute.servers(all_projects=True)
        if server.id not in owned.servers
    ]


def image(spec: str, watchers: int) -> list[str]:
    """What there should not be of an image that so many have open."""
    found = []
    names = snapshots(spec)
    if len(names) > 1 or not all(BASE.fullmatch(name) for name in names):
        found.append(f"snapshots of {spec}: {names}")
    seen = json.loads(rbd("status", "--format", "json", spec))["watchers"]
    if len(seen) > watchers:
        found.append(f"watchers of {spec}: {[one['client'] for one in seen]}")
    locks = json.loads(rbd("lock", "ls", "--format", "json", spec))
    if len(locks) > watchers:
        found.append(f"locks of {spec}: {locks}")
    return found


def ceph(owned: Owned) -> list[str]:
    found = []
    for pool in ("vms", *POOLS.values()):
        found += [f"{one['name']} in the trash of {pool}" for one in trash(pool)]
        there = {f"{pool}/{name}" for name in images(pool)}
        found += [f"image {spec}" for spec in sorted(there - owned.disks - owned.idle)]
    for specs, watchers in ((owned.disks, 1), (owned.idle, 0)):
        for spec in sorted(specs):
            found += image(spec, watchers)
    return found


def trusts() -> list[dict]:
    """All that Keystone has."""
    return login().session.get(f"{auth_url()}/OS-TRUST/trusts").json()["trusts"]


def keystone() -> list[str]:
    return [f"trust {one['id']}" for one in trusts()]


def firn() -> list[str]:
    found = []
    for table, states in PASSING.items():
        names = ", ".join(f"'{state}'" for state in states)
        rows = sql(f"select id, state from firn.{table} where state in ({names})")
        found += [f"{table}: {' is '.join(row.split())}" for row in rows]
    found += [f"partial restore {one}" for one in (STATE / "firn/restores").glob(".partial-*")]
    found += [f"session {one}" for one in (STATE / "firn/repository/sessions").glob("*")]
    found += [f"work folder {one}" for one in (STATE / "firn/run").glob("*")]
    if len(processes("firn-conductor")) > 1:
        found.append("a worker runs")
    return found


def left(owned: Owned) -> list[str]:
    """A line for each thing that should not be there."""
    return [*cinder(owned), *nova(owned), *ceph(owned), *keystone(), *firn()]
