"""A client of Firn's API."""

import json
import time
import urllib.error
import urllib.request

from harness.ground import GroundError

FINAL = ("succeeded", "failed", "cancelled")


class ApiError(GroundError):
    """The service answered with an error."""

    def __init__(self, call: str, status: int, body: str):
        super().__init__(f"{call}: HTTP {status}: {body[:2000]}")
        self.status = status


class Api:
    """The API at `url`; `headers` go with every call."""

    def __init__(self, url: str, headers: dict[str, str] | None = None):
        self.url = url
        self._headers = {"Content-Type": "application/json"} | (headers or {})

    def check_alive(self):
        """Raises where the service has ended and waiting is in vain, if that can be known."""

    def log_tail(self) -> str:
        """The last lines of the service's log, if it can be seen."""
        return ""

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, method=method, data=data, headers=self._headers
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
            self.check_alive()
            time.sleep(pause)
            pause = min(pause * 1.2, 0.1)
        raise GroundError(f"job {job_id} was still {job['status']} after {deadline:.0f} s")
