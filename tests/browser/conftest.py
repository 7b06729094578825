"""Real Chromium for the tests of the tag, and a shop for it to visit."""

from collections.abc import Iterator

import pytest

from browser.scripted_shop import ScriptedShop
from browser.visitor import Visitor


@pytest.fixture(scope="package")
def browser() -> Iterator[Visitor]:
    """One Chromium for all tests of this folder: a start takes longer than most of them."""
    with Visitor() as running:
        yield running


@pytest.fixture
def visitor(browser: Visitor) -> Iterator[Visitor]:
    """Somebody who has never been here before."""
    browser.forget_everything()
    yield browser
    assert browser.complaints() == []


@pytest.fixture
def shop() -> Iterator[ScriptedShop]:
    """A shop whose endpoint accepts everything until the test says otherwise."""
    with ScriptedShop() as running:
        yield running
