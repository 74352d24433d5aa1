"""Keeps what is costly to make under the build folder, keyed by its recipe."""

import contextlib
import fcntl
import hashlib
import inspect
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.ground import build_dir


def recipe_key(parameters: dict, *code) -> str:
    """A key that changes with the parameters and with the source of the functions or modules."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    for part in code:
        digest.update(inspect.getsource(part).encode())
    return digest.hexdigest()[:12]


def made(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder `images/<name>-<key>`; `make(folder)` fills it when it is not there yet.

    It appears complete or not at all. A second maker waits for the first one.
    Folders of the same name with another key are outdated and removed.
    """
    images = build_dir() / "images"
    images.mkdir(parents=True, exist_ok=True)
    final = images / f"{name}-{key}"
    with open(images / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if final.is_dir():
            return final
        for outdated in images.glob(f"{name}-*"):
            shutil.rmtree(outdated, ignore_errors=True)
        print(f"making {name} (kept for next time) ...", flush=True)
        begin = time.monotonic()
        work = Path(tempfile.mkdtemp(prefix=f"{name}-new-", dir=images))
        try:
            make(work)
            os.chmod(work, 0o755)
            work.rename(final)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        print(f"made {name} in {time.monotonic() - begin:.0f} s", flush=True)
    return final


@contextlib.contextmanager
def scratch(beside: Path):
    """A temporary folder on the same file system as `beside`."""
    folder = Path(tempfile.mkdtemp(prefix="scratch-", dir=beside.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
