"""The process's own client, and what of a request goes with each event that a shop's code tracks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shopalytic.client import Client

if TYPE_CHECKING:
    from shopalytic.v1.calls import TypedTrack


@dataclass(frozen=True, slots=True)
class Request:
    """What a request tells about its visitor."""

    client: Client
    tracking_id: str | None = None
    """The browser's, from the tracking cookie."""
    identity: str | None = None
    """The customer who is signed in."""
    context: Mapping[str, Any] = field(default_factory=dict)


_request: ContextVar[Request | None] = ContextVar("shopalytic_request", default=None)
_lock = threading.Lock()
_client: Client | None = None


def configure(client: Client | None = None, **settings: Any) -> Client:
    """Says which client `track` uses outside of requests: this one, or one of these settings."""
    global _client
    made = Client(**settings) if client is None else client
    with _lock:
        _client = made
    return made


def default_client() -> Client:
    """The client of `configure`, or one of the environment's settings, made once."""
    global _client
    with _lock:
        if _client is None:
            _client = Client()
        return _client


def request() -> Request | None:
    """The request at hand, if a middleware of `shopalytic.contrib` handles it."""
    return _request.get()


@contextmanager
def bound(to: Request) -> Iterator[Request]:
    """Has `track` belong to this request, in this thread or task and what it starts."""
    token = _request.set(to)
    try:
        yield to
    finally:
        _request.reset(token)


def _track(type: str, properties: Mapping[str, Any], **envelope: Any) -> str:  # noqa: A002
    """Queues an event of the request at hand and returns its id: as `Client.track`, with visitor and context.

    What is given counts more than what the request tells. Outside of a request the
    event needs a `tracking_id` or an `identity`, as ever.
    """
    at_hand = _request.get()
    if at_hand is None:
        return default_client().track_any(type, properties, **envelope)
    if envelope.get("tracking_id") is None and envelope.get("identity") is None:
        envelope["tracking_id"] = at_hand.tracking_id
        envelope["identity"] = at_hand.identity
    if isinstance(context := envelope.get("context"), Mapping | None):
        envelope["context"] = {**at_hand.context, **(context or {})} or None
    return at_hand.client.track_any(type, properties, **envelope)


if TYPE_CHECKING:
    track = TypedTrack().track
else:
    track = _track


def identify(identity: str, **envelope: Any) -> str:
    """Says that the request's device is used by this customer."""
    at_hand = _request.get()
    client = default_client() if at_hand is None else at_hand.client
    if at_hand is not None:
        envelope.setdefault("tracking_id", at_hand.tracking_id)
        envelope.setdefault("context", at_hand.context or None)
    return client.identify(identity, **envelope)
