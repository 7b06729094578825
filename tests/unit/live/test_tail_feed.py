"""A feed of stored events and its readers: what each is told, and that ingest does no work for them."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic.v1 import reports_pb2
from shopalytic_server.storage.live import tail as tail_module
from shopalytic_server.storage.live.tail import MAX_WAITING, Tail, TailEvent, _Entry, _Feed, _Reader

DATASET = 2
TYPES = ["page_view", "order", "cart_add"]
PROJECT: Any = type("OneProject", (), {"project_id": 1})()


def event(number: int, kind: str) -> TailEvent:
    return TailEvent(DATASET, UUID(int=0), reports_pb2.StoredEvent(event_id=str(number), type=kind))


# What happens in turn: so many events of a type are stored, or a reader takes what there is.
steps = st.lists(
    st.one_of(st.tuples(st.sampled_from(TYPES), st.integers(1, 400)), st.integers(0, 2)), max_size=30
)
filters = st.tuples(*[st.frozensets(st.sampled_from(TYPES))] * 3)


@given(steps, filters)
def test_each_reader_is_told_every_event_of_its_types_in_order_or_how_many_were_left_out(
    steps: list[Any], wanted: tuple[frozenset[str], ...]
) -> None:
    feed = _Feed()
    readers = [_Reader(feed, types, None) for types in wanted]
    told: list[list[int]] = [[] for _ in readers]
    missed = [0] * len(readers)
    stored: list[str] = []

    def take(number: int) -> None:
        left_out, entries = readers[number].take()
        missed[number] += left_out
        items = [entry.item for entry in entries if readers[number].wants(entry.item)]
        told[number] += [int(item.event.event_id) for item in items if isinstance(item, TailEvent)]

    for step in [*steps, 0, 1, 2]:
        if isinstance(step, int):
            take(step)
            continue
        for _ in range(step[1]):
            feed.add(_Entry(event(len(stored), step[0])))
            stored.append(step[0])
    for types, numbers, left_out in zip(wanted, told, missed, strict=True):
        own = [number for number, kind in enumerate(stored) if not types or kind in types]
        assert numbers == sorted(set(numbers))
        assert set(numbers) <= set(own)
        assert len(numbers) + left_out == len(own)
        # Nobody who lags misses the newest.
        assert own[-1:] == numbers[-1:] or not own
    assert len(feed.entries) <= MAX_WAITING


class Unread(list[TailEvent]):
    """Events that must not be looked at yet."""

    allowed = False

    def __iter__(self) -> Any:
        assert self.allowed, "ingest did the readers' work"
        return super().__iter__()


async def test_ingest_does_no_work_for_readers_however_many_there_are() -> None:
    tail, request = Tail(None), reports_pb2.TailEventsRequest()  # type: ignore[arg-type]
    readers = [await tail.tail_events(PROJECT, request) for _ in range(200)]
    events = Unread(event(number, "order") for number in range(10))
    tail.publish(events)
    events.allowed = True
    answers = await asyncio.gather(*(anext(reader) for reader in readers))
    assert len(set(answers)) == 1
    for reader in readers:
        await reader.aclose()
    assert not tail.watched


async def test_an_answer_is_made_once_for_all_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(item: Any) -> reports_pb2.StoredEvent:
        made.append(item.event.event_id)
        return item.event  # type: ignore[no-any-return]

    monkeypatch.setattr(tail_module, "stored", counted)
    tail, request = Tail(None), reports_pb2.TailEventsRequest()  # type: ignore[arg-type]
    readers = [await tail.tail_events(PROJECT, request) for _ in range(20)]
    tail.publish([event(1, "order")])
    await asyncio.gather(*(anext(reader) for reader in readers))
    assert made == ["1"]
    for reader in readers:
        await reader.aclose()


async def test_a_watch_that_nobody_read_from_is_forgotten_when_it_is_closed() -> None:
    tail = Tail(None)  # type: ignore[arg-type]
    reader = await tail.tail_events(PROJECT, reports_pb2.TailEventsRequest())
    assert tail.watched == {DATASET}
    await reader.aclose()
    assert tail.watched == set()
