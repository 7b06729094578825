"""The schema can be distributed by Citus as its layout says: laws over the real catalogue."""

from typing import Any

import psycopg
import pytest

from shopalytic_server.storage.schema.layout import SPREAD, TABLES

OURS = "n.nspname = current_schema AND c.relname NOT LIKE '%yoyo%'"


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_each_table_says_how_its_rows_are_distributed(database_url: str) -> None:
    tables = rows(
        database_url,
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND {OURS}",
    )
    assert sorted(name for (name,) in tables) == sorted(TABLES)


@pytest.fixture
def keys(database_url: str) -> list[tuple[str, str, list[str]]]:
    """Table, index and columns of everything that must be unique."""
    return rows(
        database_url,
        "SELECT c.relname, i.indexrelid::regclass::text,"
        "       ARRAY(SELECT a.attname::text FROM pg_attribute a"
        "              WHERE a.attrelid = c.oid AND a.attnum = ANY(i.indkey))"
        "  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        "  JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE (i.indisunique OR i.indisexclusion) AND NOT c.relispartition AND {OURS}",
    )


def test_what_is_unique_is_so_within_one_shard(keys: list[tuple[str, str, list[str]]]) -> None:
    across = [
        index for table, index, columns in keys if table in SPREAD and SPREAD[table].column not in columns
    ]
    assert across == []
    assert {table for table, _, _ in keys} >= {*TABLES}


def test_no_table_has_a_trigger_or_points_at_another(database_url: str) -> None:
    """Foreign keys are triggers too; between shards there can be neither."""
    assert (
        rows(
            database_url,
            "SELECT t.tgrelid::regclass::text, t.tgname"
            "  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            f"  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS}"
            "  AND t.tgname !~ '^truncate_trigger_'",  # Citus has one on each distributed table.
        )
        == []
    )


def test_rows_are_distributed_by_columns_that_cannot_be_absent(database_url: str) -> None:
    there = rows(
        database_url,
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        f"  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE a.attnotnull AND {OURS}",
    )
    assert {(table, spread.column) for table, spread in SPREAD.items()} <= {*there}


def test_numbers_that_a_distributed_table_counts_up_are_large_enough(database_url: str) -> None:
    """Each node counts in a range of its own, which takes a bigint."""
    small = rows(
        database_url,
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        "  JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE a.attidentity <> '' AND a.atttypid <> 'bigint'::regtype AND {OURS}",
    )
    assert SPREAD.keys().isdisjoint(table for table, _ in small)
