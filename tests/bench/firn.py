"""Firn, through its service and API, as an operator uses it."""

from pathlib import Path

from bench import measure
from bench.contestant import Contestant
from bench.measure import Measurement
from harness import firn
from harness.ground import run
from images import domain, guest

INSTANCES = {
    "server": "0b6d6f1e-55a1-4a0e-9c53-000000000001",
    "second": "0b6d6f1e-55a1-4a0e-9c53-000000000002",
    "sparse": "0b6d6f1e-55a1-4a0e-9c53-000000000003",
}


class Firn(Contestant):
    """Servers on qcow2; the changed one carries a dirty bitmap that QEMU kept."""

    name = "firn"
    form = "qcow2"
    options: tuple[str, ...] = ()

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._service: firn.Firn | None = None
        self._newest: dict[str, str] = {}
        self._points: list[str] = []

    @staticmethod
    def version() -> str | None:
        return run([firn.binary(), "--version"]).strip()

    def repository(self) -> Path:
        return self.folder / "state" / "repository"

    def create(self):
        domains = self.folder / "domains"
        domains.mkdir()
        for name, uuid in INSTANCES.items():
            path = self.source(name)
            domain.write(domains, name, uuid, [guest.Drive(path, path.suffix[1:])])
        state = self.folder / "state"
        self._service = firn.Firn(self.ground, state, domains, self.options)

    def _measure(self, work) -> Measurement:
        return measure.service(self._service.process.pid, work)

    def backup(self, source: str, mode: str) -> Measurement:
        def work():
            point = self._service.backup(INSTANCES[source], mode)
            self._newest[source] = point["id"]
            self._points.append(point["id"])

        return self._measure(work)

    def restore(self, source: str, target: Path) -> tuple[Measurement, Path]:
        done = self._measure(lambda: self._service.restore(self._newest[source], target.name))
        # Out of the state folder, so that the runner can remove it.
        (self._service.state_dir / "restores" / target.name).rename(target)
        return done, target / "vda.raw"

    def verify(self) -> Measurement:
        # Point by point, all of them: what they share is read again for each.
        return self._measure(lambda: [self._service.verify(point) for point in self._points])

    def close(self):
        if self._service:
            self._service.stop()


class FirnRaw(Firn):
    """The same on raw files, as the peers read them: nothing tells what changed."""

    name = "firn-raw"
    form = "raw"
