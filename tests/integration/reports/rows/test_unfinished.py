"""Numbers that still grow are marked, and compared to the same time of the clock by choice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shopalytic.v1 import dimensions_pb2, reports_pb2
from shops.report_shop import Shop, order

DAY = timedelta(days=1)
PREVIOUS, LAST_YEAR = dimensions_pb2.COMPARED_PERIOD_PREVIOUS, dimensions_pb2.COMPARED_PERIOD_LAST_YEAR


def noon_zone(now: datetime) -> str:
    """A zone in which it is about noon, so that neither end of the day is near."""
    offset = 12 - now.hour
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


def midnight(now: datetime) -> datetime:
    """When that zone's day began."""
    return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=12)


async def sales(
    shop: Shop, begin: datetime | None, end: datetime | None, interval: Any = 0, **scope: Any
) -> reports_pb2.GetSalesReportResponse:
    now = datetime.now(UTC)
    request = reports_pb2.GetSalesReportRequest(
        scope=reports_pb2.ReportScope(time_zone=noon_zone(now), **scope), interval=interval
    )
    for name, time in (("from", begin), ("to", end)):
        if time is not None:
            getattr(request.scope, name).FromDatetime(time)
    answer: reports_pb2.GetSalesReportResponse = await shop.reports.get_sales_report(shop.project, request)
    return answer


async def send(shop: Shop, *times: datetime) -> None:
    """An order at each time."""
    orders = [order(f"o{place}", identity="ann", at=at) for place, at in enumerate(times)]
    await shop.send(*orders, arrival=datetime.now(UTC))


def since(answer: Any) -> datetime | None:
    return answer.unfinished_since.ToDatetime(UTC) if answer.HasField("unfinished_since") else None


async def test_the_interval_that_goes_on_is_marked(shop: Shop) -> None:
    now = datetime.now(UTC)
    today = midnight(now)
    await send(shop, now - timedelta(minutes=1), today - DAY)
    begin, end = today - 2 * DAY, today + DAY
    assert since(await sales(shop, begin, end, reports_pb2.INTERVAL_DAY)) == today
    assert since(await sales(shop, begin, end)) == begin
    assert since(await sales(shop, begin, None)) == begin
    assert since(await sales(shop, begin, None, reports_pb2.INTERVAL_DAY)) == today
    # Also where the answer is one that was kept.
    assert since(await sales(shop, begin, end, reports_pb2.INTERVAL_DAY)) == today


async def test_what_has_ended_is_not_marked(shop: Shop) -> None:
    today = midnight(datetime.now(UTC))
    await send(shop, today - 2 * DAY, today - DAY)
    assert since(await sales(shop, today - 2 * DAY, today, reports_pb2.INTERVAL_DAY)) is None
    # An open range ends where the data does.
    assert since(await sales(shop, None, None, reports_pb2.INTERVAL_DAY)) is None
    assert since(await sales(shop, None, None)) is None


@pytest.mark.parametrize(("period", "back"), [(PREVIOUS, DAY), (LAST_YEAR, 364 * DAY)])
@pytest.mark.parametrize("open_end", [False, True])
async def test_only_what_has_passed_is_compared_by_choice(
    shop: Shop, period: Any, back: timedelta, open_end: bool
) -> None:
    now = datetime.now(UTC)
    today = midnight(now)
    earlier, later = now - back - timedelta(hours=2), now - back + timedelta(hours=2)
    await send(shop, now - timedelta(hours=2), earlier, later, later)
    end = None if open_end else today + DAY

    async def compared(*, same_time: bool) -> reports_pb2.GetSalesReportResponse:
        compare = dimensions_pb2.Comparison(period=period, same_time=same_time)
        return await sales(shop, today, end, compare=compare)

    answer = await compared(same_time=True)
    assert [(block.total.orders, block.total.previous.orders) for block in answer.reports] == [(1, 1)]
    assert getattr(answer.compared, "from").ToDatetime(UTC) == today - back
    assert now - back <= answer.compared.to.ToDatetime(UTC) <= datetime.now(UTC) - back
    if not open_end:
        answer = await compared(same_time=False)
        assert [(block.total.orders, block.total.previous.orders) for block in answer.reports] == [(1, 3)]


async def test_a_range_that_has_ended_is_compared_whole(shop: Shop) -> None:
    today = midnight(datetime.now(UTC))
    await send(shop, today - DAY, today - 2 * DAY + timedelta(hours=23))
    compare = dimensions_pb2.Comparison(period=PREVIOUS, same_time=True)
    answer = await sales(shop, today - DAY, today, compare=compare)
    assert [(block.total.orders, block.total.previous.orders) for block in answer.reports] == [(1, 1)]
