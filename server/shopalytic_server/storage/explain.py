"""The events behind a number: tokens that stand beside it, and the list that a token asks for.

A report registers, at import, a kind of number with the statement that yields
its events, and writes a token with `explain_token` for each number:

    register("sales_row", _SQL.explain_row)
    row.explain = explain_token(scope, "sales_row", currency="EUR", from_at=start, to_at=end)

The statement yields (dataset_id, subject, occurred_at, event_id), each event
once and in any order. It takes the parameters of the scope (see
`storage.scope`), those of the token on top, and nothing else; it must cast each
one (`%(skus)s::text[]`), since times and ids come as text.
"""

import json
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import sql

from shopalytic.v1 import reports_pb2
from shopalytic.violations import Violation
from shopalytic_server.domain import tokens
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.bases import EVER
from shopalytic_server.storage.paging import (
    ALL_EVENTS,
    event_place,
    page_size,
    parse_event_place,
    read_token,
    write_token,
)
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.scope import Scope, datasets
from shopalytic_server.storage.timeline import (
    MAX_PAGE_BYTES,
    stored_event,
)

_SQL = load("explain")
_ABOUT = b"explain"
_WRONG = "is not a token of this project's reports; send the explain of a row as it was given"

_statements: dict[str, sql.SQL] = {}

Value = str | int | bool | datetime | UUID | None | list[str] | list[int] | list[UUID]


def register(kind: str, statement: str) -> None:
    """Makes a kind of number known, with the statement that yields its events."""
    _statements[kind] = sql.SQL(statement)


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
            if kind in _statements:
                return Number(kind, parameters, None if as_of is None else datetime.fromisoformat(as_of))
    raise InvalidRequest([Violation("explain", "explain.known", _WRONG)])


async def list_events(
    snapshot: Snapshot, project: Project, request: reports_pb2.ListEventsRequest
) -> reports_pb2.ListEventsResponse:
    """A page of the events behind a number, newest first; raises InvalidRequest."""
    number = read_explain(project, request.explain)
    before = read_token(request, project, parse_event_place) or ALL_EVENTS
    rows = await snapshot.fetch(
        sql.SQL(_SQL.page).format(behind=_statements[number.kind]),
        **EVER,
        **number.parameters,
        **before._asdict(),
        limit=page_size(request) + 1,
        max_bytes=MAX_PAGE_BYTES,
    )
    page = rows[: page_size(request)]
    response = reports_pb2.ListEventsResponse(events=[stored_event(row) for row in page])
    if page and page[0]["found"] > len(page):
        response.next_page_token = write_token(request, project, event_place(page[-1]))
    return response


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be in a token")
