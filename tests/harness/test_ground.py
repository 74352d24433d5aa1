"""Tests of the promise that a ground leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from harness.ground import Ground, GroundError, run

TESTS = Path(__file__).resolve().parents[1]


def ended(pid: int) -> bool:
    """Whether a process is gone (or only waits to be collected)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


class GroundTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = Path(folder.name)
        os.environ["FIRN_BUILD_DIR"] = folder.name
        self.addCleanup(os.environ.pop, "FIRN_BUILD_DIR")
        self.pids = self.build / "pids"

    # Writes its own id and its child's, then waits; the orphan lives in a session of its own.
    STUBBORN = "trap '' TERM; echo $$ >>{0}; setsid sh -c 'echo $$ >>{0}; sleep 600' & sleep 600"

    def script(self) -> list[str]:
        return ["sh", "-c", self.STUBBORN.format(self.pids)]

    def started(self, count: int = 2) -> list[int]:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if self.pids.exists() and len(lines := self.pids.read_text().split()) == count:
                return [int(line) for line in lines]
            time.sleep(0.01)
        self.fail("the processes did not start")

    def assert_clean(self, pids: list[int]):
        end = time.monotonic() + 5
        while not all(map(ended, pids)) and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual([], [pid for pid in pids if not ended(pid)])
        self.assertEqual([], list((self.build / "grounds").iterdir()))

    def test_leaving_ends_everything(self):
        with Ground("test") as ground:
            process = ground.start(self.script())
            pids = self.started()
            # An orphan: its parent is gone before the ground is left.
            os.kill(pids[0], signal.SIGKILL)
            process.wait()
            ground.start(self.script())
            pids = self.started(4)
        self.assert_clean(pids)

    def test_an_error_cleans_up_and_a_deadline_holds(self):
        begin = time.monotonic()
        with self.assertRaises(GroundError), Ground("test") as ground:
            ground.run(self.script(), deadline=0.5)
        self.assertLess(time.monotonic() - begin, 8)
        self.assert_clean(self.started())

    def test_run_ends_what_is_late(self):
        (self.build / "grounds").mkdir()
        with self.assertRaises(GroundError):
            run(self.script(), deadline=0.5)
        self.assert_clean(self.started())

    def test_signals_clean_up(self):
        program = (
            "from harness.ground import *\n"
            "exit_on_signals()\n"
            f"with Ground('test') as g: g.start({self.script()!r}); import time; time.sleep(600)"
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            self.pids.unlink(missing_ok=True)
            outer = subprocess.Popen(
                [sys.executable, "-c", program], cwd=TESTS, stderr=subprocess.DEVNULL
            )
            pids = self.started()
            outer.send_signal(number)
            outer.wait(20)
            self.assert_clean(pids)

    def test_what_a_killed_run_left_is_removed_by_the_next(self):
        dead = subprocess.Popen(["true"])
        dead.wait()
        stale = self.build / "grounds" / f"demo-{dead.pid}-abc"
        stale.mkdir(parents=True)
        mine = self.build / "grounds" / f"demo-{os.getpid()}-abc"
        mine.mkdir()
        with Ground("test"):
            self.assertFalse(stale.exists())
            self.assertTrue(mine.exists())


if __name__ == "__main__":
    unittest.main()
