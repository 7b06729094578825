"""Calls over gRPC that nobody makes in good faith: what they may cost, with a key and without one."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from running.raw_http2 import INITIAL_WINDOW, MAX_STREAMS, Pairs, message, raw_connection
from shopalytic.v1 import collector_pb2, reports_pb2
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.reports_pb2_grpc import ReportServiceStub
from shopalytic_server.domain.projects import KeyClass, new_secret
from shopalytic_server.rpc.transport.interceptor import MAX_QUESTION_BYTES
from shopalytic_server.rpc.transport.receiving import Bounds, Sender
from standins.rpc import (
    Running,
    batch,
    channel_to,
    detail,
    error_of,
    fields_of,
    page_view,
    running,
    sentence_of,
    until,
)

TRACK = "/shopalytic.v1.CollectorService/Track"
METHODS = [
    TRACK,
    "/shopalytic.v1.CollectorService/TrackStream",
    "/shopalytic.v1.ReportService/TailEvents",
    "/shopalytic.v1.AdminService/ReplayQuarantine",
]
CHECK, WATCH = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"
REFLECT, REFLECT_ALPHA = (
    f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in ("v1", "v1alpha")
)
FULL = "There are too many calls of health: {}"
LIMIT = 4 * 1024 * 1024
INVENTED = new_secret(KeyClass.SERVER, bytes(32))

FEW_SLOW = Bounds(
    slow={Sender.STRANGER: 2, Sender.PUBLIC: 2, Sender.KNOWN: 4},
    message_seconds={Sender.STRANGER: 60.0, Sender.PUBLIC: 60.0, Sender.KNOWN: 60.0},
)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


def status(answer: bytes) -> int:
    """The code in the headers that end a stream, which the server spells out."""
    _, _, rest = answer.partition(b"\x0bgrpc-status")
    return int(rest[1 : 1 + rest[0]])


async def is_answered(shop: Running) -> bool:
    async with channel_to(shop.port) as channel:
        track: Any = channel.unary_unary(
            TRACK,
            request_serializer=collector_pb2.TrackRequest.SerializeToString,
            response_deserializer=collector_pb2.TrackResponse.FromString,
        )
        response = await track(batch(), metadata=shop.key(KeyClass.SERVER), timeout=120)
    return len(response.results) == 1


@pytest.mark.parametrize("path", METHODS)
@pytest.mark.parametrize(
    "metadata", [(), (("authorization", f"Bearer {INVENTED}"),), (("authorization", "Basic x"),)]
)
async def test_who_has_no_key_is_refused_before_a_byte_of_the_message_came(
    shop: Running, path: str, metadata: Pairs
) -> None:
    async with raw_connection(shop.port) as stranger:
        streams = [stranger.open(path, metadata) for _ in range(60)]
        await stranger.until_answered(60)
        assert {status(stranger.answers[stream]) for stream in streams} == {
            grpc.StatusCode.UNAUTHENTICATED.value[0]
        }


async def test_what_may_come_unasked_and_the_calls_of_a_connection_are_bounded(
    shop: Running,
) -> None:
    async with raw_connection(shop.port) as stranger:
        assert stranger.settings[MAX_STREAMS] == 100
        assert stranger.settings[INITIAL_WINDOW] == 256 * 1024


@pytest.mark.parametrize(("key_class", "left"), [(KeyClass.SERVER, 4), (KeyClass.BROWSER, 2)])
async def test_of_messages_that_come_slowly_only_a_few_are_waited_for(
    database_url: str, key_class: KeyClass, left: int
) -> None:
    async with running(database_url, bounds=FEW_SLOW) as shop, raw_connection(shop.port) as sender:
        streams = [sender.open(TRACK, shop.key(key_class)) for _ in range(30)]
        for stream in streams:
            sender.send(stream, message(b"\x0a", announced=LIMIT))
        await sender.until_answered(30 - left)
        assert await is_answered(shop)
        # The oldest had to go.
        assert set(sender.answers) == set(streams[: 30 - left])
        assert {status(answer) for answer in sender.answers.values()} == {
            grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
        }


async def test_the_connection_with_most_slow_messages_loses_them_not_another(database_url: str) -> None:
    async with (
        running(database_url, bounds=FEW_SLOW) as shop,
        raw_connection(shop.port) as slow,
        raw_connection(shop.port) as greedy,
    ):
        request = message(batch().SerializeToString())
        stream = slow.open(TRACK, shop.key(KeyClass.SERVER))
        slow.send(stream, request[:20])
        for _ in range(40):
            greedy.send(greedy.open(TRACK, shop.key(KeyClass.SERVER)), message(b"\x0a", announced=LIMIT))
        await greedy.until_answered(37)
        slow.send(stream, request[20:], end=True)
        await slow.until_answered(1)
        assert status(slow.answers[stream]) == 0


async def test_a_message_that_takes_too_long_ends_its_call(database_url: str) -> None:
    seconds = dict.fromkeys(Sender, 0.3)
    async with (
        running(database_url, bounds=Bounds(message_seconds=seconds)) as shop,
        raw_connection(shop.port) as sender,
    ):
        stream = sender.open(TRACK, shop.key(KeyClass.SERVER))
        sender.send(stream, message(b"\x0a", announced=LIMIT))
        await sender.until_answered(1)
        assert status(sender.answers[stream]) == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]


async def test_a_call_without_a_message_is_an_invalid_argument(shop: Running) -> None:
    async with raw_connection(shop.port) as sender:
        stream = sender.open(TRACK, shop.key(KeyClass.SERVER))
        sender.send(stream, b"", end=True)
        await sender.until_answered(1)
        assert status(sender.answers[stream]) == grpc.StatusCode.INVALID_ARGUMENT.value[0]


def large(events: int = 20) -> collector_pb2.TrackRequest:
    """About 80 KB for each ten events."""
    return batch(*(page_view("https://shop.example/" + "a" * 8_000) for _ in range(events)))


async def test_bytes_in_work_are_bounded_and_who_has_none_is_let_in(database_url: str) -> None:
    bounds = Bounds(work_bytes=300_000, peer_bytes=300_000, wait_seconds=0.2)
    async with running(database_url, bounds=bounds) as shop:
        shop.writer.hold = True
        key = shop.key(KeyClass.SERVER)
        first = [shop.collector.Track(large(), metadata=key) for _ in range(2)]
        await until(lambda: len(shop.writer.submitted) == 2)
        error = await error_of(shop.collector.Track(large(), metadata=key))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert detail(error, error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() == 1_000
        assert "in work" in sentence_of(error)
        shop.writer.hold = False
        assert await is_answered(shop)
        shop.writer.finish_all()
        assert [len((await call).results) for call in first] == [20, 20]
        assert len((await shop.collector.Track(large(), metadata=key)).results) == 20


async def test_a_call_that_waits_for_room_goes_on_when_another_is_answered(database_url: str) -> None:
    bounds = Bounds(work_bytes=300_000, peer_bytes=300_000, wait_seconds=120)
    async with running(database_url, bounds=bounds) as shop:
        shop.writer.hold = True
        calls = [shop.collector.Track(large(), metadata=shop.key(KeyClass.SERVER)) for _ in range(12)]
        await until(lambda: len(shop.writer.submitted) >= 2)
        shop.writer.finish_all()
        assert [len(response.results) for response in await asyncio.gather(*calls)] == [20] * 12


async def test_a_stream_reads_no_further_than_its_bytes_may_go(database_url: str) -> None:
    bounds = Bounds(work_bytes=10_000_000, peer_bytes=400_000)
    async with running(database_url, bounds=bounds) as shop:
        shop.writer.hold = True
        stream = shop.collector.TrackStream(metadata=shop.key(KeyClass.SERVER), timeout=60)

        async def write() -> None:
            for _ in range(20):
                await stream.write(large())
            await stream.done_writing()

        writing = asyncio.ensure_future(write())
        await until(lambda: len(shop.writer.submitted) == 3)
        assert await is_answered_beside(shop, 4)
        shop.writer.finish_all()
        answers = [answer async for answer in stream]
        await writing
        assert len(answers) == 20


async def is_answered_beside(shop: Running, submissions: int) -> bool:
    """Whether another connection's call comes through, and no more of the stream has meanwhile."""
    call = asyncio.ensure_future(is_answered(shop))
    await until(lambda: len(shop.writer.submitted) == submissions)
    shop.writer.finish(submissions - 1)
    return await call


