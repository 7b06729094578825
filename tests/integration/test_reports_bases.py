"""Reports say the same whether what they found in past days is kept or everything is read anew."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_shop import NOW, PROJECT, Shop, alias, event, identify, open_shop, order, refund
from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.reports_pb2 import INTERVAL_DAY, INTERVAL_UNSPECIFIED, INTERVAL_WEEK
from shopalytic_server.domain.errors import NotFound
from shopalytic_server.domain.ingest import prepare
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage import products_report
from shopalytic_server.storage.erasure import Erasures
from shopalytic_server.storage.expiry import remove_expired
from shopalytic_server.storage.merges import Merges
from shopalytic_server.storage.rebuild import rebuild
from shopalytic_server.storage.reports import Reports
from shopalytic_server.storage.sealing import seal

EXAMPLES = max(10, settings.default.max_examples // 4)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
FIRST = TODAY - timedelta(days=5)
DEVICES = ("a", "b", "c", "d")
PEOPLE = ("ann", "bob")
AGENT = {"user_agent": "Googlebot/2.1"}
PAGES = ("https://shop.test/", "https://shop.test/a?utm_campaign=x%20y", "https://other.test/b")
SKUS = ("s1", "s2", "s3", "s4")


def scopes() -> list[dict[str, Any]]:
    return [
        {},
        {"include_bots": True, "include_sandbox": True, "time_zone": "Asia/Kolkata"},
        {"source": "web", "currency": "EUR", "begin": FIRST, "end": TODAY + timedelta(days=1)},
        {"begin": FIRST + timedelta(days=1, hours=5), "end": TODAY - timedelta(days=2)},
    ]


def scope_of(begin: datetime | None = None, end: datetime | None = None, **fields: Any) -> Any:
    scope = reports_pb2.ReportScope(**fields)
    for name, time in (("from", begin), ("to", end)):
        if time is not None:
            getattr(scope, name).FromDatetime(time)
    return scope


def questions() -> Iterator[tuple[str, Any]]:
    """Calls of reports, by their names."""
    for fields in scopes():
        scope = scope_of(**fields)
        yield "get_product_report", reports_pb2.GetProductReportRequest(scope=scope)
        for all_of_them in (False, True):
            yield (
                "get_retention_report",
                reports_pb2.GetRetentionReportRequest(
                    scope=scope, interval=INTERVAL_WEEK, include_visitors=all_of_them
                ),
            )
        for hours in (24, 72):
            yield (
                "get_cart_report",
                reports_pb2.GetCartReportRequest(scope=scope, abandoned_after_hours=hours),
            )
        yield "get_fulfilment_report", reports_pb2.GetFulfilmentReportRequest(scope=scope, promised_days=1)
        yield "get_funnel_report", reports_pb2.GetFunnelReportRequest(scope=scope)
        steps = [
            reports_pb2.FunnelStep(event_type=name) for name in ("product_view", "product_view", "order")
        ]
        yield (
            "get_funnel_report",
            reports_pb2.GetFunnelReportRequest(
                scope=scope, steps=steps, window_seconds=2 * 86_400, split=reports_pb2.FUNNEL_SPLIT_SOURCE
            ),
        )
        for interval in (INTERVAL_UNSPECIFIED, INTERVAL_DAY):
            yield "get_traffic_report", reports_pb2.GetTrafficReportRequest(scope=scope, interval=interval)
            yield "get_sales_report", reports_pb2.GetSalesReportRequest(scope=scope, interval=interval)


ASKS = list(questions())


@dataclass
class Twins:
    """Reports that keep what they found, and others that do not, of one shop."""

    shop: Shop
    keeping: Reports = field(init=False)
    reading: Reports = field(init=False)

    def __post_init__(self) -> None:
        self.keeping = Reports(self.shop.pool)
        self.reading = Reports(self.shop.pool, keep=False)

    async def agree(self) -> None:
        for name, request in ASKS:
            kept, read = [await getattr(of, name)(PROJECT, request) for of in (self.keeping, self.reading)]
            if name == "get_cart_report":
                # Their tokens hold the moment at which they were asked.
                for report in chain(kept.reports, read.reports):
                    report.ClearField("explain")
            assert kept == read

    async def send(self, events: Sequence[Event]) -> None:
        """Stores what can be stored: others were taken or erased."""
        items = [
            prepare(each, project=PROJECT, key_class=KeyClass.SERVER, received_at=NOW, sent_at=NOW)
            for each in events
        ]
        await self.shop.writer.submit(items)


MINUTES = st.sampled_from([0, 1, 29, 31, 600, 1439])
DAYS = st.sampled_from([0, 0, 1, 2, 2, 3, 4, 5])
WHO = st.fixed_dictionaries(
    {
        "tracking_id": st.sampled_from(DEVICES),
        "identity": st.sampled_from([None, None, None, *PEOPLE]),
        "source": st.sampled_from(["web", "web", "ios", None]),
        "context": st.sampled_from([None, None, None, AGENT]),
        "sandbox": st.sampled_from([False, False, False, True]),
    }
)
CARTS = st.sampled_from(["c1", "c2", "c3", "c4"])
ORDERS = st.sampled_from(["o1", "o2", "o3"])
KINDS = (
    *("view", "view", "product", "cart", "order", "order", "order", "refund", "parcel", "delivery"),
    *("identify", "identify", "alias"),
)
MONEY = st.sampled_from(["10.00", "7.5", "3"])


@st.composite
def events(draw: Any) -> Event:
    """Something that happens to somebody on one of a few days."""
    who = draw(WHO)
    who["at"] = FIRST + timedelta(days=draw(DAYS), minutes=draw(MINUTES))
    who["event_id"] = str(draw(st.uuids()))
    match draw(st.sampled_from(KINDS)):
        case "view":
            url = draw(st.sampled_from(PAGES))
            return event("page_view", {"url": url, "referrer": "https://other.test/"}, **who)
        case "product":
            given = {"sku": draw(st.sampled_from(SKUS)), "name": "n", "price": draw(MONEY)}
            return event("product_view", given, **who)
        case "cart":
            given = {
                "cart_id": draw(CARTS),
                "sku": draw(st.sampled_from(SKUS)),
                "price": draw(MONEY),
                "qty": 1,
            }
            if draw(st.integers(0, 3)) == 0:
                given["modified_date"] = (FIRST + timedelta(days=draw(DAYS))).isoformat()
            return event("cart_add", given, **who)
        case "order":
            total = draw(MONEY)
            lines = [
                {"sku": sku, "price": total, "qty": 1 + number} | ({"cost": "1"} if number else {})
                for number, sku in enumerate(draw(st.lists(st.sampled_from(SKUS), min_size=1, max_size=4)))
            ]
            given = {"order_id": draw(ORDERS), "cart_id": draw(CARTS), "total": total, "subtotal": total}
            if draw(st.integers(0, 3)) == 0:
                at = FIRST + timedelta(days=draw(DAYS))
                given["order_date"] = at.isoformat()
            if draw(st.integers(0, 3)) == 0:
                given["currency"] = "USD"
            return event("order", given | {"line_items": lines}, **who)
        case "parcel":
            given = {"order_id": draw(ORDERS), "shipment_id": draw(st.sampled_from(["p1", "p2"]))}
            dates = {"carrier": draw(st.sampled_from(["dhl", "ups"])), "date_shipped": who["at"].isoformat()}
            return event("shipment", given | dates, **who)
        case "delivery":
            given = {"order_id": draw(ORDERS), "shipment_id": draw(st.sampled_from(["p1", "p2"]))}
            return event("shipment_delivered", given | {"date_delivered": who["at"].isoformat()}, **who)
        case "refund":
            return refund(draw(ORDERS), draw(st.none() | st.just("1.5")), **who)
        case "identify":
            del who["identity"]
            return identify(who.pop("tracking_id"), draw(st.sampled_from(PEOPLE)), **who)
        case _:
            return alias("ann-2", **who)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.lists(events(), min_size=1, max_size=5)),
        st.tuples(st.just("send"), st.lists(events(), min_size=1, max_size=1)),
        st.tuples(st.just("seal"), st.just(0)),
        st.tuples(st.sampled_from(["undo", "erase", "rebuild", "expire"]), st.integers(0, 5)),
    ),
    min_size=1,
    max_size=6,
)


async def act(twins: Twins, url: str, what: str, given: Any) -> None:
    shop = twins.shop
    match what:
        case "send":
            await twins.send(given)
        case "seal":
            while await seal(shop.pool):
                pass
        case "undo":
            merges = Merges(shop.pool)
            listed = await merges.list_merges(PROJECT, admin_pb2.ListMergesRequest())
            if listed.merges:
                chosen = listed.merges[given % len(listed.merges)].merge_id
                await merges.undo_merge(PROJECT, uuid4(), admin_pb2.UndoMergeRequest(merge_id=chosen))
        case "erase":
            name = [*DEVICES, *PEOPLE][given % 6]
            request = admin_pb2.EraseCustomerRequest(
                customer=reports_pb2.CustomerSelector(any=name), keep_order_totals=given % 2 == 0
            )
            with suppress(NotFound):
                await Erasures(shop.pool).erase_customer(PROJECT, request)
        case "expire":
            async with shop.pool.connection() as conn:
                await conn.execute("""UPDATE projects SET retention = '{"product_view": 3}'""")
            await remove_expired(url)
        case "rebuild":
            await rebuild(url, check=False)


EMPTY = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
                   AND tablename NOT IN ('projects', 'keys') AND tablename NOT LIKE '%yoyo%' LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
END $$
"""


