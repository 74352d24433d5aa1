"""The service users, tenants, catalog and openrc files of a new cloud. May run again."""

from cloud.connection import STATE, auth_url, connect, settings

HOST = "127.0.0.1"
# The services in the order of their ports, which follow Keystone's.
SERVICES = (
    ("glance", "image", ""),
    ("placement", "placement", ""),
    ("nova", "compute", "/v2.1"),
    ("cinder", "block-storage", "/v3/%(project_id)s"),
    ("neutron", "network", ""),
)
# Nova's default way to name Cinder.
ALIASES = (("cinderv3", "volumev3", "/v3/%(project_id)s", "cinder"),)
TENANTS = ("alpha", "beta")


class Accounts:
    def __init__(self):
        self.identity = connect().identity
        self.password = settings()["password"]
        self.base_port = int(settings()["base_port"])
        self.ports = {name: self.base_port + 1 + n for n, (name, _, _) in enumerate(SERVICES)}

    def ensure(self, kind: str, name: str, **attributes):
        find = getattr(self.identity, f"find_{kind}")
        return find(name) or getattr(self.identity, f"create_{kind}")(name=name, **attributes)

    def user(self, name: str, project, roles: tuple[str, ...]):
        user = self.ensure(
            "user", name, password=self.password, domain_id="default",
            default_project_id=project.id,
        )  # fmt: skip
        for role in roles:
            role = self.ensure("role", role)
            self.identity.assign_project_role_to_user(project, user, role)

    def offer(self, name: str, kind: str, path: str, process: str):
        service = next((s for s in self.identity.services() if s.type == kind), None)
        service = service or self.identity.create_service(name=name, type=kind)
        have = {e.interface for e in self.identity.endpoints(service_id=service.id)}
        for interface in {"public", "internal", "admin"} - have:
            self.identity.create_endpoint(
                service_id=service.id,
                interface=interface,
                region_id="RegionOne",
                url=f"http://{HOST}:{self.ports[process]}{path}",
            )

    def openrc(self, user: str):
        (STATE / "openrc").mkdir(mode=0o700, exist_ok=True)
        variables = {
            "OS_AUTH_URL": auth_url(),
            "OS_USERNAME": user,
            "OS_PASSWORD": self.password,
            "OS_PROJECT_NAME": user,
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_NAME": "Default",
            "OS_REGION_NAME": "RegionOne",
            "OS_IDENTITY_API_VERSION": "3",
            "OS_COMPUTE_API_VERSION": "2.90",
            "OS_VOLUME_API_VERSION": "3.70",
        }
        lines = [f"export {name}={value}\n" for name, value in variables.items()]
        (STATE / "openrc" / user).write_text("".join(lines))


def main():
    accounts = Accounts()
    project = accounts.ensure("project", "service", domain_id="default")
    for name, kind, path in SERVICES:
        accounts.user(name, project, ("admin", "service"))
        accounts.offer(name, kind, path, name)
    for alias in ALIASES:
        accounts.offer(*alias)
    for name in TENANTS:
        accounts.user(name, accounts.ensure("project", name, domain_id="default"), ("member",))
    for name in ("admin", *TENANTS):
        accounts.openrc(name)


if __name__ == "__main__":
    main()
