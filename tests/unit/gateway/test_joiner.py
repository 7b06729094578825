"""The joiner: who is sent with whom, when, and who gets which answer."""

import asyncio
import time
from collections.abc import Sequence

import grpc
import pytest

from shopalytic.v1.collector_pb2 import Delivery, EventResult
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.gateway.collect.joiner import Joiner, clock_group
from shopalytic_server.gateway.errors import Refusal


class Wire:
    """Stands for the calls of the collector: holds each until it is let through."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[str], float | None]] = []
        self.deliveries: list[Delivery] = []
        self.held: list[asyncio.Future[None]] = []
        self.fail_with: dict[str, Exception] = {}

    async def send(
        self, token: str, events: Sequence[Event], sent_at: float | None, deliveries: Sequence[Delivery]
    ) -> list[EventResult]:
        ids = [event.event_id for event in events]
        self.deliveries += deliveries
        self.calls.append((token, ids, sent_at))
        held: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.held.append(held)
        await held
        for event_id, error in self.fail_with.items():
            if event_id in ids:
                raise error
        return [EventResult(event_id=event_id) for event_id in ids]

    def release(self) -> None:
        """Lets every call under way return."""
        for held in self.held:
            if not held.done():
                held.set_result(None)

    @property
    def ids(self) -> list[list[str]]:
        return [ids for _, ids, _ in self.calls]


def joiner_on(wire: Wire, *, linger: float = 60, limit: int = 10_000, settle: float = 0.001) -> Joiner:
    return Joiner(
        wire.send,
        linger_seconds=linger,
        max_waiting_events=limit,
        max_waiting_bytes=3_000_000,
        settle_seconds=settle,
    )


def rpc_error(code: grpc.StatusCode) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details="The reason.")


def begin(
    joiner: Joiner,
    *ids: str,
    token: str = "k",
    sent_at: float | None = None,
    size: int = 10,
    deliveries: Sequence[Delivery] = (),
):
    events = [Event(event_id=event_id) for event_id in ids]
    return asyncio.create_task(joiner.track(token, events, sent_at, size, deliveries))


async def settle() -> None:
    """Lets everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until_done(wire: Wire, *tasks: asyncio.Task[list[EventResult]]) -> list[list[str]]:
    while not all(task.done() for task in tasks):
        wire.release()
        await settle()
    return [[result.event_id for result in task.result()] for task in tasks]


async def test_an_idle_joiner_sends_at_once():
    wire = Wire()
    task = begin(joiner_on(wire), "a")
    await settle()
    assert wire.ids == [["a"]]
    assert await until_done(wire, task) == [["a"]]


async def test_what_comes_meanwhile_goes_together_in_order_and_everybody_gets_their_own():
    wire = Wire()
    joiner = joiner_on(wire)
    tasks = [begin(joiner, "a")]
    await settle()
    tasks += [begin(joiner, "b", "c"), begin(joiner, "d"), begin(joiner, "e")]
    await settle()
    assert wire.ids == [["a"]]
    assert joiner.unanswered == 5
    answers = await until_done(wire, *tasks)
    assert wire.ids == [["a"], ["b", "c", "d", "e"]]
    assert answers == [["a"], ["b", "c"], ["d"], ["e"]]
    assert joiner.unanswered == 0


async def test_who_numbers_their_events_goes_alone_with_the_numbers():
    wire = Wire()
    joiner = joiner_on(wire)
    tasks = [begin(joiner, "a")]
    await settle()
    told = Delivery(instance="i", first_sequence=1, count=1)
    tasks += [begin(joiner, "b"), begin(joiner, "c", deliveries=[told])]
    await settle()
    assert wire.ids == [["a"], ["c"]]
    assert wire.deliveries == [told]
    await until_done(wire, *tasks)


async def test_nobody_waits_longer_than_the_linger_for_a_slow_call():
    wire = Wire()
    joiner = joiner_on(wire, linger=0)
    tasks = [begin(joiner, "a")]
    await settle()
    tasks.append(begin(joiner, "b"))
    while len(wire.calls) < 2:
        await settle()
    assert wire.ids == [["a"], ["b"]]
    await until_done(wire, *tasks)


async def test_after_everything_returned_the_next_is_sent_at_once_again():
    wire = Wire()
    joiner = joiner_on(wire)
    await until_done(wire, begin(joiner, "a"))
    task = begin(joiner, "b")
    await settle()
    assert wire.ids == [["a"], ["b"]]
    await until_done(wire, task)


async def test_keys_are_never_mixed():
    wire = Wire()
    joiner = joiner_on(wire)
    tasks = [
        begin(joiner, "a", token="one"),
        begin(joiner, "b", token="two"),
        begin(joiner, "c", token="one"),
    ]
    await settle()
    assert wire.calls == [("one", ["a"], None), ("two", ["b"], None)]
    await until_done(wire, *tasks)
    assert wire.calls[2] == ("one", ["c"], None)


