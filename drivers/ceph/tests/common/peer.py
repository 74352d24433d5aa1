"""What a hypervisor or a storage administrator does to images, for the tests of the driver.

    peer.py CONF

Obeys one JSON object a line from its input, `{"do": NAME, ...}`, and answers each by one with
what it found, or with `error`. It is the cluster's administrator.
"""

import hashlib
import json
import sys

import rados
import rbd

cluster = rados.Rados(conffile=sys.argv[1], name="client.admin")
cluster.connect()
# Images that a VM has open, by their path.
held = {}


def pool(path):
    """The pool and namespace, and the name, of `pool/namespace/image` or `pool/image`."""
    *place, name = path.split("/")
    io = cluster.open_ioctx(place[0])
    io.set_namespace(place[1] if len(place) > 1 else "")
    return io, name


def opened(path, **options):
    io, name = pool(path)
    return rbd.Image(io, name, **options)


def make(image, size, features=None, order=None, data_pool=None):
    """Objects of `1 << order` bytes; `features` are names, the cluster's default without."""
    io, name = pool(image)
    bits = None if features is None else feature_bits(features)
    rbd.RBD().create(io, name, size, order=order, old_format=False, features=bits,
                     data_pool=data_pool)  # fmt: skip


def feature_bits(names):
    return sum(getattr(rbd, f"RBD_FEATURE_{name.upper()}") for name in names)


def remove(image):
    io, name = pool(image)
    rbd.RBD().remove(io, name)


def clone(parent, snapshot, image, clone_format="auto"):
    """`clone_format` 1 rests on a protected snapshot, 2 on any."""
    (parent_io, parent_name), (io, name) = pool(parent), pool(image)
    cluster.conf_set("rbd_default_clone_format", str(clone_format))
    rbd.RBD().clone(parent_io, parent_name, snapshot, io, name)


def write(image, file, pieces):
    """`pieces` of the file, each (offset, length), at the same places of the image."""
    with opened(image) as target, open(file, "rb") as source:
        for offset, length in pieces:
            source.seek(offset)
            target.write(source.read(length), offset)


def write_at(image, offset, file):
    with opened(image) as target, open(file, "rb") as source:
        target.write(source.read(), offset)


def discard(image, offset, length):
    with opened(image) as target:
        target.discard(offset, length)


def resize(image, size):
    with opened(image) as target:
        target.resize(size)


def flatten(image):
    with opened(image) as target:
        target.flatten()


def read(image, file, snapshot=None):
    with opened(image, snapshot=snapshot, read_only=True) as source, open(file, "wb") as target:
        size, step = source.size(), 4 << 20
        for offset in range(0, size, step):
            target.write(source.read(offset, min(step, size - offset)))


def snapshot(image, call, name, *more):
    """One of `create_snap`, `remove_snap`, `protect_snap`, `unprotect_snap`, `rename_snap`."""
    with opened(image) as target:
        getattr(target, call)(name, *more)


def invalidate(image):
    """Marks the object map and fast-diff as not to be trusted, by the class's own method."""
    io, name = pool(image)
    with opened(image, read_only=True) as target:
        number = target.id()
    flags = (3).to_bytes(8, "little")
    io.execute(f"rbd_header.{number}", "rbd", "set_flags", flags + flags + b"\xfe" + b"\xff" * 7)


def flags(image):
    with opened(image, read_only=True) as target:
        return target.flags()


def hold(image):
    """As a running VM: the image open, with its lock."""
    target = opened(image)
    try:
        target.lock_acquire(rbd.RBD_LOCK_MODE_EXCLUSIVE)
    except Exception:
        target.close()
        raise
    held[image] = target


def let_go(image):
    held.pop(image).close()


def namespace(name):
    io, name = pool(name)
    rbd.RBD().namespace_create(io, name)


def fingerprint(image):
    """A digest of every object of the image: data, attributes and maps."""
    io, name = pool(image)
    with opened(image, read_only=True) as target:
        number = target.id()
    digest = hashlib.sha256()
    keys = sorted(one.key for one in io.list_objects() if number in one.key)
    for key in [*keys, f"rbd_id.{name}"]:
        size, modified = io.stat(key)
        digest.update(f"{key} {size} {modified}\n".encode())
        digest.update(io.read(key, size or 1))
        for pair in sorted(io.get_xattrs(key)):
            digest.update(repr(pair).encode())
        with rados.ReadOpCtx() as operation:
            values, _ = io.get_omap_vals(operation, "", "", 10_000)
            io.operate_read_op(operation, key)
            digest.update(repr(sorted(values)).encode())
    return digest.hexdigest()


def data_pool(image):
    with opened(image, read_only=True) as target:
        return cluster.pool_reverse_lookup(target.data_pool_id())


def command(**command):
    """A command for the monitors."""
    code, output, errors = cluster.mon_command(json.dumps(command | {"format": "json"}), b"")
    if code != 0:
        raise OSError(-code, errors)
    return json.loads(output) if output.strip() else None


CALLS = {
    call.__name__: call
    for call in (make, remove, clone, write, write_at, discard, resize, flatten, read, snapshot,
                 invalidate, flags, hold, let_go, namespace, fingerprint, data_pool, command)
}  # fmt: skip

for line in sys.stdin:
    order = json.loads(line)
    try:
        call, arguments = CALLS[order.pop("do")], order.pop("list", [])
        answer = {"ok": call(*arguments, **order)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
