"""AsyncClient makes the same promises as Client, on one event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from shopalytic import (
    AsyncClient,
    ClientClosed,
    DeliveryError,
    InvalidEvent,
    LossReason,
    QueueFull,
    Result,
    Status,
)
from shopalytic.sending import aio_sender
from shopalytic.v1 import collector_pb2 as pb
from standins.scripted_collector import KEY, ScriptedCollector, answer, fail, lose_the_answer, wait_for

PAGE = {"url": "https://shop.example/", "referrer": ""}


@pytest.fixture
def collector() -> Iterator[ScriptedCollector]:
    collector = ScriptedCollector().start()
    yield collector
    collector.stop()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


def client_of(collector: ScriptedCollector, **settings: Any) -> AsyncClient:
    return AsyncClient(
        collector.target, KEY, **{"linger": 0.01, "strict": True, "overflow": "block", **settings}
    )


async def page(client: AsyncClient, number: int = 0) -> str:
    return await client.track("page_view", PAGE | {"title": f"page {number}"}, tracking_id="device-1")


async def busy_client(
    collector: ScriptedCollector, gate: threading.Event, **settings: Any
) -> tuple[AsyncClient, str]:
    """A client whose first event is in flight until the gate opens, and that event's id."""
    collector.script.append(wait_for(gate))
    client = client_of(collector, **settings)
    first = await page(client)
    assert await asyncio.to_thread(collector.asked.wait, 10)
    return client, first


async def test_events_of_all_calls_arrive_in_the_order_of_the_calls(collector: ScriptedCollector) -> None:
    async with client_of(collector, batch_size=7) as client:
        ids = [await page(client, n) for n in range(20)]
        ids.append(await client.identify("anna", tracking_id="device-1"))
        ids.append(await client.alias("anna@example.org", existing_identity="anna"))
    assert collector.stored_ids == ids
    assert all(len(request.events) <= 7 for request in collector.requests)
    assert collector.metadata[0]["authorization"] == f"Bearer {KEY}"


async def test_every_verdict_reaches_the_callback_and_the_counters(collector: ScriptedCollector) -> None:
    results: list[Result] = []
    verdicts = [pb.EVENT_STATUS_ACCEPTED, pb.EVENT_STATUS_QUARANTINED]
    collector.script.append(answer(*[pb.EventResult(status=status) for status in verdicts]))
    async with client_of(collector, batch_size=2, linger=60, on_result=results.append) as client:
        ids = [await page(client), await page(client)]
        assert await client.flush()
    assert [(result.event_id, result.status) for result in results] == [
        (ids[0], Status.ACCEPTED),
        (ids[1], Status.QUARANTINED),
    ]
    assert (client.stats.accepted, client.stats.quarantined, client.stats.pending) == (1, 1, 0)


async def test_passing_failures_are_sent_again_and_store_nothing_twice(collector: ScriptedCollector) -> None:
    collector.script.extend([fail(grpc.StatusCode.UNAVAILABLE, retry_after=0.001), lose_the_answer])
    async with client_of(collector) as client:
        event_id = await page(client)
        assert await client.flush()
    assert collector.stored_ids == [event_id]
    assert (client.stats.retries, client.stats.duplicate) == (2, 1)


async def test_a_call_without_an_answer_ends_by_its_timeout_and_is_made_again(
    collector: ScriptedCollector, gate: threading.Event
) -> None:
    collector.script.append(wait_for(gate))
    async with client_of(collector, timeout=3) as client:
        event_id = await page(client)
        assert await client.flush()
    assert collector.stored_ids == [event_id]
    assert client.stats.retries == 1


