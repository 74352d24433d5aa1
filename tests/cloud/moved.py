"""A protected volume that its tenant moves to the other backend, as if there were no backup of it.

Cinder copies what the volume holds and nothing of its snapshots: the base stays behind, where Cinder's
driver has to remove it with the image, and the next incremental backup has to do without it.
"""

import time

from cloud.backup import export_sum, snapshots
from cloud.leftovers import BASE
from cloud.smoke import POOLS, images, trash

FROM, TO = "fast", "standard"


def retype(backup, volume: str):
    """As the tenant, by a change of type that may migrate."""
    storage = backup.cloud.block_storage
    storage.retype_volume(volume, TO, "on-demand")
    storage.wait_for_status(storage.get_volume(volume), "available", interval=0.5, wait=300)
    # Where Cinder does not want to it answers 202, and the volume stays what it was.
    kind = storage.get_volume(volume).volume_type
    assert kind == TO, f"the protected volume was not retyped: it is {kind}"


def quota_follows(backup, size: int):
    """The tenant's quota counts the volume with its new type; Cinder writes it after the type."""
    snapshots_before, counted = backup.quota
    for kind, sign in ((FROM, -1), (TO, 1)):
        counted = counted | {
            f"volumes_{kind}": counted[f"volumes_{kind}"] + sign,
            f"gigabytes_{kind}": counted[f"gigabytes_{kind}"] + sign * size,
        }
    backup.quota = (snapshots_before, counted)
    end = time.monotonic() + 60
    while (seen := backup.tenant()) != backup.quota:
        assert time.monotonic() < end, f"the tenant has {seen}, not {backup.quota}"
        time.sleep(0.5)


def check(backup):
    begin = time.monotonic()
    volume = backup.volumes[FROM]
    old = backup.spec(volume.id)
    bases = snapshots(old)
    assert len(bases) == 1 and BASE.fullmatch(bases[0]), f"{old} is not protected: {bases}"
    backup.cloud.detach_volume(backup.server, backup.cloud.get_volume(volume.id), timeout=300)
    before = export_sum(old)
    retype(backup, volume.id)
    pool, new = POOLS[FROM], backup.spec(volume.id)
    assert new.startswith(f"{POOLS[TO]}/"), f"the volume is {new}"
    left = images(pool) - backup.before[pool]
    assert not left and not trash(pool), f"left in {pool}: {left} {trash(pool)}"
    assert snapshots(new) == [], "the copy has snapshots"
    assert export_sum(new) == before, "the move has changed the volume"
    quota_follows(backup, volume.size)
    backup.attach_again(FROM)
    point = backup.incremental(9)
    backup.restore(point["id"], f"moved-{point['id']}")
    took = time.monotonic() - begin
    backup.say(f"a protected volume retyped to the other pool, and backed up there, in {took:.1f} s")