@pytest.mark.parametrize("path", [CHECK, WATCH, REFLECT, REFLECT_ALPHA])
async def test_a_message_to_health_or_reflection_is_a_small_one(shop: Running, path: str) -> None:
    call: Any = shop.channel.stream_stream(path)(timeout=120)
    await call.write(bytes(5_000))
    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "5,000 bytes" in await call.details()


async def test_messages_of_strangers_that_never_end_are_given_up(database_url: str) -> None:
    async with running(database_url, bounds=FEW_SLOW) as shop, raw_connection(shop.port) as stranger:
        for _ in range(50):
            stranger.send(stranger.open(CHECK), message(b"\x0a", announced=LIMIT))
        await stranger.until_answered(48)
        stub = health_pb2_grpc.HealthStub(shop.channel)
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == 1


async def test_watches_of_health_are_bounded_by_connection_and_in_all(database_url: str) -> None:
    bounds = Bounds(open_streams=5, open_streams_each=3)
    async with running(database_url, bounds=bounds) as shop, channel_to(shop.port) as other:

        async def watch(channel: grpc.aio.Channel) -> Any:
            call = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=60)
            return call, await call.read()

        calls = [await watch(shop.channel) for _ in range(3)]
        error = await error_of(watch(shop.channel))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert sentence_of(error).startswith(FULL.format("this caller has 3"))
        calls += [await watch(other) for _ in range(2)]
        error = await error_of(watch(other))
        assert sentence_of(error).startswith(
            "There are too many calls of health: all callers together have 5"
        )
        calls[0][0].cancel()
        await until(lambda: calls[0][0].done())
        async with asyncio.timeout(120):
            while True:
                try:
                    await watch(other)
                    break
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.01)


