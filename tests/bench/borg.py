"""borg: fixed chunks of 1 MiB and zstd level 1, which suit disk images; BLAKE2 ids, encrypted."""

import os
import shutil
from pathlib import Path

from bench import measure
from bench.contestant import DEADLINE, Contestant
from bench.measure import Measurement
from harness.ground import run


class Borg(Contestant):
    """Sparse files are read by their holes."""

    name = "borg"
    chunker = "fixed,1048576"
    compression = "zstd,1"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._count = 0
        self._newest: dict[str, str] = {}

    @classmethod
    def version(cls) -> str | None:
        if not shutil.which("borg"):
            return None
        return f"{run(['borg', '--version']).strip()} ({cls.chunker}; {cls.compression})"

    def _environment(self) -> dict:
        return os.environ | {
            "BORG_REPO": str(self.repository()),
            "BORG_PASSPHRASE": "bench",
            "BORG_BASE_DIR": str(self.folder / "base"),
        }

    def repository(self) -> Path:
        return self.folder / "repository"

    def _measure(self, *arguments, **popen) -> Measurement:
        argv = ["borg", *arguments]
        environment = self._environment()
        return measure.command(self.ground, argv, DEADLINE, self.log, env=environment, **popen)

    def create(self):
        run(["borg", "init", "--encryption", "repokey-blake2"], env=self._environment())

    def backup(self, source: str, mode: str) -> Measurement:
        self._count += 1
        self._newest[source] = f"{source}-{self._count}"
        options = ("--sparse", "--chunker-params", self.chunker, "--compression", self.compression)
        archive = f"::{self._newest[source]}"
        return self._measure("create", *options, archive, self.source(source))

    def restore(self, source: str, target: Path) -> tuple[Measurement, Path]:
        target.mkdir()
        done = self._measure("extract", "--sparse", f"::{self._newest[source]}", cwd=target)
        return done, target / self.source(source).relative_to("/")

    def verify(self) -> Measurement:
        return self._measure("check", "--verify-data")


class BorgDefault(Borg):
    """The same with borg's own defaults: content-defined chunks of about 2 MiB, lz4."""

    name = "borg-default"
    chunker = "buzhash,19,23,21,4095"
    compression = "lz4"
