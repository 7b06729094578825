"""The traffic report: page views, visitors and sessions, where they come from and what they buy."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import text
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.campaigns import campaign_of
from shopalytic_server.domain.reports.ranges import Unit
from shopalytic_server.storage.database.queries import load_beside
from shopalytic_server.storage.database.times import timestamp
from shopalytic_server.storage.facts.facts import EVER, Facts, Row, Span, until, within
from shopalytic_server.storage.facts.scope import UNITS, Scope, resolve_scope, row_starts
from shopalytic_server.storage.reports.explain import (
    explain_token,
    explained_by,
    explained_through,
    row_bounds,
)
from shopalytic_server.storage.reports.rows.breakdown import dimensions_of, values_of, within_limit

_SQL = load_beside(__name__)

DEFAULT_LIMIT = 50
_HOUR = timedelta(hours=1)
_MOST_PARTS = 100_000
_ORDERS = {
    reports_pb2.TRAFFIC_ORDER_VISITORS: "visitors",
    reports_pb2.TRAFFIC_ORDER_FIRST_TOUCH_REVENUE: "first_touch_revenue",
    reports_pb2.TRAFFIC_ORDER_LAST_TOUCH_REVENUE: "last_touch_revenue",
    reports_pb2.TRAFFIC_ORDER_VALUE: "value",
}


def _spans(scope: Scope, _: Mapping[str, Any]) -> dict[str, Span]:
    """All visits before the range's end tell what first brought those who ordered in it."""
    in_range = {"page_views": within(scope), "orders": within(scope)}
    return {"visit_parts": until(scope), **in_range, "customers_of": EVER}


explained_by("traffic_row", _SQL.explain_row, lambda scope: {"page_views": within(scope)})


def _keeps(scope: Scope, _: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The table of sessions: where dimensions are named the visits are there already."""
    return [("sessions", _SQL.visits if scope.dimensions else _SQL.sessions)]


explained_through("traffic_way", _SQL.explain_way, _spans, _keeps)


async def _keep_sessions(facts: Facts, scope: Scope, question: dict[str, str]) -> None:
    for name, statement in _keeps(scope, question):
        await facts.keep(name, statement, **question)


async def answer(
    facts: Facts, project: Project, request: reports_pb2.GetTrafficReportRequest
) -> reports_pb2.GetTrafficReportResponse:
    """Traffic per interval, and the ways it came; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    question = {"revenue_in": scope.currency or project.currency}
    await facts.take(scope, **_spans(scope, question))
    starts = await _starts(facts, scope, UNITS.get(request.interval))
    await _keep_sessions(facts, scope, question)
    rows = {row["number"]: row for row in await _ask_rows(facts, starts)}
    response = reports_pb2.GetTrafficReportResponse(
        rows=[_row(scope, starts, number, rows.get(number)) for number in range(1, len(starts) + 1)],
        total=_row(scope, starts, 0, rows.get(0)),
    )
    await _list_ways(facts, scope, question, request, response)
    if scope.by:
        await facts.break_down(scope.by)
        await _keep_sessions(facts, scope, question)
        _break_down(response, scope, starts, await _ask_rows(facts, starts))
    return response


async def _ask_rows(facts: Facts, starts: list[datetime]) -> list[Row]:
    """The report's rows. A page view finds its own by parts of time: hours, or more of a long range."""
    whole = starts[-1] - starts[0] if starts else timedelta()
    part = max(_HOUR, whole // _MOST_PARTS) // timedelta(microseconds=1)
    return await facts.ask(_SQL.traffic, starts=starts, part=part)


def _break_down(
    response: reports_pb2.GetTrafficReportResponse, scope: Scope, starts: list[datetime], rows: list[Row]
) -> None:
    """The rows of a breakdown: by interval, most sessions first."""
    found = {(row["number"], values_of(scope, row)): row for row in rows if row["number"]}
    largest = sorted(
        found, key=lambda key: (key[0], -found[key]["sessions"], -found[key]["page_views"], key[1])
    )
    del response.rows[:]
    for key in within_limit(scope, largest):
        number, values = key
        row = _row(scope.of(values), starts, number, found[key])
        row.dimensions.update(dimensions_of(scope, values))
        response.rows.append(row)
    response.more_rows = len(found) - len(response.rows)


async def _list_ways(
    facts: Facts,
    scope: Scope,
    question: dict[str, str],
    request: reports_pb2.GetTrafficReportRequest,
    response: reports_pb2.GetTrafficReportResponse,
) -> None:
    """The landing pages, referrers and campaigns, in the order that is asked for."""
    campaigns = {row["campaign"]: campaign_of(row["campaign"]) for row in await facts.ask(_SQL.encoded)}
    first, last = request.offset + 1, request.offset + (request.limit or DEFAULT_LIMIT)
    ways = await facts.ask(
        _SQL.ways,
        **question,
        encoded=list(campaigns),
        decoded=list(campaigns.values()),
        order_by=_ORDERS.get(request.order_by, "sessions"),
        ascending=request.ascending,
        first=first,
        last=last,
    )
    lists = {
        "landing_page": response.landing_pages,
        "referrer": response.referrers,
        "campaign": response.campaigns,
    }
    for way in ways:
        if first <= way["place"] <= last:
            lists[way["dimension"]].append(_source(scope.unbroken, question, campaigns, way))
        setattr(response, f"total_{way['dimension']}s", way["ways"])


async def _starts(facts: Facts, scope: Scope, unit: Unit | None) -> list[datetime]:
    """Where the rows begin; none when the range is open and there is no page view in it."""
    begin, end = scope.from_at, scope.to_at
    if begin is None or end is None:
        extent = await facts.ask_one(_SQL.extent)
        if extent["first"] is None:
            return []
        begin = begin or extent["first"]
        end = end or extent["last"] + timedelta(microseconds=1)
    return row_starts(begin, end, unit, scope.zone)


def _row(scope: Scope, starts: list[datetime], number: int, row: Row | None) -> reports_pb2.TrafficRow:
    """A row of the report by its number, counted from 1; 0 is the whole range."""
    return reports_pb2.TrafficRow(
        start=timestamp(starts[max(number, 1) - 1]) if starts else None,
        page_views=row["page_views"] if row else 0,
        visitors=row["visitors"] if row else 0,
        sessions=row["sessions"] if row else 0,
        explain=explain_token(scope.unbroken, "traffic_row", **row_bounds(starts, number)),
    )


def _source(
    scope: Scope, question: dict[str, str], campaigns: dict[str, str], way: Row
) -> reports_pb2.TrafficSource:
    dimension, value = way["dimension"], way["value"]
    encoded = [each for each, campaign in campaigns.items() if campaign == value]
    return reports_pb2.TrafficSource(
        value=value,
        sessions=way["sessions"],
        visitors=way["visitors"],
        first_touch_revenue=text(way["first_touch"] or Decimal(0)),
        last_touch_revenue=text(way["last_touch"] or Decimal(0)),
        explain=explain_token(
            scope,
            "traffic_way",
            **question,
            dimension=dimension,
            value=value,
            encoded=encoded if dimension == "campaign" else [],
        ),
    )
