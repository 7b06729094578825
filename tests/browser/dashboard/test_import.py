"""The page Import: files are chosen, looked at, imported, and seen."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from browser.dashboard.operator import Dashboard, needs_build
from browser.visitor import Visitor
from running.running_service import Service, folder

FILES = Path(__file__).parents[2] / "integration" / "cli" / "exports"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    needs_build()
    with folder() as place, Service(place) as running:
        yield running


def test_a_shops_past_is_checked_imported_and_seen(visitor: Visitor, service: Service) -> None:
    page = Dashboard(visitor, service.ready["http_address"])
    page.forget()
    page.arrive(service.ready["keys"]["reports"])
    page.open("import")
    page.find("input[type=file]").send_keys(
        f"{FILES / 'shopify_customers.csv'}\n{FILES / 'shopify_orders.csv'}"
    )
    page.find("input[type=password]").send_keys(service.ready["keys"]["admin"])
    page.press("Check the files")
    page.sees("Importing needs a server key")
    page.find("input[type=password]").clear()
    page.find("input[type=password]").send_keys(service.ready["keys"]["server"])
    page.press("Check the files")
    page.sees("1 customers, 3 orders, 4 lines")
    page.sees("Vendor")
    assert page.accessibility() == []
    page.press("Import 6 events")
    page.sees("6 of 6 events: 6 stored")
    assert page.accessibility() == []
    page.press("See the shop’s numbers")
    page.sees("Best products")
