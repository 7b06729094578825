"""A Citus cluster: which one a database is of, and what keeps its tables from being distributed.

https://docs.citusdata.com/en/stable/develop/api_metadata.html
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.schema.layout import EVERYWHERE, SPREAD, TABLES

Connection = psycopg.Connection[Any]

MINIMUM_CITUS_VERSION = 13
MIGRATING = "shopalytic migrate"
"""The name of sessions that may be there while tables are distributed."""
_SQL = load("schema/cluster")
_MB = 1_000_000
# What an index of a copied table takes while it is built, and some air.
_ROOM_FACTOR = 1.2
# Citus starts its daemon after the first statement that needs it.
_DAEMON_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Node:
    """What a node of the cluster says of itself."""

    name: str
    """Its host and port, as the coordinator calls it."""
    is_coordinator: bool
    holds_shards: bool
    answer: Mapping[str, Any] | None
    """None: it could not be asked."""


@dataclass(frozen=True, slots=True)
class Placed:
    """How a table lies on the cluster."""

    table: str
    kind: str
    """`reference`, `distributed` or `local`."""
    column: str | None
    beside: str | None
    """One of our tables that its shards lie beside."""
    shards: int
    bytes: int


def citus_version(connection: Connection) -> str | None:
    """The version of the extension in this database; None where there is none."""
    row = connection.execute(_SQL.version.encode()).fetchone()
    return None if row is None else str(row[0])


def is_worker(connection: Connection) -> bool:
    """Whether this database is on a node that is not the coordinator."""
    if citus_version(connection) is None:
        return False
    row = connection.execute(_SQL.group.encode()).fetchone()
    return row is not None and row[0] != 0


def why_not_to_write(connection: Connection) -> str | None:
    """Why a database must not be written to through this node; None if it may be."""
    if not is_worker(connection):
        return None
    row = connection.execute(_SQL.coordinator.encode()).fetchone()
    where = "the coordinator" if row is None else f"the coordinator, {row[0]}:{row[1]},"
    return (
        f"This is a worker of a Citus cluster, where the locks of other writers are not seen. Name {where} in"
        " --database-url; a worker may answer reports as --reports-database-url."
    )


def is_distributed(connection: Connection) -> bool:
    """Whether any of our tables lies on a cluster already."""
    return citus_version(connection) is not None and bool(placements(connection))


def placements(connection: Connection) -> dict[str, Placed]:
    """Those of our tables that are not local, by name."""
    rows = connection.execute(_SQL.placements.encode(), {"tables": list(TABLES)}).fetchall()
    groups = {name: group for name, kind, _, group, _, _ in rows if kind == "distributed"}
    first: dict[int, str] = {}
    for name in SPREAD:
        if name in groups:
            first.setdefault(groups[name], name)
    return {
        name: Placed(name, kind, column, _other(first.get(group), name), shards, size)
        for name, kind, column, group, shards, size in rows
    }


def _other(found: str | None, name: str) -> str | None:
    return None if found == name else found


def local_tables(connection: Connection) -> list[str]:
    """Our tables that are on the coordinator alone."""
    placed = placements(connection)
    return [name for name in TABLES if name not in placed and _exists(connection, name)]


def nodes(connection: Connection) -> list[Node]:
    """All primary nodes, each asked for what it is."""
    known = connection.execute(_SQL.nodes.encode()).fetchall()
    answers = {
        node: json.loads(text) if done else None
        for node, done, text in connection.execute(
            _SQL.ask_nodes.encode(), {"question": _SQL.of_a_node}
        ).fetchall()
    }
    return [
        Node(f"{host}:{port}", group == 0, shards, answers.get(node) if active else None)
        for node, host, port, group, shards, active in known
    ]


def obstacles_of_cluster(connection: Connection) -> Iterator[str]:
    """Why the cluster cannot take tables, each with what to do."""
    version = citus_version(connection)
    if version is None:
        yield (
            "The extension citus is not in this database: put it into shared_preload_libraries of every node,"
            " restart them, and CREATE EXTENSION citus in the database of each."
        )
        return
    if _major(version) < MINIMUM_CITUS_VERSION:
        yield f"Citus {version} is too old: update every node to {MINIMUM_CITUS_VERSION} or later."
        return
    if refused := why_not_to_write(connection):
        yield refused
        return
    known = nodes(connection)
    if not any(node.is_coordinator for node in known):
        yield (
            "The coordinator is not registered, so reference tables would not be on it:"
            " SELECT citus_set_coordinator_host('its address for the workers', its port)."
        )
        return
    if not any(node.holds_shards and node.answer is not None for node in known):
        yield (
            "No active node takes shards: SELECT citus_add_node('address', port) for each worker; for a"
            " cluster of one node SELECT citus_set_node_property('address', port, 'shouldhaveshards', true)."
        )
        return
    yield from _of_the_nodes(known)
    yield from _of_the_daemons(connection)


def _of_the_nodes(known: Sequence[Node]) -> Iterator[str]:
    for node in known:
        if node.answer is None:
            yield f"{node.name} cannot be asked: start it, or SELECT citus_remove_node for one that is gone."
        elif node.answer["prepared"] == 0:
            yield (
                f"{node.name} has max_prepared_transactions = 0, so nothing can be stored on several nodes:"
                " set it to max_connections and restart the node."
            )
    there = [(node, node.answer) for node in known if node.answer is not None]
    for key, what in (
        ("citus", "Citus"),
        ("postgresql", "PostgreSQL"),
        ("time_zone", "TimeZone"),
        ("encoding", "encoding"),
    ):
        values = {str(answer[key]): node.name for node, answer in there}
        if len(values) > 1:
            told = ", ".join(f"{name} {value}" for value, name in values.items())
            yield f"The nodes differ in {what} ({told}): make them alike."


def _of_the_daemons(connection: Connection) -> Iterator[str]:
    until = time.monotonic() + _DAEMON_SECONDS
    while without := nodes_without_daemon(connection):
        if time.monotonic() > until:
            yield (
                f"No Citus daemon runs for this database on {', '.join(without)}: each database needs one"
                " worker process; raise max_worker_processes there and restart."
            )
            return
        time.sleep(0.2)


def nodes_without_daemon(connection: Connection) -> list[str]:
    """Nodes on which no daemon of Citus looks after this database."""
    return [node.name for node in nodes(connection) if node.answer is not None and not node.answer["daemons"]]


def obstacles_of_tables(connection: Connection) -> Iterator[str]:
    """Why the tables cannot be distributed as they are, each with what to do."""
    placed = placements(connection)
    for name in TABLES:
        if name in placed and (found := _differs(placed[name])):
            yield f"The table \"{name}\" is {found} already: SELECT undistribute_table('{name}')."
    missing = local_tables(connection)
    values = {"tables": [name for name in TABLES if _exists(connection, name)]}
    for table, name, kind in connection.execute(_SQL.strangers.encode(), values).fetchall():
        drop = (
            f"DROP TRIGGER {name} ON {table}"
            if kind == "trigger"
            else f"ALTER TABLE {table} DROP CONSTRAINT {name}"
        )
        yield f'The {kind} "{name}" on "{table}" is not of this product, and shards can have none: {drop}.'
    filled = [name for name in missing if _has_rows(connection, name)]
    if filled:
        others = connection.execute(_SQL.sessions.encode(), {"own": MIGRATING}).fetchone()
        if others is not None and others[0]:
            yield (
                f"{others[0]} other sessions of Shopalytic are connected, and tables hold rows: stop all"
                " servers first, and start them when this is done."
            )
    yield from _of_the_disks(connection, missing)


def _differs(placed: Placed) -> str | None:
    wanted = SPREAD.get(placed.table)
    if wanted is None:
        return None if placed.kind == "reference" else f"{placed.kind}, not a reference table,"
    if placed.kind != "distributed" or placed.column != wanted.column:
        by = f" by {placed.column}" if placed.column else ""
        return f"{placed.kind}{by}, not distributed by {wanted.column},"
    return None if placed.beside == wanted.beside else "not beside the shards that it belongs to,"


def _of_the_disks(connection: Connection, missing: Sequence[str]) -> Iterator[str]:
    everywhere = spread = 0
    for name in missing:
        size = _size(connection, name)
        if name in EVERYWHERE:
            everywhere += size
        else:
            spread += size
    known = nodes(connection)
    shares = max(1, sum(node.holds_shards for node in known))
    for node in known:
        if node.answer is None or node.answer["free"] is None:
            continue
        needed = int(_ROOM_FACTOR * (everywhere + (spread / shares if node.holds_shards else 0)))
        if needed > node.answer["free"]:
            yield (
                f"{node.name} has {node.answer['free'] // _MB:,} MB free and needs about {needed // _MB:,}"
                " MB: give it a larger disk, or add workers first."
            )


def _exists(connection: Connection, table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return row is not None and bool(row[0])


def _has_rows(connection: Connection, table: str) -> bool:
    return connection.execute(f"SELECT 1 FROM {table} LIMIT 1".encode()).fetchone() is not None  # noqa: S608 - ours


def _size(connection: Connection, table: str) -> int:
    row = connection.execute(_SQL.local_size.encode(), {"table": table}).fetchone()
    return int(row[0]) if row else 0


def _major(version: str) -> int:
    # "14.0-1", and "15.0devel" before it is released.
    return int(version.partition(".")[0])
