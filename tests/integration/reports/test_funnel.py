"""The funnel report."""

import itertools
import random
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from oracles.funnel import funnel
from oracles.seen import micros, read
from running.length import some
from shopalytic.v1 import reports_pb2
from shopalytic.v1.reports_pb2 import (
    FUNNEL_SPLIT_CAMPAIGN,
    FUNNEL_SPLIT_SOURCE,
    FUNNEL_SPLIT_UNSPECIFIED,
    FunnelStep,
)
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.storage.facts.facts import EVER
from shopalytic_server.storage.reports import funnel as report
from shops.busy_month import BEGIN, END, behind, busy_month, store
from shops.report_shop import START, Shop, alias, event, identify, open_shop, order, page

SEED = 20260302
DEFAULT = [("product_view", ""), ("cart_add", ""), ("order", "")]
PAGES = [("page_view", ""), ("page_view", "cart"), ("page_view", ""), ("order", "")]


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def view(**envelope: Any):
    return event("product_view", {"sku": "a", "name": "Mug", "price": "5"}, **envelope)


def cart(**envelope: Any):
    return event("cart_add", {"cart_id": "c", "sku": "a", "price": "5", "qty": 1}, **envelope)


def steps(wanted: Sequence[tuple[str, str]]) -> list[FunnelStep]:
    return [
        FunnelStep(page_type=page_type) if page_type else FunnelStep(event_type=kind)
        for kind, page_type in wanted
    ]


async def ask(
    shop: Shop, *, begin: datetime | None = None, end: datetime | None = None, **fields: Any
) -> Sequence[reports_pb2.Funnel]:
    request_fields = {
        name: fields.pop(name) for name in ("steps", "window_seconds", "split") if name in fields
    }
    request = reports_pb2.GetFunnelReportRequest(scope=reports_pb2.ReportScope(**fields), **request_fields)
    for name, time in (("from", begin), ("to", end)):
        if time is not None:
            getattr(request.scope, name).FromDatetime(time)
    return list((await shop.reports.get_funnel_report(shop.project, request)).funnels)


async def only(shop: Shop, **fields: Any) -> list[tuple[int, str, str]]:
    [found] = await ask(shop, **fields)
    assert found.value == ""
    return [(step.customers, step.conversion, step.median_seconds) for step in found.steps]


def numbers(found: Sequence[reports_pb2.Funnel]) -> dict[str, list[tuple[int, str, str]]]:
    assert [each.value for each in found] == sorted(each.value for each in found)
    return {
        each.value: [(step.customers, step.conversion, step.median_seconds) for step in each.steps]
        for each in found
    }


async def explained(shop: Shop, found: Sequence[reports_pb2.Funnel]) -> dict[str, list[list[str]]]:
    return {each.value: [await behind(shop, step.explain) for step in each.steps] for each in found}


async def test_customers_are_counted_at_each_step_they_reach(shop):
    await shop.send(
        view(identity="ann", at=0),
        cart(identity="ann", at=10),
        order("o1", identity="ann", at=30),
        view(identity="bea", at=0),
        cart(identity="bea", at=15.5),
        view(identity="cid", at=0),
        order("o2", identity="dan", at=0),
    )
    [found] = await ask(shop)
    assert [step.step for step in found.steps] == ["product_view", "cart_add", "order"]
    assert await only(shop) == [(3, "1.0000", ""), (2, "0.6667", "12.750"), (1, "0.3333", "20.000")]


async def test_steps_only_count_in_their_order_and_no_event_takes_two(shop):
    await shop.send(order("o1", identity="ann", at=0), cart(identity="ann", at=1), view(identity="ann", at=2))
    assert [count for count, _, _ in await only(shop)] == [1, 0, 0]
    twice = steps([("product_view", ""), ("product_view", "")])
    assert [count for count, _, _ in await only(shop, steps=twice)] == [1, 0]
    await shop.send(view(identity="ann", at=2))
    assert await only(shop, steps=twice) == [(1, "1.0000", ""), (1, "1.0000", "0.000")]


async def test_events_of_one_second_go_the_way_of_a_purchase(shop):
    for number in range(60):
        name = f"p{number}"
        await shop.send(
            view(identity=name, at=0.7), cart(identity=name, at=0), order(f"o{number}", identity=name, at=0)
        )
    assert await only(shop) == [(60, "1.0000", ""), (60, "1.0000", "0.000"), (60, "1.0000", "0.000")]


