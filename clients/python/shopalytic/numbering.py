"""Numbers a client's events in the order of its calls, so that the server can tell which never arrived."""

from __future__ import annotations

import secrets

from shopalytic.batching import Batch
from shopalytic.errors import LossReason
from shopalytic.outcomes import Outcomes
from shopalytic.v1.collector_pb2 import Delivery, Drops, TrackRequest


class Numbering:
    """One client's name for itself, new for each client and each forked child."""

    def __init__(self, source: str | None, outcomes: Outcomes) -> None:
        self.instance = secrets.token_hex(8)
        self._source = source or ""
        self._outcomes = outcomes

    def sign(self, request: TrackRequest, batch: Batch) -> None:
        """Says which numbers a request carries: a batch has no gaps, because only the oldest are dropped."""
        losses = self._outcomes.losses()
        request.deliveries.append(
            Delivery(
                instance=self.instance,
                source=self._source,
                first_sequence=batch[0].number,
                count=len(batch),
                dropped=Drops(
                    queue_full=losses[LossReason.QUEUE_FULL],
                    expired=losses[LossReason.EXPIRED],
                    refused=losses[LossReason.REFUSED],
                    too_large=losses[LossReason.TOO_LARGE],
                ),
            )
        )
