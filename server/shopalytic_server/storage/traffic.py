"""The traffic report: page views, visitors and sessions, where they come from and what they buy."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.amounts import text, total
from shopalytic_server.domain.campaigns import campaign_of
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.ranges import Unit
from shopalytic_server.storage.bases import (
    Part,
    affected_by,
    everyone,
    of_customers,
    of_rows,
    someone,
    summed,
)
from shopalytic_server.storage.came_from import came_from, host_of
from shopalytic_server.storage.campaigns import encoded_campaigns
from shopalytic_server.storage.explain import explain_token, register
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.rollups import read_from
from shopalytic_server.storage.scope import UNITS, Scope, resolve_scope, row_starts
from shopalytic_server.storage.times import timestamp

_SQL = load("traffic")


def _statement(block: str, views: str, own_hosts: str, begun: str) -> str:
    """A statement about the sessions that some page views make."""
    sessions = _SQL.sessions.format(own_hosts=own_hosts, begun=begun)
    marked = _SQL.marked.replace("{views}", views)
    return block.replace("{marked}", marked).replace("{sessions}", sessions)


_GIVEN = "%(own_hosts)s::text[]"
_OWN_HOSTS = _SQL.own_hosts.format(host=host_of("begin"))
_HOSTS_OF_SITES = _SQL.hosts_of_sites.format(host=host_of("begin"))
_BEGUN = came_from(_SQL.begun, "m")


def _of_rollup(views: str, *, of_range: bool) -> str:
    """Page views of some members, as they are summed up; those of the range or all."""
    quarters, events = (_SQL.of_range.format(row=row) if of_range else "" for row in ("q", "e"))
    since = views.replace("{quarters_since}", quarters).replace("{events_since}", events)
    return came_from(since, "page")


def _alone(statement: str) -> str:
    return statement.replace("{mine}", "")


_OF_MEMBERS = _SQL.views_of_buyers_of_rollup
_SUMMED_UP = came_from(_SQL.views_of_rollup.replace("{customer", "{{customer").replace("_v}", "_v}}"), "page")
_TRAFFIC_OF_ROLLUP = _statement(_SQL.traffic, _SUMMED_UP, _GIVEN, _SQL.begun_in_rollup)
_TRAFFIC_OF_SOME = _statement(
    _SQL.traffic, _of_rollup(_OF_MEMBERS, of_range=True), _GIVEN, _SQL.begun_in_rollup
).replace("{mine}", "members AS MATERIALIZED (\n{members}\n), ")
_REVENUE_OF_ROLLUP = _statement(
    _SQL.revenue, _of_rollup(_OF_MEMBERS, of_range=False), _GIVEN, _SQL.begun_in_rollup
)
_TRAFFIC_KEYS, _REVENUE_KEYS = ("dimension", "value", "number"), ("dimension", "value")
_OF_EVENTS = (
    Part(everyone(_alone(_statement(_SQL.traffic, _SQL.views_of_range, _GIVEN, _BEGUN))), _TRAFFIC_KEYS),
    Part(everyone(_statement(_SQL.revenue, _SQL.views_of_buyers, _GIVEN, _BEGUN)), _REVENUE_KEYS),
)
_OF_ROLLUP = (
    Part(
        everyone(_alone(_TRAFFIC_OF_ROLLUP)), _TRAFFIC_KEYS, someone(_TRAFFIC_OF_SOME), affected_by(_SQL.live)
    ),
    of_customers(_REVENUE_OF_ROLLUP, _SQL.live, *_REVENUE_KEYS),
)
_SITES = of_rows(_SQL.sites_of_rollup, "begin")
register("traffic_row", _SQL.explain_row)
# A shop may have more hosts than fit into a token, so they are found again.
_EXPLAIN_WAY = _statement(_SQL.explain_way, _SQL.views_of_range, f"ARRAY(\n{_OWN_HOSTS}\n)", _BEGUN)
register("traffic_way", everyone(_EXPLAIN_WAY))

DEFAULT_LIMIT = 50


@dataclass(slots=True)
class _Way:
    """What came one way."""

    sessions: int = 0
    visitors: int = 0
    first_touch: Decimal = Decimal(0)
    last_touch: Decimal = Decimal(0)


# By dimension ("landing_page", "referrer", "campaign"), then by value.
_Ways = dict[str, dict[str, _Way]]


async def get_traffic_report(
    snapshot: Snapshot, project: Project, request: reports_pb2.GetTrafficReportRequest
) -> reports_pb2.GetTrafficReportResponse:
    """Traffic per interval, and the ways it came; raises InvalidRequest."""
    scope = resolve_scope(project, request.scope)
    starts = await _starts(snapshot, scope, UNITS.get(request.interval))
    limit = request.limit or DEFAULT_LIMIT
    reading = await read_from(snapshot, scope, starts)
    campaigns = await encoded_campaigns(snapshot, scope, reading)
    days = reading.parameters() if reading else {}
    parameters = {
        **days,
        "starts": starts,
        "own_hosts": await _own_hosts(snapshot, scope, days),
        "encoded": list(campaigns),
        "decoded": list(campaigns.values()),
        "currency": scope.currency or project.currency,
    }
    parts = _OF_ROLLUP if reading else _OF_EVENTS
    found, revenue = await summed(snapshot, scope, parts, keep=reading is not None, **parameters)
    rows = {row["number"]: row for row in found if row["dimension"] == "row"}
    ways = _ways(found, revenue)
    response = reports_pb2.GetTrafficReportResponse(
        rows=[_row(scope, starts, number, rows.get(number)) for number in range(1, len(starts) + 1)],
        total=_row(scope, starts, None, rows.get(None)),
    )
    for dimension, into in (
        ("landing_page", response.landing_pages),
        ("referrer", response.referrers),
        ("campaign", response.campaigns),
    ):
        ranked = sorted(ways[dimension].items(), key=lambda item: (-item[1].sessions, item[0]))
        into.extend(_source(scope, campaigns, dimension, value, way) for value, way in ranked[:limit])
    return response


async def _starts(snapshot: Snapshot, scope: Scope, unit: Unit | None) -> list[datetime]:
    """Where the rows begin; none when the range is open and there is no page view in it."""
    begin, end = scope.from_at, scope.to_at
    if begin is None or end is None:
        extent = await snapshot.fetch_one(_SQL.extent, **scope.parameters())
        if extent is None or extent["first"] is None:
            return []
        begin = begin or extent["first"]
        end = end or extent["last"] + timedelta(microseconds=1)
    return row_starts(begin, end, unit, scope.zone)


async def _own_hosts(snapshot: Snapshot, scope: Scope, days: dict[str, Any]) -> list[str]:
    """The shop's own hosts, in order."""
    if days:
        [sites] = await summed(snapshot, scope, [_SITES], **days)
        rows = await snapshot.fetch(_HOSTS_OF_SITES, sites=[row["begin"] for row in sites])
    else:
        rows = await snapshot.fetch(_OWN_HOSTS, **scope.parameters())
    return sorted(row["host"] for row in rows)


