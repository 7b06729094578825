"""Keeps every event from the call to its verdict: what waits, what is in flight, and who waits for it.

No threads, no clock and no network in here: the threaded client guards it with
its lock, the asyncio client uses it on its loop. An event is

    waiting -> in flight -> claimed (its outcome is being reported) -> settled

and leaves "waiting" early when it is dropped, "waiting" and "in flight" when the
client is closed before it was answered.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from shopalytic.sending.spool import Folder, Spool

MAX_BATCH_EVENTS = 1_000
MAX_EVENT_BYTES = 256 * 1024
# The server takes 4 MB a request; the rest is for sent_at and what proxies add.
MAX_BATCH_BYTES = 4 * 1024 * 1024 - 64 * 1024


class Pending(NamedTuple):
    """One event on its way."""

    number: int
    """Place in the order of calls."""
    event_id: str
    chunk: bytes
    """A serialized TrackRequest with this one event: joined chunks are one request with all of them."""
    queued_at: float
    origin: tuple[Folder, int] | None = None
    """For an event that a dead client left in the spool: its folder there, and its number in it."""


Batch = list[Pending]
# The class's own constructor is Python code; this one is not, and runs for each event.
_pending = partial(tuple.__new__, Pending)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait, and when a batch goes out."""

    max_queue: int
    max_queue_bytes: int
    batch_size: int
    linger: float


@dataclass(slots=True, eq=False)
class Watch:
    """One flush or close that waits for all events up to a number."""

    through: int
    lost: Batch = field(default_factory=list)


