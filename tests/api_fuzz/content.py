"""What there is to ask about, so that not every id is unknown."""

import time
import uuid
from pathlib import Path

from ground.firn import Service
from ground.identity import Identity
from ground.server import password
from harness.api import Api, ApiError
from images import domain
from images.guest import Drive

VERSION = "instance-backup 1.1"
DISK_BYTES = 1 << 20
# An owner that Nova would have written; agents read it from here.
OWNER = """  <metadata>
    <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
      <nova:name>{name}</nova:name>
      <nova:owner>
        <nova:user uuid="{project}">nobody</nova:user>
        <nova:project uuid="{project}">nobody</nova:project>
      </nova:owner>
    </nova:instance>
  </metadata>
"""


class Content:
    """Tokens of a project's administrator and reader (`tokens`), and `ids` by the resource's path
    that are there now."""

    def __init__(self, service: Service, identity: Identity, domains: Path):
        self._domains = domains
        name = f"fuzzed-{uuid.uuid4().hex[:8]}"
        self._project = identity.ensure("project", name=name, domain_id="default")
        self.tokens = {
            role: self._token(identity, f"{role}-{name}", role) for role in ("admin", "reader")
        }
        headers = {"X-Auth-Token": self.tokens["admin"], "OpenStack-API-Version": VERSION}
        self._api = Api(service.url, headers)
        self._instance = self._machine("web")
        self.ids: dict[str, list[str]] = {}

    def _token(self, identity: Identity, name: str, role: str) -> str:
        secret = password()
        user = identity.ensure("user", name=name, domain_id="default", password=secret)
        identity.grant(self._project, user, identity.ensure("role", name=role))
        return identity.token_of(user, secret, self._project)

    def _machine(self, name: str) -> str:
        disk = self._domains.parent / f"{name}.raw"
        disk.write_bytes(bytes(range(256)) * (DISK_BYTES // 256))
        instance = str(uuid.uuid4())
        path = domain.write(self._domains, name, instance, [Drive(disk, "raw")])
        owner = OWNER.format(name=name, project=self._project)
        text = path.read_text()
        path.write_text(text.replace("  <memory", owner + "  <memory", 1))
        return instance

    def refresh(self):
        """Makes one of everything: earlier runs have removed or changed what was there."""
        # A conductor that was disabled takes no jobs, and of an agent's instances nothing is backed up.
        for service in self._api.call("GET", "/v1/services")["services"]:
            if service["kind"] == "api":
                continue
            enabled = {"service": {"disabled": False}}
            self._api.call("PATCH", f"/v1/services/{service['id']}", enabled)
        self._api.call("DELETE", f"/v1/quotas/{self._project}")
        points = [self._point() for _ in range(3)]
        target = {"type": "file", "name": f"copy-{uuid.uuid4().hex[:8]}"}
        body = {"restore": {"restore_point_id": points[0], "target": target}}
        restore = self._api.call("POST", "/v1/restores", body)["restore"]
        self._api.wait(restore["job_id"], 120)
        plan = {"name": "nightly", "instances": {"all": True}, "schedule": {"cron": "0 2 * * *"}}
        plan = self._api.call("POST", "/v1/plans", {"plan": plan})["plan"]["id"]
        self._api.call("POST", f"/v1/plans/{plan}/action", {"run": {}})
        listed = {
            name: [row["id"] for row in self._api.call("GET", f"/v1/{name}")[name]]
            for name in ("repositories", "services", "agents", "jobs")
        }
        self.ids = listed | {
            "instances": [self._instance],
            "restore-points": points,
            "restores": [restore["id"]],
            "plans": [plan],
            "quotas": [self._project],
        }

    def _point(self) -> str:
        body = {"restore_point": {"instance_id": self._instance, "mode": "full"}}
        end = time.monotonic() + 60
        while True:
            try:
                point = self._api.call("POST", "/v1/restore-points", body)["restore_point"]
                break
            except ApiError as error:
                # A backup that an earlier run or a plan began, or a conductor that has not heard
                # of the agent yet.
                if error.status not in (404, 409, 503) or time.monotonic() > end:
                    raise
                time.sleep(0.2)
        self._api.wait(point["job_id"], 120)
        return point["id"]
