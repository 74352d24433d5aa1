"""Runs the `firn` binary and talks to its API."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from harness.api import Api
from harness.ground import Ground, GroundError

REPOSITORY = Path(__file__).resolve().parents[2]


def binary(name: str = "firn") -> Path:
    """A release binary that `make build` leaves (FIRN_BIN or CARGO_TARGET_DIR move them all)."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target")
    path = Path(os.environ.get("FIRN_BIN") or target / "release" / "firn").absolute()
    path = path.with_name(name)
    if not path.exists():
        raise GroundError(f"{path} is not there (run `make build`)")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Firn(Api):
    """A running `firn serve` with its state below `state_dir`."""

    def __init__(self, ground: Ground, state_dir: Path, domain_dir: Path, options=()):
        self.state_dir = state_dir
        self._ground = ground
        self._log = ground.path / f"{state_dir.name}.log"
        address = f"127.0.0.1:{free_port()}"
        super().__init__(f"http://{address}")
        serve = [binary(), "serve", "--state-dir", state_dir, "--domain-dir", domain_dir]
        self.process: subprocess.Popen = ground.start(
            [*serve, "--listen", address, *options], log=self._log
        )
        self._wait_until_ready()

    def _wait_until_ready(self, deadline: float = 30):
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise GroundError(f"firn serve ended at its start\n{self.log_tail()}")
            try:
                with urllib.request.urlopen(f"{self.url}/healthcheck", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise GroundError(f"firn serve was not ready after {deadline} s\n{self.log_tail()}")

    def log_tail(self, lines: int = 20) -> str:
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def check_alive(self):
        if self.process.poll() is not None:
            raise GroundError(f"firn serve died\n{self.log_tail()}")

    def backup(self, instance_id: str, mode: str) -> dict:
        """Backs up and returns the restore point, which is `available`."""
        body = {"restore_point": {"instance_id": instance_id, "mode": mode}}
        point = self.call("POST", "/v1/restore-points", body)["restore_point"]
        self.wait(point["job_id"])
        point = self.call("GET", f"/v1/restore-points/{point['id']}")["restore_point"]
        if point["status"] != "available":
            raise GroundError(f"the restore point is {point['status']}: {json.dumps(point)}")
        return point

    def restore(self, point_id: str, name: str) -> Path:
        """Restores to files; returns the folder that holds `<device>.raw`."""
        target = {"type": "file", "name": name}
        body = {"restore": {"restore_point_id": point_id, "target": target}}
        self.wait(self.call("POST", "/v1/restores", body)["restore"]["job_id"])
        return self.state_dir / "restores" / name

    def verify(self, point_id: str) -> dict:
        """Reads and checks everything the point needs; returns the job."""
        path = f"/v1/restore-points/{point_id}/action"
        return self.wait(self.call("POST", path, {"verify": {}})["restore_point"]["job_id"])

    def stop(self) -> int:
        """Ends the service by SIGTERM; returns its exit status, GroundError when it does not end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            raise GroundError("firn serve did not end within 20 s of SIGTERM") from None
        finally:
            self._ground.stop(self.process)
