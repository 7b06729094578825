"""How the server starts, says how it is, and ends."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.rpc.server import MAX_STREAMS, SERVICES, GrpcServer
from standins.rpc import (
    Running,
    SilentTail,
    batch,
    channel_to,
    error_of,
    page_view,
    running,
    until,
)

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


def another_server(shop: Running, **options: Any) -> GrpcServer:
    return GrpcServer(
        writer=shop.writer,
        reports=shop.reports,
        tail=SilentTail(),
        projects=shop.projects,
        quarantine=shop.quarantine,
        data_stores=shop.data_stores,
        notifications=shop.notifications,
        people=shop.people,
        store_ready=lambda: True,
        **options,
    )


def health_stub(channel: grpc.aio.Channel) -> Any:
    return health_pb2_grpc.HealthStub(channel)


async def health(shop: Running, service: str = "") -> Any:
    stub = health_stub(shop.channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_health_follows_the_store(shop: Running, service: str) -> None:
    assert await health(shop, service) == SERVING
    watch = health_stub(shop.channel).Watch(health_pb2.HealthCheckRequest(service=service), timeout=60)
    assert (await watch.read()).status == SERVING
    shop.store["ready"] = False
    assert (await watch.read()).status == NOT_SERVING
    assert await health(shop, service) == NOT_SERVING
    shop.store["ready"] = True
    assert (await watch.read()).status == SERVING


async def test_the_health_of_an_unknown_service_is_not_found(shop: Running) -> None:
    stub = health_stub(shop.channel)
    error = await error_of(stub.Check(health_pb2.HealthCheckRequest(service="shop.Unknown")))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="shop.Unknown"))
    assert (await watch.read()).status == SERVICE_UNKNOWN


async def test_a_call_in_flight_finishes_while_new_ones_are_refused(shop: Running) -> None:
    shop.writer.hold = True
    call = shop.collector.Track(batch(), metadata=shop.key(KeyClass.SERVER))
    await until(lambda: len(shop.writer.submitted) == 1)
    stopping = asyncio.ensure_future(shop.server.stop(grace=600))
    async with channel_to(shop.port) as channel:
        late = CollectorServiceStub(channel)
        error = await error_of(late.Track(batch(), metadata=shop.key(KeyClass.SERVER)))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert not call.done()
    shop.writer.finish_all()
    assert (await call).results[0].status == collector_pb2.EVENT_STATUS_ACCEPTED
    await stopping


async def test_a_watch_of_health_learns_of_the_end_and_does_not_hold_it_up(shop: Running) -> None:
    watch = health_stub(shop.channel).Watch(health_pb2.HealthCheckRequest(), timeout=60)
    assert (await watch.read()).status == SERVING
    async with asyncio.timeout(120):
        await shop.server.stop(grace=600)
    assert (await watch.read()).status == NOT_SERVING
    assert await watch.code() is grpc.StatusCode.UNAVAILABLE


async def test_calls_that_take_longer_than_the_grace_are_cancelled(shop: Running) -> None:
    shop.writer.hold = True
    call = shop.collector.Track(batch(), metadata=shop.key(KeyClass.SERVER))
    await until(lambda: len(shop.writer.submitted) == 1)
    await shop.server.stop(grace=0.1)
    error = await error_of(call)
    assert error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    await until(lambda: shop.writer.futures[0].cancelled())


async def test_stopping_twice_or_before_the_start_is_harmless(shop: Running) -> None:
    await shop.server.stop(grace=0)
    await shop.server.stop(grace=0)
    await another_server(shop).stop(grace=0)


async def test_a_port_that_is_in_use_is_told_as_a_sentence(shop: Running) -> None:
    with pytest.raises(OSError, match=f"Cannot listen on 127.0.0.1:{shop.port}"):
        await another_server(shop, port=shop.port).start()


async def test_several_servers_share_a_port_when_they_are_told_to(shop: Running) -> None:
    first, second = (another_server(shop, so_reuseport=True) for _ in range(2))
    port = await first.start()
    second = another_server(shop, so_reuseport=True, port=port)
    try:
        assert await second.start() == port
    finally:
        await first.stop(grace=0)
        await second.stop(grace=0)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
async def test_an_ipv6_address_is_listened_on(shop: Running) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    server = another_server(shop, host="::1")
    port = await server.start()
    try:
        async with grpc.aio.insecure_channel(f"[::1]:{port}") as channel:
            check = health_stub(channel).Check(health_pb2.HealthCheckRequest())
            assert (await check).status == SERVING
    finally:
        await server.stop(grace=0)


async def test_many_calls_at_once_on_one_connection_are_all_answered(shop: Running) -> None:
    shop.writer.hold = True
    calls = [shop.collector.Track(batch(page_view()), metadata=shop.key(KeyClass.SERVER)) for _ in range(500)]
    await until(lambda: len(shop.writer.submitted) == MAX_STREAMS)
    shop.writer.finish_all()
    responses = await asyncio.gather(*calls)
    assert len({response.results[0].event_id for response in responses}) == 500