def _ways(found: Sequence[dict[str, Any]], revenue: Sequence[dict[str, Any]]) -> _Ways:
    ways: _Ways = defaultdict(lambda: defaultdict(_Way))
    for row in found:
        if row["dimension"] != "row":
            way = ways[row["dimension"]][row["value"]]
            way.sessions, way.visitors = row["sessions"], row["visitors"]
    for row in revenue:
        dimension, value = row["dimension"], row["value"]
        if dimension == "encoded_campaign":
            dimension, value = "campaign", campaign_of(value)
        way = ways[dimension][value]
        way.first_touch = total(way.first_touch, row["first_touch"])
        way.last_touch = total(way.last_touch, row["last_touch"])
    return ways


def _row(
    scope: Scope, starts: list[datetime], number: int | None, row: dict[str, Any] | None
) -> reports_pb2.TrafficRow:
    """A row of the report by its number; the whole range without one."""
    bounds: dict[str, Any] = {}
    if number is not None and number > 1:
        bounds["from_at"] = starts[number - 1]
    if number is not None and number < len(starts):
        bounds["to_at"] = starts[number]
    return reports_pb2.TrafficRow(
        start=timestamp(starts[(number or 1) - 1]) if starts else None,
        page_views=row["page_views"] if row else 0,
        visitors=row["visitors"] if row else 0,
        sessions=row["sessions"] if row else 0,
        explain=explain_token(scope, "traffic_row", **bounds),
    )


def _source(
    scope: Scope, campaigns: dict[str, str], dimension: str, value: str, way: _Way
) -> reports_pb2.TrafficSource:
    encoded = [each for each, campaign in campaigns.items() if campaign == value]
    return reports_pb2.TrafficSource(
        value=value,
        sessions=way.sessions,
        visitors=way.visitors,
        first_touch_revenue=text(way.first_touch),
        last_touch_revenue=text(way.last_touch),
        explain=explain_token(
            scope,
            "traffic_way",
            dimension=dimension,
            value=value,
            encoded=encoded if dimension == "campaign" else [],
        ),
    )
