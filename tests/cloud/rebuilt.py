"""A protected server that its tenant builds anew from its image.

Nova removes the server's disks for it, and starts it on the old ones if they have a snapshot: the bases
have to go in time, and the next incremental backup has to do without them.
"""

import time

from cloud.backup import snapshots
from cloud.contents import IMAGE


def check(backup):
    nova = [spec for spec in backup.disks.values() if spec.startswith("vms/")]
    assert all(len(snapshots(spec)) == 1 for spec in nova), "the server is not protected"
    begin, compute = time.monotonic(), backup.cloud.compute
    old = backup.guest.text()
    compute.rebuild_server(backup.server.id, image=backup.cloud.image.find_image(IMAGE).id)
    compute.wait_for_server(compute.get_server(backup.server.id), wait=300)
    # Nova makes the console's file anew.
    end = time.monotonic() + 300
    while (seen := backup.guest.text()).startswith(old) or "READY" not in seen:
        assert time.monotonic() < end, f"the guest does not come back: {seen[-300:]}"
        time.sleep(1)
    boots = backup.guest.ready()
    assert boots == 1, f"the server was built anew on its old root, which has booted {boots} times"
    took = time.monotonic() - begin
    assert all(snapshots(spec) == [] for spec in nova), "the new disks have snapshots"
    backup.find()
    backup.disks = {"vda": backup.disks["vda"], **backup.where}
    backup.boots = 1
    point = backup.incremental(11)
    backup.restore(point["id"], f"rebuilt-{point['id']}")
    backup.say(f"a protected server built anew from its image in {took:.1f} s, and backed up")
