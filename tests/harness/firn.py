"""Runs the `firn` binary and talks to its API."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from harness.ground import Ground, GroundError

REPOSITORY = Path(__file__).resolve().parents[2]
FINAL = ("succeeded", "failed", "cancelled")


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


class ApiError(GroundError):
    """The service answered with an error."""

    def __init__(self, call: str, status: int, body: str):
        super().__init__(f"{call}: HTTP {status}: {body[:2000]}")
        self.status = status


class Firn:
    """A running `firn serve` with its state below `state_dir`."""

    def __init__(self, ground: Ground, state_dir: Path, domain_dir: Path, options=()):
        self.state_dir = state_dir
        self._ground = ground
        self._log = ground.path / f"{state_dir.name}.log"
        self._address = f"127.0.0.1:{free_port()}"
        serve = [binary(), "serve", "--state-dir", state_dir, "--domain-dir", domain_dir]
        self.process: subprocess.Popen = ground.start(
            [*serve, "--listen", self._address, *options], log=self._log
        )
        self._wait_until_ready()

    def _wait_until_ready(self, deadline: float = 30):
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise GroundError(f"firn serve ended at its start\n{self.log_tail()}")
            try:
                with urllib.request.urlopen(f"http://{self._address}/healthcheck", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise GroundError(f"firn serve was not ready after {deadline} s\n{self.log_tail()}")

    def log_tail(self, lines: int = 20) -> str:
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
        request = urllib.request.Request(
            f"http://{self._address}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            detail = error.read().decode(errors="replace")
            raise ApiError(f"{method} {path}", error.code, detail) from None
        return json.loads(text) if text else {}

    def wait(self, job_id: str, deadline: float = 1800) -> dict:
        """The job when it has ended well; GroundError when it failed or is late."""
        end = time.monotonic() + deadline
        pause = 0.01
        while time.monotonic() < end:
            job = self.call("GET", f"/v1/jobs/{job_id}")["job"]
            if job["status"] == "succeeded":
                return job
            if job["status"] in FINAL:
                raise GroundError(f"job {job['status']}: {json.dumps(job)}\n{self.log_tail()}")
            if self.process.poll() is not None:
                raise GroundError(f"firn serve died\n{self.log_tail()}")
            time.sleep(pause)
            pause = min(pause * 1.2, 0.1)
        raise GroundError(f"job {job_id} was still {job['status']} after {deadline:.0f} s")

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
