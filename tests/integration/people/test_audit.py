"""The audit log: who looked customers up, exported and erased them, and changed keys and people."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from shopalytic.v1 import admin_pb2, reports_pb2, users_pb2
from shopalytic_server.domain.access.audit import ACTIONS
from shopalytic_server.domain.access.people import Role
from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.domain.projects import KeyClass
from standins.calls import METHODS, NothingToTail, refusal_of
from standins.people import PASSWORD, add_user, signed_in, users
from standins.rpc import Running, bearer, error_of, running

ADA = "ada@shop.example"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url, tail=NothingToTail()) as shop:
        yield shop


async def listed(shop: Running, **asked: Any) -> list[tuple[str, str, str]]:
    """Actor, action and subject of the entries, oldest first."""
    request = users_pb2.ListAuditRequest(**asked)
    answer = await users(shop).ListAudit(request, metadata=shop.key(KeyClass.ADMIN))
    return [(each.actor, each.action, each.subject) for each in reversed(answer.entries)]


def of_customer(email: str) -> reports_pb2.CustomerSelector:
    return reports_pb2.CustomerSelector(email=email)


async def test_looking_a_customer_up_is_told_with_who_and_whom(shop: Running) -> None:
    support = await signed_in(shop, Role.SUPPORT)
    request = reports_pb2.GetCustomerRequest(customer=of_customer(" ADA@Shop.example"))
    await shop.report.GetCustomer(request, metadata=support)
    await shop.report.GetCustomer(request, metadata=shop.key(KeyClass.REPORTS))
    hint = shop.secrets[KeyClass.REPORTS][: len("shop_reports_") + 4]
    assert await listed(shop, subject=ADA) == [
        ("support@shop.example", "GetCustomer", ADA),
        (f"reports key {hint}", "GetCustomer", ADA),
    ]
    assert ("support@shop.example", "SignIn", "") in await listed(shop)


async def test_a_look_that_is_repeated_at_once_is_told_once(shop: Running) -> None:
    request = reports_pb2.ListCustomerEventsRequest(customer=of_customer(ADA))
    for _ in range(5):
        await shop.report.ListCustomerEvents(request, metadata=shop.key(KeyClass.REPORTS))
    assert len(await listed(shop, subject=ADA)) == 1


async def test_what_is_refused_is_not_told(shop: Running) -> None:
    session = await signed_in(shop, Role.ANALYST)
    request = reports_pb2.GetCustomerRequest(customer=of_customer(ADA))
    await error_of(shop.report.GetCustomer(request, metadata=session))
    await error_of(
        shop.report.GetCustomer(reports_pb2.GetCustomerRequest(), metadata=shop.key(KeyClass.REPORTS))
    )
    assert {action for _, action, _ in await listed(shop)} == {"AddUser", "SignIn"}


async def test_changes_of_keys_and_people_are_told_with_no_secret(shop: Running) -> None:
    session = await signed_in(shop, Role.OWNER)
    created = await shop.admin.CreateKey(
        admin_pb2.CreateKeyRequest(key_class=admin_pb2.KEY_CLASS_REPORTS, label="audit"), metadata=session
    )
    key_id = created.key.key.key_id
    await shop.admin.RevokeKey(admin_pb2.RevokeKeyRequest(key_id=key_id), metadata=session)
    await add_user(shop, "joe@shop.example", Role.VIEWER)
    found = await listed(shop)
    owner, hint = "owner@shop.example", shop.secrets[KeyClass.ADMIN][: len("shop_admin_") + 4]
    assert found == [
        (f"admin key {hint}", "AddUser", owner),
        (owner, "SignIn", ""),
        (owner, "CreateKey", "audit"),
        (owner, "RevokeKey", key_id),
        (f"admin key {hint}", "AddUser", "joe@shop.example"),
    ]
    assert PASSWORD not in str(found)
    assert created.key.secret not in str(found)


async def test_pages_follow_each_other_without_a_gap(shop: Running) -> None:
    for each in range(7):
        await shop.people.audit.record(shop.project.project_id, "somebody", "AddUser", str(each))
    seen, token = [], ""
    while True:
        request = users_pb2.ListAuditRequest(page_size=3, page_token=token, actor="somebody")
        answer = await users(shop).ListAudit(request, metadata=shop.key(KeyClass.ADMIN))
        seen += [each.subject for each in answer.entries]
        token = answer.next_page_token
        if not token:
            break
    assert seen == [str(each) for each in reversed(range(7))]
    request = users_pb2.ListAuditRequest(page_token="forged")
    error = await error_of(users(shop).ListAudit(request, metadata=shop.key(KeyClass.ADMIN)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_another_project_is_not_seen(shop: Running) -> None:
    _, issued = await shop.projects.create_project("other")
    foreign = bearer(next(each.secret for each in issued if each.key.key_class is KeyClass.ADMIN))
    await add_user(shop, ADA, Role.VIEWER)
    answer = await users(shop).ListAudit(users_pb2.ListAuditRequest(), metadata=foreign)
    assert not answer.entries


async def test_what_cannot_be_told_is_not_answered(shop: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(shop.people.audit, "record", away)
    request = reports_pb2.GetCustomerRequest(customer=of_customer(ADA))
    error = await error_of(shop.report.GetCustomer(request, metadata=shop.key(KeyClass.REPORTS)))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert shop.reports.asked == []


async def test_any_call_with_an_empty_request_leaves_the_log_readable(shop: Running) -> None:
    assert {method.name for method in METHODS} >= ACTIONS
    for method in METHODS:
        await refusal_of(shop, method, shop.key(KeyClass.ADMIN))
    await listed(shop)
