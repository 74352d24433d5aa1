"""cinder-api with a database of its own on Keystone's server: the peer of the API's bench."""

import json
import urllib.error
import urllib.request

from ground.identity import Identity
from ground.keystone import Keystone
from ground.rabbitmq import RabbitMq
from ground.server import HOST, Server, free_port, listens, password, write


class CinderApi(Server):
    name = "cinder"

    def __init__(self, ground, keystone: Keystone, broker: RabbitMq, workers: int):
        super().__init__(ground, {})
        self.keystone = keystone
        self.broker = broker
        self.workers = workers

    def make(self):
        self.port, self.password = free_port(), password()
        identity = Identity(self.keystone.info())
        project = identity.ensure("project", name="service", domain_id="default")
        user = identity.ensure(
            "user", name="cinder", domain_id="default", password=self.password
        )
        identity.grant(project, user, identity.ensure("role", name="service"))
        identity.grant(project, user, identity.ensure("role", name="admin"))
        self.keystone.database.sql("create database cinder character set utf8mb3")
        database = self.keystone.database.info()["url"].replace("mysql://", "mysql+pymysql://")
        write(
            self.folder / "cinder.conf",
            "[DEFAULT]\n"
            "auth_strategy = keystone\n"
            f"transport_url = {self.broker.info()['url']}\n"
            f"osapi_volume_listen = {HOST}\n"
            f"osapi_volume_listen_port = {self.port}\n"
            f"osapi_volume_workers = {self.workers}\n"
            "use_stderr = true\n"
            f"state_path = {self.folder}\n"
            "api_paste_config = /etc/cinder/api-paste.ini\n"
            "resource_query_filters_file = /etc/cinder/resource_filters.json\n"
            "[database]\n"
            f"connection = {database}/cinder?charset=utf8\n"
            "[oslo_concurrency]\n"
            f"lock_path = {self.folder}\n"
            "[oslo_messaging_notifications]\n"
            "driver = noop\n"
            "[keystone_authtoken]\n"
            f"www_authenticate_uri = {self.keystone.url()}\n"
            f"auth_url = {self.keystone.url()}\n"
            "auth_type = password\n"
            "username = cinder\n"
            f"password = {self.password}\n"
            "project_name = service\n"
            "user_domain_name = Default\n"
            "project_domain_name = Default\n",
        )
        self.command(["cinder-manage", "--config-file", self.folder / "cinder.conf", "db", "sync"])

    def launch(self):
        self.spawn(["cinder-api", "--config-file", self.folder / "cinder.conf"])

    def ready(self) -> bool:
        if not listens(self.port):
            return False
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/", timeout=10) as answer:
                json.load(answer)
        except urllib.error.HTTPError as error:
            # Version discovery answers 300.
            return error.code == 300
        except OSError:
            return False
        return True

    def info(self) -> dict:
        return {"url": f"http://{HOST}:{self.port}", "port": self.port}
