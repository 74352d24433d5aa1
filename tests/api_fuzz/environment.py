"""The virtual environment that schemathesis lives in."""

import hashlib
import shutil
import sys
from pathlib import Path

from harness.ground import build_dir, run

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def schemathesis() -> Path:
    """The program, installed where it is not there yet in this version."""
    folder = build_dir() / "venv-api-fuzz"
    recipe = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    stamp = folder / "recipe"
    if not stamp.exists() or stamp.read_text() != recipe:
        shutil.rmtree(folder, ignore_errors=True)
        print("installing schemathesis ...", flush=True)
        run([sys.executable, "-m", "venv", folder])
        pip = [folder / "bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
        run([*pip, "install", "--requirement", REQUIREMENTS])
        # Written last: an installation that was broken off is made anew.
        stamp.write_text(recipe)
    return folder / "bin/schemathesis"
