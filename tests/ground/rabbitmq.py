"""A RabbitMQ node with an epmd of its own."""

import os
import shutil

from ground.server import HOST, Server, account, free_port, listens, password, write

USER = "rabbitmq"
PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
TLS_OPTIONS = {"cafile": "cacertfile", "certfile": "certfile", "keyfile": "keyfile"}
# One scheduler that sleeps when idle: the machine is shared with the test.
ERLANG = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"


class RabbitMq(Server):
    name = "rabbitmq"

    def make(self):
        self.port, self.epmd_port, self.dist_port = free_port(), free_port(), free_port()
        self.user, self.password = "firn", password()
        write(
            self.folder / "rabbitmq.conf",
            f"listeners.tcp.1 = {HOST}:{self.port}\n"
            f"default_user = {self.user}\n"
            f"default_pass = {self.password}\n"
            "default_permissions.configure = .*\n"
            "default_permissions.read = .*\n"
            "default_permissions.write = .*\n"
            "default_user_tags.administrator = true\n"
            "disk_free_limit.absolute = 50MB\n" + self.tls(),
        )
        write(self.folder / "enabled_plugins", "[].\n")
        self.own(USER)

    def tls(self) -> str:
        """Settings `cafile`, `certfile` and `keyfile` add a listener with TLS."""
        if "certfile" not in self.settings:
            return ""
        self.tls_port = free_port()
        lines = [f"listeners.ssl.1 = {HOST}:{self.tls_port}"]
        for setting, option in TLS_OPTIONS.items():
            copy = self.folder / f"{setting}.pem"
            shutil.copyfile(self.settings[setting], copy)
            lines.append(f"ssl_options.{option} = {copy}")
        lines.append("ssl_options.verify = verify_none")
        return "\n".join(lines) + "\n"

    def environment(self) -> dict[str, str]:
        return {
            "RABBITMQ_NODENAME": f"firn-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} "
            + ERLANG,
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self.epmd_port),
        }

    def launch(self):
        environment = self.environment()
        # In the foreground and ours, so that none is left behind as a daemon.
        self.spawn(["epmd", "-address", HOST, "-port", str(self.epmd_port)], **account(USER))
        while not listens(self.epmd_port):
            if self.processes[-1].poll() is not None:
                return
            os.sched_yield()
        self.spawn([PROGRAM], env=environment, **account(USER))

    def ready(self) -> bool:
        return listens(self.port) and "Server startup complete" in self.log_tail(10_000).rpartition(
            "Starting RabbitMQ"
        )[2]

    def info(self) -> dict:
        info = {
            "url": f"rabbit://{self.user}:{self.password}@{HOST}:{self.port}/",
            "port": self.port,
            "user": self.user,
            "password": self.password,
        }
        if "certfile" in self.settings:
            info["tls_port"] = self.tls_port
        return info
