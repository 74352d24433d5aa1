"""How many jobs a second go through API, broker, conductor and database."""

import json
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from bench_api.load import CLIENTS
from harness.ground import GroundError


def _call(method: str, url: str, token: str) -> dict:
    request = urllib.request.Request(url, method=method, headers={"X-Auth-Token": token})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def _status(database, name: str) -> int:
    return int(database.answer(f"show global status like '{name}'").split()[-1])


def jobs_per_second(url: str, token: str, points: list[str], database) -> dict:
    """Deletes restore points that the repository does not know: jobs with nothing to do. Counted
    from the first request to the end of the last job."""
    commits = _status(database, "Com_commit")
    begin = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        asked = list(
            clients.map(
                lambda point: _call("DELETE", f"{url}/v1/restore-points/{point}", token), points
            )
        )
    accepted = time.monotonic() - begin
    if len(asked) != len(points):
        raise GroundError(f"{len(asked)} of {len(points)} were accepted")
    end = time.monotonic() + 600
    pause = threading.Event()
    while _call("GET", f"{url}/v1/restore-points?limit=1", token)["restore_points"]:
        if time.monotonic() > end:
            raise GroundError("the jobs do not end")
        pause.wait(0.02)
    return {
        "jobs": len(points),
        "commits_per_job": (_status(database, "Com_commit") - commits) / len(points),
        "accepted_per_second": len(points) / accepted,
        "done_per_second": len(points) / (time.monotonic() - begin),
    }
