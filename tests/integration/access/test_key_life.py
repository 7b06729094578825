"""How keys expire, are replaced without a gap, and tell when they were last used: real server, real store."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.v1 import admin_pb2
from shopalytic_server.domain.projects import KeyClass, hash_secret
from shopalytic_server.rpc.access.auth import KeyCache
from shopalytic_server.rpc.access.key_use import KeyUse
from standins.rpc import Running, batch, bearer, error_of, fields_of, running, sentence_of


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


def in_the_future(seconds: float) -> Timestamp:
    moment = Timestamp()
    moment.FromDatetime(datetime.now(UTC) + timedelta(seconds=seconds))
    return moment


async def sends(shop: Running, secret: str) -> bool:
    """Whether an event can be sent with this key."""
    code = await shop.collector.Track(batch(), metadata=bearer(secret)).code()
    assert code in (grpc.StatusCode.OK, grpc.StatusCode.UNAUTHENTICATED)
    return code is grpc.StatusCode.OK


async def rotated(shop: Running, key_class: KeyClass, overlap: Duration | None = None) -> Any:
    keys = await shop.projects.list_keys(shop.project.project_id)
    key_id = next(str(key.key_id) for key in keys if key.key_class is key_class)
    request = admin_pb2.RotateKeyRequest(key_id=key_id, overlap=overlap)
    return await shop.admin.RotateKey(request, metadata=shop.key(KeyClass.ADMIN))


async def test_a_key_stops_at_the_moment_that_it_was_given_even_where_it_is_remembered(shop: Running) -> None:
    request = admin_pb2.CreateKeyRequest(key_class=admin_pb2.KEY_CLASS_SERVER, expires_at=in_the_future(1.5))
    created = (await shop.admin.CreateKey(request, metadata=shop.key(KeyClass.ADMIN))).key
    assert created.key.expires_at == request.expires_at
    assert await sends(shop, created.secret)
    left = created.key.expires_at.ToDatetime(UTC) - datetime.now(UTC)
    await asyncio.sleep(max(0.0, left.total_seconds()))
    error = await error_of(shop.collector.Track(batch(), metadata=bearer(created.secret)))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "has expired" in sentence_of(error)


async def test_a_key_that_would_have_expired_already_is_not_made(shop: Running) -> None:
    request = admin_pb2.CreateKeyRequest(key_class=admin_pb2.KEY_CLASS_SERVER, expires_at=in_the_future(-5))
    error = await error_of(shop.admin.CreateKey(request, metadata=shop.key(KeyClass.ADMIN)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [field for field, _ in fields_of(error)] == ["expires_at"]


async def test_while_a_key_is_replaced_both_secrets_work_and_then_only_the_new_one(shop: Running) -> None:
    old = shop.secrets[KeyClass.SERVER]
    assert await sends(shop, old)
    answer = await rotated(shop, KeyClass.SERVER, Duration(seconds=8))
    assert answer.key.key.key_class == admin_pb2.KEY_CLASS_SERVER
    assert not answer.key.key.HasField("expires_at")
    assert await sends(shop, old)
    assert await sends(shop, answer.key.secret)
    again = admin_pb2.RotateKeyRequest(key_id=answer.replaced.key_id, overlap=Duration())
    ended = await shop.admin.RotateKey(again, metadata=shop.key(KeyClass.ADMIN))
    assert ended.replaced.expires_at.ToDatetime() < answer.replaced.expires_at.ToDatetime()
    # The server may remember for five seconds what it was told before the second call.
    assert await shop.projects.find_key(hash_secret(old)) is None
    assert await sends(shop, answer.key.secret)
    error = await error_of(shop.admin.RotateKey(again, metadata=shop.key(KeyClass.ADMIN)))
    assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_an_overlap_is_a_day_unless_the_key_would_have_ended_sooner(shop: Running) -> None:
    answer = await rotated(shop, KeyClass.REPORTS)
    left = answer.replaced.expires_at.ToDatetime(UTC) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=50) < left <= timedelta(hours=24)
    soon = datetime.now(UTC) + timedelta(hours=1)
    issued = await shop.projects.create_key(shop.project.project_id, KeyClass.SERVER, "short", soon)
    request = admin_pb2.RotateKeyRequest(key_id=str(issued.key.key_id))
    answer = await shop.admin.RotateKey(request, metadata=shop.key(KeyClass.ADMIN))
    assert answer.replaced.expires_at.ToDatetime(UTC) == soon
    assert answer.key.key.label == "short"


@pytest.mark.parametrize("seconds", [-1, 91 * 86400])
async def test_an_overlap_that_cannot_be_is_refused(shop: Running, seconds: int) -> None:
    error = await error_of(rotated(shop, KeyClass.SERVER, Duration(seconds=seconds)))
    assert [field for field, _ in fields_of(error)] == ["overlap"]


async def test_the_last_use_of_a_key_is_written_once_for_many_calls(shop: Running) -> None:
    cache = KeyCache(shop.projects)
    use = KeyUse(cache, shop.projects)
    before = datetime.now(UTC)
    for _ in range(50):
        assert await cache.find(hash_secret(shop.secrets[KeyClass.SERVER]))
    assert len(cache.used) == 1
    await use.write()
    used = {key.key_class: key.last_used_at for key in await shop.projects.list_keys(shop.project.project_id)}
    assert used[KeyClass.SERVER] is not None
    assert before <= used[KeyClass.SERVER] <= datetime.now(UTC)
    assert used[KeyClass.BROWSER] is None
    # Another server that saw it a moment later has nothing to add.
    [(key_id, _)] = [(key.key_id, key) for key in await shop.projects.list_keys(1) if key.last_used_at]
    await shop.projects.record_key_use({key_id: used[KeyClass.SERVER] + timedelta(seconds=5)})
    again = {
        key.key_class: key.last_used_at for key in await shop.projects.list_keys(shop.project.project_id)
    }
    assert again == used


async def test_a_server_that_ends_writes_the_last_uses(database_url: str) -> None:
    async with running(database_url) as shop:
        await shop.collector.Track(batch(), metadata=shop.key(KeyClass.BROWSER))
        await shop.server.stop(grace=5)
        keys = await shop.projects.list_keys(shop.project.project_id)
        assert [key.key_class for key in keys if key.last_used_at] == [KeyClass.BROWSER]
        listed = keys[0]
    assert listed.last_used_at is not None
