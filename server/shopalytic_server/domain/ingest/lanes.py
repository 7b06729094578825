"""Requests that wait to be stored: in lanes, within which each sender has its turn."""

from collections import OrderedDict, deque
from collections.abc import Hashable, Sized
from typing import Generic, Protocol, TypeVar

_MOST_AT_ONCE = 2
LARGE_GROUP_EVENTS = 300
"""A group of so many need neither gather more nor wait for the one before it."""
# Whoever decides on something waits for a group that does: it is no longer than this, unless one request is.
_MOST_DECIDED = 500
# So many events of one sender, and then those of the next. Where several wait a group is no longer than this,
# so that who comes while it is being stored does not wait for thousands of somebody else's.
_TURN_EVENTS = 100
_SHARED_GROUP_EVENTS = 1_000


class Submitted(Protocol):
    """A request."""

    @property
    def items(self) -> Sized:
        """Its events."""

    @property
    def decided(self) -> int:
        """Events that keep the dataset locked until COMMIT."""

    @property
    def sender(self) -> Hashable:
        """Who sent it."""


Request = TypeVar("Request", bound=Submitted)


class Lane(Generic[Request]):
    """Requests that are stored one group after another.

    Law: those of one sender are stored in their order; and whoever has few waits for no more of another
    sender's than a turn's worth and the groups that have begun.
    """

    def __init__(self) -> None:
        # By sender, the one first whose turn it is.
        self._queues: OrderedDict[Hashable, deque[Request]] = OrderedDict()
        self._left = _TURN_EVENTS
        self.waiting = 0
        """Requests."""
        self.events = 0
        """Of these."""
        self.storing = 0
        """Groups."""
        self.several = False
        """Whether the last group was of several requests."""

    def may_begin(self) -> bool:
        """Whether there is a group to store, and it need not wait for one that is being stored."""
        if not self.storing:
            return bool(self.waiting)
        return self.storing < _MOST_AT_ONCE and self.events >= LARGE_GROUP_EVENTS

    def first(self) -> Request:
        """Whose turn it is; there must be one."""
        return next(iter(self._queues.values()))[0]

    def add(self, submission: Request) -> None:
        """Puts one behind those of its sender."""
        self._queues.setdefault(submission.sender, deque()).append(submission)
        self.waiting += 1
        self.events += len(submission.items)

    def take(self) -> Request:
        """Takes the first."""
        sender, queue = next(iter(self._queues.items()))
        submission = queue.popleft()
        self.waiting -= 1
        self.events -= len(submission.items)
        self._left -= len(submission.items)
        if not queue:
            del self._queues[sender]
            self._left = _TURN_EVENTS
        elif self._left <= 0:
            self._queues.move_to_end(sender)
            self._left = _TURN_EVENTS
        return submission

    def take_group(self, most: int) -> list[Request]:
        """Takes those that are stored next, of `most` events together unless the first has more."""
        if len(self._queues) > 1:
            most = min(most, _SHARED_GROUP_EVENTS)
        group = [self.take()]
        size, decided = len(group[0].items), group[0].decided
        while self.waiting and size + len(self.first().items) <= most:
            decided += self.first().decided
            if decided > _MOST_DECIDED:
                break
            group.append(self.take())
            size += len(group[-1].items)
        return group
