"""examples/: each program runs as a newcomer runs it: a verdict, a refusal with its reason, and a report."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from running.running_service import Service, folder

EXAMPLES = Path(__file__).parents[3] / "examples"
COMMANDS = {
    "go": ("go", "run", "go/main.go"),
    "java": ("java", "java/Shop.java"),
    "node": ("node", "node/shop.mjs"),
}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as place, Service(place) as running:
        yield running


@pytest.mark.parametrize("language", COMMANDS)
def test_an_example_sends_is_refused_and_reads_a_report(language: str, service: Service):
    command = COMMANDS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    keys = service.ready["keys"]
    environment = {
        **os.environ,
        "SHOPALYTIC_URL": service.ready["http_address"],
        "SHOPALYTIC_KEY": keys["server"],
        "SHOPALYTIC_REPORTS_KEY": keys["reports"],
        # No module of others is needed, so none is fetched.
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
    }
    done = subprocess.run(
        command, cwd=EXAMPLES, env=environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ACCEPTED" in done.stdout
    assert "order.total" in done.stdout
    assert "9.99" in done.stdout