async def test_a_client_is_closed_although_a_call_takes_its_own_failure_for_the_cancellation(
    collector: ScriptedCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As grpc.aio does where both come at once; the client then goes on to its next attempt."""
    cancelled = asyncio.Event()

    async def loses_it(*_: Any) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if cancelled.is_set():
                raise
            cancelled.set()
            no = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, no, no) from None

    monkeypatch.setattr(aio_sender, "CANCEL_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(aio_sender.AsyncSender, "_attempt", loses_it)
    lost: list[Any] = []
    async with client_of(collector, close_timeout=0.1, batch_size=1, on_error=lost.append) as client:
        for _ in range(5):
            await page(client)
    assert cancelled.is_set()
    assert sum(len(error.event_ids) for error in lost) == 5


async def test_a_final_refusal_gives_the_events_back_and_delivery_goes_on(
    collector: ScriptedCollector,
) -> None:
    errors: list[DeliveryError] = []
    collector.script.append(fail(grpc.StatusCode.UNAUTHENTICATED))
    async with client_of(collector, on_error=errors.append) as client:
        refused = await page(client)
        assert (await client.flush()).lost == 1
        delivered = [await page(client), await client.send(errors[0].events[0])]
    assert collector.stored_ids == delivered
    assert delivered[1] == refused
    assert errors[0].reason is LossReason.REFUSED


async def test_a_batch_too_large_for_the_server_is_halved_until_it_fits() -> None:
    collector = ScriptedCollector().start(options=(("grpc.max_receive_message_length", 2_000),))
    errors: list[DeliveryError] = []
    try:
        async with client_of(collector, batch_size=16, linger=60, on_error=errors.append) as client:
            ids = [await page(client, n) for n in range(15)]
            large = await client.track("page_view", PAGE | {"url": "u" * 3_000}, tracking_id="device-1")
    finally:
        collector.stop()
    assert collector.stored_ids == ids
    assert [(error.reason, error.event_ids) for error in errors] == [(LossReason.TOO_LARGE, (large,))]


async def test_events_wait_for_a_server_that_is_down_at_the_start() -> None:
    collector = ScriptedCollector().start()
    collector.stop()
    async with client_of(collector) as client:
        ids = [await page(client, n) for n in range(3)]
        assert (await client.flush(0.1)).remaining == 3
        collector.start()
        assert await client.flush()
    collector.stop()
    assert collector.stored_ids == ids


async def test_a_full_queue_raises_drops_or_waits_as_told(
    collector: ScriptedCollector, gate: threading.Event
) -> None:
    errors: list[DeliveryError] = []
    strict, first = await busy_client(collector, gate, max_queue=1, overflow="error")
    second = await page(strict)
    with pytest.raises(QueueFull, match="queue is full"):
        await page(strict)
    dropping = client_of(collector, max_queue=1, linger=60, overflow="drop_oldest", on_error=errors.append)
    dropped, kept = await page(dropping), await page(dropping)
    patient = client_of(collector, max_queue=1, linger=60)
    third = await page(patient)
    waiting = asyncio.create_task(page(patient))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    assert await patient.flush()
    fourth = await waiting
    for client in (strict, dropping, patient):
        assert await client.close()
    assert sorted(collector.stored_ids) == sorted([first, second, kept, third, fourth])
    assert [(error.reason, error.event_ids) for error in errors] == [(LossReason.QUEUE_FULL, (dropped,))]


async def test_close_in_time_gives_back_what_has_no_verdict(
    collector: ScriptedCollector, gate: threading.Event
) -> None:
    errors: list[DeliveryError] = []
    client, first = await busy_client(collector, gate, on_error=errors.append)
    second = await page(client)
    closed = await client.close(0.05)
    assert [event.event_id for event in closed.undelivered] == [first, second]
    assert [(error.reason, error.event_ids) for error in errors] == [(LossReason.CLOSED, (first, second))]
    with pytest.raises(ClientClosed):
        await page(client)
    assert await client.close()


async def test_close_does_not_sleep_past_its_time_between_attempts(collector: ScriptedCollector) -> None:
    collector.script.append(fail(grpc.StatusCode.UNAVAILABLE, retry_after=3600))
    client = client_of(collector, retry_deadline=10_000)
    event_id = await page(client)
    assert await asyncio.to_thread(collector.asked.wait, 10)
    assert [event.event_id for event in (await client.close(0.1)).undelivered] == [event_id]


def test_a_loop_that_ends_without_close_gives_the_events_back() -> None:
    errors: list[DeliveryError] = []

    async def forgetful() -> str:
        client = AsyncClient("127.0.0.1:1", KEY, linger=60, on_error=errors.append)
        event_id = await page(client)
        await asyncio.sleep(0)
        return event_id

    event_id = asyncio.run(forgetful())
    assert [(error.reason, error.event_ids) for error in errors] == [(LossReason.CLOSED, (event_id,))]


async def test_an_invalid_event_raises_at_the_call(collector: ScriptedCollector) -> None:
    async with client_of(collector) as client:
        with pytest.raises(InvalidEvent, match=r"cart_add\.sku: is required"):
            await client.track("cart_add", {"cart_id": "c", "price": "1", "qty": 1}, identity="anna")
    assert not collector.requests


async def test_a_callback_that_fails_does_not_stop_delivery(
    collector: ScriptedCollector, caplog: pytest.LogCaptureFixture
) -> None:
    def on_result(_: Result) -> None:
        raise KeyError("a mistake of the shop")

    async with client_of(collector, on_result=on_result) as client:
        ids = [await page(client), await page(client)]
        assert await client.flush()
        ids.append(await page(client))
    assert collector.stored_ids == ids
    assert "A callback of the Shopalytic client failed" in caplog.text