def test_any_history_gives_the_same_whether_the_past_is_kept_or_not(database_url, monkeypatch):
    monkeypatch.setattr(products_report, "MAX_PAIRS", 2)
    monkeypatch.setattr(products_report, "_KEPT_PAIRS", 3)
    with asyncio.Runner() as runner:

        @settings(max_examples=EXAMPLES)
        @given(past=st.lists(events(), min_size=3, max_size=25), steps=STEPS)
        def holds(past: list[Event], steps: Any) -> None:
            runner.run(_compare(database_url, past, steps))

        holds()


async def _compare(url: str, past: list[Event], steps: Any) -> None:
    async with open_shop(url) as shop:
        async with shop.pool.connection() as conn:
            await conn.execute(EMPTY)
            await conn.execute("UPDATE projects SET retention = '{}'")
        twins = Twins(shop)
        await twins.send(past)
        await act(twins, url, "seal", 0)
        await twins.agree()
        for what, chosen in steps:
            await act(twins, url, what, chosen)
            await twins.agree()


def bought(order_id: str, tracking_id: str, days: int = 1, **envelope: Any) -> Event:
    return order(order_id, tracking_id=tracking_id, at=FIRST + timedelta(days=days), **envelope)


@pytest.fixture
async def twins(database_url: str) -> AsyncIterator[Twins]:
    async with open_shop(database_url) as shop:
        yield Twins(shop)


