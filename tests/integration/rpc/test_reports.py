"""ReportService admits and checks; what it hands on is the request and the caller's project."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from shopalytic.v1 import reports_pb2
from shopalytic.v1.reports_pb2 import (
    CustomerSelector,
    GetCustomerRequest,
    GetSalesReportRequest,
    ListCustomerEventsRequest,
    ListCustomersRequest,
    ListEventsRequest,
    ReportScope,
)
from shopalytic_server.domain import errors
from shopalytic_server.domain.projects import KeyClass
from standins.rpc import Running, error_of, fields_of, running, sentence_of

CUSTOMER = CustomerSelector(any="jane")
REQUESTS: dict[str, Any] = {
    "GetCustomer": GetCustomerRequest(customer=CUSTOMER),
    "ListCustomers": ListCustomersRequest(page_size=5),
    "ListCustomerEvents": ListCustomerEventsRequest(customer=CUSTOMER, types=["order"]),
    "ListOrders": reports_pb2.ListOrdersRequest(order_ids=["1001"]),
    "GetSalesReport": GetSalesReportRequest(scope=ReportScope(time_zone="Europe/London", currency="GBP")),
    "GetFunnelReport": reports_pb2.GetFunnelReportRequest(
        steps=[reports_pb2.FunnelStep(page_type="home"), reports_pb2.FunnelStep(event_type="order")]
    ),
    "GetRetentionReport": reports_pb2.GetRetentionReportRequest(include_visitors=True),
    "GetTrafficReport": reports_pb2.GetTrafficReportRequest(limit=5),
    "ListEvents": ListEventsRequest(explain="token", page_size=5),
}


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


@pytest.mark.parametrize("method", REQUESTS)
async def test_a_question_reaches_the_store_with_the_caller_s_project(shop: Running, method: Any) -> None:
    for key_class in (KeyClass.REPORTS, KeyClass.ADMIN):
        await getattr(shop.report, method)(REQUESTS[method], metadata=shop.key(key_class))
    assert shop.reports.asked == [(shop.project, REQUESTS[method])] * 2


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("GetCustomer", GetCustomerRequest(), "customer"),
        ("GetCustomer", GetCustomerRequest(customer=CustomerSelector(email="")), "customer.email"),
        ("GetCustomer", GetCustomerRequest(customer=CustomerSelector(any="a\0")), "customer.any"),
        ("ListCustomers", ListCustomersRequest(page_size=-1), "page_size"),
        ("ListCustomers", ListCustomersRequest(page_token="x" * 2001), "page_token"),
        ("ListCustomerEvents", ListCustomerEventsRequest(customer=CUSTOMER, types=["orders"]), "types[0]"),
        ("GetSalesReport", GetSalesReportRequest(scope=ReportScope(currency="gbp")), "scope.currency"),
        ("GetSalesReport", GetSalesReportRequest(scope=ReportScope(time_zone="London")), "scope.time_zone"),
        ("GetSalesReport", GetSalesReportRequest.FromString(b"\x10\x09"), "interval"),
        ("ListEvents", ListEventsRequest(), "explain"),
        (
            "GetFunnelReport",
            reports_pb2.GetFunnelReportRequest(steps=[reports_pb2.FunnelStep(event_type="product_veiw")]),
            "steps[0].event_type",
        ),
        (
            "GetFunnelReport",
            reports_pb2.GetFunnelReportRequest(steps=[reports_pb2.FunnelStep()]),
            "steps[0].by",
        ),
        ("GetTrafficReport", reports_pb2.GetTrafficReportRequest(limit=1001), "limit"),
    ],
)
async def test_a_question_that_cannot_be_is_refused_with_the_field(
    shop: Running, method: Any, request_: Any, field: str
) -> None:
    error = await error_of(getattr(shop.report, method)(request_, metadata=shop.key(KeyClass.REPORTS)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [each for each, _ in fields_of(error)] == [field]
    assert shop.reports.asked == []


async def test_a_customer_that_nobody_knows_is_not_found(shop: Running) -> None:
    shop.reports.error = errors.NotFound("There is no customer with this email.")
    error = await error_of(
        shop.report.GetCustomer(REQUESTS["GetCustomer"], metadata=shop.key(KeyClass.REPORTS))
    )
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert sentence_of(error) == "There is no customer with this email."
