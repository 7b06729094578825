"""The native core, where it is installed: it reads, checks and encodes the usual events in one pass.

Python is the reference. The core takes only what is surely right, and whatever it
takes is stored as Python would store it; None from a function here means that
Python does the work.
"""

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from functools import lru_cache, partial
from types import FunctionType
from typing import Any, NamedTuple

import orjson

from shopalytic.v1 import collector_pb2, tables
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.events.prepared import Admitted, Prepared
from shopalytic_server.domain.ingest.bots import is_listed
from shopalytic_server.domain.privacy.addresses import AddressLevel, kept
from shopalytic_server.domain.privacy.network_places import Locate
from shopalytic_server.domain.projects import EVENT_TYPES, MONEY_EVENT_TYPES, KeyClass, Project

try:
    import shopalytic_core
except ImportError:
    shopalytic_core = None

# An event of more bytes may have more values than should be read at once.
LARGEST_EVENT_BYTES = 10_000

# A refund of an order whose customer was erased is made another one, which the core's cannot be.
_TYPES = frozenset(EVENT_TYPES) - {"refund"}
# Nor can an event with a tie breaker, of which a copy is made the stored one where it has the smaller.
_ENVELOPE = [row for row in tables.ENVELOPE if row["name"] != "tie_breaker"]
_NUMBERS = {name: number for number, name, _ in tables.PAYLOADS}
_WORKED_OUT = (property, FunctionType)
_EVENTS = collector_pb2.TrackRequest.EVENTS_FIELD_NUMBER


# What the core knows of each event. All else is worked out from it, or is as nobody said it.
_OWN = {"event", "properties", "properties_jsonb", "context_jsonb", "json_size", "fingerprint", "event_key"}
_OWN |= {"subject_key", "source", "key_class", "moved_us"}


def _complete(kind: type) -> None:
    """Gives the core's events the other attributes of Prepared: its class has them for all."""
    made = {name: value for name, value in vars(Prepared).items() if isinstance(value, _WORKED_OUT)}
    made |= {field.name: field.default for field in fields(Prepared) if field.default is not MISSING}
    for name, value in made.items():
        if not name.startswith("__") and name not in _OWN and name not in vars(kind):
            setattr(kind, name, value)


def _absent(item: Any, name: str) -> Any:
    raise AttributeError(name, name=name, obj=item)


class _Functions:
    """What the core leaves to Python of the events that it takes."""

    parse_event = staticmethod(Event.FromString)
    loads = staticmethod(orjson.loads)
    derived = staticmethod(_absent)
    is_listed = staticmethod(is_listed)


class _Terms(NamedTuple):
    """What a project has said, and who sends."""

    dataset: int
    allowed: int
    """Types that may be sent, a bit for the number of each."""
    privacy: bool
    """Whether an event whose browser asks not to be tracked is refused."""
    key_class: str | None
    origins: frozenset[str] | None
    """Those that may send; None: any."""
    kept: Callable[[str, bool], str | None]
    """What may be kept of an address; nothing where the event's place is to be found by it."""


def _is_ours() -> bool:
    """Whether there is a core, and it was made for this code: both know the columns of a row."""
    return shopalytic_core is not None and version() == importlib.metadata.version("shopalytic")


def version() -> str:
    """The core's version; empty where there is none."""
    return str(shopalytic_core.VERSION) if shopalytic_core is not None else ""


def made_of(envelope: Any, payloads: Any, messages: Any) -> Any:
    """A core that reads what these tables say; None where it is not installed."""
    if not _is_ours():
        return None
    _complete(shopalytic_core.Prepared)
    return shopalytic_core.Core(envelope, payloads, messages, _Functions())


def _made() -> Any:
    try:
        return made_of(_ENVELOPE, tables.PAYLOADS, tables.MESSAGES)
    except (TypeError, ValueError):
        # It was built before the tables got their form.
        return None


_core = _made()
_in_use = _core is not None


def is_installed() -> bool:
    """Whether there is a core."""
    return _core is not None


def is_in_use() -> bool:
    """Whether events are read by it."""
    return _in_use


