"""Every row of the table of errors, through the real server and a real client."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from shopalytic.events.violations import Violation
from shopalytic.v1 import collector_pb2, reports_pb2
from shopalytic_server.domain import errors
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.rpc.transport.errors import TABLE, Row
from standins.rpc import Running, batch, error_of, find_detail, page_view, running, sentence_of


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


def example(row: Row) -> Exception:
    if row.error is errors.InvalidRequest:
        return errors.InvalidRequest([Violation("page_token", "page_token.known", "is not a page's token")])
    if row.error is errors.AlreadyExists:
        return errors.AlreadyExists("NAME_TAKEN")
    return row.error()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.error.__name__)
async def test_an_error_raised_behind_a_method_is_answered_as_the_table_says(shop: Running, row: Row) -> None:
    shop.reports.error = example(row)
    error = await error_of(
        shop.report.ListCustomers(reports_pb2.ListCustomersRequest(), metadata=shop.key(KeyClass.REPORTS))
    )
    assert error.code() is row.code
    retry = find_detail(error, error_details_pb2.RetryInfo)
    assert (retry is not None) == row.retryable
    if retry is not None:
        assert retry.retry_delay.ToMilliseconds() == 1000


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.error.__name__)
async def test_an_error_ends_a_stream_as_the_table_says(shop: Running, row: Row) -> None:
    shop.writer.failure = example(row)
    stream = shop.collector.TrackStream(metadata=shop.key(KeyClass.SERVER), timeout=60)
    await stream.write(batch())
    assert await stream.code() is row.code


async def test_bytes_that_are_no_request_are_an_invalid_argument(shop: Running) -> None:
    track: Any = shop.channel.unary_unary("/shopalytic.v1.CollectorService/Track")
    error = await error_of(track(b"\xff\xff\xff", metadata=shop.key(KeyClass.SERVER)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    track_stream: Any = shop.channel.stream_stream("/shopalytic.v1.CollectorService/TrackStream")
    stream = track_stream(metadata=shop.key(KeyClass.SERVER), timeout=60)
    await stream.write(b"\xff\xff\xff")
    assert await stream.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_unknown_method_is_unimplemented(shop: Running) -> None:
    trick: Any = shop.channel.unary_unary("/shopalytic.v1.CollectorService/Trick")
    error = await error_of(trick(b""))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_fault_tells_no_detail(shop: Running) -> None:
    shop.reports.error = RuntimeError("jane@example.org in /srv/secret.py")
    error = await error_of(
        shop.report.ListCustomers(reports_pb2.ListCustomersRequest(), metadata=shop.key(KeyClass.REPORTS))
    )
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "jane" not in sentence_of(error)
    assert "secret" not in sentence_of(error)


def filler(size: int) -> collector_pb2.TrackRequest:
    """A request of exactly so many bytes."""
    events = [page_view("https://shop.example/" + "a" * 8000) for _ in range(size // 9000)]
    request = batch(*events)
    missing = size - request.ByteSize()
    request.events.add(event_id="e" * (missing - 8))
    request.events[-1].event_id += "e" * (size - request.ByteSize())
    assert request.ByteSize() == size
    return request


async def test_a_request_of_4_megabytes_passes_and_one_byte_more_does_not(shop: Running) -> None:
    limit = 4 * 1024 * 1024
    response = await shop.collector.Track(filler(limit), metadata=shop.key(KeyClass.SERVER))
    assert len(response.results) == limit // 9000 + 1
    error = await error_of(shop.collector.Track(filler(limit + 1), metadata=shop.key(KeyClass.SERVER)))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert sentence_of(error) == (
        "The request has 4,194,305 bytes; at most 4,194,304 are taken. Send fewer events at a time."
    )


async def test_a_question_above_1_megabyte_is_refused(shop: Running) -> None:
    request = reports_pb2.ListOrdersRequest(page_token="A" * (1024 * 1024))
    error = await error_of(shop.report.ListOrders(request, metadata=shop.key(KeyClass.REPORTS)))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "at most 1,048,576 are taken. Ask for less at a time." in sentence_of(error)


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_a_far_too_large_request_is_refused_before_it_is_read(
    shop: Running, compression: grpc.Compression
) -> None:
    track: Any = shop.channel.unary_unary("/shopalytic.v1.CollectorService/Track")
    request = bytes(64 * 1024 * 1024)
    error = await error_of(track(request, metadata=shop.key(KeyClass.SERVER), compression=compression))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in sentence_of(error)
