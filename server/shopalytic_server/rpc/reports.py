"""ReportService: admits and checks the questions that the store answers."""

from typing import Any

import grpc
from google.protobuf.message import Message

from shopalytic.v1 import reports_pb2, reports_pb2_grpc
from shopalytic_server.domain.projects import Project
from shopalytic_server.rpc.auth import REPORT_SERVICE, Door
from shopalytic_server.rpc.ports import Reports
from shopalytic_server.rpc.validation import check_event_types, check_request, check_time_zone

Context = grpc.aio.ServicerContext[Any, Any]


class ReportServicer(reports_pb2_grpc.ReportServiceServicer):
    """Answers with what `reports` finds in the caller's project."""

    def __init__(self, door: Door, reports: Reports) -> None:
        self._door = door
        self._reports = reports

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

    async def ListCustomerEvents(
        self, request: reports_pb2.ListCustomerEventsRequest, context: Context
    ) -> reports_pb2.ListCustomerEventsResponse:
        """A page of a customer's timeline."""
        project = await self._admit(request, context)
        check_event_types("types", request.types)
        return await self._reports.list_customer_events(project, request)

    async def GetSalesReport(
        self, request: reports_pb2.GetSalesReportRequest, context: Context
    ) -> reports_pb2.GetSalesReportResponse:
        """The sales report."""
        project = await self._admit(request, context)
        if request.scope.time_zone:
            check_time_zone("scope.time_zone", request.scope.time_zone)
        return await self._reports.get_sales_report(project, request)

    async def _admit(self, request: Message, context: Context) -> Project:
        caller = await self._door.admit(context, REPORT_SERVICE)
        check_request(request)
        return caller.project