class SendQueue:
    """The events of one client in the order of its calls."""

    def __init__(self, limits: Limits, spool: Spool | None = None) -> None:
        """`spool` keeps what has no outcome yet on disk, too."""
        self.queued = 0
        self.adopted = 0
        """How many of them, the first, were found in the spool."""
        self._spool = spool
        self._folders: list[Folder] = []  # those of dead clients, while they hold events
        self._limits = limits
        self._wake_at = (1, limits.batch_size)
        self._waiting: deque[Pending] = deque()
        self._waiting_bytes = 0
        self._in_flight: list[Batch] = []  # the next to send is last
        self._claimed: Batch = []
        self._hurry_through = 0
        self._watches: list[Watch] = []

    def has_room(self, size: int) -> bool:
        """Whether one more event of that size may wait; one alone always may."""
        waiting = self._waiting
        limits = self._limits
        return not waiting or (
            len(waiting) < limits.max_queue and self._waiting_bytes + size <= limits.max_queue_bytes
        )

    def add(self, event_id: str, chunk: bytes, now: float) -> bool:
        """Lets an event wait; true when the sender should look."""
        number = self.queued + 1
        if self._spool is not None:
            self._spool.append(number - self.adopted, chunk)
        self.queued = number
        waiting = self._waiting
        waiting.append(_pending((number, event_id, chunk, now, None)))
        self._waiting_bytes += len(chunk)
        return len(waiting) in self._wake_at

    def adopt(self, event_id: str, chunk: bytes, now: float, origin: tuple[Folder, int]) -> None:
        """Lets an event wait that a dead client left; before any other."""
        self.queued = self.adopted = self.queued + 1
        self._waiting.append(Pending(self.queued, event_id, chunk, now, origin))
        if origin[0] not in self._folders:
            self._folders.append(origin[0])
        self._waiting_bytes += len(chunk)

    def make_room(self, size: int) -> Batch:
        """Drops the oldest waiting events until one of that size fits."""
        dropped = []
        while not self.has_room(size):
            dropped.append(self._pop())
        self._mark_lost(dropped)
        return dropped

    def due_in(self, now: float) -> float | None:
        """Seconds until the next batch should be taken; None when nothing waits."""
        if not self._waiting:
            return None
        oldest = self._waiting[0]
        if len(self._waiting) >= self._limits.batch_size or oldest.number <= self._hurry_through:
            return 0.0
        return max(0.0, oldest.queued_at + self._limits.linger - now)

    def take(self) -> Batch:
        """Puts the oldest waiting events in flight, as many as one request may carry."""
        batch: Batch = []
        size = 0
        waiting = self._waiting
        while waiting and len(batch) < self._limits.batch_size:
            length = len(waiting[0].chunk)
            if batch and size + length > MAX_BATCH_BYTES:
                break
            size += length
            batch.append(waiting.popleft())
        self._waiting_bytes -= size
        self._in_flight.append(batch)
        return batch

    def split(self, batch: Batch) -> bool:
        """Replaces a batch in flight by its halves, the older one first; false if it was abandoned."""
        if self.next_in_flight() is not batch:
            return False
        middle = len(batch) // 2
        self._in_flight.pop()
        self._in_flight += [batch[middle:], batch[:middle]]
        return True

    def next_in_flight(self) -> Batch | None:
        """The batch to send next of those already taken."""
        return self._in_flight[-1] if self._in_flight else None

    def claim(self, batch: Batch) -> bool:
        """Whether the caller may report this batch's outcome; false if it was abandoned."""
        if self.next_in_flight() is not batch:
            return False
        self._in_flight.pop()
        self._claimed = batch
        return True

    def settle(self, *, lost: bool) -> None:
        """Forgets the claimed batch once its outcome has been reported."""
        if lost:
            self._mark_lost(self._claimed)
        if self._spool is not None and self._claimed:
            self._forget_on_disk(self._spool, self._claimed)
        self._claimed = []

    def _forget_on_disk(self, spool: Spool, batch: Batch) -> None:
        if (own := batch[-1].number - self.adopted) > 0:
            spool.settled(own)
        follows = self._in_flight[-1][0] if self._in_flight else (self._waiting or [None])[0]
        for event, after in zip(batch, [*batch[1:], follows], strict=True):
            if event.origin is None:
                break  # what dead clients left comes first
            folder, number = event.origin
            if after is not None and after.origin is not None and after.origin[0] is folder:
                folder.settled(number)
            else:
                self._folders.remove(folder)
                folder.remove()

    def abandon(self) -> Batch:
        """Gives up every event that has no outcome yet and returns them, oldest first."""
        left = [event for batch in reversed(self._in_flight) for event in batch]
        left.extend(self._waiting)
        self._in_flight.clear()
        self._waiting.clear()
        self._waiting_bytes = 0
        self._mark_lost(left)
        return left

    def let_go(self) -> None:
        """Leaves what is in the spool to the next client. Once."""
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.close()
        for folder in self._folders:
            folder.close()
        self._folders.clear()

    def forget_files(self) -> None:
        """Lets go of all files in a forked child; they are its parent's."""
        if self._spool is not None:
            self._spool.forget()
        for folder in self._folders:
            folder.close()

    def watch(self) -> Watch:
        """Starts watching all events queued so far; they are sent without lingering."""
        watch = Watch(self.queued)
        self._watches.append(watch)
        self._hurry_through = self.queued
        return watch

    def unwatch(self, watch: Watch) -> None:
        """Ends a watch."""
        self._watches.remove(watch)

    def is_settled(self, watch: Watch) -> bool:
        """Whether the outcome of every watched event has been reported."""
        if self._claimed and self._claimed[0].number <= watch.through:
            return False
        return not self.remaining(watch)

    def remaining(self, watch: Watch) -> int:
        """How many of the watched events have no outcome yet."""
        in_flight = sum(event.number <= watch.through for batch in self._in_flight for event in batch)
        if not self._waiting:
            return in_flight
        # Waiting numbers have no gaps: only their oldest are ever taken or dropped.
        return in_flight + min(len(self._waiting), max(0, watch.through - self._waiting[0].number + 1))

    @property
    def pending(self) -> int:
        """How many events have no outcome yet."""
        return sum(map(len, self._in_flight)) + len(self._waiting)

    def _pop(self) -> Pending:
        event = self._waiting.popleft()
        self._waiting_bytes -= len(event.chunk)
        return event

    def _mark_lost(self, events: Batch) -> None:
        for watch in self._watches:
            watch.lost += [event for event in events if event.number <= watch.through]
