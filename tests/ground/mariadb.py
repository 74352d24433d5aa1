"""A MariaDB server."""

import subprocess

from ground.server import HOST, SYSTEM_PATH, Server, account, free_port, password
from harness.ground import GroundError

USER = "mysql"


class MariaDb(Server):
    name = "mariadb"

    def make(self):
        self.port, self.password = free_port(), password()
        self.socket = self.folder / "sock"
        (self.folder / "data").mkdir()
        self.tls = self.certificates()
        self.own(USER)
        self.command(
            ["mariadb-install-db", "--no-defaults", f"--datadir={self.folder}/data",
             "--auth-root-authentication-method=normal", "--skip-test-db"],
            **account(USER),
        )  # fmt: skip

    def launch(self):
        self.spawn(
            ["mariadbd", "--no-defaults", f"--datadir={self.folder}/data",
             f"--bind-address={HOST}", f"--port={self.port}", f"--socket={self.socket}",
             f"--pid-file={self.folder}/pid", "--skip-name-resolve", "--max-connections=400",
             "--innodb-buffer-pool-size=128M", "--innodb-log-file-size=64M",
             # Safe against kill -9, and quick; a power failure does not happen here.
             "--innodb-flush-log-at-trx-commit=2",
             "--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci",
             *(f"--ssl-{setting.removesuffix('file')}={copy}"
               for setting, copy in self.tls.items())],
            **account(USER),
        )  # fmt: skip

    def sql(self, text: str, *, with_password: bool = True) -> bool:
        """Whether it could be done."""
        return self._client(text, with_password).returncode == 0

    def answer(self, text: str) -> str:
        """What the client prints for it."""
        done = self._client(text, with_password=True)
        if done.returncode:
            raise GroundError(f"{text}: {done.stderr.decode()}")
        return done.stdout.decode()

    def _client(self, text: str, with_password: bool) -> subprocess.CompletedProcess:
        secret = {"MYSQL_PWD": self.password} if with_password else {}
        return subprocess.run(
            ["mariadb", "--no-defaults", "-u", "root", "-S", str(self.socket)],
            env={"PATH": SYSTEM_PATH} | secret,
            input=text.encode(),
            capture_output=True,
            timeout=60,
        )

    def ready(self) -> bool:
        return self.sql("select 1") or self.sql("select 1", with_password=False)

    def populate(self):
        done = self.sql(
            f"create or replace user root@'{HOST}' identified by '{self.password}';"
            f"grant all on *.* to root@'{HOST}' with grant option;"
            f"set password for root@localhost = password('{self.password}');",
            with_password=False,
        )
        if not done:
            raise GroundError(f"the password of MariaDB's root cannot be set\n{self.log_tail()}")

    def info(self) -> dict:
        return {
            "url": f"mysql://root:{self.password}@{HOST}:{self.port}",
            "port": self.port,
            "user": "root",
            "password": self.password,
        }
