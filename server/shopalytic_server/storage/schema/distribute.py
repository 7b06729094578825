"""Distributes our tables over a Citus cluster, table by table, and those that a later version adds.

Each table has a transaction of its own, so what was done stays done when a later one fails, and the
same command goes on. https://docs.citusdata.com/en/stable/develop/api_udf.html
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.schema.cluster import (
    nodes,
    obstacles_of_cluster,
    obstacles_of_tables,
    placements,
)
from shopalytic_server.storage.schema.layout import EVERYWHERE, SPREAD, TABLES

Connection = psycopg.Connection[Any]

SHARDS = 32
"""How many shards a distributed table has when nobody says it: enough for 32 workers one day."""
_SQL = load("schema/cluster")

Progress = Callable[[str, int, int], object]
"""Is told the table that is next, how many are done and how many there are."""


@dataclass(frozen=True, slots=True)
class Step:
    """One table that is to be distributed."""

    table: str
    statement: sql.Composed


def refuse_if_hindered(connection: Connection, *, tables: bool = True) -> None:
    """Raises StoreUnavailable with what is in the way and what to do; without `tables`, of the cluster."""
    found = list(obstacles_of_cluster(connection))
    if not found and tables:
        found = list(obstacles_of_tables(connection))
    if found:
        raise StoreUnavailable("\n".join(found))


def steps(connection: Connection, shards: int) -> Iterator[Step]:
    """What is left to do, in its order. Shards of a table that is there already win over `shards`."""
    placed = placements(connection)
    if (events := placed.get("events")) is not None:
        shards = events.shards
    for name in EVERYWHERE:
        if name not in placed:
            yield Step(name, sql.SQL("SELECT create_reference_table({})").format(sql.Literal(name)))
    for name, spread in SPREAD.items():
        if name in placed:
            continue
        how = sql.SQL("shard_count := {}, colocate_with := 'none'").format(sql.Literal(shards))
        if spread.beside is not None:
            how = sql.SQL("colocate_with := {}").format(sql.Literal(spread.beside))
        statement = sql.SQL("SELECT create_distributed_table({}, {}, {})").format(
            sql.Literal(name), sql.Literal(spread.column), how
        )
        yield Step(name, statement)


def settings(connection: Connection, shards: int) -> Iterator[sql.Composed]:
    """What makes small transactions cheap: few connections to a worker, and kept ones.

    Without them each batch opens connections to every shard, which takes half a second.
    """
    holders = max(1, sum(node.holds_shards for node in nodes(connection)))
    cached = math.ceil(shards / holders)
    database = sql.Identifier(connection.info.dbname)
    for name, value in (
        ("citus.max_adaptive_executor_pool_size", 1),
        ("citus.max_cached_conns_per_worker", cached),
    ):
        yield sql.SQL("ALTER DATABASE {} SET {} = {}").format(database, sql.SQL(name), sql.Literal(value))


def functions(connection: Connection) -> Iterator[sql.Composed]:
    """Puts the functions that statements call on rows of shards on every node."""
    for (name,) in connection.execute(_SQL.functions.encode()).fetchall():
        yield sql.SQL("SELECT create_distributed_function({})").format(sql.Literal(name))


def statements(connection: Connection, shards: int) -> list[str]:
    """All statements that `distribute` would run, as texts."""
    todo = [step.statement for step in steps(connection, shards)]
    todo += [*functions(connection), *settings(connection, shards)]
    return [statement.as_string(connection) for statement in todo]


def distribute(connection: Connection, shards: int, progress: Progress = lambda *_: None) -> None:
    """Distributes what is not yet distributed. Whoever calls holds the lock of migrations.

    Raises StoreUnavailable when a table has not as many rows afterwards as before.
    """
    todo = list(steps(connection, shards))
    for done, step in enumerate(todo):
        progress(step.table, done, len(todo))
        with connection.transaction():
            _distribute_one(connection, step)
    _forget_what_stayed(connection)
    for statement in functions(connection):
        connection.execute(statement)
    placed = placements(connection)
    if "events" in placed:
        for statement in settings(connection, placed["events"].shards):
            connection.execute(statement)


def _distribute_one(connection: Connection, step: Step) -> None:
    # Nobody may add a row between the two counts; readers go on.
    table = sql.Identifier(step.table)
    connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table))
    before = count(connection, step.table)
    connection.execute(step.statement)
    after = count(connection, step.table)
    if before != after:
        raise StoreUnavailable(
            f'The table "{step.table}" had {before:,} rows and has {after:,} once it is distributed; nothing'
            " of it was changed. Look at the log of the coordinator."
        )


def _forget_what_stayed(connection: Connection) -> None:
    """The rows were copied; those on the coordinator are seen by nobody and only take room."""
    for (name,) in connection.execute(_SQL.left_behind.encode(), {"tables": list(TABLES)}).fetchall():
        connection.execute("SELECT truncate_local_data_after_distributing_table(%s::regclass)", [name])


def count(connection: Connection, table: str) -> int:
    """How many rows a table has."""
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    return int(row[0]) if row else 0
