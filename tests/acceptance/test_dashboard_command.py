"""`shopalytic dashboard`: the address it prints signs in once, and tells only those who may have it."""

import json
import os
import pty
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from running.running_service import COMMAND, Service, folder, run


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as place, Service(place) as running:
        yield running


def redeem(address: str) -> tuple[int, Any]:
    """What the page does that is opened there."""
    page, _, token = address.partition("/#sign-in=")
    body = json.dumps({"token": token}).encode()
    asked = urllib.request.Request(f"{page}/session.json", body, {"sec-fetch-site": "same-origin"})
    try:
        with urllib.request.urlopen(asked, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None


def test_each_address_signs_in_once(service: Service) -> None:
    first, second = (service.command("dashboard").stdout.strip() for _ in range(2))
    assert first != second
    keys = service.ready["keys"]
    assert redeem(first) == (200, {"reports_key": keys["reports"], "browser_key": keys["browser"]})
    assert redeem(first)[0] == 403
    assert redeem(second)[0] == 200


def test_what_is_no_terminal_is_told_the_command_and_no_address(service: Service) -> None:
    assert "#sign-in" not in service.log()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no terminals of this kind")
def test_a_terminal_is_told_an_address_that_signs_in(tmp_path: Path) -> None:
    flags = ["serve", "--data-dir", str(tmp_path / "data"), "--grpc-port", "0", "--http-port", "0"]
    outer, inner = pty.openpty()
    process = subprocess.Popen([*COMMAND, *flags], stdout=inner, stderr=inner)
    os.close(inner)
    seen = b""
    try:
        while not (found := re.search(rb"(http://\S+/#sign-in=[\w-]+)\s", seen)):
            seen += os.read(outer, 4_096)
        assert redeem(found[1].decode())[0] == 200
    finally:
        process.terminate()
        process.wait(60)
        os.close(outer)


def test_without_a_service_it_says_so(tmp_path: Path) -> None:
    done = run("dashboard", "--data-dir", tmp_path)
    assert done.returncode == 1
    assert "No service runs" in done.stderr


def test_a_service_that_others_reach_gives_no_address(tmp_path: Path) -> None:
    with Service(tmp_path, "--trusted-proxies", "1") as service:
        done = run("dashboard", "--data-dir", tmp_path / "data")
    assert done.returncode == 1
    assert "#sign-in" not in done.stdout
    assert "Sign in with the key" in done.stderr
    assert service
