"""The official SDKs through faults and a killed service: each event that was sent is there, and once."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from integration.compatibility.faulty_front import CUT, UNANSWERED, WAIT, FaultyFront
from integration.compatibility.npm_packages import installed
from running.running_service import Service, folder

HERE = Path(__file__).parent
PYTHON = ("segment-python", "rudderstack-python", "posthog-python")
NODE = ("segment-node", "rudderstack-node", "posthog-node")
FAULTS = (CUT, WAIT, UNANSWERED)
PATIENCE_SECONDS = 90


def sender(sdk: str, url: str, key: str) -> "subprocess.Popen[bytes]":
    program = [sys.executable, str(HERE / "senders.py")] if sdk in PYTHON else ["node", "senders.mjs"]
    return subprocess.Popen(
        [*program, sdk, url, key],
        cwd=HERE if sdk in PYTHON else installed(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.fixture(scope="module")
def outcome() -> Iterator[tuple[Service, dict[str, FaultyFront], dict[str, tuple[int, str]]]]:
    """All SDKs at once: they meet every fault, then the service is killed while they go on."""
    installed()
    with folder() as place, ExitStack() as fronts:
        service = Service(place)
        with service:
            port = int(service.ready["http_address"].rpartition(":")[2])
            key = service.ready["keys"]["server"]
            front = {sdk: fronts.enter_context(FaultyFront(port, FAULTS)) for sdk in (*PYTHON, *NODE)}
            running = {sdk: sender(sdk, each.url, key) for sdk, each in front.items()}
            for process in running.values():
                assert process.stdin is not None
                process.stdin.write(b"go\n")
                process.stdin.flush()
            service.stop(signal.SIGKILL)
            service.start("--http-port", str(port))
            ends = {}
            for sdk, process in running.items():
                said, _ = process.communicate(timeout=PATIENCE_SECONDS)
                ends[sdk] = (process.returncode, said.decode())
            yield service, front, ends


@pytest.mark.parametrize("sdk", [*PYTHON, *NODE])
def test_an_sdk_brings_every_event_once_through_faults_and_a_killed_service(
    sdk: str, outcome: tuple[Service, dict[str, FaultyFront], dict[str, tuple[int, str]]]
):
    service, fronts, ends = outcome
    code, said = ends[sdk]
    assert code == 0, said
    assert fronts[sdk].played[: len(FAULTS)] == list(FAULTS)
    found = service.json("customer", "events", sdk)["events"]
    skus = Counter(event["properties"]["sku"] for event in found)
    assert skus == Counter(f"{sdk}-{number}" for number in range(1, 7))
    stored = [event["event_id"] for event in found]
    assert set(fronts[sdk].acknowledged) == set(stored)
