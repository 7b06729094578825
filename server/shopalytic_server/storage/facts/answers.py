"""Answers that were given, with what they were made of: nobody adds up the same rows again.

What an answer is made of is the rows that its question took (the files it used,
and digests of what was read beside them) and what it read out of PostgreSQL by
itself. All of that is read again and compared; only DuckDB's work is spared. So
an answer is never older than the snapshot of its question.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from google.protobuf.message import Message

from shopalytic_server.storage.database.reading import Read, Snapshot

_MOST = 64
# A message of gRPC is no longer; and of all together.
_MOST_BYTES = 4_000_000
_MOST_BYTES_KEPT = 32_000_000


class Known(Exception):
    """The answer is known already."""

    def __init__(self, answer: Message) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Given:
    """An answer, and what it was made of."""

    taken: tuple[Hashable, ...]
    reads: tuple[Read, ...]
    kind: type[Message]
    content: bytes


class Answers:
    """The last answers of one process."""

    def __init__(self) -> None:
        self._given: OrderedDict[Hashable, Given] = OrderedDict()
        self._lock = Lock()

    def find(self, key: Hashable) -> Given | None:
        """The answer to a question, if it was asked."""
        with self._lock:
            found = self._given.get(key)
            if found is not None:
                self._given.move_to_end(key)
            return found

    def keep(self, key: Hashable, given: Given) -> None:
        """Keeps an answer; the one that nobody has asked for longest gives way."""
        with self._lock:
            self._given.pop(key, None)
            self._given[key] = given
            while len(self._given) > _MOST or self._bytes() > _MOST_BYTES_KEPT:
                self._given.popitem(last=False)

    def _bytes(self) -> int:
        return sum(len(given.content) for given in self._given.values())


class Recall:
    """What one question takes and reads, beside what it did when it was asked before."""

    def __init__(self, answers: Answers, key: Hashable, snapshot: Snapshot) -> None:
        self._answers = answers
        self._key = key
        self._snapshot = snapshot
        self._known = answers.find(key)
        self._taken: list[Hashable] = []
        self._reads = snapshot.record()

    async def take(self, taken: Hashable) -> None:
        """Notes what was taken; raises Known when nothing of what the answer was made of has changed."""
        self._taken.append(taken)
        known = self._known
        if known is None or known.taken[: len(self._taken)] != tuple(self._taken):
            self._known = None
        elif len(known.taken) == len(self._taken) and await self._reads_the_same(known):
            raise Known(known.kind.FromString(known.content))

    async def _reads_the_same(self, known: Given) -> bool:
        done = len(self._reads)
        if tuple(self._reads) != known.reads[:done]:
            return False
        for read in known.reads[done:]:
            await self._snapshot.fetch(read.statement, **read.parameters)
            if self._reads[-1] != read:
                return False
        return True

    def keep(self, answer: Any) -> None:
        """Keeps the answer for those who ask the same."""
        content = answer.SerializeToString(deterministic=True)
        if self._taken and len(content) <= _MOST_BYTES:
            given = Given(tuple(self._taken), tuple(self._reads), type(answer), content)
            self._answers.keep(self._key, given)
