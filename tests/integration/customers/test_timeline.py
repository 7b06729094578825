"""A customer's timeline."""

import json
import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from shopalytic.events.decoding import EVENT_TYPES, decode_event
from shopalytic.v1.properties import properties
from shopalytic_server.domain.customers.identity import tracking_subject
from shopalytic_server.domain.errors import InvalidRequest, NotFound
from shopalytic_server.domain.events.event_order import RANKS, position
from shopalytic_server.domain.events.prepared import microseconds
from shopalytic_server.storage.customers.timeline import MAX_PAGE_BYTES
from shopalytic_server.storage.database.paging import ALL_EVENTS, parse_event_place
from shopalytic_server.storage.database.queries import load
from shops.report_shop import START, Shop, alias, event, identify, open_shop, order, page

SEED = 20260301
VECTORS = Path(__file__).parents[2] / "vectors"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


async def pages(shop: Shop, name: str, **fields: Any) -> list[list[str]]:
    """The ids of a timeline's events, page by page."""
    found, token = [], ""
    while True:
        answer = await shop.events(name, page_token=token, **fields)
        found.append([each.event_id for each in answer.events])
        token = answer.next_page_token
        if not token:
            return found


async def test_a_stored_event_is_shown_whole(shop):
    sent = order(
        "o1", "12.50", qty=3, tracking_id="t1", identity="ann", source="web", context={"language": "de"}
    )
    await shop.send(sent)
    [shown] = (await shop.events("ann")).events
    assert (shown.event_id, shown.type, shown.source) == (sent.event_id, "order", "web")
    assert (shown.tracking_id, shown.identity) == ("t1", "ann")
    assert shown.occurred_at == sent.occurred_at
    assert shown.received_at.ToDatetime(UTC) == datetime(2026, 12, 1, tzinfo=UTC)
    assert not shown.HasField("corrected_at")
    assert json_format.MessageToDict(shown.context) == {"language": "de"}
    assert json_format.MessageToDict(shown.properties) == {
        "order_id": "o1",
        "cart_id": "c",
        "total": "12.50",
        "subtotal": "12.50",
        "line_items": [{"sku": "a", "price": "12.50", "qty": 3}],
    }


def accepted_vectors() -> list[dict[str, Any]]:
    rows = [row for path in sorted(VECTORS.glob("*.json")) for row in json.loads(path.read_text())]
    whole = [row["event"] for row in rows if row["status"] == "ACCEPTED" and "event_id" in row["event"]]
    return [each for each in whole if each.get("tracking_id") and each["type"] in EVENT_TYPES]


async def test_each_kind_of_event_is_given_as_the_contracts_own_message(shop):
    sent = {each.event_id.lower(): each for each in map(decode_event, accepted_vectors())}
    for each in sent.values():
        await shop.send(each)
    owners = {(each.identity or each.tracking_id, each.sandbox) for each in sent.values()}
    pages = [await shop.events(name, sandbox=sandbox) for name, sandbox in sorted(owners)]
    shown = {each.event_id: each for page in pages for each in page.events}
    assert {each.type for each in shown.values()} == set(EVENT_TYPES)
    for each in shown.values():
        typed, given = each.event, sent[each.event_id]
        assert typed.WhichOneof("payload") == each.type
        free = Struct()
        free.update(properties(typed))
        assert free == each.properties
        assert typed.context == given.context
        assert (typed.event_id, typed.occurred_at) == (each.event_id, each.occurred_at)
        assert (typed.tracking_id, typed.source, typed.sandbox) == (
            each.tracking_id,
            each.source,
            given.sandbox,
        )
        assert typed.HasField("tie_breaker") == given.HasField("tie_breaker")


async def test_what_an_event_does_not_have_stays_absent(shop):
    await shop.send(page("t1"))
    [shown] = (await shop.events("t1")).events
    absent = ("identity", "source", "context", "corrected_at")
    assert [name for name in absent if shown.HasField(name)] == []


