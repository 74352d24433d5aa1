"""`python3 -m bench_api`: Firn's API beside cinder-api, and the throughput of jobs."""

import argparse
import json
import os
import sys
from dataclasses import dataclass
from statistics import median

from bench import report as machine_report
from bench_api import rows
from bench_api.jobs import jobs_per_second
from bench_api.load import CLIENTS, drive, memory_bytes
from ground.cinder import CinderApi
from ground.firn import Service
from ground.identity import Identity
from ground.keystone import Keystone
from ground.rabbitmq import RabbitMq
from harness.firn import REPOSITORY
from harness.ground import Ground, GroundError, exit_on_signals

QUESTIONS = ("list of 1,000", "list of 20", "one by id")


# The two take turns, so that a slow moment of the machine is neither's alone.
ROUNDS = 3


@dataclass
class Server:
    """What is asked, and whose time and memory it takes."""

    urls: dict[str, str]
    pid: int


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench_api", description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=8, help="of each figure in each round")
    return parser.parse_args()


def measure(server: Server, token: str, seconds: int, database: int) -> dict:
    # A list of everything takes seconds for one of the two.
    patience = {QUESTIONS[0]: 3 * seconds}
    answers = {}
    for question, url in server.urls.items():
        load = drive(url, token, patience.get(question, seconds), server.pid, database)
        answers[question] = load.as_dict() | {"memory_bytes": memory_bytes(server.pid)}
    return answers


def medians(rounds: list[dict]) -> dict:
    """Each figure's median of all rounds."""
    return {
        question: {
            figure: median(answers[question][figure] for answers in rounds)
            for figure in rounds[0][question]
        }
        for question in QUESTIONS
    }


def bench(ground: Ground, options: argparse.Namespace) -> dict:
    keystone, broker = Keystone(ground, {}), RabbitMq(ground, {})
    keystone.set_up()
    broker.set_up()
    identity = Identity(keystone.info())
    identity.log_in()
    token = identity.token
    project, user = identity.whoami()
    cores = os.cpu_count() or 2
    database = keystone.database.processes[0].pid

    cinder = CinderApi(ground, keystone, broker, workers=cores)
    cinder.set_up()
    ids = rows.cinder(keystone.database, project, user, options.rows)
    base = f"{cinder.info()['url']}/v3/{project}/backups"
    servers = {
        "cinder-api": Server(
            {
                QUESTIONS[0]: f"{base}/detail?limit={options.rows}",
                QUESTIONS[1]: f"{base}/detail?limit=20",
                QUESTIONS[2]: f"{base}/{ids[0]}",
            },
            cinder.processes[0].pid,
        )
    }
    service = Service(ground, keystone, broker, host="bench")
    ids = rows.firn(keystone.database, project, options.rows)
    base = f"{service.url}/v1/restore-points"
    servers["firn-api"] = Server(
        {
            QUESTIONS[0]: f"{base}?limit={options.rows}",
            QUESTIONS[1]: f"{base}?limit=20",
            QUESTIONS[2]: f"{base}/{ids[0]}",
        },
        service.processes["firn-api"].pid,
    )
    rounds = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, server in servers.items():
            rounds[name].append(measure(server, token, options.seconds, database))
    cinder.stop()

    jobs = jobs_per_second(service.url, token, ids, keystone.database)
    made = {name: medians(of_one) for name, of_one in rounds.items()}
    return {"servers": made, "rounds": rounds, "jobs": jobs}


def as_text(made: dict) -> str:
    cinder, firn = made["servers"]["cinder-api"], made["servers"]["firn-api"]
    lines = [
        "| question, 8 clients | cinder-api /s | firn-api /s | firn ÷ cinder "
        "| cinder-api p50, p99 ms | firn-api p50, p99 ms "
        "| cinder-api + its database, µs | firn-api + its database, µs |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for question in QUESTIONS:
        peer, ours = cinder[question], firn[question]
        ratio = ours["requests_per_second"] / peer["requests_per_second"]
        lines.append(
            f"| {question} | {peer['requests_per_second']:.1f} | "
            f"{ours['requests_per_second']:.1f} | {ratio:.1f} × | "
            f"{peer['median_ms']:.1f}, {peer['p99_ms']:.1f} | "
            f"{ours['median_ms']:.2f}, {ours['p99_ms']:.2f} | "
            f"{peer['server_us']:.0f} + {peer['database_us']:.0f} | "
            f"{ours['server_us']:.0f} + {ours['database_us']:.0f} |"
        )
    for question in (QUESTIONS[0], QUESTIONS[-1]):
        peer, ours = (server[question]["memory_bytes"] / 2**20 for server in (cinder, firn))
        lines.append(
            f"| memory after: {question}, MiB | {peer:.0f} | {ours:.0f} | {peer / ours:.1f} × less "
            "| | | | |"
        )
    jobs = made["jobs"]
    lines += [
        "",
        f"Jobs with nothing to do through API, RabbitMQ, conductor and MariaDB: {jobs['jobs']} "
        f"accepted at {jobs['accepted_per_second']:.0f} a second, done at "
        f"{jobs['done_per_second']:.0f} a second.",
        "",
        f"Each figure is the median of {ROUNDS} rounds, in which the two take turns. "
        "The last two columns are processor time for one request. All of it shares the machine's "
        "processors with the client, so the server's and the database's time is what limits "
        f"requests a second. Of firn-api's time for one by id "
        f"{firn[QUESTIONS[2]]['server_kernel_share']:.0%} is the kernel's: sockets, and handing a "
        "request from thread to thread. Memory is the proportional share of all of a server's "
        f"processes right after the clients' last request. A job takes {jobs['commits_per_job']:.1f} "
        "transactions of the database, each on disk before the next.",
    ]
    return "\n".join(lines)


def main() -> int:
    exit_on_signals()
    options = arguments()
    assert CLIENTS == 8, "the report says so"
    try:
        with Ground("bench-api") as ground:
            ground.path.chmod(0o711)
            made = bench(ground, options)
    except GroundError as error:
        print(f"bench-api: {error}", file=sys.stderr)
        return 1
    made["machine"] = machine_report.machine()
    output = REPOSITORY / "docs/bench"
    (output / "api.json").write_text(json.dumps(made, indent=1) + "\n")
    (output / "API.md").write_text(
        "# The API beside cinder-api\n\nMade by `make bench-api`; do not edit. One run, one"
        " machine, the same Keystone, MariaDB, RabbitMQ and client (`wrk`).\n\n"
        + as_text(made)
        + "\n"
    )
    print(as_text(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
