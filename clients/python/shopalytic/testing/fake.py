"""Clients that keep events in memory and judge them by the contract's rules, as the real ones do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from shopalytic.aio import AsyncClient
from shopalytic.client import Client
from shopalytic.events.decoding import decode_properties
from shopalytic.results import CloseResult, FlushResult
from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.rules import context_dict, properties


@dataclass(frozen=True, slots=True)
class Tracked:
    """One event that was taken."""

    type: str
    properties: dict[str, Any]
    """As stored: money is text, times are RFC 3339 text."""
    event_id: str
    identity: str | None = None
    tracking_id: str | None = None
    source: str | None = None
    context: dict[str, Any] = field(default_factory=dict)
    event: Event | None = field(default=None, repr=False, compare=False)
    """The whole message."""


class Kept:
    """The events that a fake was told, and what a test asks about them."""

    def __init__(self) -> None:
        self.events: list[Tracked] = []

    def keep(self, chunk: bytes) -> None:
        """Takes an event as the clients queue it. The same id again is a duplicate, as ever."""
        for event in TrackRequest.FromString(chunk).events:
            if all(known.event_id != event.event_id for known in self.events):
                self.events.append(_tracked(event))

    def of(self, event_type: str) -> list[Tracked]:
        """The events of one type, oldest first."""
        return [event for event in self.events if event.type == event_type]

    def assert_tracked(self, event_type: str, **expected: Any) -> Tracked:
        """The first event of this type with these properties; AssertionError tells what came instead.

        Values are compared as they are stored, so 9.99 and "9.99" are the same money.
        `identity`, `tracking_id`, `event_id` and `source` are looked for in the envelope
        where the event itself has no such property.
        """
        for event in self.of(event_type):
            if not _differences(event, expected):
                return event
        raise AssertionError(self._story(event_type, expected))

    def assert_not_tracked(self, event_type: str, **unwanted: Any) -> None:
        """Fails if there is an event of this type with these properties."""
        for event in self.of(event_type):
            if not _differences(event, unwanted):
                raise AssertionError(f"{event_type} was tracked: {event}")

    def clear(self) -> None:
        """Forgets everything."""
        self.events.clear()

    def _story(self, event_type: str, expected: Mapping[str, Any]) -> str:
        wanted = f"{event_type} with {dict(expected)}" if expected else event_type
        same = self.of(event_type)
        if not same:
            names = sorted({event.type for event in self.events})
            near = get_close_matches(event_type, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            return f"{wanted} was not tracked; there is {', '.join(names) or 'no event at all'}{hint}"
        lines = "\n".join(f"  {'; '.join(_differences(event, expected))}" for event in same)
        return f"{wanted} was not tracked. Of the {len(same)} of this type:\n{lines}"


class FakeClient(Client):
    """A `Client` that sends nothing: `fake.events`, `fake.assert_tracked("order", order_id="1")`.

    It raises InvalidEvent as a strict client does, and takes every setting of one.
    """

    def __init__(self, **settings: Any) -> None:
        self.kept = Kept()
        super().__init__(**{"key": "fake", "strict": True, "disabled": False, **settings})

    def _queue(self, event_id: str, chunk: bytes) -> None:
        self.kept.keep(chunk)

    @property
    def events(self) -> list[Tracked]:
        """What was tracked, oldest first."""
        return self.kept.events

    def assert_tracked(self, event_type: str, **expected: Any) -> Tracked:
        """See `Kept.assert_tracked`."""
        return self.kept.assert_tracked(event_type, **expected)

    def assert_not_tracked(self, event_type: str, **unwanted: Any) -> None:
        """See `Kept.assert_not_tracked`."""
        self.kept.assert_not_tracked(event_type, **unwanted)

    def clear(self) -> None:
        """Forgets everything."""
        self.kept.clear()

    def flush(self, timeout: float | None = None) -> FlushResult:
        """Everything is there at once."""
        return FlushResult(0, 0)

    def close(self, timeout: float | None = None) -> CloseResult:
        """Nothing is left behind; what was tracked can still be asked for."""
        return CloseResult(())


class AsyncFakeClient(AsyncClient):
    """The same for `AsyncClient`."""

    def __init__(self, **settings: Any) -> None:
        self.kept = Kept()
        super().__init__(**{"key": "fake", "strict": True, "disabled": False, **settings})

    async def _queue(self, event_id: str, chunk: bytes) -> None:
        self.kept.keep(chunk)

    @property
    def events(self) -> list[Tracked]:
        """What was tracked, oldest first."""
        return self.kept.events

    def assert_tracked(self, event_type: str, **expected: Any) -> Tracked:
        """See `Kept.assert_tracked`."""
        return self.kept.assert_tracked(event_type, **expected)

    def assert_not_tracked(self, event_type: str, **unwanted: Any) -> None:
        """See `Kept.assert_not_tracked`."""
        self.kept.assert_not_tracked(event_type, **unwanted)

    async def flush(self, timeout: float | None = None) -> FlushResult:  # noqa: ASYNC109 - as in AsyncClient
        """Everything is there at once."""
        return FlushResult(0, 0)

    async def close(self, timeout: float | None = None) -> CloseResult:  # noqa: ASYNC109 - as in AsyncClient
        """Nothing is left behind."""
        return CloseResult(())


def _tracked(event: Event) -> Tracked:
    def text(name: str) -> str | None:
        return getattr(event, name) if event.HasField(name) else None

    return Tracked(
        type=event.WhichOneof("payload") or "",
        properties=properties(event),
        event_id=event.event_id,
        identity=text("identity"),
        tracking_id=text("tracking_id"),
        source=text("source"),
        context=context_dict(event.context) if event.HasField("context") else {},
        event=event,
    )


_ENVELOPE = ("identity", "tracking_id", "event_id", "source")


def _differences(event: Tracked, expected: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in expected.items():
        if name in _ENVELOPE and name not in event.properties:
            actual, wanted = getattr(event, name), value
        else:
            actual, wanted = event.properties.get(name), _stored(event.type, name, value)
        if actual != wanted:
            found.append(f"{name} is {actual!r}, not {value!r}")
    return found


def _stored(event_type: str, name: str, value: Any) -> Any:
    """A value as it stands in a stored event."""
    message = Event()
    getattr(message, event_type).CopyFrom(decode_properties(event_type, {name: value}))
    return properties(message).get(name)
