"""A shop whose events go through the real writer and whose questions go to the real reports."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from google.protobuf import json_format

from shopalytic.v1 import collector_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import KeyClass, Project
from shopalytic_server.storage.database.connections import Pool, open_pool
from shopalytic_server.storage.ingest.writer import Writer
from shopalytic_server.storage.reports import Reports
from shopalytic_server.storage.reports.answering import FactReports

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 12, 1, tzinfo=UTC)

ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED
DUPLICATE = collector_pb2.EVENT_STATUS_DUPLICATE

PROJECT = Project(
    project_id=1,
    name="shop",
    currency="EUR",
    time_zone="UTC",
    browser_event_types=frozenset(),
    created_at=START,
    token_secret=b"of this project",
)

_ADD_PROJECT = """
INSERT INTO projects (project_id, name, currency, time_zone, browser_event_types, created_at)
VALUES (%(project_id)s, %(name)s, %(currency)s, %(time_zone)s, %(browser_event_types)s, %(created_at)s)
    ON CONFLICT DO NOTHING
"""


def event(
    kind: str,
    properties: dict[str, Any],
    *,
    at: datetime | float = START,
    tracking_id: str | None = None,
    identity: str | None = None,
    source: str | None = None,
    sandbox: bool = False,
    context: dict[str, Any] | None = None,
    event_id: str | None = None,
    tie_breaker: int | None = None,
) -> Event:
    """An event; `at` is a time, or seconds after START."""
    moment = at if isinstance(at, datetime) else START + timedelta(seconds=at)
    data = {
        kind: properties,
        "event_id": event_id or str(uuid4()),
        "occurred_at": moment.isoformat(),
        "tracking_id": tracking_id,
        "identity": identity,
        "source": source,
        "sandbox": sandbox,
        "context": context,
        "tie_breaker": tie_breaker,
    }
    return json_format.ParseDict({key: value for key, value in data.items() if value is not None}, Event())


def page(tracking_id: str | None = None, **envelope: Any) -> Event:
    return event(
        "page_view", {"url": "https://shop.test/", "referrer": ""}, tracking_id=tracking_id, **envelope
    )


def identify(tracking_id: str, identity: str, **envelope: Any) -> Event:
    return event("identify", {"identity": identity}, tracking_id=tracking_id, **envelope)


def alias(further: str, **envelope: Any) -> Event:
    return event("alias", {"identity": further}, **envelope)


def order(order_id: str, total: str = "10.00", *, qty: int = 1, **envelope: Any) -> Event:
    extra: dict[str, Any] = {
        name: envelope.pop(name) for name in ("currency", "order_date") if name in envelope
    }
    line = {"sku": "a", "price": total, "qty": qty}
    properties = {
        "order_id": order_id,
        "cart_id": "c",
        "total": total,
        "subtotal": total,
        "line_items": [line],
    }
    return event("order", {**properties, **extra}, **envelope)


def refund(
    order_id: str, amount: str | None = None, *, currency: str | None = None, **envelope: Any
) -> Event:
    """A partial refund of an amount, or a full one."""
    properties: dict[str, Any] = {"order_id": order_id, "refund_type": "full"}
    if amount is not None:
        properties |= {"refund_type": "partial", "total_refund": amount, "subtotal_refund": "0"}
    if currency is not None:
        properties["currency"] = currency
    return event("refund", properties, **envelope)


class Asked:
    """The real reports, with a method for each call, such as `get_sales_report(project, request)`."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    def __getattr__(self, call: str) -> Callable[[Project, Any], Awaitable[Any]]:
        if not call.startswith(("get_", "list_")):
            raise AttributeError(call)
        return self._reports.answer


@dataclass
class Shop:
    """The store of one test."""

    pool: Pool
    writer: Writer
    reports: Asked
    project: Project = PROJECT

    async def send(
        self,
        *events: Event,
        expected: Sequence["collector_pb2.EventStatus"] | None = None,
        arrival: datetime = NOW,
    ) -> None:
        """Stores events as one request; each is expected to be accepted."""
        items = [
            prepare(
                each, project=self.project, key_class=KeyClass.SERVER, received_at=arrival, sent_at=arrival
            )
            for each in events
        ]
        results = await self.writer.submit(items)
        assert [result.status for result in results] == list(expected or [ACCEPTED] * len(events)), results

    async def identify_call(self, tracking_id: str, identity: str, *, at: float) -> None:
        """What the Identify RPC does: a link that is known is not stored again."""
        call = identify(tracking_id, identity, at=at)
        item = prepare(
            call,
            project=self.project,
            key_class=KeyClass.SERVER,
            received_at=NOW,
            sent_at=NOW,
            skip_known=True,
        )
        [result] = await self.writer.submit([item])
        assert result.status == ACCEPTED

    async def customer(self, any_name: str = "", *, sandbox: bool = False, **by: str) -> reports_pb2.Customer:
        selector = reports_pb2.CustomerSelector(**(by or {"any": any_name}))
        request = reports_pb2.GetCustomerRequest(customer=selector, sandbox=sandbox)
        return (await self.reports.get_customer(self.project, request)).customer

    async def customers(self, **fields: Any) -> reports_pb2.ListCustomersResponse:
        return await self.reports.list_customers(self.project, reports_pb2.ListCustomersRequest(**fields))

    async def events(self, any_name: str, **fields: Any) -> reports_pb2.ListCustomerEventsResponse:
        selector = reports_pb2.CustomerSelector(any=any_name)
        request = reports_pb2.ListCustomerEventsRequest(customer=selector, **fields)
        return await self.reports.list_customer_events(self.project, request)

    async def sales(
        self,
        begin: datetime | None = None,
        end: datetime | None = None,
        interval: "reports_pb2.Interval" = reports_pb2.INTERVAL_UNSPECIFIED,
        **scope: Any,
    ) -> Sequence[reports_pb2.SalesReport]:
        as_of = scope.pop("as_of", None)
        request = reports_pb2.GetSalesReportRequest(scope=reports_pb2.ReportScope(**scope), interval=interval)
        for name, time in (("from", begin), ("to", end), ("as_of", as_of)):
            if time is not None:
                getattr(request.scope, name).FromDatetime(time)
        return list((await self.reports.get_sales_report(self.project, request)).reports)

    def in_zone(self, time_zone: str) -> "Shop":
        """The same shop with another project time zone."""
        return replace(self, project=replace(self.project, time_zone=time_zone))


@asynccontextmanager
async def open_shop(database_url: str) -> AsyncIterator[Shop]:
    pool = await open_pool(database_url)
    async with pool.connection() as conn:
        await conn.execute(_ADD_PROJECT, {**asdict(PROJECT), "browser_event_types": []})
    writer = Writer(pool)
    await writer.start()
    try:
        yield Shop(pool, writer, Asked(Reports(pool, FactReports(pool))))
    finally:
        await writer.close()
        await pool.close()
