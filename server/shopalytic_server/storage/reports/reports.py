"""Answers questions about customers and the shop, each from one snapshot of the store.

Reports of facts are modules of this package, listed in `registry`; the others
ask PostgreSQL: modules with `async def get_…_report(snapshot, project, request)`,
whose numbers carry tokens of `storage.explain`. Here each has one method that
gives it the snapshot of its scope, which may be one of the past;
`rpc.ports.Reports`, the servicer and the client's `shopalytic.Reports` have one
of the same name.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage import (
    customer_list,
    customers,
    deliveries,
    explain,
    order_list,
    timeline,
)
from shopalytic_server.storage.as_of import Past
from shopalytic_server.storage.database import Pool
from shopalytic_server.storage.facts.facts import FactStore
from shopalytic_server.storage.fifths import Fifths
from shopalytic_server.storage.open_range import within_data
from shopalytic_server.storage.reading import Snapshot, reading, reading_past
from shopalytic_server.storage.reports.registry import REPORTS
from shopalytic_server.storage.scope import datasets, resolve_scope

Answer = TypeVar(
    "Answer",
    reports_pb2.GetSalesReportResponse,
    reports_pb2.GetFunnelReportResponse,
    reports_pb2.GetRetentionReportResponse,
    reports_pb2.GetTrafficReportResponse,
    reports_pb2.GetProductReportResponse,
    reports_pb2.GetCartReportResponse,
    reports_pb2.GetFulfilmentReportResponse,
)


class Reports:
    """The reports of all projects. Every call may raise StoreUnavailable."""

    def __init__(self, pool: Pool, primary: Pool | None = None, *, facts: FactStore | None = None) -> None:
        """Reads from `pool`; the past from `primary`, which may write, if that is another."""
        self._pool = pool
        self._primary = primary or pool
        # Making the past anew keeps this process busy, so it is done once at a time.
        self._past = asyncio.Semaphore(1)
        self._fifths = Fifths()
        self._facts = facts or FactStore()

    async def get_customer(
        self, project: Project, request: reports_pb2.GetCustomerRequest
    ) -> reports_pb2.GetCustomerResponse:
        """Everything known of one customer; raises NotFound."""
        async with reading(self._pool, planned_once=True) as snapshot:
            return await customers.get_customer(snapshot, project, self._fifths, request)

    async def list_customers(
        self, project: Project, request: reports_pb2.ListCustomersRequest
    ) -> reports_pb2.ListCustomersResponse:
        """A page of identified customers; raises InvalidRequest."""
        async with reading(self._pool) as snapshot:
            return await customer_list.list_customers(snapshot, project, request)

    async def list_customer_events(
        self, project: Project, request: reports_pb2.ListCustomerEventsRequest
    ) -> reports_pb2.ListCustomerEventsResponse:
        """A page of one customer's timeline; raises NotFound and InvalidRequest."""
        async with reading(self._pool, planned_once=True) as snapshot:
            return await timeline.list_customer_events(snapshot, project, request)

    async def list_orders(
        self, project: Project, request: reports_pb2.ListOrdersRequest
    ) -> reports_pb2.ListOrdersResponse:
        """A page of orders, oldest first; raises InvalidRequest."""
        async with reading(self._pool) as snapshot:
            return await order_list.list_orders(snapshot, project, request)

    async def get_sales_report(
        self, project: Project, request: reports_pb2.GetSalesReportRequest
    ) -> reports_pb2.GetSalesReportResponse:
        """Sales per interval and currency; raises InvalidRequest."""
        answer: reports_pb2.GetSalesReportResponse = await self._ask("sales", project, request)
        return answer

    async def get_funnel_report(
        self, project: Project, request: reports_pb2.GetFunnelReportRequest
    ) -> reports_pb2.GetFunnelReportResponse:
        """Customers and median times per step; raises InvalidRequest."""
        answer: reports_pb2.GetFunnelReportResponse = await self._ask("funnel", project, request)
        return answer

    async def get_retention_report(
        self, project: Project, request: reports_pb2.GetRetentionReportRequest
    ) -> reports_pb2.GetRetentionReportResponse:
        """Who orders again, by when they ordered first; raises InvalidRequest."""
        answer: reports_pb2.GetRetentionReportResponse = await self._ask("retention", project, request)
        return answer

    async def get_traffic_report(
        self, project: Project, request: reports_pb2.GetTrafficReportRequest
    ) -> reports_pb2.GetTrafficReportResponse:
        """Page views, visitors and sessions; raises InvalidRequest."""
        answer: reports_pb2.GetTrafficReportResponse = await self._ask("traffic", project, request)
        return answer

    async def get_product_report(
        self, project: Project, request: reports_pb2.GetProductReportRequest
    ) -> reports_pb2.GetProductReportResponse:
        """Views, carts, orders and refunds per product; raises InvalidRequest."""
        answer: reports_pb2.GetProductReportResponse = await self._ask("products", project, request)
        return answer

    async def get_cart_report(
        self, project: Project, request: reports_pb2.GetCartReportRequest
    ) -> reports_pb2.GetCartReportResponse:
        """Carts, and those that were left; raises InvalidRequest."""
        answer: reports_pb2.GetCartReportResponse = await self._ask("carts", project, request)
        return answer

    async def get_fulfilment_report(
        self, project: Project, request: reports_pb2.GetFulfilmentReportRequest
    ) -> reports_pb2.GetFulfilmentReportResponse:
        """How long parcels take, and how many are late; raises InvalidRequest."""
        answer: reports_pb2.GetFulfilmentReportResponse = await self._ask("fulfilment", project, request)
        return answer

    async def get_delivery_report(
        self, project: Project, request: reports_pb2.GetDeliveryReportRequest
    ) -> reports_pb2.GetDeliveryReportResponse:
        """What senders got through, per source and hour, as it is known now; raises InvalidRequest."""
        async with reading(self._pool) as snapshot:
            return await deliveries.get_delivery_report(snapshot, project, request)

    async def list_events(
        self, project: Project, request: reports_pb2.ListEventsRequest
    ) -> reports_pb2.ListEventsResponse:
        """A page of the events behind a number; raises InvalidRequest."""
        as_of = explain.read_explain(project, request.explain).as_of
        async with self._at(project, as_of) as snapshot:
            return await self._facts.answer(
                snapshot, lambda facts: explain.list_events(facts, project, request)
            )

    async def _ask(self, name: str, project: Project, request: Any) -> Any:
        """What a report of the registry answers from facts; raises InvalidRequest."""

        async def report(snapshot: Snapshot, project: Project, asked: Any) -> Any:
            return await self._facts.answer(snapshot, lambda facts: REPORTS[name](facts, project, asked))

        return await self._answer(report, project, request)

    async def _answer(
        self, report: Callable[[Snapshot, Project, Any], Awaitable[Answer]], project: Project, request: Any
    ) -> Answer:
        """What a report answers; an open range goes as far as the shop's data."""
        async with self._reading(project, request.scope) as snapshot:
            asked, outside = await within_data(snapshot, project, request)
            answer = await report(snapshot, project, asked)
        answer.outside.extend(outside)
        return answer

    def _reading(
        self, project: Project, scope: reports_pb2.ReportScope
    ) -> AbstractAsyncContextManager[Snapshot]:
        """What a report with this scope is to see; raises InvalidRequest."""
        return self._at(project, resolve_scope(project, scope).as_of)

    @asynccontextmanager
    async def _at(self, project: Project, moment: datetime | None) -> AsyncIterator[Snapshot]:
        if moment is None:
            async with reading(self._pool) as snapshot:
                yield snapshot
            return
        past = Past(datasets(project, include_sandbox=True), moment)
        async with self._past, reading_past(str(self._primary.conninfo), past) as snapshot:
            yield snapshot
