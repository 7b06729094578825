"""Page tokens: where the next page of a list begins."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from shopalytic.events.violations import Violation
from shopalytic.v1 import admin_pb2, notifications_pb2, reports_pb2, users_pb2
from shopalytic_server.domain.access import tokens
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.events.event_order import NO_TIE_BREAKER, second_of
from shopalytic_server.domain.projects import Project

DEFAULT_PAGE_SIZE = 100

MOST_COUNTED = 100_000
"""Up to how many rows of a list of events are counted."""

# The position before everything in a list that is newest first.
NEWEST = ("infinity", UUID(int=(1 << 128) - 1))

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_WRONG = (
    "is not a token of this list; send the next_page_token of the page before, with the same question, "
    "or leave it out to begin at the first page"
)

Paged = (
    reports_pb2.ListCustomersRequest
    | reports_pb2.ListCustomerOrdersRequest
    | reports_pb2.ListCustomerEventsRequest
    | reports_pb2.ListEventsRequest
    | reports_pb2.ListOrdersRequest
    | admin_pb2.ListQuarantineRequest
    | admin_pb2.ListMergesRequest
    | notifications_pb2.ListNotificationsRequest
    | users_pb2.ListAuditRequest
)
Position = TypeVar("Position")


def page_size(request: Paged) -> int:
    """How many rows a request asks for."""
    return request.page_size or DEFAULT_PAGE_SIZE


def write_token(request: Paged, project: Project, position: str) -> str:
    """The token of a position in the list that a request asks for."""
    return tokens.write(project.token_secret, position.encode(), *_about(request))


def read_token(request: Paged, project: Project, parse: Callable[[str], Position]) -> Position | None:
    """The position in a request's token; None without a token.

    Raises InvalidRequest when the token is damaged, another list's, or of a
    version that wrote other tokens.
    """
    if not request.page_token:
        return None
    body = tokens.read(project.token_secret, request.page_token, *_about(request))
    if body is not None:
        with suppress(ValueError, OverflowError):
            return parse(body.decode())
    raise InvalidRequest([Violation("page_token", "page_token.known", _WRONG)])


class Before(NamedTuple):
    """Where a page of events begins, newest first: before this place.

    `second` is the second of that place, and `end` when it ends: what happened
    before `end` has a place that may be earlier, all of before `second` has one.
    """

    second: str
    end: str
    position: int
    tie_breaker: int
    event_id: UUID


ALL_EVENTS = Before("infinity", "infinity", NO_TIE_BREAKER, NO_TIE_BREAKER, NEWEST[1])


def event_place(row: Mapping[str, Any]) -> str:
    """Where a row with `place`, `tie_breaker` and `event_id` stands in a list of events."""
    tie_breaker = NO_TIE_BREAKER if row["tie_breaker"] is None else row["tie_breaker"]
    return f"{row['place']} {tie_breaker} {row['event_id']}"


def parse_event_place(text: str) -> Before:
    """What `event_place` wrote; raises ValueError."""
    place, tie_breaker, event_id = text.split(" ")
    second = _EPOCH + timedelta(seconds=second_of(int(place)))
    end = second + timedelta(seconds=1)
    return Before(second.isoformat(), end.isoformat(), int(place), int(tie_breaker), UUID(event_id))


def position(at: datetime, name: object) -> str:
    """Where a row stands in a list by time and, of one time, by what names the row."""
    return f"{(at - _EPOCH) // timedelta(microseconds=1)} {name}"


def parse_position(text: str) -> tuple[str, str]:
    """The time, as PostgreSQL takes it, and the name that `position` wrote."""
    micros, _, name = text.partition(" ")
    return (_EPOCH + timedelta(microseconds=int(micros))).isoformat(), name


def parse_id_position(text: str) -> tuple[str, UUID]:
    """The same where rows are named by UUIDs."""
    at, name = parse_position(text)
    return at, UUID(name)


def _about(request: Paged) -> tuple[bytes, ...]:
    """The question that a position is given for, whatever size its pages have."""
    question = deepcopy(request)
    question.ClearField("page_size")
    question.ClearField("page_token")
    return b"page", question.DESCRIPTOR.name.encode(), question.SerializeToString(deterministic=True)
