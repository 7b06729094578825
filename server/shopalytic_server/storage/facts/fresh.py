"""Fresh rows: a table's rows of some days, read out of PostgreSQL into DuckDB's memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import duckdb
from psycopg import sql

from shopalytic_server.domain.projects import EVENT_TYPES
from shopalytic_server.storage.database.engines import text_for
from shopalytic_server.storage.facts.tables import STEPS, Kind, Table

_CHUNK = 10_000
_OTHER_TYPES = [name for name in EVENT_TYPES if name not in STEPS.values()]


@dataclass(frozen=True, slots=True)
class Span:
    """The times that a question needs of a table: from `begin` to before `end`; None is open."""

    begin: datetime | None = None
    end: datetime | None = None
    types: frozenset[str] | None = None
    """Of steps: the types of events; None is all."""

    def within(self, other: "Span") -> "Span | None":
        """What two have in common; None for nothing."""
        begin = max((each for each in (self.begin, other.begin) if each is not None), default=None)
        end = min((each for each in (self.end, other.end) if each is not None), default=None)
        return Span(begin, end) if begin is None or end is None or begin < end else None

    def with_all_of(self, other: "Span | None") -> "Span":
        """All that lies in one of two, and between them."""
        if other is None:
            return self
        begins, ends = (self.begin, other.begin), (self.end, other.end)
        return Span(
            None if None in begins else min(each for each in begins if each is not None),
            None if None in ends else max(each for each in ends if each is not None),
        )


EVER = Span()


def outside(days: Iterable[date]) -> list[Span]:
    """All time but some days."""
    found = []
    reached: datetime | None = None
    for day in sorted(days):
        midnight = datetime.combine(day, time(), UTC)
        if reached != midnight:
            found.append(Span(reached, midnight))
        reached = midnight + timedelta(days=1)
    return [*found, Span(reached, None)]


def statement_of(
    table: Table, datasets: Sequence[int], span: Span, currency: str, *, citus: bool
) -> sql.Composed:
    """What reads a table's rows. `currency` is the one of events that name none."""
    return sql.SQL("SELECT {columns} FROM ({rows}) AS rows").format(
        columns=sql.SQL(", ").join(map(_as_text, arriving(table).items())),
        rows=sql.SQL(text_for(table.statement, citus=citus)).format(
            datasets=sql.Literal(list(datasets)),
            begin=sql.Literal("-infinity" if span.begin is None else span.begin.isoformat()),
            end=sql.Literal("infinity" if span.end is None else span.end.isoformat()),
            currency=sql.Literal(currency),
            other_types=sql.Literal(_OTHER_TYPES),
        ),
    )


def _as_text(column: tuple[str, Kind]) -> sql.Composable:
    """A column; amounts as texts, which tell how many digits they have."""
    name, kind = column
    if kind is Kind.AMOUNT:
        return sql.SQL("{0}::text AS {0}").format(sql.Identifier(name))
    return sql.Identifier(name)


def arriving(table: Table) -> Mapping[str, Kind]:
    """What PostgreSQL sends of a row."""
    return table.arriving or table.columns


def create(table: Table) -> str:
    """Makes the table of fresh rows."""
    columns = ", ".join(f"{name} {kind}" for name, kind in table.definition())
    return f"CREATE OR REPLACE TEMP TABLE fresh_{table.name} ({columns})"


def insert(table: Table, source: str) -> str:
    """Puts rows of a source, whose amounts are texts, into the table of fresh rows."""
    return f"INSERT INTO fresh_{table.name} {kept_of(table, source)}"


def kept_of(table: Table, source: str) -> str:
    """The columns of a table, of rows that PostgreSQL has sent, with their types in DuckDB."""
    columns = ", ".join(_converted(name, kind) for name, kind in table.columns.items())
    rows = source if table.made is None else f"({table.made.format(rows=source)})"
    return f"SELECT {columns} FROM {rows}"  # noqa: S608 - names of ours


def _converted(name: str, kind: Kind) -> str:
    if kind is Kind.AMOUNT:
        digits = f"length(split_part({name}, '.', 2))::UTINYINT AS {name}_digits"
        return f"{name}::{kind.type} AS {name}, {digits}"
    return f"{name}::{kind.type} AS {name}"


def insert_rows(into: duckdb.DuckDBPyConnection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Puts rows that psycopg has read into the table of fresh rows."""
    names = list(arriving(table))
    unnested = ", ".join(
        f"unnest(${name}::{_given(kind)}[]) AS {name}" for name, kind in arriving(table).items()
    )
    for chunk in _chunks(rows):
        columns: Mapping[str, list[Any]] = {
            name: [row[place] for row in chunk] for place, name in enumerate(names)
        }
        into.execute(insert(table, f"(SELECT {unnested})"), columns)


def _given(kind: Kind) -> str:
    return "VARCHAR" if kind is Kind.AMOUNT else kind.type


def _chunks(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    chunk: list[tuple[Any, ...]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
