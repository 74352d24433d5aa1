"""A small client of Keystone, for what has to stand before a test begins."""

import json
import urllib.request


class Identity:
    def __init__(self, info: dict):
        self._url = info["auth_url"]
        self._admin = info["admin"]
        self.token = None

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["X-Auth-Token"] = self.token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._url + path, method=method, data=data, headers=headers
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            self.token = answer.headers.get("X-Subject-Token") or self.token
            text = answer.read()
        return json.loads(text) if text else {}

    def log_in(self):
        if self.token:
            return
        user = {
            "name": self._admin["username"],
            "password": self._admin["password"],
            "domain": {"name": self._admin["user_domain_name"]},
        }
        scope = {
            "project": {
                "name": self._admin["project_name"],
                "domain": {"name": self._admin["project_domain_name"]},
            }
        }
        self._log_in_as(user, scope)

    def _log_in_as(self, user: dict, scope: dict):
        identity = {"methods": ["password"], "password": {"user": user}}
        self.call("POST", "/auth/tokens", {"auth": {"identity": identity, "scope": scope}})

    def token_of(self, user: str, password: str, project: str) -> str:
        """A token of a user in a project, all by id."""
        other = Identity({"auth_url": self._url, "admin": self._admin})
        other._log_in_as({"id": user, "password": password}, {"project": {"id": project}})
        return other.token

    def whoami(self) -> tuple[str, str]:
        """The ids of the administrator's project and user."""
        self.log_in()
        project = self.call("GET", f"/projects?name={self._admin['project_name']}")["projects"][0]
        user = self.call("GET", f"/users?name={self._admin['username']}")["users"][0]
        return project["id"], user["id"]

    def ensure(self, kind: str, **attributes) -> str:
        """The id of what has this name; made when it is not there."""
        self.log_in()
        found = self.call("GET", f"/{kind}s?name={attributes['name']}")[f"{kind}s"]
        if found:
            return found[0]["id"]
        return self.call("POST", f"/{kind}s", {kind: attributes})[kind]["id"]

    def grant(self, project: str, user: str, role: str):
        """All by id."""
        self.log_in()
        self.call("PUT", f"/projects/{project}/users/{user}/roles/{role}")
