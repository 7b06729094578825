"""Fresh rows: a table's rows of some days, read out of PostgreSQL into DuckDB's memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import duckdb
from psycopg import sql

from shopalytic_server.storage.facts.tables import Kind, Table

_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Span:
    """The times that a question needs of a table: from `begin` to before `end`; None is open."""

    begin: datetime | None = None
    end: datetime | None = None

    def within(self, other: "Span") -> "Span | None":
        """What two have in common; None for nothing."""
        begin = max((each for each in (self.begin, other.begin) if each is not None), default=None)
        end = min((each for each in (self.end, other.end) if each is not None), default=None)
        return Span(begin, end) if begin is None or end is None or begin < end else None


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


def statement_of(table: Table, datasets: Sequence[int], span: Span, currency: str) -> sql.Composed:
    """What reads a table's rows. `currency` is the one of events that name none."""
    return sql.SQL("SELECT {columns} FROM ({rows}) AS rows").format(
        columns=sql.SQL(", ").join(map(_as_text, table.columns.items())),
        rows=sql.SQL(table.statement).format(
            datasets=sql.Literal(list(datasets)),
            begin=sql.Literal("-infinity" if span.begin is None else span.begin.isoformat()),
            end=sql.Literal("infinity" if span.end is None else span.end.isoformat()),
            currency=sql.Literal(currency),
        ),
    )


def _as_text(column: tuple[str, Kind]) -> sql.Composable:
    """A column; amounts as texts, which tell how many digits they have."""
    name, kind = column
    if kind is Kind.AMOUNT:
        return sql.SQL("{0}::text AS {0}").format(sql.Identifier(name))
    return sql.Identifier(name)


def create(table: Table) -> str:
    """Makes the table of fresh rows."""
    columns = ", ".join(f"{name} {kind}" for name, kind in table.definition())
    return f"CREATE OR REPLACE TEMP TABLE fresh_{table.name} ({columns})"


def insert(table: Table, source: str) -> str:
    """Puts rows of a source, whose amounts are texts, into the table of fresh rows."""
    return f"INSERT INTO fresh_{table.name} SELECT {converted(table)} FROM {source}"  # noqa: S608 - names of ours


def converted(table: Table) -> str:
    """The columns of a table, of rows whose amounts are texts, with their types in DuckDB."""
    return ", ".join(_converted(name, kind) for name, kind in table.columns.items())


def _converted(name: str, kind: Kind) -> str:
    if kind is Kind.AMOUNT:
        digits = f"length(split_part({name}, '.', 2))::UTINYINT AS {name}_digits"
        return f"{name}::{kind.type} AS {name}, {digits}"
    return f"{name}::{kind.type} AS {name}"


def insert_rows(into: duckdb.DuckDBPyConnection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Puts rows that psycopg has read into the table of fresh rows."""
    names = list(table.columns)
    unnested = ", ".join(
        f"unnest(${name}::{_given(kind)}[]) AS {name}" for name, kind in table.columns.items()
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
