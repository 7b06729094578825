"""docs/reference/compatible-surfaces.md: its tables are those of the code, and it names each path."""

import re

from shopalytic_server.gateway.compatibility import page
from shopalytic_server.gateway.compatibility.route import MAX_BODY_BYTES
from shopalytic_server.gateway.compatibility.routes import paths


def test_the_page_has_the_mapping_that_is_in_force():
    text = page.PAGE.read_text()
    assert page.updated(text) == text, "run: python -m shopalytic_server.gateway.compatibility.page"


def test_the_page_names_every_path():
    named = re.findall(r"/[A-Za-z0-9/.]+", page.PAGE.read_text())
    written = {name.rstrip("/.") for name in named}
    assert {path for path in paths() if path.replace("{key}", "KEY").rstrip("/") not in written} == set()


def test_the_page_has_the_limit():
    assert MAX_BODY_BYTES == 5 * 1024 * 1024
    assert "up to 5 MB" in page.PAGE.read_text()