async def customers(reports: Reports) -> int:
    answer = await reports.get_sales_report(PROJECT, reports_pb2.GetSalesReportRequest(scope=scope_of()))
    return answer.reports[0].total.customers


async def test_joins_and_their_undoing_show_at_once_in_what_is_kept(twins, database_url):
    await twins.send([bought("o1", "a"), bought("o2", "b"), bought("o3", "c", days=2)])
    await act(twins, database_url, "seal", 0)
    assert await customers(twins.keeping) == 3
    await twins.send([identify(device, "ann", at=TODAY) for device in ("a", "b")])
    assert await customers(twins.keeping) == 2
    await twins.send([identify("c", "bob", at=TODAY), alias("bob", identity="ann", at=TODAY)])
    await twins.agree()
    await act(twins, database_url, "undo", 0)
    await act(twins, database_url, "undo", 1)
    await twins.agree()


async def test_what_is_kept_is_not_read_again(twins, database_url):
    await twins.send([bought("o1", "a"), bought("o2", "b")])
    await act(twins, database_url, "seal", 0)
    assert await customers(twins.keeping) == 2
    async with twins.shop.pool.connection() as conn:
        await conn.execute("DELETE FROM order_revisions WHERE order_id = 'o1'")
    await twins.send([bought("o3", "c", days=5)])
    assert (await customers(twins.keeping), await customers(twins.reading)) == (3, 2)
    # A late event of a sealed day ends that.
    await twins.send([bought("o4", "d")])
    assert await customers(twins.keeping) == 3


async def test_a_revision_of_a_past_order_is_seen_where_it_was_and_where_it_is(twins, database_url):
    early, later = (FIRST + timedelta(days=days) for days in (1, 2))
    await twins.send([bought("o1", "a", order_date=early.isoformat()), bought("o2", "b", days=0)])
    await act(twins, database_url, "seal", 0)
    await twins.agree()
    await twins.send([bought("o1", "a", days=5, order_date=later.isoformat())])
    await twins.agree()


async def test_a_past_date_of_a_new_change_of_a_cart_shows_in_what_is_kept(twins, database_url):
    await twins.send([bought("o1", "a")])
    await act(twins, database_url, "seal", 0)
    await twins.agree()
    past = (FIRST + timedelta(days=1)).isoformat()
    given = {"cart_id": "c", "sku": "s1", "price": "3", "qty": 1, "modified_date": past}
    await twins.send([event("cart_add", given, tracking_id="b", at=datetime.now(UTC))])
    await twins.agree()
