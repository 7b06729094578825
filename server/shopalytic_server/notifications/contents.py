"""Asks reports for what a digest says."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shopalytic.v1 import dimensions_pb2, notifications_pb2, reports_pb2
from shopalytic_server.domain.notifications.letter import Contents, Figure, Ranking
from shopalytic_server.domain.notifications.schedule import Range
from shopalytic_server.domain.projects import Project
from shopalytic_server.notifications.numbers import decimal, set_scope
from shopalytic_server.notifications.ports import NotificationStore, Reports

_ROWS = 5
_SALES = (
    ("Net sales", "net_sales"),
    ("Orders", "orders"),
    ("Average order", "average_order"),
    ("Returns", "returns"),
    ("Customers", "customers"),
    ("New customers", "new_customers"),
)
_MONEY = frozenset({"net_sales", "average_order", "returns"})
_VISITS = (
    ("Visitors", "visitors"),
    ("Visits", "sessions"),
    ("Conversion rate", "conversion_rate"),
)
_CARTS = (("Carts left", "abandoned"),)


class DigestContents:
    """What digests say."""

    def __init__(self, reports: Reports, store: NotificationStore, address: str) -> None:
        """`address` is where people reach the dashboard; empty: not known."""
        self._reports = reports
        self._store = store
        self._address = address

    async def of(self, project: Project, digest: notifications_pb2.Digest, asked: Range) -> Contents:
        """Everything for the letter of a range; raises InvalidRequest and Unavailable."""
        answers: dict[str, tuple[Any, Any]] = {}
        # One after the other, twice each: a letter that nobody waits for takes no report's place.
        for name, kind in (
            ("sales", reports_pb2.GetSalesReportRequest),
            ("conversion", reports_pb2.GetConversionReportRequest),
            ("carts", reports_pb2.GetCartReportRequest),
        ):
            before = await self._ask(project, digest, asked, kind(), dimensions_pb2.COMPARED_PERIOD_PREVIOUS)
            year = await self._ask(project, digest, asked, kind(), dimensions_pb2.COMPARED_PERIOD_LAST_YEAR)
            answers[name] = before, year
        zone = ZoneInfo(project.time_zone)
        sales, year = (answer.reports[0].total for answer in answers["sales"])
        money = digest.currency or project.currency
        figures = _figures(_SALES, sales, year, money)
        visits, visits_of_year = (answer.total for answer in answers["conversion"])
        figures += _figures(_VISITS, visits, visits_of_year, money)
        carts = [next(iter(answer.reports), reports_pb2.CartReport()) for answer in answers["carts"]]
        figures += _figures(_CARTS, carts[0], carts[1], money)
        compared = [answer.compared for answer in answers["sales"]]
        return Contents(
            shop=project.name,
            title=days(zone, asked),
            before=days(zone, _range(compared[0])),
            last_year=days(zone, _range(compared[1])),
            figures=figures,
            rankings=[
                ranking
                for ranking in (
                    await self._products(project, digest, asked, money),
                    await self._channels(project, digest, asked, money),
                )
                if ranking.rows
            ],
            notes=await self._notes(project, asked),
            address=self._address,
        )

    async def _ask(
        self,
        project: Project,
        digest: notifications_pb2.Digest,
        asked: Range,
        request: Any,
        compare: "dimensions_pb2.ComparedPeriod | None" = None,
        by: str | None = None,
    ) -> Any:
        set_scope(request.scope, project, asked, digest.currency)
        request.scope.filters.extend(digest.filters)
        if compare is not None:
            request.scope.compare.period = compare
        if by is not None:
            request.scope.breakdowns.append(by)
        return await self._reports.answer(project, request)

    async def _products(
        self, project: Project, digest: notifications_pb2.Digest, asked: Range, money: str
    ) -> Ranking:
        request = reports_pb2.GetProductReportRequest(limit=_ROWS)
        answer = await self._ask(project, digest, asked, request)
        rows = [row for block in answer.reports for row in block.rows if row.orders]
        return Ranking(
            "Products by net sales",
            [
                (row.name or row.sku, f"{_amount(row.net_sales)} {money}, {row.units:,} sold")
                for row in rows[:_ROWS]
            ],
        )

    async def _channels(
        self, project: Project, digest: notifications_pb2.Digest, asked: Range, money: str
    ) -> Ranking:
        request = reports_pb2.GetConversionReportRequest()
        answer = await self._ask(project, digest, asked, request, by="channel")
        return Ranking(
            "Channels by visits",
            [
                (
                    row.dimensions["channel"] or "not known",
                    f"{row.sessions:,} visits, {row.orders:,} orders, {_amount(row.total_sales)} {money}",
                )
                for row in answer.rows[:_ROWS]
            ],
        )

    async def _notes(self, project: Project, asked: Range) -> Sequence[str]:
        quarantined = await self._store.quarantined(project, asked.begin, asked.end)
        if not quarantined:
            return ()
        events = "event waits" if quarantined == 1 else "events wait"
        return (f"{quarantined:,} {events} in quarantine: they break a rule and count nowhere.",)


def _figures(names: Sequence[tuple[str, str]], now: Any, year: Any, currency: str) -> list[Figure]:
    """`now` and `year` are rows with their `previous`: of the period before, and of the last year."""
    figures = []
    for label, name in names:
        unit = currency if name in _MONEY else ""
        rows = (now, now.previous, year.previous)
        current, before, last_year = (decimal(getattr(row, name)) for row in rows)
        if name.endswith("_rate"):
            unit = "%"
            current, before, last_year = map(_percent, (current, before, last_year))
        figures.append(Figure(label, current, before, last_year, unit))
    return figures


def _percent(share: Decimal | None) -> Decimal | None:
    return None if share is None else share * 100


def _amount(number: str) -> str:
    return f"{Decimal(number):,.2f}"


def _range(message: dimensions_pb2.TimeRange) -> Range:
    return Range(getattr(message, "from").ToDatetime(UTC), message.to.ToDatetime(UTC))


def days(zone: ZoneInfo, asked: Range) -> str:
    """Whole days in words: "Monday 3 to Sunday 9 March 2026"."""
    first = asked.begin.astimezone(zone).date()
    last = (asked.end.astimezone(zone) - timedelta(microseconds=1)).date()
    end = f"{last:%A} {last.day} {last:%B %Y}"
    if first == last:
        return end
    begin = f"{first:%A} {first.day}"
    if first.year != last.year:
        begin += f" {first:%B %Y}"
    elif first.month != last.month:
        begin += f" {first:%B}"
    return f"{begin} to {end}"