async def test_all_devices_and_identities_come_together_newest_first(shop):
    await shop.send(page("t1", at=1), page("t2", at=4), page(identity="ann", at=2), page("t3", at=3))
    assert len((await shop.events("t1")).events) == 1
    await shop.send(
        identify("t1", "ann", at=9), alias("ann2", identity="ann", at=8), identify("t2", "ann2", at=7)
    )
    await shop.send(page(identity="ann2", at=5))
    shown = (await shop.events("t2")).events
    seconds = [int((each.occurred_at.ToDatetime(UTC) - START).total_seconds()) for each in shown]
    assert seconds == [9, 8, 7, 5, 4, 2, 1]
    assert [each.type for each in shown[:3]] == ["identify", "alias", "identify"]


async def test_pages_have_each_event_once_even_when_many_share_a_moment(shop):
    dice = random.Random(SEED)
    events = [page(dice.choice(["t1", "t2", "t3"]), at=dice.choice([0, 0, 0, 1])) for _ in range(120)]
    await shop.send(*(identify(name, "ann", at=-5) for name in ("t1", "t2", "t3")), *events)
    expected = [
        each.event_id
        for each in sorted(events, key=lambda e: (e.occurred_at.ToDatetime(), e.event_id), reverse=True)
    ]
    for size in (1, 7, 41, 120):
        found = await pages(shop, "ann", page_size=size, types=["page_view"])
        assert [id_ for each in found for id_ in each] == expected, f"seed {SEED}, pages of {size}"
        assert {len(each) for each in found[:-1]} <= {size}
        assert found[-1]


async def test_what_arrives_meanwhile_moves_no_later_page(shop):
    await shop.send(*(page("t1", at=second) for second in range(6)))
    first = await shop.events("t1", page_size=3)
    await shop.send(page("t1", at=50), page("t1", at=60))
    second = await shop.events("t1", page_size=3, page_token=first.next_page_token)
    moments = [each.occurred_at.seconds - int(START.timestamp()) for each in [*first.events, *second.events]]
    assert moments == [5, 4, 3, 2, 1, 0]
    assert not second.next_page_token


async def test_a_timeline_can_be_read_on_after_its_customer_was_joined(shop):
    await shop.send(
        *(page("t1", at=second) for second in (1, 3, 5)), *(page("t2", at=second) for second in (2, 4))
    )
    first = await shop.events("t1", page_size=1)
    await shop.send(identify("t1", "ann", at=9), identify("t2", "ann", at=9))
    rest = await shop.events("t1", page_token=first.next_page_token)
    assert [each.occurred_at.seconds - int(START.timestamp()) for each in rest.events] == [4, 3, 2, 1]


async def test_only_some_kinds_of_event_can_be_asked_for(shop):
    await shop.send(
        page("t1"), order("o1", tracking_id="t1", at=1), page("t1", at=2), identify("t1", "ann", at=3)
    )
    assert [e.type for e in (await shop.events("ann", types=["order", "identify"])).events] == [
        "identify",
        "order",
    ]
    totals = [(await shop.events("ann", types=types)).total_events for types in ([], ["order"], ["refund"])]
    assert totals == [4, 1, 0]
    assert not (await shop.events("ann", types=["refund"])).events


async def test_sandbox_events_are_apart(shop):
    await shop.send(page("t1"), page("t1", sandbox=True), page("t1", sandbox=True, at=1))
    assert len((await shop.events("t1")).events) == 1
    assert len((await shop.events("t1", sandbox=True)).events) == 2


async def test_the_timeline_of_nobody_is_not_found(shop):
    with pytest.raises(NotFound):
        await shop.events("nobody")


async def test_a_token_of_another_customer_or_other_kinds_is_refused(shop):
    await shop.send(*(page(name, at=second) for name in ("t1", "t2") for second in range(3)))
    token = (await shop.events("t1", page_size=1)).next_page_token
    for fields in ({"types": ["order"]}, {"sandbox": True}):
        with pytest.raises(InvalidRequest):
            await shop.events("t1", page_token=token, **fields)
    with pytest.raises(InvalidRequest):
        await shop.events("t2", page_token=token)


