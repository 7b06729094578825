"""ReportService: admits and checks the questions that the store answers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import Message

from shopalytic.v1 import reports_pb2, reports_pb2_grpc
from shopalytic_server.domain.errors import ShuttingDown
from shopalytic_server.domain.projects import Project
from shopalytic_server.rpc.access.auth import REPORT_SERVICE, Door
from shopalytic_server.rpc.ports import EventTail, Reports
from shopalytic_server.rpc.validation import check_event_types, check_request, check_steps, check_time_zone

Context = grpc.aio.ServicerContext[Any, Any]


class ReportServicer(reports_pb2_grpc.ReportServiceServicer):
    """Answers with what `reports` finds in the caller's project."""

    def __init__(self, door: Door, reports: Reports, tail: EventTail, drain: asyncio.Event) -> None:
        self._door = door
        self._reports = reports
        self._tail = tail
        self._drain = drain

    async def GetCustomer(
        self, request: reports_pb2.GetCustomerRequest, context: Context
    ) -> reports_pb2.GetCustomerResponse:
        """One customer."""
        return await self._reports.get_customer(await self._admit(request, context), request)

    async def ListCustomers(
        self, request: reports_pb2.ListCustomersRequest, context: Context
    ) -> reports_pb2.ListCustomersResponse:
        """A page of customers."""
        return await self._reports.list_customers(await self._admit(request, context), request)

    async def ListCustomerOrders(
        self, request: reports_pb2.ListCustomerOrdersRequest, context: Context
    ) -> reports_pb2.ListCustomerOrdersResponse:
        """A page of a customer's orders."""
        return await self._reports.list_customer_orders(await self._admit(request, context), request)

    async def ListCustomerEvents(
        self, request: reports_pb2.ListCustomerEventsRequest, context: Context
    ) -> reports_pb2.ListCustomerEventsResponse:
        """A page of a customer's timeline."""
        project = await self._admit(request, context)
        check_event_types("types", request.types)
        return await self._reports.list_customer_events(project, request)

    async def ListOrders(
        self, request: reports_pb2.ListOrdersRequest, context: Context
    ) -> reports_pb2.ListOrdersResponse:
        """A page of orders."""
        return await self._reports.list_orders(await self._admit(request, context), request)

    async def GetSalesReport(
        self, request: reports_pb2.GetSalesReportRequest, context: Context
    ) -> reports_pb2.GetSalesReportResponse:
        """The sales report."""
        return await self._reports.get_sales_report(await self._admit_scope(request, context), request)

    async def GetFunnelReport(
        self, request: reports_pb2.GetFunnelReportRequest, context: Context
    ) -> reports_pb2.GetFunnelReportResponse:
        """The funnel report."""
        project = await self._admit_scope(request, context)
        check_steps(request.steps)
        return await self._reports.get_funnel_report(project, request)

    async def GetRetentionReport(
        self, request: reports_pb2.GetRetentionReportRequest, context: Context
    ) -> reports_pb2.GetRetentionReportResponse:
        """The retention report."""
        return await self._reports.get_retention_report(await self._admit_scope(request, context), request)

    async def GetTrafficReport(
        self, request: reports_pb2.GetTrafficReportRequest, context: Context
    ) -> reports_pb2.GetTrafficReportResponse:
        """The traffic report."""
        return await self._reports.get_traffic_report(await self._admit_scope(request, context), request)

    async def GetProductReport(
        self, request: reports_pb2.GetProductReportRequest, context: Context
    ) -> reports_pb2.GetProductReportResponse:
        """The product report."""
        return await self._reports.get_product_report(await self._admit_scope(request, context), request)

    async def GetCartReport(
        self, request: reports_pb2.GetCartReportRequest, context: Context
    ) -> reports_pb2.GetCartReportResponse:
        """The cart report."""
        return await self._reports.get_cart_report(await self._admit_scope(request, context), request)

    async def GetFulfilmentReport(
        self, request: reports_pb2.GetFulfilmentReportRequest, context: Context
    ) -> reports_pb2.GetFulfilmentReportResponse:
        """The fulfilment report."""
        return await self._reports.get_fulfilment_report(await self._admit_scope(request, context), request)

    async def GetConversionReport(
        self, request: reports_pb2.GetConversionReportRequest, context: Context
    ) -> reports_pb2.GetConversionReportResponse:
        """The conversion report."""
        return await self._reports.get_conversion_report(await self._admit_scope(request, context), request)

    async def GetCouponReport(
        self, request: reports_pb2.GetCouponReportRequest, context: Context
    ) -> reports_pb2.GetCouponReportResponse:
        """The coupon report."""
        return await self._reports.get_coupon_report(await self._admit_scope(request, context), request)

    async def GetSegmentReport(
        self, request: reports_pb2.GetSegmentReportRequest, context: Context
    ) -> reports_pb2.GetSegmentReportResponse:
        """The segment report."""
        return await self._reports.get_segment_report(await self._admit_scope(request, context), request)

    async def GetLifetimeReport(
        self, request: reports_pb2.GetLifetimeReportRequest, context: Context
    ) -> reports_pb2.GetLifetimeReportResponse:
        """The lifetime report."""
        return await self._reports.get_lifetime_report(await self._admit_scope(request, context), request)

    async def GetSearchReport(
        self, request: reports_pb2.GetSearchReportRequest, context: Context
    ) -> reports_pb2.GetSearchReportResponse:
        """The search report."""
        return await self._reports.get_search_report(await self._admit_scope(request, context), request)

    async def GetDeliveryReport(
        self, request: reports_pb2.GetDeliveryReportRequest, context: Context
    ) -> reports_pb2.GetDeliveryReportResponse:
        """The delivery report."""
        return await self._reports.get_delivery_report(await self._admit_scope(request, context), request)

    async def ListEvents(
        self, request: reports_pb2.ListEventsRequest, context: Context
    ) -> reports_pb2.ListEventsResponse:
        """A page of the events behind a number."""
        return await self._reports.list_events(await self._admit(request, context), request)

    # An answer comes as bytes, made once for all who watch: see AnsweringServer.
    async def TailEvents(  # type: ignore[override]
        self, request: reports_pb2.TailEventsRequest, context: Context
    ) -> AsyncIterator[bytes]:
        """Events as they are stored. The headers are sent once watching has begun."""
        project = await self._admit(request, context)
        check_event_types("types", request.types)
        async with aclosing(await self._tail.tail_events(project, request)) as answers:
            await context.send_initial_metadata(())
            async with aclosing(_until(self._drain, answers)) as told:
                async for answer in told:
                    yield answer

    async def _admit(self, request: Message, context: Context) -> Project:
        caller = await self._door.admit(context, REPORT_SERVICE)
        check_request(request)
        return caller.project

    async def _admit_scope(self, request: Any, context: Context) -> Project:
        """As `_admit`, for a request with a scope."""
        project = await self._admit(request, context)
        if request.scope.time_zone:
            check_time_zone("scope.time_zone", request.scope.time_zone)
        return project


async def _until(drain: asyncio.Event, answers: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The answers; raises ShuttingDown once the server drains and none is there to be told."""
    waiting, task = False, asyncio.current_task()

    async def interrupt() -> None:
        await drain.wait()
        if waiting and task is not None:
            task.cancel()

    interrupting = asyncio.ensure_future(interrupt())
    try:
        while not drain.is_set():
            waiting = True
            try:
                answer = await anext(answers)
            except asyncio.CancelledError:
                # Of the two that may have cancelled this, the drain is answered.
                if not drain.is_set() or task is None:
                    raise
                task.uncancel()
                break
            finally:
                waiting = False
            yield answer
        raise ShuttingDown
    finally:
        interrupting.cancel()
