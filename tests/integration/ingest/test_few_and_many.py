"""A few events are stored by other statements than many; what is stored is the same."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from laws.full_events import FULL
from laws.ingest_answers import A, prepared, stored, words
from shopalytic.events.decoding import decode_event
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.storage.database import connections
from shopalytic_server.storage.ingest import copyrows, rows, transaction
from shops.report_shop import Shop, open_shop

TABLES = (
    *("events", "order_revisions", "order_items", "order_statements", "refunds", "refund_items"),
    *("shipment_changes", "profile_changes", "cart_changes", "products", "identities", "tracking_links"),
)
KINDS = [kind for kind in FULL if kind != "undecoded"]


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def events(*, sandbox: bool) -> list[Event]:
    """One of each type with every field, and with as few as there may be of its context."""
    return [
        decode_event(
            {
                "type": kind,
                "event_id": f"0190b6f0-8c7e-7cc0-9d3a-{number:012d}",
                "occurred_at": f"2025-05-01T12:00:{number:02d}.123456Z",
                "tracking_id": "visitor",
                "source": "shop 'ä😀\\",
                "sandbox": sandbox,
                "context": {"user_agent": 'Mozilla "5"', "screen_width": 100} if number % 2 else {},
                "properties": FULL[kind],
            }
        )
        for number, kind in enumerate(KINDS)
    ]


def contents(url: str, dataset: int) -> dict[str, list[Any]]:
    rows_of = "SELECT (to_jsonb(t) - 'dataset_id')::text FROM {} t WHERE dataset_id = {}"
    return {table: sorted(stored(url, rows_of.format(table, dataset))) for table in TABLES}


async def test_what_is_stored_is_the_same(
    shop: Shop, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = prepared(shop, *events(sandbox=True))
    together = []

    def noted(conn: connections.Connection) -> Any:
        together.append(conn)
        return connections.together(conn)

    with monkeypatch.context() as patched:
        patched.setattr(transaction, "together", noted)
        assert words(list(await shop.writer.submit(few))) == [A] * len(KINDS)
    assert together
    monkeypatch.setattr(copyrows, "_FEW_EVENTS", 0)
    monkeypatch.setattr(rows, "_FEW_ROWS", 0)
    many = prepared(shop, *events(sandbox=False))
    assert words(list(await shop.writer.submit(many))) == [A] * len(KINDS)
    own = Dataset.of(shop.project)
    found, wanted = contents(database_url, own + 1), contents(database_url, own)
    assert all(wanted.values())
    assert found == wanted
