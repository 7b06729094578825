"""AdminService through the real server on a real database."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.rpc import error_details_pb2

from shopalytic.v1 import admin_pb2
from shopalytic.v1.admin_pb2_grpc import AdminServiceStub
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic_server.domain.projects import DEFAULT_BROWSER_EVENT_TYPES, KeyClass
from standins.rpc import Running, batch, bearer, detail, error_of, fields_of, running


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


@pytest.fixture
def admin(shop: Running) -> dict[str, Any]:
    return {"metadata": shop.key(KeyClass.ADMIN)}


async def create(shop: Running, name: str = "second", **fields: Any) -> admin_pb2.CreateProjectResponse:
    request = admin_pb2.CreateProjectRequest(name=name, **fields)
    return await shop.admin.CreateProject(request, metadata=shop.key(KeyClass.ADMIN))


async def test_a_new_project_comes_with_a_working_key_of_each_class(shop: Running) -> None:
    created = await create(shop)
    assert created.project.name == "second"
    assert (created.project.currency, created.project.time_zone) == ("USD", "UTC")
    assert set(created.project.browser_event_types) == DEFAULT_BROWSER_EVENT_TYPES
    assert [each.key.key_class for each in created.keys] == [
        admin_pb2.KEY_CLASS_BROWSER,
        admin_pb2.KEY_CLASS_SERVER,
        admin_pb2.KEY_CLASS_REPORTS,
        admin_pb2.KEY_CLASS_ADMIN,
    ]
    browser, _, _, admin = (bearer(each.secret) for each in created.keys)
    await CollectorServiceStub(shop.channel).Track(batch(), metadata=browser)
    own = await AdminServiceStub(shop.channel).GetProject(admin_pb2.GetProjectRequest(), metadata=admin)
    assert own.project == created.project


async def test_a_new_project_takes_the_currency_and_time_zone_it_is_given(shop: Running) -> None:
    created = await create(shop, currency="EUR", time_zone="Europe/Vienna")
    assert (created.project.currency, created.project.time_zone) == ("EUR", "Europe/Vienna")


async def test_a_name_that_is_taken_is_refused(shop: Running) -> None:
    await create(shop)
    error = await error_of(create(shop))
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS
    info = detail(error, error_details_pb2.ErrorInfo)
    assert (info.reason, info.metadata["name"]) == ("PROJECT_NAME_TAKEN", "second")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Second Shop"}, "name"),
        ({"name": "a" * 64}, "name"),
        ({"currency": "euro"}, "currency"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ],
)
async def test_a_project_that_cannot_be_is_refused_with_the_field(
    shop: Running, fields: dict[str, Any], field: str
) -> None:
    error = await error_of(create(shop, **fields))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [each for each, _ in fields_of(error)] == [field]


async def test_only_what_is_given_of_a_project_changes(shop: Running, admin: dict[str, Any]) -> None:
    before = (await shop.admin.GetProject(admin_pb2.GetProjectRequest(), **admin)).project
    assert before.time_zone == "Europe/London"
    update = admin_pb2.UpdateProjectRequest(time_zone="Asia/Tokyo")
    changed = (await shop.admin.UpdateProject(update, **admin)).project
    assert changed.time_zone == "Asia/Tokyo"
    assert changed.browser_event_types == before.browser_event_types
    types = admin_pb2.EventTypes(types=["page_view", "order", "page_view"])
    update = admin_pb2.UpdateProjectRequest(browser_event_types=types)
    changed = (await shop.admin.UpdateProject(update, **admin)).project
    assert changed.time_zone == "Asia/Tokyo"
    assert changed.browser_event_types == ["order", "page_view"]
    none = admin_pb2.UpdateProjectRequest(browser_event_types=admin_pb2.EventTypes())
    assert (await shop.admin.UpdateProject(none, **admin)).project.browser_event_types == []
    assert (await shop.admin.UpdateProject(admin_pb2.UpdateProjectRequest(), **admin)).project == (
        await shop.admin.GetProject(admin_pb2.GetProjectRequest(), **admin)
    ).project


@pytest.mark.parametrize(
    ("update", "field"),
    [
        (admin_pb2.UpdateProjectRequest(time_zone=""), "time_zone"),
        (admin_pb2.UpdateProjectRequest(time_zone="localtime"), "time_zone"),
        (
            admin_pb2.UpdateProjectRequest(
                browser_event_types=admin_pb2.EventTypes(types=["order", "pageview"])
            ),
            "browser_event_types.types[1]",
        ),
    ],
)
async def test_a_change_that_cannot_be_is_refused_with_the_field(
    shop: Running, admin: dict[str, Any], update: admin_pb2.UpdateProjectRequest, field: str
) -> None:
    error = await error_of(shop.admin.UpdateProject(update, **admin))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in [each for each, _ in fields_of(error)]


async def test_a_new_key_works_and_is_listed_without_its_secret(shop: Running, admin: dict[str, Any]) -> None:
    request = admin_pb2.CreateKeyRequest(key_class=admin_pb2.KEY_CLASS_SERVER, label="checkout")
    created = (await shop.admin.CreateKey(request, **admin)).key
    assert created.secret.startswith(created.key.hint)
    await shop.collector.Track(batch(), metadata=bearer(created.secret))
    listed = (await shop.admin.ListKeys(admin_pb2.ListKeysRequest(), **admin)).keys
    assert len(listed) == 5
    assert listed[-1] == created.key
    assert created.secret not in str(listed)


async def test_a_key_of_no_class_is_refused(shop: Running, admin: dict[str, Any]) -> None:
    error = await error_of(shop.admin.CreateKey(admin_pb2.CreateKeyRequest(label="x"), **admin))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_revoked_key_stays_listed_and_keeps_the_time_of_its_first_revocation(
    shop: Running, admin: dict[str, Any]
) -> None:
    listed = (await shop.admin.ListKeys(admin_pb2.ListKeysRequest(), **admin)).keys
    request = admin_pb2.RevokeKeyRequest(key_id=listed[1].key_id)
    revoked = (await shop.admin.RevokeKey(request, **admin)).key
    assert revoked.HasField("revoked_at")
    assert (await shop.admin.RevokeKey(request, **admin)).key == revoked
    again = (await shop.admin.ListKeys(admin_pb2.ListKeysRequest(), **admin)).keys
    assert [key.HasField("revoked_at") for key in again].count(True) == 1
    assert revoked in again
    secret = shop.secrets[KeyClass.SERVER]
    error = await error_of(shop.collector.Track(batch(), metadata=bearer(secret)))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_keys_of_other_projects_can_neither_be_seen_nor_revoked(
    shop: Running, admin: dict[str, Any]
) -> None:
    foreign = (await create(shop)).keys[1]
    listed = (await shop.admin.ListKeys(admin_pb2.ListKeysRequest(), **admin)).keys
    assert foreign.key.key_id not in {key.key_id for key in listed}
    for key_id in (foreign.key.key_id, str(uuid4())):
        error = await error_of(shop.admin.RevokeKey(admin_pb2.RevokeKeyRequest(key_id=key_id), **admin))
        assert error.code() is grpc.StatusCode.NOT_FOUND
    await shop.collector.Track(batch(), metadata=bearer(foreign.secret))


async def test_a_key_id_that_is_none_is_an_invalid_argument(shop: Running, admin: dict[str, Any]) -> None:
    error = await error_of(shop.admin.RevokeKey(admin_pb2.RevokeKeyRequest(key_id="1"), **admin))
    assert fields_of(error) == [("key_id", "STRING_UUID")]
