"""The tutorial, done as a newcomer does it: the pages in a browser, the commands in a shell."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser.tag.scripted_shop import ScriptedShop
from browser.visitor import Visitor
from running.running_service import PATIENCE_SECONDS
from running.terminal import Terminal, snippet, terminal_in

FILES = ("shop/index.html", "shop/thanks.html", "order.py", "orders.csv")


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with terminal_in(tmp_path_factory.mktemp("tutorial")) as running:
        (running.folder / "shop").mkdir()
        for name in FILES:
            (running.folder / name).write_text(snippet(name))
        yield running


def served(shop: ScriptedShop, folder: Path, address: str) -> None:
    """The tutorial's pages, from where its server would have them."""
    for path, name in {"/": "index.html", "/thanks.html": "thanks.html"}.items():
        shop.pages[path] = (folder / "shop" / name).read_text().replace("http://127.0.0.1:8080", address)


def until_stored(terminal: Terminal, *kinds: str) -> None:
    """Waits until Ada has such events: the tag needs no more of anybody than an open page."""
    deadline = time.monotonic() + 2 * PATIENCE_SECONDS
    shown = ""
    while not all(kind in shown for kind in kinds):
        assert time.monotonic() < deadline, shown
        shown = terminal.type(".venv/bin/shopalytic customer events ada@shop.example || true")


def test_a_newcomer_sees_the_first_order_and_the_answer_for_monday(terminal: Terminal) -> None:
    # The line after it is a server of files, which goes on for ever.
    terminal.type(snippet("tutorial-serve").partition("\n")[0])
    with ScriptedShop() as shop, Visitor() as visitor:
        served(shop, terminal.folder, terminal.ready["http_address"])
        visitor.visit(shop.url(host="127.0.0.1"))
        visitor.driver.find_element("id", "add").click()
        visitor.driver.find_element("id", "buy").click()
        until_stored(terminal, "page_view", "product_view", "cart_add", "identify")
        assert visitor.complaints() == []
    shown = terminal.type(snippet("tutorial-order"))
    assert "delivered=1" in shown or "accepted=1" in shown
    for kind in ("page_view", "product_view", "cart_add", "identify", "order"):
        assert kind in shown
    assert "accepted" in terminal.type(snippet("tutorial-import"))
    answer = terminal.type(snippet("tutorial-monday"))
    for amount in ("92.98", "73.97", "POT-1"):
        assert amount in answer
    assert answer.index("POT-1") < answer.index("MUG-1")
