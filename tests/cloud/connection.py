"""Logins of the cloud."""

import os
from pathlib import Path

import openstack

STATE = Path(os.environ["FIRN_CLOUD"])


def settings() -> dict[str, str]:
    lines = (STATE / "settings").read_text().split()
    return dict(line.split("=", 1) for line in lines)


def auth_url() -> str:
    return f"http://127.0.0.1:{settings()['base_port']}/v3"


def connect(user: str = "admin", project: str | None = None) -> openstack.connection.Connection:
    """As that user, in the project of the same name unless told."""
    return openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        auth_url=auth_url(),
        username=user,
        password=settings()["password"],
        project_name=project or user,
        user_domain_name="Default",
        project_domain_name="Default",
        region_name="RegionOne",
        compute_api_version="2.90",
        block_storage_api_version="3",
    )
