"""The checks of `shopalytic doctor` on a Citus cluster; nothing where there is none."""

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from shopalytic_server.cli.doctor.checks import Finding, Verdict
from shopalytic_server.storage.schema.cluster import (
    Node,
    citus_version,
    is_distributed,
    local_tables,
    nodes,
    nodes_without_daemon,
    obstacles_of_cluster,
    placements,
)

_NAME = "citus"


def check_cluster(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    """Nodes, versions, shards, daemons, old prepared transactions and tables that are not distributed."""
    version = citus_version(connection)
    if version is None:
        return
    if not is_distributed(connection):
        text = f"Citus {version} is here, and no table is distributed. `shopalytic migrate --citus` does it."
        yield Finding(_NAME, Verdict.WARNING, text)
        return
    if found := list(obstacles_of_cluster(connection)):
        yield Finding(_NAME, Verdict.FAILED, " ".join(found))
        return
    known = nodes(connection)
    shards = sum(placed.shards for placed in placements(connection).values() if placed.column)
    holding = sum(node.holds_shards for node in known)
    yield Finding(
        _NAME,
        Verdict.OK,
        f"Citus {version} on {len(known)} nodes; {shards} shards of distributed tables on {holding} of them.",
    )
    yield _check_prepared(known)
    yield _check_daemons(connection)
    if left := local_tables(connection):
        text = f"Only on the coordinator: {', '.join(left)}. `shopalytic migrate` distributes them."
        yield Finding("local tables", Verdict.FAILED, text)


def _check_prepared(known: Sequence[Node]) -> Finding:
    old = {node.name: node.answer["old_prepared"] for node in known if node.answer is not None}
    there = [f"{number} on {name}" for name, number in old.items() if number]
    if there:
        text = (
            f"Transactions that were prepared more than 5 minutes ago keep their locks: {', '.join(there)}."
            " Citus ends them once the coordinator reaches the node: SELECT recover_prepared_transactions()."
        )
        return Finding("prepared", Verdict.WARNING, text)
    return Finding("prepared", Verdict.OK, "No node keeps an old prepared transaction.")


def _check_daemons(connection: psycopg.Connection[Any]) -> Finding:
    without = nodes_without_daemon(connection)
    if without:
        text = f"No daemon of Citus is here on {', '.join(without)}: raise max_worker_processes there."
        return Finding("daemons", Verdict.WARNING, text)
    return Finding("daemons", Verdict.OK, "A daemon of Citus looks after this database on each node.")
