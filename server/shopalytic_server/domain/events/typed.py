"""A stored event as the contract's own message, made of what is stored of it."""

from collections.abc import Mapping
from typing import Any

from shopalytic.events.decoding import DecodeError, decode_context, payload_values
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.reports_pb2 import StoredEvent


def add_typed(
    stored: StoredEvent,
    properties: Mapping[str, Any],
    context: Mapping[str, Any] | None,
    *,
    sandbox: bool,
    tie_breaker: int | None = None,
) -> None:
    """Fills in `stored.event`. What cannot be read as this version's contract has it stays absent."""
    try:
        payload: dict[str, Any] = {stored.type: payload_values(stored.type, properties)}
        told_context = None if context is None else decode_context(context)
    except DecodeError:
        return
    event = Event(
        event_id=stored.event_id,
        occurred_at=stored.occurred_at,
        tracking_id=stored.tracking_id if stored.HasField("tracking_id") else None,
        identity=stored.identity if stored.HasField("identity") else None,
        source=stored.source if stored.HasField("source") else None,
        sandbox=sandbox,
        context=told_context,
        tie_breaker=tie_breaker,
        **payload,
    )
    stored.event.CopyFrom(event)
