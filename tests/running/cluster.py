"""A Citus cluster of one node as the server of the tests: its URL names a database with the extension."""

import time
from functools import cache

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import ObjectInUse

NO_CLUSTER = "not on a Citus cluster: run `make test DATABASE_URL=…` with one"

# Enough that rows of one table lie apart, few enough to make a database of them in no time.
SHARDS = 4
_PATIENCE_SECONDS = 120.0


@cache
def is_cluster(server_url: str) -> bool:
    """Whether the database of this URL has the extension."""
    with psycopg.connect(server_url) as connection:
        found = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'citus'")
        return found.fetchone() is not None


def distribute(database_url: str) -> None:
    """Makes an empty database a cluster of one node, with our tables over its shards."""
    from shopalytic_server.storage.schema.migrate import migrate_onto_cluster

    given = conninfo_to_dict(database_url)
    place = [given.get("host", "localhost"), int(given.get("port") or 5432)]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION citus")
        connection.execute("SELECT citus_set_coordinator_host(%s, %s)", place)
        connection.execute("SELECT citus_set_node_property(%s, %s, 'shouldhaveshards', true)", place)
    migrate_onto_cluster(database_url, SHARDS)


def copy(server_url: str, template: str, name: str) -> None:
    """Makes a database like another one, from which it sends the daemon of Citus away."""
    identifiers = sql.Identifier(name), sql.Identifier(template)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with psycopg.connect(server_url, autocommit=True) as connection:
        while True:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [template]
            )
            try:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(*identifiers)
                )
                break
            except ObjectInUse:
                if time.monotonic() > deadline:
                    raise
        # Settings of a database are not copied with it.
        for setting in ("max_adaptive_executor_pool_size = 1", f"max_cached_conns_per_worker = {SHARDS}"):
            change = sql.SQL(f"ALTER DATABASE {{}} SET citus.{setting}")
            connection.execute(change.format(identifiers[0]))
