"""A Ceph cluster: one monitor, one manager, and one OSD on a sparse file.

The setting `orders.daemons=osd` has kill, stop, start, freeze and thaw mean the OSD alone.
"""

import json
import subprocess
import uuid

from ground.server import HOST, SYSTEM_PATH, Server, free_port, write
from harness.ground import GroundError

POOLS = ("volumes", "vms", "images")
OSD_BYTES = 10 << 30
READ_ONLY = "profile rbd-read-only"
# cephx users: what they may ask of monitors, and do in every pool.
USERS = {
    "firn-backup": READ_ONLY,
    "firn-snapshot": "profile rbd",
    "firn-restore": "profile rbd",
}


class Ceph(Server):
    name = "ceph"

    def make(self):
        self.fsid = str(uuid.uuid4())
        self.ports = [free_port(), free_port()]
        self.daemons: dict[str, subprocess.Popen] = {}
        for folder in ("mon", "mgr", "osd", "run", "crash", "etc"):
            (self.folder / folder).mkdir()
        write(self.conf, self.settings_of_daemons())
        write(self.folder / "etc" / "ceph.conf", self.settings_of_clients())
        self.make_monitor()

    @property
    def conf(self):
        return self.folder / "ceph.conf"

    @property
    def addresses(self) -> str:
        return f"[v2:{HOST}:{self.ports[0]},v1:{HOST}:{self.ports[1]}]"

    def settings_of_clients(self) -> str:
        return (
            "[global]\n"
            f"fsid = {self.fsid}\n"
            f"mon_host = {self.addresses}\n"
            "auth_cluster_required = cephx\n"
            "auth_service_required = cephx\n"
            "auth_client_required = cephx\n"
            "[client]\n"
            f"keyring = {self.folder}/etc/$cluster.$name.keyring\n"
            "admin_socket =\n"
            "log_file =\n"
        )

    def settings_of_daemons(self) -> str:
        return self.settings_of_clients() + (
            "[global]\n"
            "mon_initial_members = a\n"
            "public_network = 127.0.0.0/8\n"
            "cluster_network = 127.0.0.0/8\n"
            "ms_bind_ipv6 = false\n"
            "auth_allow_insecure_global_id_reclaim = false\n"
            f"run_dir = {self.folder}/run\n"
            f"admin_socket = {self.folder}/run/$name.asok\n"
            "pid_file =\n"
            "log_file =\n"
            "log_to_stderr = true\n"
            f"crash_dir = {self.folder}/crash\n"
            "osd_crush_chooseleaf_type = 0\n"
            "osd_pool_default_size = 1\n"
            "osd_pool_default_min_size = 1\n"
            "osd_pool_default_pg_autoscale_mode = off\n"
            "mon_allow_pool_size_one = true\n"
            "mon_allow_pool_delete = true\n"
            "mon_warn_on_pool_no_redundancy = false\n"
            "mon_max_pg_per_osd = 500\n"
            "[mon]\n"
            f"mon_data = {self.folder}/mon\n"
            f"keyring = {self.folder}/mon/keyring\n"
            "mon_cluster_log_file =\n"
            # The machine's disk may be rather full.
            "mon_data_avail_warn = 2\n"
            "mon_data_avail_crit = 1\n"
            # A lone monitor has nobody to wait for; otherwise each snapshot takes a second.
            "paxos_propose_interval = 0.05\n"
            "paxos_min_wait = 0.01\n"
            "[mgr]\n"
            f"mgr_data = {self.folder}/mgr\n"
            f"keyring = {self.folder}/mgr/keyring\n"
            "mgr_initial_modules = iostat\n"
            "[osd]\n"
            f"osd_data = {self.folder}/osd\n"
            f"keyring = {self.folder}/osd/keyring\n"
            "osd_objectstore = bluestore\n"
            "bluestore_block_create = true\n"
            f"bluestore_block_size = {OSD_BYTES}\n"
            # Debian's ceph-osd has no tcmalloc, so osd_memory_target does nothing.
            "bluestore_cache_autotune = false\n"
            f"bluestore_cache_size = {512 << 20}\n"
            "osd_op_num_shards = 2\n"
            "osd_op_num_threads_per_shard = 2\n"
        )

    def keyring(self, user: str):
        return self.folder / "etc" / f"ceph.client.{user}.keyring"

    def new_keyring(self, path, user: str, *capabilities: str):
        caps = [part for pair in capabilities for part in ("--cap", *pair.split(" ", 1))]
        self.command(["ceph-authtool", path, "--create-keyring", "--gen-key", "-n", user, *caps])
        path.chmod(0o600)

    def make_monitor(self):
        admin, keys, monmap = self.keyring("admin"), self.folder / "keys", self.folder / "monmap"
        self.new_keyring(admin, "client.admin", "mon allow *", "osd allow *", "mgr allow *")
        self.new_keyring(keys, "mon.", "mon allow *")
        self.command(["ceph-authtool", keys, "--import-keyring", admin])
        self.command(["monmaptool", "--create", "--fsid", self.fsid, "--addv", "a", self.addresses,
                      monmap])  # fmt: skip
        self.command(["ceph-mon", "-c", self.conf, "--mkfs", "-i", "a", "--monmap", monmap,
                      "--keyring", keys])  # fmt: skip

    def ceph(self, *arguments: str, program: str = "ceph", **run) -> str:
        """What one of Ceph's commands answers."""
        limit = ["--connect-timeout", "30"] if program == "ceph" else []
        done = subprocess.run(
            [program, "-c", str(self.conf), *limit, *arguments],
            capture_output=True, text=True, timeout=120, env={"PATH": SYSTEM_PATH}, **run,
        )  # fmt: skip
        if done.returncode != 0:
            raise GroundError(f"{program} {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def launch(self):
        made = (self.folder / "osd" / "keyring").exists()
        self.launch_daemon("ceph-mon", "a")
        if not made:
            manager = self.folder / "mgr" / "keyring"
            write(manager, self.ceph("auth", "get-or-create", "mgr.a", "mon", "allow profile mgr",
                                     "osd", "allow *"))  # fmt: skip
            self.make_osd()
        self.launch_daemon("ceph-mgr", "a")
        self.launch_daemon("ceph-osd", "0")

    def launch_daemon(self, program: str, number: str):
        if program in self.daemons and self.daemons[program].poll() is None:
            return
        self.spawn([program, "-f", "-c", self.conf, "-i", number])
        self.daemons[program] = self.processes[-1]

    def make_osd(self):
        """No volume manager: the OSD's "block" is a plain sparse file."""
        keyring, osd = self.folder / "osd" / "keyring", str(uuid.uuid4())
        self.new_keyring(keyring, "osd.0")
        key = self.ceph("-p", "-n", "osd.0", str(keyring), program="ceph-authtool").strip()
        self.ceph("osd", "new", osd, "-i", "-", input=json.dumps({"cephx_secret": key}))
        self.command(["ceph-osd", "-c", self.conf, "-i", "0", "--mkfs", "--osd-uuid", osd])

    def ready(self) -> bool:
        # Not `ceph osd stat`: the monitor goes on saying "up" of a lone OSD that was killed.
        socket = str(self.folder / "run" / "osd.0.asok")
        asked = ["ceph", "--admin-daemon", socket, "status"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60)
        return done.returncode == 0 and json.loads(done.stdout)["state"] == "active"

    def populate(self):
        # Clones that need no protected parent, as on any cluster of today.
        self.ceph("osd", "set-require-min-compat-client", "mimic")
        for pool in POOLS:
            self.ceph("osd", "pool", "create", pool, "8", "8", "replicated")
            self.ceph("pool", "init", pool, program="rbd")
        for user, profile in USERS.items():
            osd = ", ".join(f"{profile} pool={pool}" for pool in POOLS)
            # Only the read-write profile has anything to ask of managers.
            manager = [] if profile == READ_ONLY else ["mgr", osd]
            key = self.ceph("auth", "get-or-create", f"client.{user}", "mon", profile, "osd", osd,
                            *manager)  # fmt: skip
            write(self.keyring(user), key)
            self.keyring(user).chmod(0o600)

    def ordered(self) -> list[subprocess.Popen]:
        """The processes that an order means."""
        if self.settings.get("orders.daemons") == "osd":
            return [self.daemons["ceph-osd"]]
        return list(self.processes)

    def stop(self):
        for process in reversed(self.ordered()):
            self.ground.stop(process, self.STOP_SECONDS)
            self.processes.remove(process)

    def kill(self):
        for process in reversed(self.ordered()):
            self.ground.stop(process)
            self.processes.remove(process)

    def signal_all(self, number: int):
        for process in self.ordered():
            process.send_signal(number)

    def info(self) -> dict:
        return {
            # What a host that uses the cluster has in its /etc/ceph.
            "conf": str(self.folder / "etc" / "ceph.conf"),
            "fsid": self.fsid,
            "monitors": [f"{HOST}:{port}" for port in self.ports],
            "pools": list(POOLS),
            "users": list(USERS),
        }
