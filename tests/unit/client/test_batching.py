"""The outbox keeps every event, in order, until its outcome is known."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shopalytic.sending.batching import MAX_BATCH_BYTES, Batch, Limits, SendQueue

LIMITS = Limits(max_queue=6, max_queue_bytes=60, batch_size=3, linger=1.0)


def filled(*sizes: int, limits: Limits = LIMITS) -> SendQueue:
    queue = SendQueue(limits)
    for number, size in enumerate(sizes, 1):
        queue.add(f"e{number}", b"x" * size, now=10.0)
    return queue


def ids(batch: Batch) -> list[str]:
    return [event.event_id for event in batch]


def test_a_batch_is_due_when_the_oldest_has_lingered_or_it_is_full() -> None:
    queue = filled(1, 1)
    assert queue.due_in(10.25) == pytest.approx(0.75)
    assert queue.due_in(11.5) == 0.0
    queue.add("e3", b"x", now=10.5)
    assert queue.due_in(10.5) == 0.0
    assert SendQueue(LIMITS).due_in(0.0) is None


def test_the_sender_is_woken_by_the_first_event_and_by_a_full_batch_only() -> None:
    queue = SendQueue(LIMITS)
    assert [queue.add(f"e{n}", b"x", 0.0) for n in range(6)] == [True, False, True, False, False, False]


def test_a_watch_hurries_what_was_queued_before_it_and_nothing_later() -> None:
    queue = filled(1, 1)
    watch = queue.watch()
    assert queue.due_in(10.0) == 0.0
    queue.take()
    queue.add("later", b"x", now=10.0)
    assert queue.due_in(10.0) == 1.0
    assert queue.remaining(watch) == 2


def test_a_batch_stops_before_the_limit_of_bytes_but_carries_one_event_of_any_size() -> None:
    limits = Limits(10, 10**9, 10, 0.0)
    queue = filled(MAX_BATCH_BYTES + 1, MAX_BATCH_BYTES - 1, 1, 1, limits=limits)
    taken = []
    while queue.due_in(99.0) is not None:
        batch = queue.take()
        taken.append(ids(batch))
        queue.claim(batch)
        queue.settle(lost=False)
    assert taken == [["e1"], ["e2", "e3"], ["e4"]]


def test_halves_are_sent_oldest_first() -> None:
    queue = filled(1, 1, 1)
    batch = queue.take()
    assert queue.split(batch)
    first = queue.next_in_flight()
    assert first is not None
    assert ids(first) == ["e1"]
    assert queue.claim(first)
    queue.settle(lost=False)
    assert ids(queue.next_in_flight() or []) == ["e2", "e3"]


def test_an_abandoned_batch_can_be_neither_claimed_nor_split() -> None:
    queue = filled(1, 1, 1, 1)
    batch = queue.take()
    assert ids(queue.abandon()) == ["e1", "e2", "e3", "e4"]
    assert not queue.claim(batch)
    assert not queue.split(batch)
    assert queue.pending == 0


def test_an_event_larger_than_the_whole_queue_may_wait_alone() -> None:
    queue = SendQueue(LIMITS)
    assert queue.has_room(1_000)
    queue.add("large", b"x" * 1_000, 0.0)
    assert not queue.has_room(1)
    assert ids(queue.make_room(1)) == ["large"]


class OutboxMachine(RuleBasedStateMachine):
    """Any order of steps: each event is settled, dropped or abandoned exactly once, and taken in order."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = SendQueue(LIMITS)
        self.added = 0
        self.outcomes: list[str] = []
        self.claimed: list[str] = []
        self.watches = [self.queue.watch()]

    @rule(size=st.integers(1, 40))
    def add(self, size: int) -> None:
        self.outcomes += ids(self.queue.make_room(size))
        self.added += 1
        self.queue.add(f"e{self.added}", b"x" * size, float(self.added))

    @rule()
    def watch(self) -> None:
        self.watches.append(self.queue.watch())

    @precondition(lambda self: self.queue.due_in(1e9) == 0.0 and self.queue.next_in_flight() is None)
    @rule()
    def take(self) -> None:
        self.queue.take()

    @precondition(lambda self: len(self.queue.next_in_flight() or []) > 1)
    @rule()
    def split(self) -> None:
        batch = self.queue.next_in_flight()
        assert batch
        assert self.queue.split(batch)

    @precondition(lambda self: self.queue.next_in_flight() is not None)
    @rule(lost=st.booleans())
    def report(self, lost: bool) -> None:
        batch = self.queue.next_in_flight()
        assert batch
        assert self.queue.claim(batch)
        self.queue.settle(lost=lost)
        self.claimed += ids(batch)
        self.outcomes += ids(batch)

    @rule()
    def abandon(self) -> None:
        self.outcomes += ids(self.queue.abandon())

    @invariant()
    def every_event_is_pending_or_has_one_outcome(self) -> None:
        assert len(self.outcomes) == len(set(self.outcomes))
        assert self.queue.pending + len(self.outcomes) == self.queue.queued == self.added

    @invariant()
    def order_is_kept(self) -> None:
        assert self.claimed == sorted(self.claimed, key=lambda event_id: int(event_id[1:]))

    @invariant()
    def watches_count_what_they_watch(self) -> None:
        done = {int(event_id[1:]) for event_id in self.outcomes}
        for watch in self.watches:
            left = sum(number not in done for number in range(1, watch.through + 1))
            assert self.queue.remaining(watch) == left
            assert self.queue.is_settled(watch) == (left == 0)


TestOutbox = OutboxMachine.TestCase
