"""What a backup program has to do to take part."""

import os
from abc import ABC, abstractmethod
from pathlib import Path

from bench.dataset import Dataset
from bench.measure import Measurement
from harness.compare import data_ranges
from harness.ground import Ground

# Longest time for one operation; the slowest peer on the large sparse disk decides.
DEADLINE = 1800


class Contestant(ABC):
    """One program with one repository in `folder`. Operations raise GroundError on failure."""

    name: str
    #: Which form of the servers' disks it reads: raw or qcow2.
    form: str = "raw"

    def __init__(self, ground: Ground, dataset: Dataset, folder: Path):
        self.ground = ground
        self.dataset = dataset
        self.folder = folder
        self.sources = folder / "sources"
        self.sources.mkdir(parents=True)
        self.log = folder / "log"

    @staticmethod
    @abstractmethod
    def version() -> str | None:
        """Version and settings for the report; None when the program is not installed."""

    @abstractmethod
    def create(self):
        """Makes the empty repository (not measured)."""

    @abstractmethod
    def backup(self, source: str, mode: str) -> Measurement | None:
        """Backs up the source; `mode` is full or incremental; None when it has no such thing."""

    @abstractmethod
    def restore(self, source: str, target: Path) -> tuple[Measurement, Path]:
        """Restores the newest backup of the source; returns the raw (or qcow2) file."""

    @abstractmethod
    def verify(self) -> Measurement | None:
        """Reads and checks all stored data; None when it has no such thing."""

    @abstractmethod
    def repository(self) -> Path:
        """Folder with what is stored."""

    def close(self):
        """Ends what runs."""

    def source(self, name: str) -> Path:
        """Path of the disk `server`, `second` or `sparse`, the same for each of its versions."""
        return self.sources / f"{name}.{'raw' if name == 'sparse' else self.form}"

    def put(self, name: str, image: str):
        """Makes the data set's `image` the present content of the source (not measured)."""
        path = self.source(name)
        path.unlink(missing_ok=True)
        os.link(self.dataset.image(image, path.suffix[1:]), path)

    def warm(self, name: str):
        """Reads the source once, so that everybody starts from the page cache."""
        with open(self.source(name), "rb", buffering=0) as file:
            for begin, end in data_ranges(file.fileno(), os.fstat(file.fileno()).st_size):
                for offset in range(begin, end, 8 << 20):
                    os.pread(file.fileno(), min(8 << 20, end - offset), offset)

    def stored_bytes(self) -> int:
        """Bytes of all files of the repository."""
        files = (p for p in self.repository().rglob("*") if p.is_file())
        return sum(p.stat().st_size for p in files)
