"""The snippets of README and docs, run as typed against a service started as the README says."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from running.terminal import DOCS, PAGES, README, REPOSITORY, Terminal, snippet, terminal_in
from shopalytic_server.config import settings_table_markdown


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with terminal_in(tmp_path_factory.mktemp("readme")) as running:
        yield running


def test_the_first_events_reach_the_customer_and_the_report(terminal: Terminal) -> None:
    shown = terminal.type(snippet("commands"))
    assert "ada@shop.example" in shown
    assert "browser-1" in shown
    assert "24.98" in shown
    for kind in ("page_view", "product_view", "identify", "order"):
        assert kind in shown


def test_grpcurl_needs_no_files_and_a_repeated_event_is_a_duplicate(terminal: Terminal) -> None:
    first, second = (json.loads(terminal.type(snippet("grpcurl"))) for _ in range(2))
    assert first["results"][0]["status"] == "EVENT_STATUS_ACCEPTED"
    assert second["results"][0]["status"] == "EVENT_STATUS_DUPLICATE"


def test_a_call_over_http_finds_the_customer(terminal: Terminal) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not on this machine")
    terminal.type(snippet("commands"))
    answer = json.loads(terminal.type(snippet("curl")))
    assert answer["customer"]["identities"] == ["ada@shop.example"]


def test_plain_protoc_makes_a_client_of_the_published_image(terminal: Terminal) -> None:
    terminal.type(snippet("protoc"))
    assert (terminal.folder / "shopalytic" / "v1" / "collector_pb2.py").exists()


def test_every_setting_is_on_its_page() -> None:
    page = (DOCS / "reference" / "settings.md").read_text()
    found = re.search(r"<!-- test: settings -->\n(.*?)\n\n", page + "\n", re.DOTALL)
    assert found
    assert found[1].strip() == settings_table_markdown().strip(), "paste what settings_table_markdown() gives"


def test_links_inside_the_repository_lead_somewhere() -> None:
    targets = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)[^)]*\)", page.read_text())
    ]
    assert targets
    lost = [(page.name, target) for page, target in targets if not (page.parent / target).exists()]
    assert lost == []


def test_the_readme_is_two_screens() -> None:
    assert len(README.read_text().splitlines()) <= 120


def test_the_pages_of_docs_make_a_site(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "index.html").exists()
