"""`python3 -m api_fuzz`: no answer of the API but a documented one.

Each run asks as somebody, in a microversion. It fails with the first thing that is not as the
document says, shows the request as a curl command, and keeps nothing.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from api_fuzz.content import Content
from api_fuzz.coverage import operations_not_done
from api_fuzz.environment import schemathesis
from ground.firn import Service
from ground.identity import Identity
from ground.keystone import Keystone
from ground.rabbitmq import RabbitMq
from harness.ground import Ground, GroundError, exit_on_signals

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# Who asks, in which microversion. An administrator reaches every handler; a reader is refused by
# many, and that has to be documented too.
RUNS = (("admin", "1.0"), ("admin", "1.1"), ("reader", "1.1"))
# A run that is still going then hangs.
DEADLINE_SECONDS = 1800
PANIC = re.compile(r"panicked at|RUST_BACKTRACE")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="api_fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=15, help="random requests an operation")
    parser.add_argument("--seed", type=int, default=1, help="what they are made from")
    parser.add_argument("--only", help="a regular expression of paths")
    return parser.parse_args()


def fuzz(
    program: Path, service: Service, content: Content, options, role: str, version: str
) -> bool:
    print(f"-- {role}, version {version}", flush=True)
    command = [
        program, "run", f"{service.url}/openapi.json",
        "--header", f"X-Auth-Token: {content.tokens[role]}",
        "--header", f"OpenStack-API-Version: instance-backup {version}",
        "--checks", ",".join(CHECKS),
        "--phases", "examples,coverage,fuzzing,stateful",
        "--mode", "all",
        "--max-examples", options.examples,
        "--seed", options.seed,
        "--continue-on-failure",
        "--request-timeout", 60,
        # In threads, CPython 3.11 breaks off now and then while it parses its own source.
        "--workers", 1,
        "--generation-database", "none",
        # Ids are of things that other requests remove, so that most answers are 404.
        "--warnings", "off",
        "--no-color",
    ]  # fmt: skip
    if options.only:
        command += ["--include-path-regex", options.only]
    # Its own configuration and hooks, and nothing of the folder that it is started in.
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "api_fuzz.hooks",
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "API_FUZZ_IDS": json.dumps(content.ids),
    }
    done = subprocess.run(
        [str(word) for word in command],
        env=environment,
        cwd=service.ground.path,
        timeout=DEADLINE_SECONDS,
    )
    return done.returncode == 0


def look_at_logs(service: Service):
    service.check_alive()
    for name in service.processes:
        text = service.log(name).read_text(errors="replace")
        if found := PANIC.search(text):
            raise GroundError(f"{name} panicked:\n{text[found.start() :][:2000]}")


def main() -> int:
    exit_on_signals()
    options = arguments()
    try:
        program = schemathesis()
        with Ground("api-fuzz") as ground:
            ground.path.chmod(0o711)
            keystone, broker = Keystone(ground, {}), RabbitMq(ground, {})
            keystone.set_up()
            broker.set_up()
            domains = ground.path / "domains"
            domains.mkdir()
            service = Service(ground, keystone, broker, "fuzzed", domains)
            content = Content(service, Identity(keystone.info()), domains)
            failed = []
            for role, version in RUNS:
                content.refresh()
                if not fuzz(program, service, content, options, role, version):
                    failed.append(f"{role}, version {version}")
                look_at_logs(service)
            # Where everything is refused, everything is as documented.
            if idle := operations_not_done(service.url, content.tokens["admin"]):
                failed.append(f"{', '.join(idle)}: never did what was asked")
    except GroundError as error:
        print(f"api-fuzz: {error}", file=sys.stderr)
        return 1
    except subprocess.TimeoutExpired:
        print(f"api-fuzz: still going after {DEADLINE_SECONDS} s", file=sys.stderr)
        return 1
    if failed:
        print(f"api-fuzz: not as documented: {'; '.join(failed)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
