"""How many jobs a second go through API, broker, conductor and database."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from bench_api.load import CLIENTS
from harness.api import Api
from harness.ground import GroundError


def _status(database, name: str) -> int:
    return int(database.answer(f"show global status like '{name}'").split()[-1])


def jobs_per_second(url: str, token: str, points: list[str], database) -> dict:
    """Deletes restore points that the repository does not know: jobs with nothing to do. Counted
    from the first request to the end of the last job."""
    api = Api(url, {"X-Auth-Token": token})
    commits = _status(database, "Com_commit")
    begin = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        asked = list(
            clients.map(
                lambda point: api.call("DELETE", f"/v1/restore-points/{point}"), points
            )
        )
    accepted = time.monotonic() - begin
    if len(asked) != len(points):
        raise GroundError(f"{len(asked)} of {len(points)} were accepted")
    end = time.monotonic() + 600
    pause = threading.Event()
    while api.call("GET", "/v1/restore-points?limit=1")["restore_points"]:
        if time.monotonic() > end:
            raise GroundError("the jobs do not end")
        pause.wait(0.02)
    return {
        "jobs": len(points),
        "commits_per_job": (_status(database, "Com_commit") - commits) / len(points),
        "accepted_per_second": len(points) / accepted,
        "done_per_second": len(points) / (time.monotonic() - begin),
    }
