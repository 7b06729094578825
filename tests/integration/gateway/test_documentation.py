"""The documentation below /docs: its pages load from nowhere else; a build without them says so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from shopalytic_server.gateway.pages import documentation
from standins.gateway import running_gateway

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what the gateway serves, with the site in it."""
    folder = tmp_path_factory.mktemp("static")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder / "docs"]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    return folder


@pytest.fixture
def served(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documentation, "static_folder", lambda: built)


@pytest.mark.usefixtures("served")
async def test_each_page_loads_what_it_needs_from_here_alone(built: Path):
    pages = [str(path.relative_to(built / "docs")) for path in (built / "docs").rglob("*.html")]
    assert {"index.html", "explanation/architecture.html", "reference/settings.html"} <= set(pages)
    async with running_gateway() as gateway:
        for page in pages:
            answer = await gateway.get(f"/docs/{page}")
            assert (answer.status, answer.header("content-type")) == (200, "text/html; charset=utf-8")
            policy = answer.header("content-security-policy")
            text = answer.body.decode()
            assert len(set(re.findall(r"<script>(.*?)</script>", text, re.DOTALL))) == policy.count(
                "'sha256-"
            )
            loaded = re.findall(r'<(?:script|img)[^>]* src="([^"]+)"|<link[^>]* href="([^"]+)"', text)
            for place in filter(None, (script or link for script, link in loaded)):
                assert "//" not in place, (page, place)
        for path in ("", "css/theme.css", "js/theme.js", "search/search_index.json", "search/worker.js"):
            assert (await gateway.get(f"/docs/{path}")).status == 200, path


@pytest.mark.usefixtures("served")
async def test_nothing_beside_the_site_is_served(built: Path):
    (built / "beside.html").write_text("secret")
    async with running_gateway() as gateway:
        for path in ("nothing.html", "../beside.html", "%2e%2e/beside.html", "sitemap.xml.gz", "css", "css/"):
            answer = await gateway.get(f"/docs/{path}")
            assert answer.status == 404, path
            assert b"secret" not in answer.body


@pytest.mark.usefixtures("served")
async def test_the_folder_without_its_slash_leads_to_it():
    async with running_gateway() as gateway:
        answer = await gateway.get("/docs")
    assert (answer.status, answer.header("location")) == (308, "docs/")


async def test_a_build_without_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documentation, "static_folder", lambda: tmp_path)
    async with running_gateway() as gateway:
        answer = await gateway.get("/docs/")
    assert answer.status == 404
    assert b"make docs" in answer.body
