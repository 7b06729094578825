"""Checks of whole requests: the rules in the protos, and what no proto can say."""

import difflib
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from protovalidate import Validator

from shopalytic.events.violations import Violation
from shopalytic.v1 import admin_pb2, collector_pb2, reports_pb2
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.privacy.data_retention import DEFAULT, EXPIRING_TYPES
from shopalytic_server.domain.projects import EVENT_TYPES
from shopalytic_server.rpc.rule_sentences import path_of, sentence

MAX_EVENTS = 1_000
# After so many of one request nobody reads on.
MAX_VIOLATIONS = 100

# Times in requests must fit a datetime with room for arithmetic on both sides.
_EARLIEST_SECONDS = -62_000_000_000
_LATEST_SECONDS = 253_000_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_KEPT_FOR_EVER = (
    "is {name!r}, which is kept for ever: customers, carts, orders and parcels are made of such events, "
    f"and made again by a rebuild; only {' and '.join(EXPIRING_TYPES)} may expire; "
    "to remove a person use EraseCustomer"
)

_validator = Validator()


def check_request(request: Message) -> None:
    """Raises InvalidRequest when a request breaks the rules of its proto, has a NUL or an impossible time."""
    broken = _validator.collect_violations(request)
    violations = [
        Violation(path_of(each), str(each.proto.rule_id), sentence(request.DESCRIPTOR, each))
        for each in broken[:MAX_VIOLATIONS]
    ]
    violations += islice(_unstorable(request, ""), MAX_VIOLATIONS - len(violations))
    if violations:
        raise InvalidRequest(violations)


def check_track(request: collector_pb2.TrackRequest, count: int) -> datetime | None:
    """Raises InvalidRequest when a batch of so many events cannot be used as a whole; returns its sent_at."""
    if count == 0:
        raise InvalidRequest([Violation("events", "repeated.min_items", "is empty; send 1 to 1,000 events")])
    if count > MAX_EVENTS:
        raise InvalidRequest([too_many_events(count)])
    return sent_at(request)


def too_many_events(count: int | None) -> Violation:
    """What is wrong with a batch of so many events; None: nobody counted them to the end."""
    many = f"{count:,}" if count is not None else "too many"
    return Violation("events", "repeated.max_items", f"has {many} events; send at most 1,000 at a time")


def sent_at(
    request: collector_pb2.TrackRequest | collector_pb2.IdentifyRequest | collector_pb2.AliasRequest,
) -> datetime | None:
    """The sender's clock, if it told. It is a hint: what no clock shows is as none, and no event suffers."""
    if not request.HasField("sent_at"):
        return None
    time = request.sent_at
    if not (_EARLIEST_SECONDS <= time.seconds < _LATEST_SECONDS and 0 <= time.nanos < 1_000_000_000):
        return None
    return _EPOCH + timedelta(seconds=time.seconds, microseconds=time.nanos // 1000)


def check_time_zone(field: str, name: str) -> None:
    """Raises InvalidRequest when a time zone is not one of the IANA database."""
    if name in _time_zones():
        return
    hint = _nearest(name, _time_zones(), "Europe/Berlin")
    raise InvalidRequest([Violation(field, "time_zone.known", f"is not an IANA time zone; {hint}")])


def check_event_types(field: str, types: Iterable[str]) -> None:
    """Raises InvalidRequest when something in a list is not a type of the catalogue."""
    violations = [
        Violation(f"{field}[{index}]", "event_type.known", _not_a_type(name))
        for index, name in enumerate(types)
        if name not in EVENT_TYPES
    ]
    if violations:
        raise InvalidRequest(violations)


def check_steps(steps: Iterable[reports_pb2.FunnelStep]) -> None:
    """Raises InvalidRequest when a funnel has a step of a type that is not in the catalogue."""
    violations = [
        Violation(f"steps[{index}].event_type", "event_type.known", _not_a_type(step.event_type))
        for index, step in enumerate(steps)
        if step.WhichOneof("by") == "event_type" and step.event_type not in EVENT_TYPES
    ]
    if violations:
        raise InvalidRequest(violations)


def check_retention(field: str, changes: Sequence[admin_pb2.Retention]) -> None:
    """Raises InvalidRequest when a type is not one that may expire, or is named twice."""
    violations = []
    for index, name in enumerate(change.event_type for change in changes):
        where = f"{field}[{index}].event_type"
        if name != DEFAULT and name not in EVENT_TYPES:
            violations.append(Violation(where, "event_type.known", _not_a_type(name)))
        elif name != DEFAULT and name not in EXPIRING_TYPES:
            violations.append(Violation(where, "retention.kept_for_ever", _KEPT_FOR_EVER.format(name=name)))
        elif name in [change.event_type for change in changes[:index]]:
            violations.append(Violation(where, "retention.repeated", "is named twice; name each type once"))
    if violations:
        raise InvalidRequest(violations)


def _not_a_type(name: str) -> str:
    return f"is not an event type; {_nearest(name, EVENT_TYPES, 'page_view')}"


@cache
def _time_zones() -> frozenset[str]:
    # These two mean "whatever this machine is set to" and nothing at all.
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def _nearest(name: str, known: Iterable[str], example: str) -> str:
    names = {each.lower(): each for each in sorted(known)}
    matches = difflib.get_close_matches(name[:100].lower(), names, n=1)
    return f"did you mean {names[matches[0]]!r}?" if matches else f"send one such as {example!r}"


def _unstorable(message: Message, path: str) -> Iterator[Violation]:
    """Values that every rule lets pass and that neither PostgreSQL nor Python can hold."""
    for field, value in message.ListFields():
        name = f"{path}.{field.name}" if path else field.name
        if field.is_repeated:
            for index, item in enumerate(value):
                yield from _unstorable_value(field, item, f"{name}[{index}]")
        else:
            yield from _unstorable_value(field, value, name)


def _unstorable_value(field: FieldDescriptor, value: Any, path: str) -> Iterator[Violation]:
    if isinstance(value, Timestamp):
        if not (_EARLIEST_SECONDS <= value.seconds < _LATEST_SECONDS and 0 <= value.nanos < 1_000_000_000):
            yield Violation(path, "timestamp.range", "is not a time; send seconds after the Unix epoch")
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        yield from _unstorable(value, path)
    elif field.type == FieldDescriptor.TYPE_STRING and "\x00" in value:
        yield Violation(path, "string.no_nul", "must not contain the character U+0000")
