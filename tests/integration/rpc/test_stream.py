"""TrackStream: its order, its reading ahead and its ends."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from shopalytic.v1 import collector_pb2
from shopalytic_server.domain import errors
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.rpc.ingest.stream import READ_AHEAD
from standins.rpc import Running, batch, detail, error_of, page_view, running, sentence_of, until


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


def open_stream(shop: Running) -> Any:
    return shop.collector.TrackStream(metadata=shop.key(KeyClass.SERVER), timeout=60)


async def read_all(stream: Any) -> list[collector_pb2.TrackResponse]:
    responses = []
    while (response := await stream.read()) is not grpc.aio.EOF:
        responses.append(response)
    return responses


def ids(responses: Iterable[collector_pb2.TrackResponse]) -> list[str]:
    return [result.event_id for response in responses for result in response.results]


async def write_all(stream: Any, requests: Iterable[collector_pb2.TrackRequest]) -> None:
    for request in requests:
        await stream.write(request)


async def test_every_request_is_answered_in_order_and_half_close_finishes_all(shop: Running) -> None:
    requests = [batch(page_view(), page_view()) for _ in range(200)]
    stream = open_stream(shop)
    await write_all(stream, requests)
    await stream.done_writing()
    responses = await read_all(stream)
    assert ids(responses) == [event.event_id for request in requests for event in request.events]
    assert await stream.code() is grpc.StatusCode.OK


async def test_requests_that_say_so_are_answered_together_and_others_alone(shop: Running) -> None:
    shop.writer.hold = True
    requests = [batch(page_view(), page_view()) for _ in range(20)]
    for number, request in enumerate(requests):
        request.answer_together = number != 12
    stream = open_stream(shop)
    await write_all(stream, requests)
    await stream.done_writing()
    await until(lambda: len(shop.writer.submitted) == 20)
    shop.writer.finish_all()
    responses = await read_all(stream)
    assert ids(responses) == [event.event_id for request in requests for event in request.events]
    assert [len(response.results) // 2 for response in responses] == [12, 1, 7]


async def test_an_error_comes_after_the_answers_that_come_together(shop: Running) -> None:
    shop.writer.hold = True
    stream = open_stream(shop)
    requests = [batch(page_view()) for _ in range(4)]
    for request in requests:
        request.answer_together = True
    await write_all(stream, requests)
    await until(lambda: len(shop.writer.submitted) == 4)
    shop.writer.futures[2].set_exception(errors.StoreUnavailable())
    for index in (0, 1, 3):
        shop.writer.finish(index)
    assert ids([await stream.read()]) == [request.events[0].event_id for request in requests[:2]]
    assert (await error_of(stream.read())).code() is grpc.StatusCode.UNAVAILABLE


async def test_a_stream_without_requests_ends_well(shop: Running) -> None:
    stream = open_stream(shop)
    await stream.done_writing()
    assert await read_all(stream) == []
    assert await stream.code() is grpc.StatusCode.OK


async def test_answers_keep_the_order_of_requests_when_commits_do_not(shop: Running) -> None:
    shop.writer.hold = True
    requests = [batch() for _ in range(5)]
    stream = open_stream(shop)
    await write_all(stream, requests)
    await until(lambda: len(shop.writer.submitted) == 5)
    for index in (4, 2, 0, 3, 1):
        shop.writer.finish(index)
    await stream.done_writing()
    assert ids(await read_all(stream)) == [request.events[0].event_id for request in requests]


async def test_a_thousand_requests_may_wait_and_the_next_is_read_when_one_is_answered(shop: Running) -> None:
    shop.writer.hold = True
    stream = open_stream(shop)
    requests = [batch() for _ in range(READ_AHEAD + 50)]
    writing = asyncio.ensure_future(write_all(stream, requests))
    await until(lambda: len(shop.writer.submitted) == READ_AHEAD)
    # Anything more would have been submitted by the time another call is answered.
    for _ in range(20):
        await shop.collector.Track(collector_pb2.TrackRequest(), metadata=shop.key(KeyClass.SERVER)).code()
    assert len(shop.writer.submitted) == READ_AHEAD
    shop.writer.finish(0)
    assert len((await stream.read()).results) == 1
    await until(lambda: len(shop.writer.submitted) == READ_AHEAD + 1)
    shop.writer.finish_all()
    await writing
    await stream.done_writing()
    assert len(await read_all(stream)) == READ_AHEAD + 49


async def test_a_bad_request_ends_the_stream_after_the_answers_to_those_before_it(shop: Running) -> None:
    shop.writer.hold = True
    stream = open_stream(shop)
    await write_all(stream, [batch(), batch(), collector_pb2.TrackRequest(), batch()])
    await until(lambda: len(shop.writer.submitted) == 2)
    shop.writer.finish_all()
    assert len((await stream.read()).results) == 1
    assert len((await stream.read()).results) == 1
    error = await error_of(stream.read())
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(shop.writer.submitted) == 2


async def test_a_store_that_goes_away_ends_the_stream_and_withdraws_the_rest(shop: Running) -> None:
    shop.writer.hold = True
    stream = open_stream(shop)
    await write_all(stream, [batch() for _ in range(3)])
    await until(lambda: len(shop.writer.submitted) == 3)
    shop.writer.futures[0].set_exception(errors.StoreUnavailable())
    error = await error_of(stream.read())
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert detail(error, error_details_pb2.RetryInfo) is not None
    await until(lambda: all(future.cancelled() for future in shop.writer.futures[1:]))


async def test_a_store_that_fails_many_requests_is_not_logged_once_for_each(
    shop: Running, caplog: pytest.LogCaptureFixture
) -> None:
    shop.writer.hold = True
    stream = open_stream(shop)
    await write_all(stream, [batch() for _ in range(20)])
    await until(lambda: len(shop.writer.submitted) == 20)
    for future in shop.writer.futures:
        future.set_exception(errors.StoreUnavailable())
    assert (await error_of(stream.read())).code() is grpc.StatusCode.UNAVAILABLE
    shop.writer.futures.clear()
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_a_client_that_goes_away_withdraws_what_waits(shop: Running) -> None:
    shop.writer.hold = True
    stream = open_stream(shop)
    await write_all(stream, [batch() for _ in range(3)])
    await until(lambda: len(shop.writer.submitted) == 3)
    stream.cancel()
    await until(lambda: all(future.cancelled() for future in shop.writer.futures))


async def test_a_full_queue_slows_a_stream_down_instead_of_ending_it(shop: Running) -> None:
    shop.writer.room, shop.writer.commit_after = 1, 0.001
    stream = open_stream(shop)
    await write_all(stream, [batch() for _ in range(30)])
    await stream.done_writing()
    assert len(await read_all(stream)) == 30
    assert shop.writer.refused > 0


async def test_a_queue_that_is_full_of_others_events_ends_the_stream_with_a_delay(shop: Running) -> None:
    shop.writer.refusal = errors.Overloaded()
    stream = open_stream(shop)
    await stream.write(batch())
    error = await error_of(stream.read())
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert detail(error, error_details_pb2.RetryInfo) is not None


async def test_a_shutdown_answers_what_was_read_and_then_sends_the_client_elsewhere(shop: Running) -> None:
    shop.writer.hold = True
    requests = [batch() for _ in range(3)]
    stream = open_stream(shop)
    await write_all(stream, requests)
    await until(lambda: len(shop.writer.submitted) == 3)
    stopping = asyncio.ensure_future(shop.server.stop(grace=600))
    reading = asyncio.ensure_future(stream.read())
    await until(shop.server._drain.is_set)
    assert not stopping.done()
    shop.writer.finish_all()
    answers = [await reading, await stream.read(), await stream.read()]
    assert ids(answers) == [request.events[0].event_id for request in requests]
    error = await error_of(stream.read())
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert "connect again" in sentence_of(error)
    assert detail(error, error_details_pb2.RetryInfo) is not None
    async with asyncio.timeout(120):
        await stopping


async def test_a_shutdown_ends_idle_streams_at_once(shop: Running) -> None:
    streams = [open_stream(shop) for _ in range(3)]
    for stream in streams:
        await stream.write(batch())
        assert len((await stream.read()).results) == 1
    async with asyncio.timeout(120):
        await shop.server.stop(grace=600)
    for stream in streams:
        assert await stream.code() is grpc.StatusCode.UNAVAILABLE
