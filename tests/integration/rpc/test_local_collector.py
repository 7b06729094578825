"""A gateway in the server's own process: events come without a call, and all is as it is over gRPC."""

import re
from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.v1.collector_pb2 import EVENT_STATUS_ACCEPTED, EVENT_STATUS_QUARANTINED
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain import errors
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.rpc.access.limits import Rates
from shopalytic_server.rpc.transport.errors import TABLE, Row
from standins.rpc import Running, batch, error_of, page_view, running

SECONDS = 15.0


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


def seen(error: grpc.aio.AioRpcError) -> tuple[object, ...]:
    rich = [(name, value) for name, value in error.trailing_metadata() if name == "grpc-status-details-bin"]
    # A fault that nobody knows has a number of its own.
    return error.code(), re.sub("fault [0-9a-f]+", "fault", error.details()), len(rich)


async def both(shop: Running, secret: str, *events: Event) -> list[tuple[object, ...]]:
    """How the same events fail over gRPC, and in the process."""
    metadata = (("authorization", f"Bearer {secret}"),)
    called = await error_of(shop.collector.Track(batch(*events), metadata=metadata))
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await shop.server.local.track(secret, events, None, SECONDS)
    return [seen(called), seen(failed.value)]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.error.__name__)
async def test_an_error_is_that_of_a_call(shop: Running, row: Row) -> None:
    shop.writer.failure = row.error([]) if row.error is errors.InvalidRequest else row.error(*example(row))
    one, other = await both(shop, shop.secrets[KeyClass.SERVER], page_view())
    assert one == other
    assert one[0] is row.code


def example(row: Row) -> tuple[str, ...]:
    return ("NAME_TAKEN",) if row.error is errors.AlreadyExists else ()


@pytest.mark.parametrize("key", ["reports", "unknown", "nonsense"])
async def test_a_key_that_may_not_send_is_refused_alike(shop: Running, key: str) -> None:
    secrets = {"reports": shop.secrets[KeyClass.REPORTS], "unknown": f"shop_server_{'a' * 43}"}
    one, other = await both(shop, secrets.get(key, key), page_view())
    assert one == other


async def test_too_many_events_are_refused_alike(shop: Running) -> None:
    one, other = await both(shop, shop.secrets[KeyClass.SERVER], *[page_view()] * 1_001)
    assert one == other


async def test_limits_count_what_comes_either_way(database_url: str) -> None:
    async with running(database_url, rates=Rates(key=2)) as shop:
        await shop.server.local.track(shop.secrets[KeyClass.SERVER], [page_view()] * 1_000, None, SECONDS)
        one, other = await both(shop, shop.secrets[KeyClass.SERVER], page_view())
        assert one[0] is other[0] is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_verdicts_come_in_order_and_the_clock_is_handed_on(shop: Running) -> None:
    broken = page_view()
    broken.page_view.ClearField("url")
    sent = Timestamp()
    sent.GetCurrentTime()
    results = await shop.server.local.track(
        shop.secrets[KeyClass.SERVER], [page_view(), broken], sent, SECONDS
    )
    assert [result.status for result in results] == [EVENT_STATUS_ACCEPTED, EVENT_STATUS_QUARANTINED]
    assert shop.writer.submitted[-1][0].sending.sent_us == sent.ToMicroseconds()


async def test_a_store_that_takes_too_long_is_a_deadline(shop: Running) -> None:
    shop.writer.hold = True
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await shop.server.local.track(shop.secrets[KeyClass.SERVER], [page_view()], None, 0.05)
    assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
