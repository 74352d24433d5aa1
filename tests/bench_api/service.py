"""Firn's API and conductor as operators run them."""

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


class Service:
    def __init__(self, ground: Ground, keystone: Keystone, broker: RabbitMq):
        self.ground = ground
        self.folder = ground.path / "firn"
        self.folder.mkdir()
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.programs = firn.binary().parent
        self.config = self.folder / "firn.conf"
        secret = password()
        identity = Identity(keystone.info())
        project = identity.ensure("project", name="service", domain_id="default")
        user = identity.ensure("user", name="firn", domain_id="default", password=secret)
        identity.grant(project, user, identity.ensure("role", name="service"))
        keystone.database.sql("create database firn character set utf8mb4")
        database = keystone.database.info()["url"]
        self.config.write_text(
            "[DEFAULT]\n"
            f"transport_url = {broker.info()['url']}\n"
            "host = bench\n"
            f"[api]\nlisten = {HOST}\nport = {self.port}\n"
            f"[database]\nconnection = {database}/firn\n"
            "[keystone_authtoken]\n"
            f"auth_url = {keystone.url()}\n"
            f"www_authenticate_uri = {keystone.url()}\n"
            f"username = firn\npassword = {secret}\nproject_name = service\n"
            "user_domain_name = Default\nproject_domain_name = Default\n"
            f"[conductor]\nstate_path = {self.folder}\nrestores_dir = {self.folder}/restores\n"
            f"[storage]\ndriver_path = {self.programs}\n"
            f"[repository]\npath = {self.folder}/repository\n"
            f"key_file = {self.folder}/firn.key\n"
        )
        self.manage("db", "sync")
        self.manage("repository", "create")
        self.conductor = self.start("firn-conductor")
        self.api = self.start("firn-api")
        self._wait_until_ready()

    def manage(self, *arguments):
        run([self.programs / "firn-manage", "--config-file", self.config, *arguments])

    def start(self, name: str) -> subprocess.Popen:
        argv = [self.programs / name, "--config-file", self.config]
        return self.ground.start(argv, self.log(name))

    def log(self, name: str) -> Path:
        return self.ground.path / f"{name}.log"

    def _wait_until_ready(self, deadline: float = 60):
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            for name, process in (("firn-api", self.api), ("firn-conductor", self.conductor)):
                if process.poll() is not None:
                    raise GroundError(f"{name} ended\n{self.log(name).read_text()[-3000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/healthcheck", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        raise GroundError(f"firn-api was not ready after {deadline:.0f} s")