async def test_a_watch_lasts_its_time(database_url: str) -> None:
    async with running(database_url, bounds=Bounds(open_seconds=0.2)) as shop:
        call = health_pb2_grpc.HealthStub(shop.channel).Watch(health_pb2.HealthCheckRequest(), timeout=60)
        await call.read()
        assert (await error_of(call.read())).code() is grpc.StatusCode.UNAVAILABLE


async def refusal_of(shop: Running, path: str, data: bytes, key_class: KeyClass) -> grpc.aio.AioRpcError:
    call: Any = shop.channel.unary_unary(path)
    return await error_of(call(data, metadata=shop.key(key_class), timeout=60))


@pytest.mark.parametrize(
    ("path", "value", "key_class", "field"),
    [
        (TRACK, b"\x0a\x00", KeyClass.BROWSER, "events"),
        ("/shopalytic.v1.ReportService/ListOrders", b"\x1a\x00", KeyClass.REPORTS, "order_ids"),
        ("/shopalytic.v1.ReportService/ListEvents", b"\x42\x00", KeyClass.REPORTS, ""),
        ("/shopalytic.v1.AdminService/ReplayQuarantine", b"\x0a\x00", KeyClass.ADMIN, "quarantine_ids"),
        ("/shopalytic.v1.CollectorService/Identify", b"\x7a\x00", KeyClass.SERVER, ""),
    ],
)
async def test_millions_of_empty_values_are_counted_before_they_are_made(
    shop: Running, path: str, value: bytes, key_class: KeyClass, field: str
) -> None:
    most = LIMIT if path == TRACK else MAX_QUESTION_BYTES
    error = await refusal_of(shop, path, value * (most // len(value)), key_class)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [name for name, _ in fields_of(error)] == [field]


async def test_one_event_of_four_megabytes_is_rejected_and_those_beside_it_are_stored(shop: Running) -> None:
    good, huge, after = page_view(), page_view("u" * 3_900_000), page_view()
    response = await shop.collector.Track(batch(good, huge, after), metadata=shop.key(KeyClass.BROWSER))
    assert [result.event_id for result in response.results] == [good.event_id, huge.event_id, after.event_id]
    statuses = [result.status for result in response.results]
    assert statuses[1] == collector_pb2.EVENT_STATUS_REJECTED
    assert statuses[0] == statuses[2] == collector_pb2.EVENT_STATUS_ACCEPTED
    [violation] = response.results[1].violations
    assert violation.rule_id == "event.max_bytes"
    assert f"{huge.ByteSize():,} bytes" in violation.message


async def test_open_streams_of_events_are_bounded(database_url: str) -> None:
    async with running(
        database_url, bounds=Bounds(track_streams={Sender.PUBLIC: 4, Sender.KNOWN: 8})
    ) as shop:

        async def open_stream(key_class: KeyClass) -> Any:
            stream = shop.collector.TrackStream(metadata=shop.key(key_class), timeout=60)
            await stream.write(batch())
            answer: Any = await stream.read()
            assert answer.results
            return stream

        streams = [await open_stream(KeyClass.BROWSER)]
        error = await error_of(open_stream(KeyClass.BROWSER))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "TrackStream" in sentence_of(error)
        streams += [await open_stream(KeyClass.SERVER) for _ in range(2)]
        await error_of(open_stream(KeyClass.SERVER))
        for stream in streams:
            await stream.done_writing()
            assert await stream.code() is grpc.StatusCode.OK


async def test_watchers_are_bounded_by_key_and_in_all(database_url: str) -> None:
    bounds = Bounds(watchers=5, watchers_each=3)
    async with running(database_url, bounds=bounds) as shop, channel_to(shop.port) as other:

        async def watch(channel: grpc.aio.Channel, key_class: KeyClass) -> Any:
            stub = ReportServiceStub(channel)
            call = stub.TailEvents(reports_pb2.TailEventsRequest(), metadata=shop.key(key_class), timeout=60)
            await call.initial_metadata()
            return call

        async def refused(channel: grpc.aio.Channel, key_class: KeyClass) -> str:
            call = ReportServiceStub(channel).TailEvents(
                reports_pb2.TailEventsRequest(), metadata=shop.key(key_class), timeout=60
            )
            error = await error_of(call.read())
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            return sentence_of(error)

        calls = [await watch(shop.channel, KeyClass.REPORTS) for _ in range(3)]
        # Another connection is no other key.
        assert "this caller has 3" in await refused(other, KeyClass.REPORTS)
        calls += [await watch(shop.channel, KeyClass.ADMIN) for _ in range(2)]
        assert "all callers together have 5" in await refused(other, KeyClass.ADMIN)
        for call in calls:
            call.cancel()


async def test_a_watcher_lasts_its_time_and_makes_room_for_the_next(database_url: str) -> None:
    async with running(database_url, bounds=Bounds(watchers=1, watcher_seconds=0.3)) as shop:
        for _ in range(2):
            call = shop.report.TailEvents(
                reports_pb2.TailEventsRequest(), metadata=shop.key(KeyClass.REPORTS), timeout=120
            )
            assert (await error_of(call.read())).code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("data", [b"\x0a\x00" * (LIMIT // 2), b"\xff" * LIMIT], ids=["counted", "unreadable"])
async def test_a_refused_request_is_let_go_at_once(shop: Running, data: bytes) -> None:
    await refusal_of(shop, TRACK, data, KeyClass.BROWSER)
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(10):
            await refusal_of(shop, TRACK, data, KeyClass.BROWSER)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert kept < 2 * LIMIT


async def test_a_public_keys_large_requests_count_four_times(database_url: str) -> None:
    bounds = Bounds(work_bytes=4_000_000, peer_bytes=4_000_000, wait_seconds=0.2)
    async with running(database_url, bounds=bounds) as shop:
        shop.writer.hold = True
        for key_class, most in ((KeyClass.BROWSER, 2), (KeyClass.SERVER, 8)):
            shop.writer.submitted.clear()
            async with channel_to(shop.port) as channel:
                track = CollectorServiceStub(channel).Track
                calls = [track(large(70), metadata=shop.key(key_class)) for _ in range(most)]
                await until(lambda most=most: len(shop.writer.submitted) == most)  # type: ignore[misc]
                error = await error_of(track(large(70), metadata=shop.key(key_class), timeout=120))
                assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                for call in calls:
                    call.cancel()
