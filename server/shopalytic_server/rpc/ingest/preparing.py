"""Prepares the events of a request: those that the native core takes, and all others in Python."""

from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest import native
from shopalytic_server.domain.ingest.oversized import reject_unread
from shopalytic_server.domain.ingest.preparation import Admitted, Prepared, prepare_event
from shopalytic_server.rpc.ingest.batches import Batch, Turn, Turns

# The core reads so many at once. The longest user agents, all different, take it two milliseconds.
_AT_ONCE = 25


async def prepare_batch(batch: Batch, admitted: Admitted, turns: Turns) -> list[Prepared]:
    """Every event, in the request's order. Raises DecodeError when one of them is no event."""
    with turns.turn() as turn:
        if batch.cut is not None:
            return await _prepare_cut(batch, admitted, turn)
        prepared = []
        for event in batch.request.events:
            prepared.append(prepare_event(event, admitted))
            if turn.is_over:
                await turn.pass_on()
    for place, violation in batch.unread.items():
        prepared[place] = reject_unread(batch.request.events[place], violation, admitted)
    return prepared


async def _prepare_cut(batch: Batch, admitted: Admitted, turn: Turn) -> list[Prepared]:
    prepared: list[Prepared] = []
    for begin in range(0, len(batch.cut), _AT_ONCE):
        read = native.read(batch.cut, begin, begin + _AT_ONCE, admitted)
        if turn.is_over:
            await turn.pass_on()
        for place, item in enumerate(read, begin):
            if item is None:
                item = prepare_event(Event.FromString(batch.cut.event(place)), admitted)
                if turn.is_over:
                    await turn.pass_on()
            prepared.append(item)
    return prepared
