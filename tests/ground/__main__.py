"""Real servers for tests.

    python3 -m ground run SERVER,... -- COMMAND...
        runs COMMAND with the servers up, and FIRN_GROUND naming a JSON file that tells how to
        reach them; ends with its exit status.

    python3 -m ground serve SERVER [GROUP.OPTION=VALUE...]
        prints how to reach the server as one line of JSON, then obeys a word a line from its
        input, each answered by a line of JSON: kill, stop, start, freeze, thaw. At the end of the
        input the server is stopped and all of it removed.
"""

import json
import os
import subprocess
import sys

from ground.ceph import Ceph
from ground.keystone import Keystone
from ground.mariadb import MariaDb
from ground.postgresql import PostgreSql
from ground.rabbitmq import RabbitMq
from harness.ground import Ground, GroundError, exit_on_signals

SERVERS = {kind.name: kind for kind in (RabbitMq, MariaDb, PostgreSql, Keystone, Ceph)}
ORDERS = ("kill", "stop", "start", "freeze", "thaw")


def kind(name: str):
    if name not in SERVERS:
        raise GroundError(f"no server {name}; there are {', '.join(SERVERS)}")
    return SERVERS[name]


def run(names: list[str], command: list[str]) -> int:
    with Ground("servers") as ground:
        ground.path.chmod(0o711)
        info = {}
        for name in names:
            info[name] = kind(name)(ground, {}).set_up()
        path = ground.path / "ground.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(info))
        return subprocess.run(command, env=os.environ | {"FIRN_GROUND": str(path)}).returncode


def serve(name: str, settings: dict[str, str]) -> int:
    with Ground(name) as ground:
        ground.path.chmod(0o711)
        server = kind(name)(ground, settings)
        print(json.dumps(server.set_up()), flush=True)
        for line in sys.stdin:
            order = line.strip()
            if order not in ORDERS:
                raise GroundError(f"no order {order!r}; there are {', '.join(ORDERS)}")
            getattr(server, order)()
            print(json.dumps({"done": order}), flush=True)
    return 0


def main(arguments: list[str]) -> int:
    exit_on_signals()
    try:
        match arguments:
            case ["run", names, "--", *command] if command:
                return run(names.split(","), command)
            case ["serve", name, *settings] if all("=" in setting for setting in settings):
                return serve(name, dict(setting.split("=", 1) for setting in settings))
    except GroundError as error:
        print(f"ground: {error}", file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
