"""Every RPC with the session of every role: who gets in. Whoever adds an RPC adds its rule here."""

from collections.abc import AsyncIterator

import grpc
import pytest

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.access.people import Role
from shopalytic_server.domain.access.roles import CALLS
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.server import GatewayServer
from standins.calls import METHODS, NothingToTail, name_of, refusal_of
from standins.gateway import fetch
from standins.people import signed_in
from standins.rpc import Running, error_of, running

OWNERS = {Role.OWNER}
CUSTOMERS = {Role.OWNER, Role.SUPPORT}
REPORTS = {Role.OWNER, Role.ANALYST, Role.VIEWER}
NUMBERS = {Role.OWNER, Role.ANALYST}

# The calls that people of other roles than owner may make.
ROLE_RULES: dict[str, set[Role]] = {
    "AdminService.GetProject": set(Role),
    "ReportService.GetCustomer": CUSTOMERS,
    "ReportService.ListCustomers": CUSTOMERS,
    "ReportService.ListCustomerOrders": CUSTOMERS,
    "ReportService.ListCustomerEvents": CUSTOMERS,
    "ReportService.ListEvents": CUSTOMERS,
    "ReportService.ListOrders": NUMBERS,
    "ReportService.GetDeliveryReport": NUMBERS,
    **{
        name_of(method): REPORTS
        for method in METHODS
        if method.containing_service.name == "ReportService"
        and method.name.startswith("Get")
        and method.name not in ("GetCustomer", "GetDeliveryReport")
    },
}


def allowed(name: str) -> set[Role]:
    """Who may make a call: owners all that an admin key may, others what stands above."""
    if name.startswith("CollectorService."):
        return set()
    return OWNERS | ROLE_RULES.get(name, set())


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url, tail=NothingToTail()) as shop:
        yield shop


def test_the_table_of_roles_names_calls_that_exist_and_no_others() -> None:
    names = {f"shopalytic.v1.{name_of(method).replace('.', '/')}" for method in METHODS}
    keyless = {name for name in names if not allowed(name.removeprefix("shopalytic.v1.").replace("/", "."))}
    assert set(CALLS) == names - keyless


@pytest.mark.parametrize("role", list(Role))
async def test_each_rpc_lets_in_exactly_the_roles_of_its_rule(shop: Running, role: Role) -> None:
    session = await signed_in(shop, role)
    wrong = []
    for method in METHODS:
        found = await refusal_of(shop, method, session)
        rule = None if role in allowed(name_of(method)) else grpc.StatusCode.PERMISSION_DENIED
        if found is not rule:
            wrong.append(f"{name_of(method)} by {role}: {found} instead of {rule}")
    assert wrong == []


@pytest.mark.parametrize("role", list(Role))
async def test_the_gateway_lets_in_exactly_the_same(shop: Running, role: Role) -> None:
    session = await signed_in(shop, role)
    gateway = GatewayServer(GatewayOptions(port=0), f"127.0.0.1:{shop.port}")
    port = await gateway.start()
    wrong = []
    try:
        for method in METHODS:
            if method.client_streaming or method.server_streaming:
                continue
            path = f"/{method.containing_service.full_name}/{method.name}"
            headers = {"content-type": "application/json", **dict(session)}
            answer = await fetch(port, "POST", path, b"{}", headers)
            if (answer.status == 403) == (role in allowed(name_of(method))) or answer.status >= 500:
                wrong.append(f"{name_of(method)} by {role}: {answer.status}")
    finally:
        await gateway.stop(1)
    assert wrong == []


async def test_a_refusal_names_the_role_and_what_to_do(shop: Running) -> None:
    session = await signed_in(shop, Role.ANALYST)
    error = await error_of(shop.report.GetCustomer(reports_pb2.GetCustomerRequest(), metadata=session))
    assert error.details() == (
        "The role analyst may not call ReportService.GetCustomer; ask an owner of the project."
    )
