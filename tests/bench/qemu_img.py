"""`qemu-img convert -c`: a compressed qcow2 copy. No deduplication, no increments, no encryption."""

import shutil
from pathlib import Path

from bench import measure
from bench.contestant import DEADLINE, Contestant
from bench.measure import Measurement
from harness.ground import run


class QemuImg(Contestant):
    """Reads qcow2 as Firn does; 16 coroutines; ends with a flush."""

    name = "qemu-img"
    form = "qcow2"

    @staticmethod
    def version() -> str | None:
        if not shutil.which("qemu-img"):
            return None
        return f"{run(['qemu-img', '--version']).split('(')[0].strip()} (convert -c, zstd)"

    def repository(self) -> Path:
        return self.folder / "copies"

    def create(self):
        self.repository().mkdir()

    def _convert(self, *arguments) -> Measurement:
        argv = ["qemu-img", "convert", "-t", "writeback", "-m", "16", "-W", *arguments]
        return measure.command(self.ground, argv, DEADLINE, self.log)

    def backup(self, source: str, mode: str) -> Measurement | None:
        if mode == "incremental":
            return None
        options = ("-c", "-O", "qcow2", "-o", "compression_type=zstd")
        return self._convert(*options, self.source(source), self.repository() / f"{source}.qcow2")

    def restore(self, source: str, target: Path) -> tuple[Measurement, Path]:
        target.mkdir()
        raw = target / f"{source}.raw"
        return self._convert("-O", "raw", self.repository() / f"{source}.qcow2", raw), raw

    def verify(self) -> None:
        return None
