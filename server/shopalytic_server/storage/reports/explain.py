"""The events behind a number: tokens that stand beside it, and the list that a token asks for.

A report makes a kind of number known, at import, with the statement on facts
that yields its events, and writes a token with `explain_token` for each number:

    explained_by("sales_row", _SQL.explain_row, lambda scope: {"orders": within(scope)})
    row.explain = explain_token(scope, "sales_row", currency="EUR", from_at=start, to_at=end)

The statement yields (dataset, type, occurred_at, position, tie_breaker,
event_id), each event once and in any order. It may name what every statement
may (see `facts.facts.ask`), with the range and currency of the token, and the
token's further parameters; it must cast these (`$skus::VARCHAR[]`), since times
and ids come as text.
"""

import json
import zlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from shopalytic.events.violations import Violation
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.access import tokens
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.customers.timeline import (
    MAX_PAGE_BYTES,
    stored_event,
)
from shopalytic_server.storage.database.paging import (
    ALL_EVENTS,
    event_place,
    page_size,
    parse_event_place,
    read_token,
    write_token,
)
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.facts.facts import Facts, Span
from shopalytic_server.storage.facts.scope import Scope, datasets, narrowed

_SQL = load("reports/explain")
_ABOUT = b"explain"
_WRONG = "is not a token of this project's reports; send the explain of a row as it was given"

_explanations: dict[str, "Explanation"] = {}

# What one page reads of the events behind a number; the statement is one of ours.
_NEWEST = """
SELECT * FROM ({behind})
 WHERE (position, tie_breaker, event_id) < ($position::BIGINT, $tie_breaker::BIGINT, $event_id::UUID)
 ORDER BY position DESC, tie_breaker DESC, event_id DESC
 LIMIT $rows
"""

_COUNTED = "SELECT count(*) AS events FROM ({behind})"

Value = str | int | bool | datetime | UUID | None | list[str] | list[int] | list[UUID]


# The times that a number's statement needs of tables, by its scope and its further parameters.
Spans = Callable[[Scope, Mapping[str, Any]], Mapping[str, Span]]
# The tables that it asks, by their names, with their statements, in this order; by the same.
Keeps = Callable[[Scope, Mapping[str, Any]], Sequence[tuple[str, str]]]
Prepare = Callable[[Facts, Mapping[str, Any]], Awaitable[None]]


class Explanation(NamedTuple):
    """How the events behind a kind of number are found, and the rows that this needs."""

    statement: str
    spans: Spans
    keeps: Keeps
    looks_at: Collection[str] = ()
    """Dimensions that the statement reads whether they are asked for or not."""
    prepare: Prepare | None = None
    """Makes, of the token's parameters, what no statement alone makes."""


def explained_by(kind: str, statement: str, spans: Callable[[Scope], Mapping[str, Span]]) -> None:
    """Makes a kind of number known, with the statement on facts that yields its events."""
    _explanations[kind] = Explanation(statement, lambda scope, _: spans(scope), lambda *_: ())


def explained_through(
    kind: str,
    statement: str,
    spans: Spans,
    keeps: Keeps,
    looks_at: Collection[str] = (),
    prepare: Prepare | None = None,
) -> None:
    """The same for a statement that asks what a report keeps: tables of statements by name.

    These may name the token's parameters, too. See Explanation for the rest.
    """
    _explanations[kind] = Explanation(statement, spans, keeps, looks_at, prepare)


def explain_token(scope: Scope, kind: str, **parameters: Value) -> str:
    """The token of a number of this kind. `parameters` come on top of the scope's, or instead of them."""
    given: dict[str, Any] = {**scope.parameters(), **parameters}
    del given["datasets"]
    body = json.dumps(
        [kind, scope.include_sandbox, None if scope.as_of is None else scope.as_of.isoformat(), given],
        default=_plain,
        separators=(",", ":"),
    )
    return tokens.write(scope.project.token_secret, zlib.compress(body.encode(), 9), _ABOUT)