async def test_a_page_of_large_events_ends_early_and_goes_on_in_the_next(shop):
    url = "https://shop.test/?" + "x" * 1900
    for start in range(0, 2000, 500):
        properties = {"url": url, "referrer": ""}
        await shop.send(
            *(event("page_view", properties, tracking_id="t1", at=start + each) for each in range(500))
        )
    first = await shop.events("t1", page_size=1000)
    assert 0 < len(first.events) < 1000
    assert first.ByteSize() < 4 * 1024 * 1024
    found = await pages(shop, "t1", page_size=1000)
    assert sum(map(len, found)) == len({id_ for each in found for id_ in each}) == 2000


async def test_an_event_that_is_larger_than_a_page_is_a_page(shop):
    line = {"sku": "s" * 90, "price": "1.00", "qty": 1}
    properties = {"order_id": "o1", "cart_id": "c", "total": "2000.00", "subtotal": "2000.00"}
    large = event("order", {**properties, "line_items": [line] * 2000}, tracking_id="t1")
    await shop.send(page("t1", at=-1), large, page("t1", at=1))
    found = await pages(shop, "t1", page_size=1)
    assert [len(each) for each in found] == [1, 1, 1]
    answer = await shop.events("t1")
    assert len(answer.events[1].properties["line_items"]) == 2000
    assert answer.ByteSize() < 4 * 1024 * 1024


MIDDLE = position(RANKS["page_view"], microseconds(datetime(2026, 2, 15, tzinfo=UTC)))


@pytest.mark.parametrize("before", [ALL_EVENTS, parse_event_place(f"{MIDDLE} 0 {UUID(int=0)}")])
async def test_the_timeline_reads_the_index_of_each_month_and_few_rows(shop, database_url, before):
    await _fill_six_months(shop, database_url)
    subjects = [tracking_subject(f"t{number}") for number in (3, 4, 5)]
    plan = _explain(
        database_url,
        load("customers/timeline").page,
        subjects=subjects,
        dataset=2,
        types=None,
        limit=101,
        max_bytes=MAX_PAGE_BYTES,
        **before._asdict(),
    )
    scans = [node for node in _nodes(plan) if node.get("Relation Name", "").startswith("events_")]
    assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}
    assert all("subject" in node["Index Cond"] and "occurred_at" in node["Index Cond"] for node in scans)
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) <= 640
    if before != ALL_EVENTS:
        assert {node["Relation Name"] for node in scans} == {"events_2026_01", "events_2026_02"}


async def test_first_and_last_seen_read_one_row_a_subject_by_index(shop, database_url):
    await _fill_six_months(shop, database_url)
    subjects = [tracking_subject(f"t{number}") for number in (3, 4, 5)]
    plan = _explain(
        database_url,
        load("customers/customers").seen,
        dataset=2,
        subjects=subjects,
        customer_ids=[UUID(int=1)] * 3,
    )
    scans = [node for node in _nodes(plan) if node.get("Relation Name", "").startswith("events_")]
    assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) == 6


async def _fill_six_months(shop: Shop, database_url: str) -> None:
    """20,000 page views of 100 devices, straight into the table."""
    await shop.send(*(page("seed", at=datetime(2026, month, 5, tzinfo=UTC)) for month in range(1, 7)))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO events (dataset_id, subject, occurred_at, event_id, received_at, type, tracking_id,
                                bot, properties)
            SELECT 2, s.subject, timestamptz '2026-01-01' + n * interval '12 minutes', gen_random_uuid(),
                   now(), 'page_view', 't', false, '{}'
              FROM generate_series(1, 20000) AS n
              JOIN unnest(%s::uuid[]) WITH ORDINALITY AS s (subject, number) ON s.number = n %% 100 + 1
            """,
            [[tracking_subject(f"t{number}") for number in range(100)]],
        )
        connection.execute("ANALYZE events")


def _explain(database_url: str, statement: str, **parameters: Any) -> dict[str, Any]:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).fetchone()
    assert row is not None
    plans = json.loads(row[0]) if isinstance(row[0], str) else row[0]
    plan: dict[str, Any] = plans[0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
