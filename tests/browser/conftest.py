"""Real Chromium for the tests of the tag and the dashboard, a shop to visit, and services to look into."""

from collections.abc import Iterator

import pytest

from browser.dashboard.operator import Dashboard, needs_build
from browser.dashboard.shop import fill
from browser.tag.scripted_shop import ScriptedShop
from browser.visitor import Visitor
from running.running_service import Service, folder


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


@pytest.fixture(scope="package")
def full_service() -> Iterator[Service]:
    """A service with a month of a small shop in it."""
    needs_build()
    with folder() as place, Service(place) as service:
        fill(service)
        yield service


@pytest.fixture(scope="package")
def empty_service() -> Iterator[Service]:
    """A service that nobody has sent anything to."""
    needs_build()
    with folder() as place, Service(place) as service:
        yield service


@pytest.fixture
def dashboard(visitor: Visitor, full_service: Service) -> Dashboard:
    """The page of the service with data, for somebody who has never been there."""
    page = Dashboard(visitor, full_service.ready["http_address"])
    page.forget()
    page.arrive(full_service.ready["keys"]["reports"])
    return page


@pytest.fixture
def empty_dashboard(visitor: Visitor, empty_service: Service) -> Dashboard:
    """The page of the empty service."""
    page = Dashboard(visitor, empty_service.ready["http_address"])
    page.forget()
    page.arrive(empty_service.ready["keys"]["reports"])
    return page