def row_bounds(starts: Sequence[datetime], number: int) -> dict[str, Value]:
    """The range of a row by its number, counted from 1, for its token; of the whole range (0) none."""
    bounds: dict[str, Value] = {}
    if number > 1:
        bounds["from_at"] = starts[number - 1]
    if 0 < number < len(starts):
        bounds["to_at"] = starts[number]
    return bounds


class Number(NamedTuple):
    """What a token names: a kind of number, its statement's parameters, and the moment it was known at."""

    kind: str
    parameters: dict[str, Any]
    as_of: datetime | None


def read_explain(project: Project, token: str) -> Number:
    """What a token names; raises InvalidRequest when it is damaged or another project's."""
    packed = tokens.read(project.token_secret, token, _ABOUT)
    if packed is not None:
        with suppress(ValueError, TypeError):
            kind, include_sandbox, as_of, parameters = json.loads(zlib.decompress(packed))
            parameters["datasets"] = datasets(project, include_sandbox=include_sandbox)
            if kind in _explanations:
                return Number(kind, parameters, None if as_of is None else datetime.fromisoformat(as_of))
    raise InvalidRequest([Violation("explain", "explain.known", _WRONG)])


async def list_events(
    facts: Facts, project: Project, request: reports_pb2.ListEventsRequest
) -> reports_pb2.ListEventsResponse:
    """A page of the events behind a number, newest first; raises InvalidRequest.

    Events that retention has removed since are left out.
    """
    number = read_explain(project, request.explain)
    explanation = _explanations[number.kind]
    size = page_size(request)
    before = read_token(request, project, parse_event_place) or ALL_EVENTS
    scope = _scope(project, number)
    given = {name: value for name, value in number.parameters.items() if name not in _OF_SCOPE}
    # A token of a report that is not broken down has no values.
    given = {"by_1": None, "by_2": None} | given
    await facts.take(scope, explanation.looks_at, **explanation.spans(scope, given))
    if scope.by:
        await facts.break_down(scope.by)
    if explanation.prepare is not None:
        await explanation.prepare(facts, given)
    for name, kept in explanation.keeps(scope, given):
        await facts.keep(name, kept, **given)
    behind = await facts.ask(
        _NEWEST.format(behind=explanation.statement),
        **given,
        position=before.position,
        tie_breaker=before.tie_breaker,
        event_id=before.event_id,
        rows=size + 1,
    )
    total = 0
    if not request.page_token:
        total = (await facts.ask_one(_COUNTED.format(behind=explanation.statement), **given))["events"]
    page = behind[:size]
    found = await facts.snapshot.fetch(
        _SQL.bodies,
        datasets=[row["dataset"] for row in page],
        types=sorted({row["type"] for row in page}),
        times=sorted({row["occurred_at"] for row in page}),
        event_ids=[row["event_id"] for row in page],
        max_bytes=MAX_PAGE_BYTES,
    )
    response = reports_pb2.ListEventsResponse(
        events=[stored_event(row, Dataset(row["dataset_id"])) for row in found], total_events=total
    )
    last = _last(page, found, is_whole=len(behind) <= size)
    if last is not None:
        response.next_page_token = write_token(request, project, event_place(last))
    return response


def _last(
    page: list[dict[str, Any]], found: list[dict[str, Any]], *, is_whole: bool
) -> dict[str, Any] | None:
    """After which event the next page begins; None when there is none."""
    if found and found[0]["found"] > len(found):
        return found[-1]
    return None if is_whole else page[-1] | {"place": page[-1]["position"]}


# What of a token's parameters its scope says.
_OF_SCOPE = ("datasets", "from_at", "to_at", "source", "include_bots", "currency")


def _scope(project: Project, number: Number) -> Scope:
    """The scope that a number counts."""
    given = number.parameters
    scope = Scope(
        project=project,
        from_at=_end(given["from_at"]),
        to_at=_end(given["to_at"]),
        zone=ZoneInfo("UTC"),
        currency=given["currency"],
        source=given["source"],
        include_sandbox=len(given["datasets"]) > 1,
        include_bots=given["include_bots"],
        as_of=number.as_of,
    )
    return narrowed(scope, given)


def _end(text: str) -> datetime | None:
    return None if text.endswith("infinity") else datetime.fromisoformat(text)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be in a token")
