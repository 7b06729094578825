"""Numbers a client's events in the order of its calls, so that the server can tell which never arrived."""

from __future__ import annotations

import secrets

from shopalytic.errors import LossReason
from shopalytic.sending.batching import Batch
from shopalytic.sending.outcomes import Outcomes
from shopalytic.sending.spool import Folder
from shopalytic.v1.collector_pb2 import Delivery, Drops, TrackRequest

# A request takes 100 entries, one of them our own.
_MOST_RUNS = 99


class Numbering:
    """One client's name for itself, new for each client and each forked child."""

    def __init__(self, source: str | None, outcomes: Outcomes) -> None:
        self.instance = secrets.token_hex(8)
        self.source = source or ""
        self.adopted = 0
        """How many events, its first, were a dead client's and have that one's numbers."""
        self._outcomes = outcomes

    def sign(self, request: TrackRequest, batch: Batch) -> None:
        """Says which numbers a request carries: a batch has no gaps, because only the oldest are dropped.

        Events that a dead client left in the spool come first, and keep its numbers.
        """
        losses = self._outcomes.losses()
        adopted = [event.origin for event in batch if event.origin is not None]
        own = len(batch) - len(adopted)
        request.deliveries.append(
            Delivery(
                instance=self.instance,
                source=self.source,
                first_sequence=batch[-1].number - self.adopted - own + 1 if own else 1,
                count=own,
                dropped=Drops(
                    queue_full=losses[LossReason.QUEUE_FULL],
                    expired=losses[LossReason.EXPIRED],
                    refused=losses[LossReason.REFUSED],
                    too_large=losses[LossReason.TOO_LARGE],
                ),
            )
        )
        for folder, first, count in _runs(adopted)[:_MOST_RUNS]:
            request.deliveries.add(
                instance=folder.instance, source=folder.source, first_sequence=first, count=count
            )


def _runs(origins: list[tuple[Folder, int]]) -> list[tuple[Folder, int, int]]:
    """Neighbouring numbers of one folder, as its first and how many."""
    runs: list[tuple[Folder, int, int]] = []
    for folder, number in origins:
        if runs and runs[-1][0] is folder and runs[-1][1] + runs[-1][2] == number:
            runs[-1] = (folder, runs[-1][1], runs[-1][2] + 1)
        else:
            runs.append((folder, number, 1))
    return runs