async def test_only_senders_whose_clocks_agree_share_a_call():
    wire = Wire()
    joiner = joiner_on(wire)
    now = time.time()
    late, early = now - 3600, now + 3600
    tasks = [begin(joiner, "a", sent_at=late), begin(joiner, "b", sent_at=early), begin(joiner, "c")]
    await settle()
    tasks += [begin(joiner, "d", sent_at=late), begin(joiner, "e", sent_at=late + 0.1)]
    await settle()
    assert wire.ids == [["a"], ["b"], ["c"]]
    await until_done(wire, *tasks)
    (_, joined, sent_at) = wire.calls[3]
    assert joined == ["d", "e"]
    assert sent_at == pytest.approx(late + 0.05)


def test_a_group_of_clocks_is_one_second_wide():
    assert clock_group(None, 100.0) is None
    assert clock_group(99.8, 100.0) == clock_group(100.2, 100.0) == 0
    assert clock_group(98.0, 100.0) != clock_group(99.8, 100.0)


async def test_a_full_batch_does_not_wait():
    wire = Wire()
    joiner = joiner_on(wire)
    tasks = [begin(joiner, "a")]
    await settle()
    tasks += [begin(joiner, *(f"{n}-{i}" for i in range(100))) for n in range(11)]
    await settle()
    assert [len(ids) for ids in wire.ids] == [1, 1_000]
    await until_done(wire, *tasks)
    assert [len(ids) for ids in wire.ids] == [1, 1_000, 100]


async def test_a_batch_is_bounded_in_bytes():
    wire = Wire()
    joiner = joiner_on(wire)
    tasks = [begin(joiner, "a")]
    await settle()
    tasks += [begin(joiner, f"{n}", size=500_000) for n in range(5)]
    await settle()
    assert wire.ids == [["a"], ["0", "1", "2", "3"]]
    await until_done(wire, *tasks)


async def test_large_requests_go_alone_and_at_once():
    wire = Wire()
    joiner = joiner_on(wire)
    tasks = [begin(joiner, "a"), begin(joiner, *(f"{i}" for i in range(101)))]
    await settle()
    assert [len(ids) for ids in wire.ids] == [1, 101]
    await until_done(wire, *tasks)


async def test_a_request_that_is_refused_for_its_content_does_not_take_the_others_with_it():
    wire = Wire()
    wire.fail_with["bad"] = rpc_error(grpc.StatusCode.INVALID_ARGUMENT)
    joiner = joiner_on(wire)
    tasks = [begin(joiner, "a")]
    await settle()
    tasks += [begin(joiner, "b"), begin(joiner, "bad"), begin(joiner, "c")]
    await settle()
    while not all(task.done() for task in tasks):
        wire.release()
        await settle()
    assert [task.exception() is None for task in tasks] == [True, True, False, True]
    error = tasks[2].exception()
    assert isinstance(error, Refusal)
    assert error.status == 400
    assert joiner.unanswered == 0


async def test_an_overloaded_collector_refuses_all_that_were_joined():
    wire = Wire()
    wire.fail_with["b"] = rpc_error(grpc.StatusCode.UNAVAILABLE)
    joiner = joiner_on(wire)
    tasks = [begin(joiner, "a")]
    await settle()
    tasks += [begin(joiner, "b"), begin(joiner, "c")]
    await settle()
    while not all(task.done() for task in tasks):
        wire.release()
        await settle()
    errors = [task.exception() for task in tasks[1:]]
    assert [error.status for error in errors if isinstance(error, Refusal)] == [503, 503]
    assert wire.ids == [["a"], ["b", "c"]]


async def test_a_full_queue_refuses_at_once_and_says_how_full():
    wire = Wire()
    joiner = joiner_on(wire, limit=3)
    task = begin(joiner, "a", "b")
    await settle()
    with pytest.raises(Refusal, match="2 events are waiting") as refused:
        await begin(joiner, "c", "d")
    assert (refused.value.status, refused.value.retry_after) == (429, 1)
    await until_done(wire, task)


async def test_the_queue_is_bounded_in_bytes_too():
    wire = Wire()
    joiner = joiner_on(wire)
    task = begin(joiner, "a", size=2_000_000)
    await settle()
    with pytest.raises(Refusal, match="1 events are waiting"):
        await begin(joiner, "b", size=2_000_000)
    await until_done(wire, task)
    await until_done(wire, begin(joiner, "c", size=2_000_000))


async def test_after_a_joined_call_the_next_request_waits_for_the_others():
    wire = Wire()
    joiner = joiner_on(wire, settle=1)
    tasks = [begin(joiner, "a")]
    await settle()
    tasks += [begin(joiner, "b"), begin(joiner, "c")]
    await until_done(wire, *tasks)
    early = begin(joiner, "d")
    await settle()
    late = begin(joiner, "e")
    await until_done(wire, early, late)
    assert wire.ids == [["a"], ["b", "c"], ["d", "e"]]
