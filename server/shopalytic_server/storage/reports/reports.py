"""Answers questions about customers and the shop, each from one snapshot of the store.

Questions about facts are listed in `registry`, and answered where facts are: in
this process by `answering`, or in another one. The others ask PostgreSQL. A
question is its request: a type of request belongs to one call.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from google.protobuf.message import Message

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.customers import listing, profile, timeline
from shopalytic_server.storage.customers import page as customer_page
from shopalytic_server.storage.customers.rfm import RfmQuintiles
from shopalytic_server.storage.database.connections import Pool
from shopalytic_server.storage.database.reading import Snapshot, reading
from shopalytic_server.storage.reports import delivery, order_list
from shopalytic_server.storage.reports.names import NAMES


class AnswersFromFacts(Protocol):
    """Where facts are."""

    async def ask(self, name: str, project: Project, request: Any) -> Any:
        """What a question of the registry finds; raises InvalidRequest, Overloaded, Unavailable."""
        ...


Ask = Callable[[Snapshot, Project, Any], Awaitable[Any]]


class Reports:
    """The reports of all projects."""

    def __init__(self, pool: Pool, answering: AnswersFromFacts) -> None:
        """Reads from `pool`; questions about facts go to `answering`."""
        self._pool = pool
        self._quintiles = RfmQuintiles()
        self._answering = answering

    async def answer(self, project: Project, request: Any) -> Any:
        """What the call with this request answers.

        Raises InvalidRequest, NotFound, Overloaded, Unavailable and StoreUnavailable.
        """
        kind = type(request)
        name = NAMES.get(kind)
        if name is not None:
            return await self._answering.ask(name, project, request)
        # A statement about one customer goes by indexes whatever its parameters are.
        async with reading(self._pool, planned_once=kind in _OF_ONE_CUSTOMER) as snapshot:
            if kind is reports_pb2.GetCustomerRequest:
                return await profile.get_customer(snapshot, project, self._quintiles, request)
            if kind is reports_pb2.ListCustomersRequest:
                return await listing.list_customers(snapshot, project, request, self._quintiles)
            return await _FROM_POSTGRESQL[kind](snapshot, project, request)


_FROM_POSTGRESQL: Mapping[type[Message], Ask] = {
    reports_pb2.ListCustomerOrdersRequest: customer_page.list_customer_orders,
    reports_pb2.ListCustomerEventsRequest: timeline.list_customer_events,
    reports_pb2.ListOrdersRequest: order_list.list_orders,
    reports_pb2.GetDeliveryReportRequest: delivery.get_delivery_report,
}
_OF_ONE_CUSTOMER = {
    reports_pb2.GetCustomerRequest,
    reports_pb2.ListCustomerOrdersRequest,
    reports_pb2.ListCustomerEventsRequest,
}
