"""A PostgreSQL server."""

import subprocess
from pathlib import Path

from ground.server import HOST, Server, account, free_port, listens, password, write
from harness.ground import GroundError

USER = "postgres"


def programs() -> Path:
    """Where Debian keeps the newest server."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not versions:
        raise GroundError("PostgreSQL is not installed (run `make deps`)")
    return versions[-1].parent


class PostgreSql(Server):
    name = "postgresql"

    def make(self):
        self.port, self.password = free_port(), password()
        write(self.folder / "password", self.password)
        self.tls = self.certificates()
        self.own(USER)
        self.command(
            [programs() / "initdb", "-D", self.folder / "data", "-U", "postgres", "-A",
             "scram-sha-256", f"--pwfile={self.folder}/password", "-E", "UTF8", "--locale=C",
             "--no-sync"],
            **account(USER),
        )  # fmt: skip

    def launch(self):
        self.spawn(
            [programs() / "postgres", "-D", self.folder / "data", "-p", self.port, "-h", HOST,
             "-k", self.folder, "-c", "max_connections=300", "-c", "fsync=off",
             *(["-c", "ssl=on"] if self.tls else []),
             *(part for setting, copy in self.tls.items()
               for part in ("-c", f"ssl_{setting.removesuffix('file')}_file={copy}"))],
            **account(USER),
        )  # fmt: skip

    def ready(self) -> bool:
        if not listens(self.port):
            return False
        asked = [programs() / "pg_isready", "-q", "-h", HOST, "-p", str(self.port)]
        return subprocess.run(asked, timeout=30).returncode == 0

    def kill(self):
        super().kill()
        # What a killed postmaster leaves, and its successor would take for a living one.
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def info(self) -> dict:
        return {
            "url": f"postgresql://postgres:{self.password}@{HOST}:{self.port}",
            "port": self.port,
            "user": "postgres",
            "password": self.password,
        }
