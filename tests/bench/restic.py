"""restic: its default repository format with zstd at its default ("auto") level."""

import os
import shutil
from pathlib import Path

from bench import measure
from bench.contestant import DEADLINE, Contestant
from bench.measure import Measurement
from harness.ground import run


class Restic(Contestant):
    """Content-defined chunks, zstd, AES-256-CTR with Poly1305."""

    name = "restic"

    @staticmethod
    def version() -> str | None:
        return run(["restic", "version"]).split(" compiled")[0] if shutil.which("restic") else None

    def _environment(self) -> dict:
        return os.environ | {
            "RESTIC_REPOSITORY": str(self.repository()),
            "RESTIC_PASSWORD": "bench",
            "RESTIC_CACHE_DIR": str(self.folder / "cache"),
            "RESTIC_PACK_SIZE": "64",
        }

    def repository(self) -> Path:
        return self.folder / "repository"

    def _measure(self, *arguments) -> Measurement:
        argv = ["restic", *arguments]
        return measure.command(self.ground, argv, DEADLINE, self.log, env=self._environment())

    def create(self):
        run(["restic", "init", "--repository-version", "2"], env=self._environment())

    def backup(self, source: str, mode: str) -> Measurement:
        return self._measure("backup", self.source(source))

    def restore(self, source: str, target: Path) -> tuple[Measurement, Path]:
        path = self.source(source)
        done = self._measure("restore", "latest", "--path", path, "--target", target)
        return done, target / path.relative_to("/")

    def verify(self) -> Measurement:
        return self._measure("check", "--read-data")
