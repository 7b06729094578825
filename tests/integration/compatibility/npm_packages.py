"""The official SDKs for Node and browsers, installed by their lock once for all tests of a clone."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("npm")
_DONE = FOLDER / "node_modules" / ".installed"


def installed() -> Path:
    """The folder with `node_modules`; skips where there is no npm. CI must have it."""
    if shutil.which("npm") is None and not os.environ.get("CI"):
        pytest.skip("needs Node.js and npm")
    with (FOLDER / ".npmrc").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test files run beside each other
        wanted = (FOLDER / "package-lock.json").read_text()
        if not _DONE.exists() or _DONE.read_text() != wanted:
            command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run(command, cwd=FOLDER, check=True)
            _DONE.write_text(wanted)
    return FOLDER
