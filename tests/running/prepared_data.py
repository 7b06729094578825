"""A data directory with PostgreSQL and the schema in it, made once for a run of the tests and copied.

Making one takes several times as long as starting on one. The parallel workers of a run share it.
What becomes of an empty directory is tested in tests/acceptance/test_serve.py and
tests/integration/database/test_embedded.py.
"""

import atexit
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from running.scratch import scratch

# Where it is; a process that starts others tells them.
_PLACE = "PREPARED_TEST_DATA"


@cache
def place() -> Path:
    """A folder of this run, which ends with the process that asked first."""
    if _PLACE not in os.environ:
        os.environ[_PLACE] = tempfile.mkdtemp(prefix="shopalytic-test-prepared-", dir=scratch())
        atexit.register(shutil.rmtree, os.environ[_PLACE], ignore_errors=True)
    return Path(os.environ[_PLACE])


@cache
def _prepared() -> Path:
    """The directory; whoever asks first makes it, all others wait."""
    data_dir, made = place() / "data", place() / "made"
    with (place() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            command = [sys.executable, "-m", "shopalytic", "migrate", "--data-dir", str(data_dir)]
            subprocess.run(command, check=True, capture_output=True)
            made.touch()
    return data_dir


def copy_to(data_dir: Path) -> None:
    """Make a data directory of it."""
    data_dir.mkdir(mode=0o700, parents=True)
    # With owners and modes: PostgreSQL has an account of its own when root runs the tests.
    copying = ["cp", "-a", str(_prepared() / "postgres"), str(data_dir / "postgres")]
    subprocess.run(copying, check=True, capture_output=True)
