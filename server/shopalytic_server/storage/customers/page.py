"""One customer in full: orders with all that happened to them, touches and devices."""

from collections import defaultdict
from datetime import datetime
from functools import lru_cache
from typing import Any

import ua_parser

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import text
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.events.event_order import NO_TIE_BREAKER
from shopalytic_server.domain.formats.order_numbers import number_of
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.touches import View, host_of, referrer_host, session_start
from shopalytic_server.storage.customers.lookup import Joined, Person, find, link, load_people
from shopalytic_server.storage.database.paging import (
    NEWEST,
    page_size,
    parse_position,
    position,
    read_token,
    write_token,
)
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.database.times import timestamp

_SQL = load("customers/page")

MAX_ORDERS = 100
# gRPC clients refuse answers beyond 4 MB. Orders that have more lines together end a page early.
MAX_LINES = 5_000
_NEWEST_ORDER = ("infinity", "")
_VIEWS_A_TIME = 200
# Browsers name themselves in fewer.
_MOST_LETTERS = 300


async def list_customer_orders(
    snapshot: Snapshot, project: Project, request: reports_pb2.ListCustomerOrdersRequest
) -> reports_pb2.ListCustomerOrdersResponse:
    """A page of a customer's orders, newest first; raises NotFound and InvalidRequest."""
    dataset = Dataset.of(project, request.sandbox)
    before = read_token(request, project, parse_position) or _NEWEST_ORDER
    [person] = await load_people(snapshot, dataset, [await find(snapshot, dataset, request.customer)])
    orders, last = await orders_of(snapshot, dataset, person, before=before, limit=page_size(request))
    total = await snapshot.fetch_one(_SQL.number_of_orders, dataset=dataset, subjects=person.subjects)
    response = reports_pb2.ListCustomerOrdersResponse(
        orders=orders, total_orders=total["orders"] if total else 0
    )
    if last is not None:
        response.next_page_token = write_token(request, project, position(*last))
    return response


async def orders_of(
    snapshot: Snapshot,
    dataset: int,
    person: Person,
    *,
    before: tuple[str, str] = _NEWEST_ORDER,
    limit: int = MAX_ORDERS,
) -> tuple[list[reports_pb2.CustomerOrderDetail], tuple[datetime, str] | None]:
    """Orders before a position, newest first, and where the next page begins if more follow."""
    rows = await snapshot.fetch(
        _SQL.orders,
        dataset=dataset,
        subjects=person.subjects,
        before_at=before[0],
        before_id=before[1],
        limit=limit + 1,
    )
    found = len(rows)
    rows = [row for row in rows[:limit] if row["lines_before"] < MAX_LINES]
    orders = {
        row["order_id"]: reports_pb2.CustomerOrderDetail(
            order_id=number_of(row["order_id"]),
            ordered_at=timestamp(row["ordered_at"]),
            currency=row["currency"],
            total=text(row["total"]),
            revisions=row["revisions"],
            **{name: row[name] for name in ("status", "email", "first_name", "last_name")},
        )
        for row in rows
    }
    which = {"dataset": dataset, "order_ids": list(orders)}
    contents = [row["content"] for row in rows]
    for row in await snapshot.fetch(_SQL.lines, **which, contents=contents):
        orders[row.pop("order_id")].lines.add(
            **row | {"price": text(row["price"]), "quantity": text(row["quantity"])}
        )
    for row in await snapshot.fetch(_SQL.refunds, **which):
        refund = row | {"amount": text(row["amount"]), "occurred_at": timestamp(row["occurred_at"])}
        orders[refund.pop("order_id")].refunds.add(**refund)
    for row in await snapshot.fetch(_SQL.parcels, **which):
        orders[row["order_id"]].parcels.append(_parcel(row))
    last = (rows[-1]["ordered_at"], rows[-1]["order_id"]) if len(rows) < found else None
    return list(orders.values()), last


def _parcel(row: dict[str, Any]) -> reports_pb2.Parcel:
    parcel = reports_pb2.Parcel(
        shipment_id=number_of(row["shipment_id"]),
        carrier=row["carrier"] or "",
        tracking_number=row["tracking_number"] or "",
    )
    for name in ("date_shipped", "date_delivered"):
        if row[name] is not None:
            getattr(parcel, name).CopyFrom(timestamp(row[name]))
    return parcel


async def touches_of(
    snapshot: Snapshot, dataset: int, person: Person
) -> tuple[reports_pb2.Touch, reports_pb2.Touch] | None:
    """The first page view of a customer's first session, and that of the last; None without a page view.

    The shop's own hosts are those of the customer's pages that were read for this.
    """
    which = {"dataset": dataset, "subjects": person.subjects}
    first = await snapshot.fetch_one(_SQL.first_view, **which)
    if first is None:
        return None
    views: list[View] = []
    before: dict[str, Any] = {"before_at": NEWEST[0], "before_tie": NO_TIE_BREAKER, "before_id": NEWEST[1]}
    start = None
    while start is None:
        rows = await snapshot.fetch(_SQL.views, **which, **before, limit=_VIEWS_A_TIME)
        views += map(_view, rows)
        start = session_start(views)
        if len(rows) < _VIEWS_A_TIME:
            break
        at, tie, event_id = (rows[-1][name] for name in ("occurred_at", "tie", "event_id"))
        before = {"before_at": at.isoformat(), "before_tie": tie, "before_id": event_id}
    last = views[-1 if start is None else start]
    own = {host_of(view.url) for view in views}
    return _touch(_view(first), own), _touch(last, own)


def _view(row: dict[str, Any]) -> View:
    return View(row["occurred_at"], row["url"], row["referrer"], row["context"] or {})


def _touch(view: View, own: set[str]) -> reports_pb2.Touch:
    return reports_pb2.Touch(
        occurred_at=timestamp(view.occurred_at),
        referrer=referrer_host(view, own),
        source=view.campaign("utm_source"),
        medium=view.campaign("utm_medium"),
        campaign=view.campaign("utm_campaign"),
        landing_page=view.url,
    )


async def devices_of(snapshot: Snapshot, dataset: int, person: Person) -> list[reports_pb2.Device]:
    """A customer's devices, oldest first."""
    facts: dict[str, list[Joined]] = defaultdict(list)
    for fact in person.facts:
        facts[fact.tracking_id].append(fact)
    rows = await snapshot.fetch(
        _SQL.devices, dataset=dataset, subjects=person.subjects, tracking_ids=person.tracking_ids
    )
    found = []
    for row in rows:
        joined = facts[row["tracking_id"]]
        times = [row[name] for name in ("first_seen", "last_seen") if row[name] is not None]
        times += [fact.occurred_at for fact in joined]
        device = reports_pb2.Device(
            tracking_id=row["tracking_id"],
            first_seen=timestamp(min(times)),
            last_seen=timestamp(max(times)),
            user_agent_family=_family(row["user_agent"]),
        )
        if joined:
            device.joined_by.CopyFrom(link(person, joined[0]))
        found.append((min(times), device.tracking_id, device))
    return [device for *_, device in sorted(found, key=lambda each: each[:2])]


def _family(user_agent: str | None) -> str:
    return _parsed_family(user_agent[:_MOST_LETTERS]) if user_agent else ""


# Hundreds of expressions are tried, on what anybody may have sent.
@lru_cache(2_000)
def _parsed_family(user_agent: str) -> str:
    parsed = ua_parser.parse_user_agent(user_agent)
    return parsed.family if parsed else ""
