"""Whatever a customer does belongs to the last visit that began before it, of however many visits."""

import random
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.facts.breakdown.sources import visit_of

_SQL = load("facts/breakdown/beside")
_EPOCH = datetime.fromisoformat("1970-01-01")
_FOUND = """
SELECT e.number, v.occurred_at
  FROM done e
  LEFT JOIN crowded w ON w.customer = e.customer
  LEFT JOIN visits_in_parts v ON {condition}
 ORDER BY ALL
"""
_EXPECTED = """
SELECT e.number, v.occurred_at
  FROM done e
  ASOF LEFT JOIN visits v ON v.customer = e.customer AND v.occurred_at <= e.moment
 ORDER BY ALL
"""


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    connection.execute(f"INSERT INTO {table} SELECT unnest($1), unnest($2), unnest($3)", columns)


@pytest.mark.parametrize("seed", range(3))
def test_each_event_finds_the_visit_that_asof_finds(seed):
    chance = random.Random(seed)
    connection = duckdb.connect()
    connection.execute("CREATE TABLE arrived (customer BIGINT, occurred_at TIMESTAMP, position BIGINT)")
    connection.execute("CREATE TABLE done (number BIGINT, customer BIGINT, moment TIMESTAMP)")
    # Up to sixteen visits are few, more than a thousand very many.
    counts = [1, 2, 15, 16, 17, 18, 40, 300, 1001, 1300]
    begins = []
    for customer, count in enumerate(counts):
        at = _EPOCH + timedelta(days=chance.choice([-20, 0, 3, 20_000]), minutes=chance.randint(0, 3000))
        for _ in range(count):
            at += timedelta(microseconds=1 + round(chance.expovariate(1) * chance.choice([1e9, 1e10, 1e11])))
            begins.append((customer, at))
    rows = [(customer, at, number) for number, (customer, at) in enumerate(begins)]
    _insert(connection, "arrived", rows)
    moments = [at + timedelta(microseconds=chance.choice([-1, 0, 1, 5])) for _, at in begins]
    moments += [at + timedelta(days=chance.randint(-400, 4000)) for _, at in begins]
    events = [(number, chance.randrange(len(counts)), at) for number, at in enumerate(moments)]
    events += [
        (len(events) + number, customer, at + timedelta(microseconds=chance.choice([-1, 0, 1])))
        for number, (customer, at) in enumerate(begins)
    ]
    _insert(connection, "done", events)
    connection.execute(f"CREATE VIEW visits AS {_SQL.plain_visits}")
    connection.execute(f"CREATE TABLE crowded AS {_SQL.crowded}")
    connection.execute(f"CREATE VIEW visits_in_parts AS {_SQL.visits_in_parts}")
    assert connection.execute("SELECT count(DISTINCT width), count(*) FROM crowded").fetchone() == (2, 6)
    found = connection.execute(_FOUND.format(condition=visit_of("e.moment", "e.customer"))).fetchall()
    assert found == connection.execute(_EXPECTED).fetchall()
    assert len(found) == len(events)