async def test_the_window_runs_from_the_first_step_and_includes_its_end(shop):
    week = 7 * 24 * 3600
    await shop.send(
        view(identity="ann", at=0), cart(identity="ann", at=10), order("o1", identity="ann", at=week)
    )
    await shop.send(
        view(identity="bea", at=0), cart(identity="bea", at=10), order("o2", identity="bea", at=week + 1e-6)
    )
    assert [count for count, _, _ in await only(shop)] == [2, 2, 1]
    assert [count for count, _, _ in await only(shop, window_seconds=9)] == [2, 0, 0]
    assert [count for count, _, _ in await only(shop, window_seconds=week + 1)] == [2, 2, 2]


async def test_the_attempt_that_got_furthest_counts_and_of_several_the_earliest(shop):
    await shop.send(
        *(view(identity="ann", at=at) for at in (0, 100, 150, 300)),
        cart(identity="ann", at=20),
        cart(identity="ann", at=160),
        order("o1", identity="ann", at=200),
        cart(identity="ann", at=301),
        order("o2", identity="ann", at=302),
    )
    assert await only(shop, window_seconds=120) == [
        (1, "1.0000", ""),
        (1, "1.0000", "60.000"),
        (1, "1.0000", "40.000"),
    ]


async def test_first_steps_lie_in_the_range_and_later_ones_may_follow_it(shop):
    await shop.send(
        view(identity="ann", at=0),
        cart(identity="ann", at=50),
        view(identity="bea", at=10),
        cart(identity="bea", at=9),
    )
    begin = START + timedelta(seconds=0)
    assert [c for c, _, _ in await only(shop, begin=begin, end=begin + timedelta(seconds=10))] == [1, 1, 0]
    assert [c for c, _, _ in await only(shop, begin=begin + timedelta(seconds=1))] == [1, 0, 0]


async def test_devices_that_are_joined_make_one_customer_at_once(shop):
    await shop.send(
        view(tracking_id="phone", at=0), cart(tracking_id="desk", at=5), order("o1", identity="ann", at=9)
    )
    assert [count for count, _, _ in await only(shop)] == [1, 0, 0]
    await shop.send(identify("phone", "ann", at=50), identify("desk", "ann too", at=60))
    assert [count for count, _, _ in await only(shop)] == [1, 0, 0]
    await shop.send(alias("ann too", identity="ann", at=-1))
    assert [count for count, _, _ in await only(shop)] == [1, 1, 1]


async def test_page_types_are_steps(shop):
    def labelled(page_type: str, at: float):
        properties = {"url": "https://shop.test/", "referrer": "", "page_type": page_type}
        return event("page_view", properties, identity="ann", at=at)

    await shop.send(page("t1"), labelled("cart", 1), labelled("checkout-1", 2))
    [found] = await ask(shop, steps=steps([("page_view", "cart"), ("page_view", "checkout-1")]))
    assert [(step.step, step.customers) for step in found.steps] == [
        ("page_view:cart", 1),
        ("page_view:checkout-1", 1),
    ]
    assert [count for count, _, _ in await only(shop, steps=steps([("page_view", "")]))] == [2]


async def test_a_split_by_campaign_names_the_campaign_of_the_session_as_traffic_does(shop):
    landing = {"url": "https://shop.test/?utm_campaign=spring%20sale", "referrer": ""}
    await shop.send(
        event("page_view", landing, tracking_id="t1"),
        view(tracking_id="t1", at=60),
        cart(tracking_id="t1", at=120),
        # The second session of the next visitor came without one.
        event("page_view", landing, tracking_id="t2"),
        event("page_view", landing | {"url": "https://shop.test/"}, tracking_id="t2", at=4_000),
        view(tracking_id="t2", at=4_060),
        # Who saw no page says it himself.
        view(tracking_id="t3", at=5, context={"utm_campaign": "letter"}),
    )
    found = await ask(shop, split=reports_pb2.FUNNEL_SPLIT_CAMPAIGN)
    customers = {each.value: [step.customers for step in each.steps] for each in found}
    assert customers == {"": [1, 0, 0], "letter": [1, 0, 0], "spring sale": [1, 1, 0]}
    [spring] = [each for each in found if each.value == "spring sale"]
    behind = reports_pb2.ListEventsRequest(explain=spring.steps[0].explain)
    assert len((await shop.reports.list_events(shop.project, behind)).events) == 1


