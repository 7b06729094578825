"""The events behind rows of the reports on shoppers, and how many rows a breakdown leaves out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta
from typing import Any

import pytest

from shopalytic.filters import report_filters
from shopalytic.v1 import reports_pb2
from shopalytic.v1.events_pb2 import Event
from shops.dimension_shop import BEGIN, END, DimensionShop
from shops.report_shop import Shop, event

SEED = 20260411
MONTH = reports_pb2.INTERVAL_MONTH


@pytest.fixture(autouse=True)
async def made(shop: Shop) -> None:
    events = DimensionShop(SEED).events
    await shop.send(*events, *searched(events))


def searched(events: Sequence[Event]) -> Iterator[Event]:
    """A search after some of the page views, by whoever looked."""
    views = [each for each in events if each.HasField("page_view")]
    for place, view in enumerate(views[::3]):
        yield event(
            "search",
            {"query": ("Boots", "boots ", "hat")[place % 3], "results": place % 2},
            at=view.occurred_at.ToDatetime(UTC) + timedelta(seconds=1),
            tracking_id=view.tracking_id or None,
            identity=view.identity or None,
            source=view.source or None,
        )


def scope_of(*by: str, **fields: Any) -> reports_pb2.ReportScope:
    filters = report_filters(fields.pop("filters", ()))
    scope = reports_pb2.ReportScope(breakdowns=by, filters=filters, **fields)
    getattr(scope, "from").FromDatetime(BEGIN)
    scope.to.FromDatetime(END)
    return scope


async def behind(shop: Shop, explain: str) -> Counter[str]:
    """How many events of each type are behind a number; each comes once."""
    request = reports_pb2.ListEventsRequest(explain=explain, page_size=500)
    ids: list[str] = []
    kinds = Counter[str]()
    while True:
        answer = await shop.reports.list_events(shop.project, request)
        ids += [event.event_id for event in answer.events]
        kinds.update(event.type for event in answer.events)
        if not answer.next_page_token:
            assert len(ids) == len(set(ids))
            return kinds
        request.page_token = answer.next_page_token


@pytest.mark.parametrize("by", [(), ("device",), ("channel",), ("country", "device")])
async def test_conversion(shop: Shop, by: tuple[str, ...]) -> None:
    request = reports_pb2.GetConversionReportRequest(scope=scope_of(*by), interval=MONTH)
    answer = await shop.reports.get_conversion_report(shop.project, request)
    assert answer.total.sessions
    assert answer.total.orders
    for row in (answer.total, *answer.rows[:6]):
        kinds = await behind(shop, row.explain)
        assert (kinds["page_view"], kinds["order"]) == (row.sessions, row.orders), row


@pytest.mark.parametrize("by", [(), ("device",), ("country",)])
@pytest.mark.parametrize("without", [False, True])
async def test_searches(shop: Shop, by: tuple[str, ...], without: bool) -> None:
    request = reports_pb2.GetSearchReportRequest(scope=scope_of(*by), only_without_results=without)
    answer = await shop.reports.get_search_report(shop.project, request)
    assert answer.total.searches
    for row in (answer.total, *answer.rows[:6]):
        assert await behind(shop, row.explain) == {"search": row.searches}, row


@pytest.mark.parametrize("by", [(), ("device",), ("coupon",), ("payment_type",)])
async def test_coupons(shop: Shop, by: tuple[str, ...]) -> None:
    request = reports_pb2.GetCouponReportRequest(scope=scope_of(*by))
    answer = await shop.reports.get_coupon_report(shop.project, request)
    assert any(block.rows for block in answer.reports)
    for block in answer.reports:
        for row in (block.with_coupon, block.without_coupon, *block.rows[:4]):
            if row.explain:
                assert (await behind(shop, row.explain))["order"] == row.orders, row


@pytest.mark.parametrize("currency", [None, "EUR"])
async def test_segments(shop: Shop, currency: str | None) -> None:
    request = reports_pb2.GetSegmentReportRequest(
        scope=scope_of(**({"currency": currency} if currency else {}))
    )
    answer = await shop.reports.get_segment_report(shop.project, request)
    assert answer.total.orders
    refunds = 0
    for row in answer.rows:
        kinds = await behind(shop, row.explain)
        assert kinds["order"] == row.orders, row
        refunds += kinds["refund"]
    kinds = await behind(shop, answer.total.explain)
    assert (kinds["order"], kinds["refund"]) == (answer.total.orders, refunds)


@pytest.mark.parametrize("by", [(), ("channel",), ("country",)])
@pytest.mark.parametrize("visitors", [False, True])
async def test_lifetime(shop: Shop, by: tuple[str, ...], visitors: bool) -> None:
    request = reports_pb2.GetLifetimeReportRequest(scope=scope_of(*by), include_visitors=visitors)
    answer = await shop.reports.get_lifetime_report(shop.project, request)
    assert answer.total.orders
    for row in (answer.total, *answer.rows[:6]):
        assert (await behind(shop, row.explain))["order"] == row.orders, row


async def test_a_row_that_is_filtered_is_explained_by_what_the_filter_leaves(shop: Shop) -> None:
    request = reports_pb2.GetConversionReportRequest(scope=scope_of(filters=["device=mobile"]))
    answer = await shop.reports.get_conversion_report(shop.project, request)
    kinds = await behind(shop, answer.total.explain)
    assert (kinds["page_view"], kinds["order"]) == (answer.total.sessions, answer.total.orders)


REQUESTS = {
    "funnel": (reports_pb2.GetFunnelReportRequest, "device", "funnels"),
    "retention": (reports_pb2.GetRetentionReportRequest, "country", "cohorts"),
    "fulfilment": (reports_pb2.GetFulfilmentReportRequest, "carrier", "carriers"),
    "conversion": (reports_pb2.GetConversionReportRequest, "device", "rows"),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_breakdown_says_how_many_rows_it_leaves_out(shop: Shop, name: str) -> None:
    kind, dimension, rows = REQUESTS[name]

    async def ask(limit: int) -> tuple[int, int]:
        request: Any = kind(scope=scope_of(dimension, breakdown_limit=limit))
        answer = await shop.reports.get_any_report(shop.project, request)
        return len(getattr(answer, rows)), answer.more_rows

    everything, more = await ask(10_000)
    assert (everything > 1, more) == (True, 0)
    shown, more = await ask(1)
    assert (shown < everything, shown + more) == (True, everything)


async def test_a_breakdown_of_carts_says_how_many_rows_it_leaves_out(shop: Shop) -> None:
    async def ask(limit: int) -> list[tuple[int, int]]:
        request = reports_pb2.GetCartReportRequest(scope=scope_of("device", breakdown_limit=limit))
        answer = await shop.reports.get_cart_report(shop.project, request)
        return [(len(block.rows), block.more_rows) for block in answer.reports]

    everything = await ask(10_000)
    assert max(everything)[0] > 1
    assert {more for _, more in everything} == {0}
    assert [shown + more for shown, more in await ask(1)] == [rows for rows, _ in everything]
