"""Firn's API, conductor and agent as operators run them."""

import os
import subprocess
import time
import urllib.request
from pathlib import Path

from ground.identity import Identity
from ground.keystone import Keystone
from ground.rabbitmq import RabbitMq
from ground.server import HOST, free_port, password
from harness import firn
from harness.ground import Ground, GroundError, run

REGION = "RegionOne"


class Service:
    """All of it on one host of this name, on Keystone's own database server. `more` are further
    lines of the configuration, with their sections; the agent tells of the domain XML files in
    `domains`, and is not there without."""

    def __init__(
        self,
        ground: Ground,
        keystone: Keystone,
        broker: RabbitMq,
        host: str,
        domains: Path | None = None,
        more: str = "",
    ):
        self.ground = ground
        self.folder = ground.path / "firn"
        self.folder.mkdir()
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.programs = firn.binary("firn-api").parent
        self.config = self.folder / "firn.conf"
        keystone.database.sql("create database firn character set utf8mb4")
        database = keystone.database.info()["url"]
        self.config.write_text(
            "[DEFAULT]\n"
            f"transport_url = {broker.info()['url']}\n"
            f"host = {host}\n"
            f"[api]\nlisten = {HOST}\nport = {self.port}\n"
            f"[database]\nconnection = {database}/firn\n"
            "[keystone_authtoken]\n"
            f"auth_url = {keystone.url()}\n"
            f"www_authenticate_uri = {keystone.url()}\n"
            f"username = firn\npassword = {password()}\nproject_name = service\n"
            "user_domain_name = Default\nproject_domain_name = Default\n"
            f"[conductor]\ncloud = agents\nstate_path = {self.folder}\nrestores_dir = {self.folder}/restores\n"
            f"[storage]\ndriver_path = {self.programs}\n"
            f"[repository]\npath = {self.folder}/repository\n"
            f"key_file = {self.folder}/firn.key\n"
            f"[agent]\nlibvirt_uri =\ndomain_dir = {domains or self.folder}\n"
            f"{more}"
        )
        self.register(keystone)
        self.manage("db", "sync")
        self.manage("repository", "create")
        names = ["firn-conductor", "firn-api"] + (["firn-agent"] if domains else [])
        self.processes = {name: self.start(name) for name in names}
        self._wait_until_ready()

    def register(self, keystone: Keystone):
        # The project of all services is older than any of them.
        Identity(keystone.info()).ensure("project", name="service", domain_id="default")
        admin = keystone.info()["admin"]
        openrc = {f"OS_{name.upper()}": value for name, value in admin.items()}
        openrc["OS_AUTH_URL"] = keystone.url()
        arguments = ["catalog", "register", "--region", REGION, "--url", self.url]
        self.manage(*arguments, env=os.environ | openrc)

    def manage(self, *arguments, **popen) -> str:
        argv = [self.programs / "firn-manage", "--config-file", self.config, *arguments]
        return run(argv, **popen)

    def start(self, name: str) -> subprocess.Popen:
        argv = [self.programs / name, "--config-file", self.config]
        return self.ground.start(argv, self.log(name))

    def log(self, name: str) -> Path:
        return self.ground.path / f"{name}.log"

    def check_alive(self):
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise GroundError(f"{name} ended\n{self.log(name).read_text()[-3000:]}")

    def _wait_until_ready(self, deadline: float = 60):
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            self.check_alive()
            try:
                with urllib.request.urlopen(f"{self.url}/healthcheck", timeout=5):
                    pass
            except OSError:
                time.sleep(0.1)
                continue
            if all("ready" in self.log(name).read_text() for name in self.processes):
                return
            time.sleep(0.1)
        raise GroundError(f"the service was not ready after {deadline:.0f} s")