def use(choice: str) -> None:
    """Has events read by the core from now on, where it is installed ("on"), or by Python ("off")."""
    global _in_use
    _in_use = choice == "on" and _core is not None


def described(choice: str = "on") -> str:
    """What reads events, in words."""
    if shopalytic_core is None:
        return "read in Python; the native core is not installed"
    if _core is None:
        return f"read in Python; the native core ({version()}) was made for another version"
    return (
        f"read by the native core {version()}" if choice == "on" else "read in Python; the native core is off"
    )


def failures() -> int:
    """How often the core failed, so that Python took over."""
    return int(shopalytic_core.panics()) if shopalytic_core is not None else 0


def split(data: bytes, most: int) -> Any:
    """A TrackRequest cut into up to so many events."""
    return _core.split(data, (_EVENTS, most, LARGEST_EVENT_BYTES)) if _in_use else None


def may_have_money(request: Any) -> bool:
    """Whether one of a request's events may be of a type that carries money."""
    return bool(request.may_have(_MONEY_NUMBERS))


def read(request: Any, begin: int, end: int, admitted: Admitted) -> list[Prepared | None]:
    """The events of a request from one to before another, with None for those that Python is to judge."""
    terms = _terms(admitted.project, admitted.key_class, admitted.addresses, admitted.locate)
    items: list[Prepared | None] = request.read((begin, end), admitted, terms)
    return items


def rows(items: Sequence[Prepared], row: Callable[[Prepared], bytes]) -> bytes | None:
    """All events as one COPY; `row` makes those that Python prepared."""
    return _unless_failed(lambda: _core.rows(list(items), row)) if _has_native(items) else None


def records(items: Sequence[Prepared], record: Callable[[Prepared], bytes]) -> bytes | None:
    """All events as records, one after the other; `record` makes those that Python prepared."""
    # A core that was built before it could do so has the same version while the two are developed.
    if not _has_native(items) or not hasattr(_core, "records"):
        return None
    return _unless_failed(lambda: _core.records(list(items), record))


def answers(
    items: Sequence[Prepared], before: bytes, after: bytes, other: Callable[[Prepared], bytes]
) -> bytes | None:
    """A TrackResponse: what stands around the id of an event that was accepted, and what makes the rest."""
    if not _has_native(items):
        return None
    return _unless_failed(lambda: _core.answers(list(items), before, after, other))


def claims(items: Sequence[Prepared]) -> tuple[bytes, bytes] | None:
    """The ids of events in order and their fingerprints, as two `uuid[]`; None also where one comes twice."""
    return _core.claims(list(items)) if _has_native(items) else None


def _has_native(items: Sequence[Prepared]) -> bool:
    # A group is of one kind mostly, and all of this is only about speed.
    return _core is not None and bool(items) and not (type(items[0]) is type(items[-1]) is Prepared)


def _unless_failed(work: Callable[[], bytes]) -> bytes | None:
    try:
        return work()
    except RuntimeError:
        return None


_MONEY_NUMBERS = [_NUMBERS[name] for name in _TYPES & MONEY_EVENT_TYPES]


@lru_cache(1_000)
def _terms(project: Project, key_class: KeyClass, addresses: AddressLevel, locate: Locate | None) -> _Terms:
    public = key_class is KeyClass.BROWSER
    types = _TYPES & project.browser_event_types if public else _TYPES
    if project.currency_open or project.currency != project.first_currency:
        # The currency that they take by default is written down, or is still to be decided.
        types -= MONEY_EVENT_TYPES
    if public and project.signed_identify:
        types = frozenset()
    return _Terms(
        Dataset.of(project),
        sum(1 << _NUMBERS[name] for name in types),
        public and project.respect_privacy_signals,
        None if key_class is KeyClass.SERVER else str(key_class),
        project.allowed_origins if public and project.allowed_origins else None,
        partial(_kept, level=addresses) if locate is None else partial(_kept_of, addresses, locate),
    )


@lru_cache(4_096)
def _kept(address: str, _placed: bool, *, level: AddressLevel) -> str | None:
    return kept(address, level)


def _kept_of(level: AddressLevel, locate: Locate, address: str, placed: bool) -> str | None:
    return None if not placed and locate(address) is not None else kept(address, level)
