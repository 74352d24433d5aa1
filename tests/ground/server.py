"""A server on a ground: started, killed, started again on the same ports and data."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path

from harness.ground import Ground, GroundError, descendants

# Debian's own Python programs must not meet another Python on PATH.
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
HOST = "127.0.0.1"

_given_ports: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on, and that this process has not given away before."""
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        if port not in _given_ports:
            _given_ports.add(port)
            return port


def password() -> str:
    return secrets.token_hex(12)


def account(name: str) -> dict:
    """Popen arguments that run a server as its own user, where we may become it."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise GroundError(f"there is no user {name} (run `make deps`)") from None
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class Server(ABC):
    """Subclasses say how to make the data once, how to start, and when it is ready."""

    name: str
    # What it takes to be ready, in seconds, on a busy machine.
    READY_SECONDS = 120.0
    # How long a clean stop may take.
    STOP_SECONDS = 30.0

    def __init__(self, ground: Ground, settings: dict[str, str], folder: str | None = None):
        self.ground = ground
        self.settings = settings
        # Two of a kind need two folders.
        self.folder = ground.path / (folder or self.name)
        self.log = ground.path / f"{folder or self.name}.log"
        self.processes: list[subprocess.Popen] = []

    @abstractmethod
    def make(self):
        """Makes configuration and data, once."""

    @abstractmethod
    def launch(self):
        """Starts the processes, by `spawn`."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers."""

    @abstractmethod
    def info(self) -> dict:
        """What a client has to know."""

    def certificates(self) -> dict[str, Path]:
        """Copies of the files that the settings `cafile`, `certfile` and `keyfile` name."""
        copies = {}
        for setting in ("cafile", "certfile", "keyfile"):
            if setting in self.settings:
                copies[setting] = self.folder / f"{setting}.pem"
                shutil.copyfile(self.settings[setting], copies[setting])
                copies[setting].chmod(0o600)
        return copies

    def set_up(self) -> dict:
        self.folder.mkdir(mode=0o755)
        self.make()
        self.start()
        self.populate()
        return self.info()

    def populate(self):
        """Fills the running server, once."""

    def own(self, user: str):
        """Gives the folder, and the way to it, to the server's user."""
        if os.geteuid() != 0:
            return
        entry = pwd.getpwnam(user)
        for path in [self.folder, *self.folder.rglob("*")]:
            os.chown(path, entry.pw_uid, entry.pw_gid)
        for path in [self.ground.path, *self.ground.path.parents]:
            mode = path.stat().st_mode
            if not mode & 0o001 and path.stat().st_uid == os.geteuid():
                path.chmod(mode | 0o011)

    def spawn(self, argv, **popen):
        environment = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "HOME": str(self.folder)}
        environment |= popen.pop("env", {})
        process = self.ground.start(argv, self.log, env=environment, cwd=self.folder, **popen)
        self.processes.append(process)

    def command(self, argv, deadline: float = 120.0, **popen):
        """Runs a command to its good end."""
        environment = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "HOME": str(self.folder)}
        environment |= popen.pop("env", {})
        status = self.ground.run(
            argv, deadline, self.log, env=environment, cwd=self.folder, **popen
        )
        if status != 0:
            raise GroundError(f"{argv[0]} ended with {status}\n{self.log_tail()}")

    def start(self):
        self.launch()
        end = time.monotonic() + self.READY_SECONDS
        while not self.ready():
            if any(process.poll() is not None for process in self.processes):
                raise GroundError(f"{self.name} ended at its start\n{self.log_tail()}")
            if time.monotonic() > end:
                raise GroundError(
                    f"{self.name} was not ready in {self.READY_SECONDS:.0f} s\n{self.log_tail()}"
                )
            time.sleep(0.05)

    def stop(self):
        """Ends it as an administrator does."""
        for process in reversed(self.processes):
            self.ground.stop(process, self.STOP_SECONDS)
        self.processes.clear()

    def kill(self):
        """Ends it at once, as a power failure does."""
        for process in reversed(self.processes):
            self.ground.stop(process)
        self.processes.clear()

    def signal_all(self, number: int):
        for process in self.processes:
            for pid in [process.pid, *descendants(process.pid)]:
                os.kill(pid, number)

    def freeze(self):
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        self.signal_all(signal.SIGCONT)

    def log_tail(self, lines: int = 30) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def write(path: Path, text: str):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
