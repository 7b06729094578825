"""The client's typed questions, against a running service."""

from datetime import UTC, datetime

import grpc
import pytest

from running.running_service import Service, folder
from shopalytic import Reports

ORDER = b"""{"type": "order", "identity": "jane", "occurred_at": "2026-01-31T23:30:00Z", "properties": {
"order_id": "1", "cart_id": "c", "currency": "EUR", "total": "7.10", "subtotal": "7.10",
"line_items": [{"sku": "A", "price": "7.10", "qty": 1}]}}""".replace(b"\n", b"") + b"\n"  # fmt: skip


@pytest.fixture(scope="module")
def service():
    with folder() as path, Service(path) as running:
        assert running.json("import", "-", stdin=ORDER)["accepted"] == 1
        yield running


@pytest.fixture
def reports(service):
    with Reports(service.address, service.ready["keys"]["reports"]) as opened:
        yield opened


def test_each_question_has_its_typed_call(reports):
    [sold] = reports.sales(interval="month", start=datetime(2026, 1, 1, tzinfo=UTC), time_zone="UTC").reports
    assert (sold.currency, sold.rows[0].gross) == ("EUR", "7.10")
    assert [event.type for event in reports.events(sold.total.explain).events] == ["order"]
    assert reports.customer("jane").customer.values[0].orders == 1
    assert reports.customer(identity="jane").customer == reports.customer("jane").customer
    assert len(reports.customers(search="JAN", order_by="net").customers) == 1
    assert [event.type for event in reports.customer_events("jane", types=["order"]).events] == ["order"]
    later = datetime(2026, 2, 1, tzinfo=UTC)
    assert not reports.customers(seen_after=later).customers
    assert reports.customers(seen_before=later).customers


def test_a_wrong_question_raises_at_the_call(reports):
    with pytest.raises(ValueError, match="start has no time zone"):
        reports.sales(start=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the mistake
    with pytest.raises(ValueError, match="'year' is no interval"):
        reports.sales(interval="year")
    for wrong in ({}, {"name": "jane", "identity": "jane"}, {"identity": "a", "email": "b"}):
        with pytest.raises(ValueError, match="Name one customer"):
            reports.customer(**wrong)
    with pytest.raises(grpc.RpcError) as caught:
        reports.customer("nobody")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
