"""The same number of rows for both: backups of Cinder, restore points of Firn."""

import json
import uuid

from harness.ground import GroundError

# Times that differ, so that a sort has something to do.
TIME = "'2026-01-01 00:00:00' + interval {at} second"


def cinder(database, project: str, user: str, count: int) -> list[str]:
    """Fills Cinder's table of backups; gives the ids."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    rows = ",".join(
        f"('{name}', '{uuid.uuid4()}', '{user}', '{project}', 'node1', 'nova', 'backup-{at}',"
        f" 'nightly', 'backups', 'available', 'cinder.backup.drivers.nfs', 10, 10, 0,"
        f" {TIME.format(at=at)}, 0)"
        for at, name in enumerate(ids)
    )
    _fill(
        database,
        "insert into cinder.backups (id, volume_id, user_id, project_id, host,"
        " availability_zone, display_name, display_description, container, status, service,"
        " size, object_count, num_dependent_backups, created_at, deleted)"
        f" values {rows};",
    )
    return ids


def firn(database, project: str, count: int) -> list[str]:
    """Fills Firn's tables with restore points of two disks each; gives the ids. The repository
    knows nothing of them, so deleting them is a job that has nothing to do."""
    disks = {str(uuid.uuid4()): [_disk("vda"), _disk("vdb")] for _ in range(count)}
    ids = list(disks)
    points = ",".join(
        f"('{name}', '{project}', '{uuid.uuid4()}', 'server-{at}', 'nightly', (select id from"
        f" firn.repositories limit 1), 'full', 'available', 'crash', '{uuid.uuid4()}',"
        f" 10737418240, 1073741824, 536870912, 268435456, 1, {TIME.format(at=at)},"
        f" {TIME.format(at=at)}, {TIME.format(at=at)}, '{json.dumps(disks[name])}')"
        for at, name in enumerate(ids)
    )
    _fill(
        database,
        "insert into firn.restore_points (id, project_id, instance_id, instance_name, name,"
        " repository_id, mode, state, consistency, job_id, virtual_bytes, read_bytes, new_bytes,"
        f" stored_bytes, generation, created_at, updated_at, finished_at, disks) values {points};",
    )
    return ids


def _disk(device: str) -> dict:
    """A disk as `PointDisk` of firn-db has it."""
    return {
        "id": str(uuid.uuid4()),
        "device": device,
        "kind": "root",
        "driver": "file",
        "size_bytes": 5368709120,
        "read_bytes": 536870912,
        "new_bytes": 268435456,
        "stored_bytes": 134217728,
    }


def _fill(database, statement: str):
    if not database.sql(statement):
        raise GroundError(f"the rows cannot be made: {statement[:300]}")
