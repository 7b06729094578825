"""Storing a usual group reads what its own keys name, however large its dataset is.

A connection keeps the plans of its statements. Those that it makes of an empty or a small
table, or of one whose rows nobody has counted, are used when the table is large.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from laws.ingest_answers import prepared
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.ingest import bulk_insert
from shopalytic_server.storage.ingest.tombstones import leave
from shopalytic_server.storage.ingest.transaction import Ingest
from shops.report_shop import START, Shop, event, identify, open_shop, order, page

# More than the plans of a connection that are made anew, before one is kept.
_PLANS_MADE_ANEW = 8
_FEW, _SOME, _MANY = 100, 200, 5_000

# Counted in the transaction itself, since the last flush: rows of tables, entries of indexes.
_READ = """
SELECT c.relname, pg_stat_get_xact_tuples_returned(c.oid)
  FROM pg_class c
 WHERE c.relnamespace = current_schema::regnamespace AND c.relkind IN ('r', 'i')
"""

_OTHERS = """
INSERT INTO identities
SELECT {dataset}, 'i' || n, md5('i' || n)::uuid, md5('i' || n)::uuid, now() FROM {numbers};
INSERT INTO tracking_links
       (dataset_id, subject, identity, tracking_id, kind, occurred_at, event_id, received_at, owner)
SELECT {dataset}, md5('t' || n)::uuid, 'i' || n, 't' || n, 'identify', now(), md5('e' || n)::uuid, now(), true
  FROM {numbers};
INSERT INTO alias_links
       (dataset_id, identity, existing_identity, existing_tracking_id, occurred_at, event_id, received_at)
SELECT {dataset}, 'a' || n, '', 'u' || n, now(), md5('a' || n)::uuid, now() FROM {numbers};
INSERT INTO undone_merges SELECT {dataset}, 'm' || n, '', 'v' || n, now(), md5('k')::uuid FROM {numbers};
INSERT INTO event_keys SELECT {dataset}, md5('e' || n)::uuid, md5('f' || n)::uuid FROM {numbers};
INSERT INTO products (dataset_id, sku, name, price, currency, seen_at, seen_event_id)
SELECT {dataset}, 's' || n, 'thing', 1, 'EUR', now(), md5('e' || n)::uuid FROM {numbers};
INSERT INTO tombstones SELECT {dataset}, md5('d' || n)::uuid, now() FROM {numbers};
INSERT INTO order_revisions
       (dataset_id, order_id, content, event_id, occurred_at, subject, current, ordered_at, bot, cart_id,
        currency, total, subtotal, units)
SELECT {dataset}, 'o' || n, md5('o' || n)::uuid, md5('e' || n)::uuid, now(), md5('t' || n)::uuid, true, now(),
       false, 'c', 'EUR', 1, 1, 1
  FROM {numbers};
INSERT INTO order_statements (dataset_id, order_id, event_id, occurred_at, subject, type)
SELECT {dataset}, 'o' || n, md5('e' || n)::uuid, now(), md5('t' || n)::uuid, 'order' FROM {numbers};
INSERT INTO refunds (dataset_id, order_id, event_id, occurred_at, subject, bot, refund_type, currency)
SELECT {dataset}, 'o' || n, md5('r' || n)::uuid, now(), md5('t' || n)::uuid, false, 'full', 'EUR'
  FROM {numbers};
INSERT INTO shipment_changes (dataset_id, shipment_id, occurred_at, event_id, order_id, subject, bot)
SELECT {dataset}, 'p' || n, now(), md5('e' || n)::uuid, 'o' || n, md5('t' || n)::uuid, false FROM {numbers};
INSERT INTO profile_changes (dataset_id, subject, occurred_at, event_id, email)
SELECT {dataset}, md5('i' || n)::uuid, now(), md5('e' || n)::uuid, n || '@shop.test' FROM {numbers};
INSERT INTO events (dataset_id, subject, occurred_at, event_id, received_at, type, bot, properties)
SELECT {dataset}, md5('t' || n)::uuid, '{at}', md5('e' || n)::uuid, now(), 'page_view', false, '{{}}'
  FROM {numbers};
"""

# Nobody counts the rows of a test in the background.
_UNCOUNTED = """
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT c.oid::regclass FROM pg_class c
                 WHERE c.relnamespace = current_schema::regnamespace AND c.relkind = 'r' LOOP
        EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', name);
    END LOOP;
END
$$
"""


def usual(number: int) -> list[Event]:
    """A group that one statement stores."""
    view = {"sku": f"sku-{number}", "name": "thing", "price": "1.00"}
    return [
        page(f"T{number}", identity=f"seen-{number}"),
        event("product_view", {**view, "categories": ["a"]}, tracking_id=f"T{number}"),
        event("product_view", {**view, "sku": "again", "categories": ["b"]}, tracking_id=f"T{number}"),
        event("cart_add", {"cart_id": "c", "sku": "s", "price": "1.00", "qty": 1}, tracking_id=f"T{number}"),
        identify(f"U{number}", f"named-{number}"),
        identify("known", "known"),
        order(f"order-{number}", tracking_id=f"T{number}"),
    ]


async def store(conn: Connection, ingest: Ingest, shop: Shop, events: Sequence[Event]) -> Counter[str]:
    """Stores a group; returns how many rows of each table and entries of each index were read for it."""

    async def read() -> Counter[str]:
        return Counter(dict(await (await conn.execute(_READ)).fetchall()))

    async with conn.transaction():
        before = await read()
        assert len(await ingest.store(conn, prepared(shop, *events))) == len(events)
        return await read() - before


async def grow(conn: Connection, dataset: int, first: int, last: int) -> None:
    numbers = f"generate_series({first}, {last}) AS n"
    for statement in _OTHERS.format(dataset=dataset, numbers=numbers, at=START.isoformat()).split(";"):
        await conn.execute(statement)


@pytest.mark.parametrize("counted", ["never", "not since some came", "when empty", "when few"])
async def test_what_a_group_reads_does_not_grow_with_its_dataset(database_url, monkeypatch, counted):
    monkeypatch.setattr(bulk_insert, "YOUNGEST", timedelta(days=36_500))
    async with open_shop(database_url) as shop, shop.pool.connection() as conn:
        dataset, ingest = Dataset.of(shop.project), Ingest()
        # As after events that came again: ids are looked up before they are taken.
        ingest._looking = 1_000
        await conn.execute(_UNCOUNTED)
        if counted == "when empty":
            await conn.execute("ANALYZE")
        await leave(conn, dataset, ["somebody"], START)
        numbers = itertools.count()
        if counted == "not since some came":
            await store(conn, ingest, shop, usual(next(numbers)))
            await grow(conn, dataset, -_SOME, 0)
            await conn.execute("DISCARD PLANS")
        for _ in range(_PLANS_MADE_ANEW):
            await store(conn, ingest, shop, usual(next(numbers)))
            if counted == "when few":
                await conn.execute("ANALYZE")
        await grow(conn, dataset, 1, _FEW)
        few = await store(conn, ingest, shop, usual(next(numbers)))
        await grow(conn, dataset, _FEW + 1, _MANY)
        for _ in range(_PLANS_MADE_ANEW):
            many = await store(conn, ingest, shop, usual(next(numbers)))
            assert {name: count for name, count in (many - few).items() if count > _FEW} == {}
