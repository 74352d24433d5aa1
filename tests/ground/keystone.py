"""Keystone under uwsgi, on a MariaDB server of its own.

Settings are options of keystone.conf as `group.option=value`, for example `token.expiration=5`.
"""

import urllib.error
import urllib.request

from ground.mariadb import MariaDb
from ground.server import HOST, Server, free_port, password, write

# Roles beside those that the bootstrap makes.
ROLES = ("manager", "service")

DEFAULTS = {
    "DEFAULT.use_stderr": "true",
    "token.provider": "fernet",
    "token.expiration": "14400",
    "identity.password_hash_rounds": "4",
    "cache.enabled": "false",
}


class Keystone(Server):
    name = "keystone"

    def __init__(self, ground, settings):
        super().__init__(ground, settings)
        self.database = MariaDb(ground, {}, "keystone-database")

    def make(self):
        self.port, self.password = free_port(), password()
        database = self.database.set_up()
        self.database.sql("create database keystone character set utf8mb3")
        settings = DEFAULTS | {
            "database.connection": database["url"].replace("mysql://", "mysql+pymysql://")
            + "/keystone?charset=utf8",
            "fernet_tokens.key_repository": f"{self.folder}/fernet",
            "fernet_receipts.key_repository": f"{self.folder}/fernet",
            "credential.key_repository": f"{self.folder}/credential",
        }
        groups: dict[str, list[str]] = {}
        for option, value in (settings | self.settings).items():
            group, _, name = option.partition(".")
            groups.setdefault(group, []).append(f"{name} = {value}")
        text = "".join(f"[{group}]\n" + "\n".join(lines) + "\n" for group, lines in groups.items())
        self.config = self.folder / "keystone.conf"
        write(self.config, text)
        self.manage("db_sync")
        own = ["--keystone-user", "root", "--keystone-group", "root"]
        self.manage("fernet_setup", *own)
        self.manage("credential_setup", *own)
        urls = [f"--bootstrap-{kind}-url={self.url()}" for kind in ("admin", "internal", "public")]
        self.manage(
            "bootstrap", "--bootstrap-region-id", "RegionOne", *urls,
            env={"OS_BOOTSTRAP_PASSWORD": self.password},
        )  # fmt: skip

    def manage(self, *arguments, env=None):
        self.command(["keystone-manage", "--config-file", self.config, *arguments], env=env or {})

    def launch(self):
        if not self.database.processes:
            self.database.start()
        self.spawn(
            ["uwsgi", "--plugin", "python3", "--http-socket", f"{HOST}:{self.port}",
             "--wsgi-file", "/usr/bin/keystone-wsgi-public", "--master", "--processes", "2",
             "--lazy-apps", "--enable-threads", "--die-on-term", "--buffer-size", "65535",
             "--add-header", "Connection: close", "--need-app", "--disable-logging"],
            env={"OS_KEYSTONE_CONFIG_DIR": f"{self.folder}/"},
        )  # fmt: skip

    def url(self) -> str:
        return f"http://{HOST}:{self.port}/v3"

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url(), timeout=10):
                return True
        except OSError:
            return False

    def populate(self):
        from ground.identity import Identity

        identity = Identity(self.info())
        for role in ROLES:
            identity.ensure("role", name=role)

    def info(self) -> dict:
        return {
            "auth_url": self.url(),
            "port": self.port,
            "region": "RegionOne",
            "admin": {
                "username": "admin",
                "password": self.password,
                "project_name": "admin",
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
        }
