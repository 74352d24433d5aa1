"""Tests of the byte comparison that the demo and the bench rest on."""

import random
import tempfile
import unittest
from pathlib import Path

from harness.compare import first_difference


class Compare(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.one, self.two = (Path(folder.name) / name for name in ("one", "two"))

    def test_a_hole_equals_written_zeros(self):
        with open(self.one, "wb") as file:
            file.truncate(16 << 20)
        self.two.write_bytes(bytes(16 << 20))
        self.assertIsNone(first_difference(self.one, self.two))

    def test_sizes_count(self):
        self.one.write_bytes(bytes(4096))
        self.two.write_bytes(bytes(4097))
        self.assertIn("4097", first_difference(self.one, self.two))

    def test_any_single_bit_is_found_where_it_is(self):
        rng = random.Random(1)
        content = bytearray(rng.randbytes(1 << 20))
        size = 64 << 20
        for offset in (0, size - 1, size // 2, *(rng.randrange(size) for _ in range(20))):
            for path in (self.one, self.two):
                with open(path, "wb") as file:
                    file.truncate(size)
                    file.seek(size // 2 - len(content))
                    file.write(content)
            with open(self.two, "r+b") as file:
                file.seek(offset)
                byte = file.read(1)[0]
                file.seek(offset)
                file.write(bytes([byte ^ 1 << rng.randrange(8)]))
            for left, right in ((self.one, self.two), (self.two, self.one)):
                self.assertTrue(first_difference(left, right).endswith(f" {offset}"))
            self.two.unlink()


if __name__ == "__main__":
    unittest.main()
