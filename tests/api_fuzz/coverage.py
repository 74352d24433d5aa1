"""Which operations were reached, by the service's own figures."""

import json
import re
import urllib.request

COUNT = re.compile(
    r'^firn_http_requests_total\{method="(\w+)",route="([^"]+)",status="(\d+)"\} (\d+)$', re.M
)

# Cancels a job that runs, and the jobs of so small a machine end before it comes.
TOO_LATE = {("POST", "/v1/jobs/{id}/action")}


def _read(url: str, token: str) -> str:
    request = urllib.request.Request(url, headers={"X-Auth-Token": token})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def operations_not_done(url: str, token: str) -> list[str]:
    """The operations of the document that no request succeeded in; prints how many answers of
    each kind there were."""
    counts = COUNT.findall(_read(f"{url}/metrics", token))
    kinds: dict[str, int] = {}
    done = set()
    for method, route, status, count in counts:
        kinds[f"{status[0]}xx"] = kinds.get(f"{status[0]}xx", 0) + int(count)
        if status[0] in "23":
            done.add((method, route))
    print("answers:", ", ".join(f"{count} of {kind}" for kind, count in sorted(kinds.items())))
    document = json.loads(_read(f"{url}/openapi.json", token))
    operations = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
        if method in ("get", "head", "post", "put", "patch", "delete")
    }
    print(f"{len(operations & done)} of {len(operations)} operations did what was asked")
    return [f"{method} {path}" for method, path in sorted(operations - done - TOO_LATE)]
