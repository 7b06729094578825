"""Once, for ever: what the store answers to events, ids and orders that it knows."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from laws.ingest_answers import A, C, D, answers, prepared, send, stored, words
from shopalytic.v1.events_pb2 import Event
from shops.report_shop import START, Shop, event, open_shop, order, page


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


ID = "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10"


def view(**envelope: Any) -> Event:
    return page("T", **{"event_id": ID, **envelope})


async def test_an_event_that_is_sent_again_is_a_duplicate_and_stored_once(shop, database_url):
    assert await send(shop, view()) == [A]
    assert await send(shop, view()) == [D]
    assert await send(shop, view(), view()) == [D, D]
    assert stored(database_url, "SELECT count(*) FROM events") == [(1,)]


async def test_repetition_within_one_request_is_recognised(shop, database_url):
    assert await send(shop, view(), page("T"), view()) == [A, A, D]
    assert stored(database_url, "SELECT count(*) FROM events") == [(2,)]


async def test_requests_that_share_a_transaction_share_their_ids(shop, database_url):
    requests = [shop.writer.submit(prepared(shop, view())) for _ in range(5)]
    verdicts = [words(list(results))[0] for results in await asyncio.gather(*requests)]
    assert verdicts == [A, D, D, D, D]
    assert stored(database_url, "SELECT count(*) FROM events") == [(1,)]


async def test_letter_case_makes_no_other_id(shop):
    assert await send(shop, view()) == [A]
    assert await send(shop, view(event_id=ID.upper())) == [D]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(view(at=1), id="another second"),
        pytest.param(view(at=90 * 86_400), id="another month"),
        pytest.param(view(source="web"), id="another source"),
        pytest.param(view(identity="ann"), id="another person"),
        pytest.param(view(context={"language": "de"}), id="another context"),
        pytest.param(
            event("page_view", {"url": "https://shop.test/x", "referrer": ""}, tracking_id="T", event_id=ID),
            id="other properties",
        ),
        pytest.param(order("o", tracking_id="T", event_id=ID), id="another kind"),
    ],
)
@pytest.mark.parametrize("together", [False, True])
async def test_the_same_id_with_other_content_is_a_conflict_and_kept(shop, database_url, other, together):
    if together:
        [_, result] = await answers(shop, view(), other)
    else:
        await send(shop, view())
        [result] = await answers(shop, other)
    assert words([result]) == [C]
    [violation] = result.violations
    assert (violation.field, violation.rule_id) == ("event_id", "event_id.conflict")
    [(kept, status, violations)] = stored(database_url, "SELECT event, status, violations FROM quarantine")
    assert Event.FromString(kept) == other
    assert status == C
    assert [each["rule_id"] for each in violations] == ["event_id.conflict"]
    assert await send(shop, view(), other) == [D, C]
    assert len(stored(database_url, "SELECT FROM quarantine")) == 1


async def test_the_address_seen_by_the_gateway_makes_no_other_content(shop):
    assert await send(shop, view(context={"language": "de", "address": "203.0.113.0"})) == [A]
    assert await send(shop, view(context={"language": "de", "address": "198.51.100.0"})) == [D]


async def test_the_sandbox_has_ids_and_orders_of_its_own(shop):
    assert await send(shop, view(), view(sandbox=True), view(sandbox=True)) == [A, A, D]
    assert await send(shop, order("o", identity="ann"), order("o", identity="ann", sandbox=True)) == [A, A]


def orders(url: str) -> list[tuple[Any, ...]]:
    return stored(url, "SELECT order_id, total::text, revisions FROM orders ORDER BY order_id")


async def test_an_order_with_the_same_content_is_a_duplicate_under_any_id(shop, database_url):
    assert await send(shop, order("o", "10.00", identity="ann")) == [A]
    assert await send(shop, order("o", "10.00", tracking_id="T", at=9)) == [D]
    assert await send(shop, order("o", "10.0", identity="ann", at=5)) == [D]
    assert orders(database_url) == [("o", "10.00", 0)]
    assert stored(database_url, "SELECT count(*) FROM events") == [(1,)]


async def test_the_id_of_a_repeated_order_is_taken_for_ever(shop):
    repeated = order("o", identity="ann", at=1, event_id=ID)
    assert await send(shop, order("o", identity="ann"), repeated) == [A, D]
    assert await send(shop, repeated, view()) == [D, C]


async def test_another_content_is_a_revision_and_the_later_one_counts(shop, database_url):
    assert await send(shop, order("o", "10.00", identity="ann", at=5)) == [A]
    assert await send(shop, order("o", "30.00", identity="ann", at=9)) == [A]
    assert orders(database_url) == [("o", "30.00", 1)]
    assert await send(shop, order("o", "20.00", identity="ann", at=7)) == [A]
    assert orders(database_url) == [("o", "30.00", 2)]


async def test_repeating_an_old_content_never_brings_it_back(shop, database_url):
    await send(shop, order("o", "10.00", identity="ann", at=5), order("o", "30.00", identity="ann", at=9))
    assert await send(shop, order("o", "10.00", identity="ann", at=11)) == [D]
    assert orders(database_url) == [("o", "30.00", 1)]


async def test_an_earlier_event_with_the_same_content_takes_over(shop, database_url):
    late = order("o", identity="bob", at=9, source="retry")
    early = order("o", identity="ann", at=5, source="web")
    assert await send(shop, late) == [A]
    assert await send(shop, early) == [D]
    assert stored(database_url, "SELECT event_id::text, identity FROM events") == [(early.event_id, "ann")]
    assert stored(database_url, "SELECT event_id::text, source FROM orders") == [(early.event_id, "web")]
    assert await send(shop, late, early) == [D, D]


async def test_a_person_whose_only_order_was_another_persons_is_nobody(shop, database_url):
    await send(shop, order("o", identity="bob", at=9))
    await send(shop, order("o", identity="ann", at=5))
    assert stored(database_url, "SELECT identity FROM identities") == [("ann",)]
    await send(shop, page("T", identity="bob", at=20))
    assert stored(database_url, "SELECT identity FROM identities ORDER BY 1") == [("ann",), ("bob",)]


@pytest.mark.parametrize("together", [False, True])
async def test_a_person_is_not_older_for_an_order_that_an_earlier_one_replaced(shop, database_url, together):
    events = [
        event("identify", {"identity": "bob"}, tracking_id="T", at=20),
        order("o", identity="bob", at=9),
        order("o", identity="ann", at=5),
    ]
    if together:
        assert await send(shop, *events) == [A, A, D]
    else:
        for each in events:
            await send(shop, each)
    [(first_at,)] = stored(
        database_url,
        "SELECT extract(epoch FROM first_at)::int FROM identities WHERE identity = 'bob'",
    )
    assert first_at == START.timestamp() + 20


async def test_an_earlier_repetition_decides_anew_which_content_counts(shop, database_url):
    await send(shop, order("o", "10.00", identity="ann", at=9), order("o", "30.00", identity="ann", at=7))
    assert orders(database_url) == [("o", "10.00", 1)]
    assert await send(shop, order("o", "10.00", identity="ann", at=5)) == [D]
    assert orders(database_url) == [("o", "30.00", 1)]
