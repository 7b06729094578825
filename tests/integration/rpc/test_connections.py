"""Connections of the gRPC port that bring nothing: they end by themselves, and no other does."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import grpc
import pytest

from running.raw_http2 import HEADERS, PING, RawConnection, frame, message, raw_connection
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.rpc.server import OPTIONS, SETTINGS_SECONDS
from shopalytic_server.rpc.transport import sockets
from shopalytic_server.rpc.transport.connections import (
    FIRST_CALL_SECONDS,
    IDLE_SECONDS,
    LOOKS,
    Connections,
)
from shopalytic_server.rpc.transport.interceptor import has_endless_headers
from standins.rpc import Running, running, until

CHECK = "/grpc.health.v1.Health/Check"
TRACK = "/shopalytic.v1.CollectorService/Track"
CONTINUATION = 9
PAIRS = b"\x00\x01a\x01b" * 2_700


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


async def ask(caller: RawConnection) -> None:
    """A call without a key, and its answer."""
    before = len(caller.answers)
    caller.send(caller.open(CHECK), message(b""), end=True)
    await caller.until_answered(before + 1)


async def test_a_connection_without_a_call_ends_within_seconds_and_one_with_a_call_stays(
    shop: Running,
) -> None:
    watch = shop.server.connections
    async with raw_connection(shop.port) as silent, raw_connection(shop.port) as caller:
        await ask(caller)
        now = time.monotonic()
        watch.look(now)
        watch.look(now + FIRST_CALL_SECONDS - 1)
        assert watch.ended == 0
        watch.look(now + FIRST_CALL_SECONDS + 1)
        await until(lambda: silent.closed)
        assert watch.ended == 1
        await ask(caller)


async def test_a_call_that_stays_keeps_its_connection_however_long_nothing_comes(shop: Running) -> None:
    watch = shop.server.connections
    request = reports_pb2.TailEventsRequest()
    call = shop.report.TailEvents(request, metadata=shop.key(KeyClass.REPORTS))
    await call.initial_metadata()
    now = time.monotonic()
    for seconds in range(0, 2_000, 20):
        watch.look(now + seconds)
    assert watch.ended == 0
    assert not call.done()


async def test_headers_that_never_end_cost_their_sender_the_connection(shop: Running) -> None:
    watch = shop.server.connections
    async with raw_connection(shop.port) as greedy, raw_connection(shop.port) as slow:
        # A message that is on its way may be as long as a message may be.
        stream = slow.open(TRACK, shop.key(KeyClass.SERVER))
        slow.send(stream, message(bytes(250_000), announced=4_000_000))
        # Until its message is asked for, it may have sent too much.
        await until(lambda: sum(peer.messages for peer in watch._peers.values()) == 1)
        greedy.write(frame(HEADERS, 0, 1, PAIRS))
        for _ in range(40):
            greedy.write(frame(CONTINUATION, 0, 1, PAIRS))

        def ended() -> bool:
            watch.look(time.monotonic())
            return greedy.closed

        await until(ended)
        assert watch.ended == 1
        assert not slow.closed
        async with raw_connection(shop.port) as caller:
            await ask(caller)


async def end_greedy_ones(shop: Running, stack: AsyncExitStack, count: int, later: float) -> None:
    """So many connections whose headers do not end, until all are ended; `later`: seconds from now."""
    watch = shop.server.connections
    greedy = [
        await stack.enter_async_context(raw_connection(shop.port, acknowledging=False)) for _ in range(count)
    ]
    for each in greedy:
        each.open(TRACK, ending=False)
        for _ in range(12):
            each.write(frame(CONTINUATION, 0, 1, PAIRS))

    def ended() -> bool:
        watch.look(time.monotonic() + later)
        return all(each.closed for each in greedy)

    await until(ended)


async def is_let_in(port: int) -> bool:
    """Whether a new connection is taken; the packets of one that is not get no answer."""
    try:
        async with asyncio.timeout(0.7):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except TimeoutError:
        return False
    writer.close()
    return True


async def test_who_sends_endless_headers_over_several_connections_gets_no_new_one_for_a_while(
    shop: Running,
) -> None:
    watch = shop.server.connections
    await watch.stop()  # From here on only the test looks.
    async with raw_connection(shop.port) as honest, AsyncExitStack() as stack:
        await ask(honest)
        await end_greedy_ones(shop, stack, 2, 0)
        assert await is_let_in(shop.port)
        await end_greedy_ones(shop, stack, 1, 0)
        assert not await is_let_in(shop.port)
        # Who is there already stays.
        await ask(honest)
        watch.look(time.monotonic() + 1_000)
        assert await is_let_in(shop.port)
        await end_greedy_ones(shop, stack, 3, 2_000)
        assert not await is_let_in(shop.port)
        watch.look(time.monotonic() + 3_000)
        assert await is_let_in(shop.port)
        await ask(honest)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_listening_socket_takes_none_of_some_networks_and_all_others(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host, 0), family=family) as server,
        socket.create_connection(server.getsockname()[:2]) as before,
    ):
        accepted, _ = server.accept()
        with accepted:
            [listener] = sockets.listeners(server.getsockname()[1])
            place = sockets.place_of(accepted.fileno())
            assert place is not None
            own = sockets.network_of(place.peer)
            others = [bytes((10, 0, 0, number)) for number in range(250)]
            others += [bytes((32, 1, 13, 184, 0, 0, 0, number)) for number in range(250)]
            for banned in ([own, *others], [*others, own]):
                assert sockets.take_none_from(listener, banned)
                with pytest.raises(TimeoutError):
                    socket.create_connection(server.getsockname()[:2], timeout=0.3)
            before.sendall(b"still here")
            assert accepted.recv(10) == b"still here"
            assert sockets.take_none_from(listener, others)
            socket.create_connection(server.getsockname()[:2], timeout=20).close()
            assert sockets.take_none_from(listener, [])
            socket.create_connection(server.getsockname()[:2], timeout=20).close()
            assert sockets.received(place) == 10
            assert sockets.disconnect(place)
            assert not sockets.disconnect(place)


@pytest.mark.parametrize(("grown", "looks"), [(0, LOOKS), (40_000_000, 2)])
async def test_a_call_that_is_heard_late_has_more_looks_while_memory_does_not_grow(
    grown: int, looks: int
) -> None:
    memory, server = 0, grpc.aio.server(options=OPTIONS)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    watch = Connections(lambda: memory)
    watch._port = port
    async with raw_connection(port, acknowledging=False) as greedy:
        watch.look(0.0)
        greedy.write(frame(HEADERS, 0, 1, PAIRS))
        for _ in range(40):
            greedy.write(frame(CONTINUATION, 0, 1, PAIRS))

        def begun() -> bool:
            watch.look(0.0)
            return watch._is_urgent

        await until(begun)
        memory = grown
        for _ in range(looks - 2):
            watch.look(0.0)
        assert watch.ended == 0
        watch.look(0.0)
        assert watch.ended == 1
        await until(lambda: greedy.closed)
        for _ in range(2 * looks):
            watch.look(0.0)
        assert watch.ended == 1
    await server.stop(None)


def more_than(many: list[Any], count: int) -> bool:
    return len(many) > count


async def test_a_call_that_grpc_makes_of_endless_headers_is_known_by_their_number_alone() -> None:
    class Handlers(grpc.GenericRpcHandler):
        """Keeps what gRPC tells of calls."""

        def __init__(self) -> None:
            self.told: list[grpc.HandlerCallDetails] = []

        def service(self, handler_call_details: grpc.HandlerCallDetails) -> None:
            self.told.append(handler_call_details)

    handlers, server = Handlers(), grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers([handlers])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    # As small as they come, and as many as fit into what is taken.
    most = [("a", "") for _ in range(480)]
    async with raw_connection(port) as honest:
        honest.send(honest.open(TRACK, most), message(b""), end=True)
        await honest.until_answered(1)
        assert len(handlers.told[0].invocation_metadata) >= len(most)
        assert not has_endless_headers(handlers.told[0])
    # gRPC keeps to its bound as soon as the other side has acknowledged it.
    for acknowledged, first in ((True, 1), (False, 2)):
        async with raw_connection(port, acknowledging=acknowledged) as greedy:
            greedy.open(TRACK, ending=False)
            for _ in range(3):
                greedy.write(frame(CONTINUATION, 0, 1, PAIRS))
            # Nothing may stand among them: gRPC reads them all, and ends the connection here.
            greedy.write(frame(PING, 0, 0, bytes(8)))
            await until(partial(getattr, greedy, "closed"))
        await until(partial(more_than, handlers.told, first))
        assert has_endless_headers(handlers.told[first]) is not acknowledged
    await server.stop(None)


async def test_a_connection_that_does_not_acknowledge_the_settings_ends() -> None:
    assert dict(OPTIONS)["grpc.http2.settings_timeout"] == SETTINGS_SECONDS * 1_000
    soon = {**dict(OPTIONS), "grpc.http2.settings_timeout": 200}
    server = grpc.aio.server(options=list(soon.items()))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with (
        raw_connection(port, acknowledging=False) as silent,
        raw_connection(port) as other,
    ):
        await until(lambda: silent.closed)
        assert not other.closed
    await server.stop(None)


async def test_calls_that_are_refused_one_after_another_may_bring_more_than_that(shop: Running) -> None:
    watch = shop.server.connections
    async with raw_connection(shop.port) as stranger:
        for _ in range(20):
            stranger.send(stranger.open(TRACK), message(bytes(60_000)))
        await stranger.until_answered(20)
        watch.look(time.monotonic())
        watch.look(time.monotonic())
        assert watch.ended == 0
        await ask(stranger)


async def test_where_the_port_is_crowded_the_longest_idle_make_room(database_url: str) -> None:
    async with running(database_url, most_connections=8) as shop, AsyncExitStack() as stack:
        watch = shop.server.connections
        callers = [await stack.enter_async_context(raw_connection(shop.port)) for _ in range(8)]
        for caller in callers:
            await ask(caller)
        busy = callers[0]
        busy.send(busy.open(TRACK, shop.key(KeyClass.SERVER)), message(b"\x0a", announced=1_000))
        # By its answer the call before it has been heard.
        await ask(busy)
        now = time.monotonic()
        watch.look(now)
        watch.look(now + IDLE_SECONDS - 1)
        assert watch.ended == 0
        watch.look(now + IDLE_SECONDS + 1)
        await until(lambda: sum(caller.closed for caller in callers) == 2)
        assert not busy.closed


async def test_a_look_that_fails_is_told_and_the_next_one_comes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[float] = []

    def look(now: float) -> None:
        looks.append(now)
        if len(looks) == 1:
            raise RuntimeError("nobody foresaw it")

    # Memory that grows without an end has it look each time.
    watch = Connections(memory=iter(range(0, 2**62, 2**30)).__next__)
    monkeypatch.setattr(watch, "look", look)
    watch.start(port=1, most=1)
    await until(lambda: len(looks) > 1)
    await watch.stop()
    assert "RuntimeError. [look_failed]" in caplog.text
