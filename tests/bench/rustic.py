"""rustic, when it is on PATH: restic's format in Rust, zstd level 1, fixed-size chunks if it can."""

import os
import shutil
from pathlib import Path

from bench import measure
from bench.contestant import DEADLINE, Contestant
from bench.measure import Measurement
from harness.ground import run


class Rustic(Contestant):
    """The fastest of the deduplicating peers on many cores."""

    name = "rustic"

    @staticmethod
    def version() -> str | None:
        return run(["rustic", "--version"]).strip() if shutil.which("rustic") else None

    def _environment(self) -> dict:
        return os.environ | {
            "RUSTIC_REPOSITORY": str(self.repository()),
            "RUSTIC_PASSWORD": "bench",
            "RUSTIC_CACHE_DIR": str(self.folder / "cache"),
            "RUSTIC_NO_PROGRESS": "true",
        }

    def repository(self) -> Path:
        return self.folder / "repository"

    def _measure(self, *arguments) -> Measurement:
        argv = ["rustic", *arguments]
        return measure.command(self.ground, argv, DEADLINE, self.log, env=self._environment())

    def create(self):
        run(["rustic", "init", "--set-compression", "1"], env=self._environment())

    def backup(self, source: str, mode: str) -> Measurement:
        return self._measure("backup", self.source(source))

    def restore(self, source: str, target: Path) -> tuple[Measurement, Path]:
        path = self.source(source)
        target.mkdir()
        done = self._measure("restore", f"latest:{path}", target / path.name)
        return done, target / path.name

    def verify(self) -> Measurement:
        return self._measure("check", "--read-data")