@pytest.mark.parametrize("split", [reports_pb2.FUNNEL_SPLIT_UNSPECIFIED, reports_pb2.FUNNEL_SPLIT_SOURCE])
async def test_page_views_that_are_there_for_others_change_no_other_funnel(shop, monkeypatch, split):
    landing = {"url": "https://shop.test/?utm_campaign=spring", "referrer": ""}
    for number in range(3):
        who = {"tracking_id": f"t{number}", "source": "web"}
        await shop.send(event("page_view", landing, **who), view(**who, at=60))
    plain = await ask(shop, split=split)
    spans = report._spans
    # As with files, which have the rows of whole days.
    monkeypatch.setattr(report, "_spans", lambda *asked: {**spans(*asked), "page_views": EVER})
    found = await ask(shop, split=split)
    assert found == plain
    assert [step.customers for step in found[0].steps] == [3, 0, 0]


async def test_without_anybody_there_is_one_empty_funnel_and_none_when_split(shop):
    assert await only(shop) == [(0, "0.0000", "")] * 3
    assert await ask(shop, split=FUNNEL_SPLIT_SOURCE) == []


async def test_a_sandbox_customer_is_not_the_real_one(shop):
    await shop.send(view(identity="ann", at=0), cart(identity="ann", at=1, sandbox=True))
    assert [count for count, _, _ in await only(shop)] == [1, 0, 0]
    assert [count for count, _, _ in await only(shop, include_sandbox=True)] == [1, 0, 0]
    await shop.send(view(identity="ann", at=0, sandbox=True))
    assert [count for count, _, _ in await only(shop, include_sandbox=True)] == [2, 1, 0]


async def test_ten_steps_are_followed_to_the_last(shop):
    ten = [view, cart] * 5
    await shop.send(*(make(identity="ann", at=2**number) for number, make in enumerate(ten)))
    wanted = steps([("product_view", ""), ("cart_add", "")] * 5)
    medians = ["", *(f"{2 ** (number - 1)}.000" for number in range(1, 10))]
    assert await only(shop, steps=wanted) == [(1, "1.0000", median) for median in medians]


async def test_a_busy_month_gives_what_an_independent_computation_gives(shop):
    sent = busy_month(SEED)
    await store(shop, sent)
    seen = read(sent)
    splits = {
        "": FUNNEL_SPLIT_UNSPECIFIED,
        "source": FUNNEL_SPLIT_SOURCE,
        "campaign": FUNNEL_SPLIT_CAMPAIGN,
    }
    scopes = [{}, {"source": "web"}, {"include_bots": True, "include_sandbox": True}]
    wanteds = [DEFAULT, PAGES, [("page_view", "")] * 2]
    for (name, split), scope, wanted in some(itertools.product(splits.items(), scopes, wanteds), 12):
        for window in (0, 1800):
            asked = {"steps": steps(wanted), "split": split, "window_seconds": window, **scope}
            found = await ask(shop, begin=BEGIN, end=END, **asked)
            expected = funnel(
                seen,
                wanted,
                begin=micros(BEGIN),
                end=micros(END),
                window=window or 604_800,
                split=name,
                **scope,
            )
            assert numbers(found) == {value: [row[:3] for row in rows] for value, rows in expected.items()}
            assert list(expected) != [""] or not name
        assert await explained(shop, found) == {
            value: [row[3] for row in rows] for value, rows in expected.items()
        }


async def test_neither_order_nor_repetition_of_the_events_changes_anything(shop):
    sent = busy_month(SEED + 1)
    shuffled = [*sent, *sent]
    random.Random(SEED).shuffle(shuffled)
    await store(shop, shuffled)
    found = await ask(shop, begin=BEGIN, end=END, split=FUNNEL_SPLIT_CAMPAIGN)
    expected = funnel(read(sent), DEFAULT, begin=micros(BEGIN), end=micros(END), split="campaign")
    assert numbers(found) == {value: [row[:3] for row in rows] for value, rows in expected.items()}


async def test_as_of_tells_what_was_known_before_a_join(shop):
    before, after = START + timedelta(days=1), START + timedelta(days=2)
    await shop.send(view(tracking_id="t1", at=0), cart(identity="ann", at=5), arrival=before)
    await shop.send(identify("t1", "ann", at=9), arrival=after)
    assert [count for count, _, _ in await only(shop)] == [1, 1, 0]
    assert [count for count, _, _ in await only(shop, as_of=before)] == [1, 0, 0]


async def test_a_range_that_ends_before_it_begins_is_refused(shop):
    with pytest.raises(InvalidRequest) as caught:
        await ask(shop, begin=END, end=BEGIN)
    assert [violation.field for violation in caught.value.violations] == ["scope.to"]
