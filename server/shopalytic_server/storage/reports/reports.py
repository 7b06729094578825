"""Answers questions about customers and the shop, each from one snapshot of the store.

Questions about facts are listed in `registry`, and answered where facts are: in
this process by `answering`, or in another one. The others ask PostgreSQL. Here
each has one method; `rpc.ports.Reports`, the servicer and the client's
`shopalytic.Reports` have one of the same name.
"""

from typing import Any, Protocol

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.customers import listing, profile, timeline
from shopalytic_server.storage.customers import page as customer_page
from shopalytic_server.storage.customers.rfm import Fifths
from shopalytic_server.storage.database.connections import Pool
from shopalytic_server.storage.database.reading import reading
from shopalytic_server.storage.reports import delivery, order_list


class AnswersFromFacts(Protocol):
    """Where facts are."""

    async def ask(self, name: str, project: Project, request: Any) -> Any:
        """What a question of the registry finds; raises InvalidRequest, Overloaded, Unavailable."""
        ...


class Reports:
    """The reports of all projects. Every call may raise StoreUnavailable."""

    def __init__(self, pool: Pool, answering: AnswersFromFacts) -> None:
        """Reads from `pool`; questions about facts go to `answering`."""
        self._pool = pool
        self._fifths = Fifths()
        self._ask = answering.ask

    async def get_customer(
        self, project: Project, request: reports_pb2.GetCustomerRequest
    ) -> reports_pb2.GetCustomerResponse:
        """Everything known of one customer; raises NotFound."""
        async with reading(self._pool, planned_once=True) as snapshot:
            return await profile.get_customer(snapshot, project, self._fifths, request)

    async def list_customers(
        self, project: Project, request: reports_pb2.ListCustomersRequest
    ) -> reports_pb2.ListCustomersResponse:
        """A page of identified customers; raises InvalidRequest."""
        async with reading(self._pool) as snapshot:
            return await listing.list_customers(snapshot, project, request, self._fifths)

    async def list_customer_orders(
        self, project: Project, request: reports_pb2.ListCustomerOrdersRequest
    ) -> reports_pb2.ListCustomerOrdersResponse:
        """A page of one customer's orders; raises NotFound and InvalidRequest."""
        async with reading(self._pool, planned_once=True) as snapshot:
            return await customer_page.list_customer_orders(snapshot, project, request)

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

    async def get_conversion_report(
        self, project: Project, request: reports_pb2.GetConversionReportRequest
    ) -> reports_pb2.GetConversionReportResponse:
        """What becomes of visits; raises InvalidRequest."""
        answer: reports_pb2.GetConversionReportResponse = await self._ask("conversion", project, request)
        return answer

    async def get_coupon_report(
        self, project: Project, request: reports_pb2.GetCouponReportRequest
    ) -> reports_pb2.GetCouponReportResponse:
        """What coupons are used for; raises InvalidRequest."""
        answer: reports_pb2.GetCouponReportResponse = await self._ask("coupons", project, request)
        return answer

    async def get_segment_report(
        self, project: Project, request: reports_pb2.GetSegmentReportRequest
    ) -> reports_pb2.GetSegmentReportResponse:
        """Customers by recency, frequency and money; raises InvalidRequest."""
        answer: reports_pb2.GetSegmentReportResponse = await self._ask("segments", project, request)
        return answer

    async def get_lifetime_report(
        self, project: Project, request: reports_pb2.GetLifetimeReportRequest
    ) -> reports_pb2.GetLifetimeReportResponse:
        """What customers are worth per head; raises InvalidRequest."""
        answer: reports_pb2.GetLifetimeReportResponse = await self._ask("lifetime", project, request)
        return answer

    async def get_search_report(
        self, project: Project, request: reports_pb2.GetSearchReportRequest
    ) -> reports_pb2.GetSearchReportResponse:
        """What people look for; raises InvalidRequest."""
        answer: reports_pb2.GetSearchReportResponse = await self._ask("searches", project, request)
        return answer

    async def get_delivery_report(
        self, project: Project, request: reports_pb2.GetDeliveryReportRequest
    ) -> reports_pb2.GetDeliveryReportResponse:
        """What senders got through, per source and hour, as it is known now; raises InvalidRequest."""
        async with reading(self._pool) as snapshot:
            return await delivery.get_delivery_report(snapshot, project, request)

    async def list_events(
        self, project: Project, request: reports_pb2.ListEventsRequest
    ) -> reports_pb2.ListEventsResponse:
        """A page of the events behind a number; raises InvalidRequest."""
        answer: reports_pb2.ListEventsResponse = await self._ask("events", project, request)
        return answer
