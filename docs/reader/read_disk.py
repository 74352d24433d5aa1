#!/usr/bin/env python3
"""Restores one disk of a Firn repository without Firn.

    pip install blake3 cryptography zstandard
    read_disk.py REPOSITORY KEY_FILE                        lists the restore points
    read_disk.py REPOSITORY KEY_FILE POINT DEVICE OUTPUT    writes a raw, sparse image

REPOSITORY is a folder that holds the repository's objects (a local repository, or a copy of a
bucket). The format is specified in docs/FORMAT.md, whose sections are named below. The index is
not needed: places of chunks are taken from the packs themselves.
"""

import json
import os
import struct
import sys
import uuid

from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from zstandard import ZstdDecompressor

FANOUT = 1024
ZSTD, NODE, LENGTH = 1 << 30, 1 << 31, 0x00FFFFFF


def derive(context, material):
    return blake3(material, derive_key_context=context).digest()


def unframe(magic, data):
    """Section 1: the body of a framed object."""
    content, checksum = data[:-32], data[-32:]
    if blake3(content).digest() != checksum:
        raise ValueError("checksum of a %s object" % magic.decode())
    version, length = struct.unpack_from("<II", content, 8)
    if content[:8] != magic or version != 1 or len(content) != 16 + length:
        raise ValueError("not a %s object of version 1" % magic.decode())
    return content[16:]


class Repository:
    def __init__(self, folder, key_file):
        self.folder = folder
        header, digits = open(key_file, encoding="ascii").read().split("\n")[:2]
        if header != "firn master key 1":
            raise ValueError("not a key file")
        master = bytes.fromhex(digits)
        config, body = self.either("config", b"FIRNCONF")
        self.chunk_bytes = json.loads(body)["chunk_bytes"]
        # Section 2: the data key.
        fingerprint = derive("firn v1 master key fingerprint", master)[:16]
        _, slot = self.either("keys/" + fingerprint.hex(), b"FIRNKEYS")
        if slot[0] != 1 or slot[1:17] != fingerprint:
            raise ValueError("the key slot is of another kind")
        wrapping = AESGCM(derive("firn v1 data key wrapping", master))
        associated = b"firnkeys" + blake3(config).digest()
        self.data_key = wrapping.decrypt(slot[17:29], slot[29:], associated)
        self.zstd = ZstdDecompressor()
        self.places = None

    def read(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def either(self, name, magic):
        """An object that exists twice, and its body."""
        for copy in (name, name + ".copy"):
            try:
                data = self.read(copy)
                return data, unframe(magic, data)
            except (OSError, ValueError) as error:
                problem = error
        raise problem

    def point(self, point):
        """Section 8: a restore point's record."""
        body = unframe(b"FIRNPOIN", self.read("points/%s" % point))
        key = AESGCM(derive("firn v1 restore point", self.data_key + point.bytes))
        sealed = key.decrypt(body[:12], body[12:], b"FIRNPOIN" + point.bytes)
        return json.loads(self.zstd.decompress(sealed, max_output_size=64 << 20))

    def points(self):
        for name in sorted(os.listdir(os.path.join(self.folder, "points"))):
            yield self.point(uuid.UUID(name))

    def scan_packs(self):
        """Section 5: every blob's place, from the packs' trailers."""
        self.places = {}
        for folder, _, names in os.walk(os.path.join(self.folder, "packs")):
            for name in names:
                path, pack = os.path.join(folder, name), bytes.fromhex(name)
                key = AESGCM(derive("firn v1 pack", self.data_key + pack))
                with open(path, "rb") as file:
                    file.seek(-32, os.SEEK_END)
                    footer = file.read(32)
                    offset, length, count, version = struct.unpack_from("<IIII", footer)
                    if footer[24:] != b"FIRNTAIL" or version != 1:
                        print("damaged pack:", path, file=sys.stderr)
                        continue
                    file.seek(offset)
                    sealed = file.read(length)
                associated = b"firntail" + pack + struct.pack("<III", offset, length, count)
                plain = key.decrypt(struct.pack(">QI", 0, offset), sealed, associated)
                (domain_length,) = struct.unpack_from("<H", plain)
                for at in range(2 + domain_length, len(plain), 44):
                    chunk = plain[at : at + 32]
                    place = struct.unpack_from("<III", plain, at + 32)
                    self.places.setdefault(chunk, []).append((path, pack, key) + place)

    def chunk(self, chunk, id_key):
        """Section 4: the plain content of a chunk, from the first copy that is good."""
        if self.places is None:
            self.scan_packs()
        for path, pack, key, offset, stored, form in self.places.get(chunk, []):
            with open(path, "rb") as file:
                file.seek(offset)
                blob = file.read(stored)
            associated = b"firnblob" + pack + struct.pack("<III", offset, stored, form) + chunk
            try:
                plain = key.decrypt(struct.pack(">QI", 0, offset), blob, associated)
                if form & ZSTD:
                    plain = self.zstd.decompress(plain, max_output_size=form & LENGTH)
            except Exception as error:  # One bad copy is no reason to stop.
                print("damaged blob:", path, offset, error, file=sys.stderr)
                continue
            if len(plain) == form & LENGTH and blake3(plain, key=id_key).digest() == chunk:
                return plain
        raise ValueError("no good copy of chunk " + chunk.hex())

    def chunks(self, domain, level, node, first=0):
        """Section 6: numbers and ids of all chunks below a map node."""
        node_key = derive("firn v1 map node id", self.data_key + domain)
        plain = self.chunk(node, node_key)
        if plain[0] != level:
            raise ValueError("a map node of another level")
        at = 136
        for child in range(FANOUT):
            if plain[8 + child // 8] >> (child % 8) & 1:
                number, chunk = first * FANOUT + child, plain[at : at + 32]
                at += 32
                if level == 0:
                    yield number, chunk
                else:
                    yield from self.chunks(domain, level - 1, chunk, number)

    def restore(self, record, device, output):
        (disk,) = [disk for disk in record["disks"] if disk["device"] == device]
        domain, root, size = record["domain"].encode(), disk["root"], disk["size_bytes"]
        data_key = derive("firn v1 data chunk id", self.data_key + domain)
        with open(output, "xb") as file:
            file.truncate(size)
            if root["node"] is None:
                return
            node = bytes.fromhex(root["node"])
            for number, chunk in self.chunks(domain, root["levels"] - 1, node):
                offset = number * self.chunk_bytes
                file.seek(offset)
                file.write(self.chunk(chunk, data_key)[: size - offset])


def main():
    if len(sys.argv) not in (3, 6):
        sys.exit(__doc__)
    repository = Repository(sys.argv[1], sys.argv[2])
    if len(sys.argv) == 3:
        for record in repository.points():
            devices = ", ".join(disk["device"] for disk in record["disks"])
            print(record["id"], record["created_at"], record["instance_name"], devices)
    else:
        record = repository.point(uuid.UUID(sys.argv[3]))
        repository.restore(record, sys.argv[4], sys.argv[5])


if __name__ == "__main__":
    main()
