"""The journal of merges, looking ahead at one, and taking one back."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import grpc
import pytest

from shopalytic.v1 import admin_pb2, collector_pb2, reports_pb2
from shopalytic_server.domain.errors import NotFound
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.customers.merges import Merges
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import NOW, PROJECT, Shop, alias, identify, open_shop, order, page
from shops.served_shop import serve_shop
from standins.rpc import Running, error_of

CONFLICT = collector_pb2.EVENT_STATUS_CONFLICT
KEY = UUID(int=7)
MORNING = datetime(2026, 3, 5, 8, tzinfo=UTC)


@dataclass
class Opened:
    shop: Shop
    merges: Merges
    url: str

    async def listed(self, **fields) -> list[admin_pb2.Merge]:
        return list((await self.merges.list_merges(PROJECT, admin_pb2.ListMergesRequest(**fields))).merges)

    async def undo(self, event, *, dry_run: bool = False) -> admin_pb2.UndoMergeResponse:
        request = admin_pb2.UndoMergeRequest(merge_id=event.event_id, dry_run=dry_run)
        return await self.merges.undo_merge(PROJECT, KEY, request)

    async def link(self, event) -> collector_pb2.LinkResult:
        """What is answered when an event is sent."""
        [result] = await self.shop.writer.submit([_prepared(event)])
        return result.link

    async def numbers(self, **scope) -> list:
        [report] = await self.shop.sales(**scope)
        return [report.total.customers, report.total.gross, report.total.orders]

    async def identities(self, name: str) -> set[str]:
        return set((await self.shop.customer(name)).identities)

    async def differences(self) -> dict[str, int]:
        return {name: n for name, n in (await rebuild(self.url, check=True)).differences.items() if n}


def _prepared(event):
    return prepare(event, project=PROJECT, key_class=KeyClass.SERVER, received_at=NOW, sent_at=NOW)


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Opened]:
    async with open_shop(database_url) as shop:
        yield Opened(shop, Merges(shop.pool), database_url)


async def test_undoing_a_device_s_link_gives_its_events_and_orders_back(opened):
    shop = opened.shop
    await shop.send(order("o1", identity="ann", at=1), order("o2", tracking_id="t1", at=2), page("t1", at=3))
    before = await opened.numbers()
    link = identify("t1", "ann", at=9)
    await shop.send(link)
    assert await opened.numbers() == [1, "20.00", 2]
    answer = await opened.undo(link)
    assert [[*each.identities, *each.tracking_ids] for each in answer.customers] == [["ann"], ["t1"]]
    assert answer.merge.state == admin_pb2.MERGE_STATE_UNDONE
    assert await opened.numbers() == before == [2, "20.00", 2]
    assert list((await shop.customer("ann")).tracking_ids) == []
    assert list((await shop.customer(tracking_id="t1")).identities) == []
    assert await opened.differences() == {}


async def test_what_was_undone_stays_apart_whatever_repeats_it(opened):
    link = identify("t1", "ann", at=5)
    await opened.shop.send(page("t1"), link)
    await opened.undo(link)
    undone = collector_pb2.NOT_MERGED_REASON_UNDONE
    for again in (
        link,
        identify("t1", "ann", at=1),
        identify("t1", "ann", at=99),
        alias("ann", tracking_id="t1"),
    ):
        answer = await opened.link(again)
        assert (answer.outcome, answer.reason) == (collector_pb2.LINK_OUTCOME_NOT_MERGED, undone)
    await opened.shop.identify_call("t1", "ann", at=100)
    assert await opened.identities("t1") == set()
    assert await opened.differences() == {}


async def test_a_device_goes_to_whoever_named_it_next(opened):
    first, second = identify("t1", "ann", at=1), identify("t1", "bea", at=2)
    await opened.shop.send(order("o1", tracking_id="t1"), first, second)
    assert [each.state for each in await opened.listed()] == [
        admin_pb2.MERGE_STATE_NOT_MERGED if each.merge_id == second.event_id else admin_pb2.MERGE_STATE_JOINED
        for each in await opened.listed()
    ]
    await opened.undo(first)
    assert await opened.identities("t1") == {"bea"}
    assert await opened.differences() == {}


async def test_undoing_an_alias_splits_what_hung_on_both_sides(opened):
    joining = alias("c", identity="b", at=1)
    await opened.shop.send(
        alias("b", identity="a", at=1), joining, alias("d", identity="c", at=1),
        identify("t1", "d", at=2), order("o1", tracking_id="t1", at=3), order("o2", identity="a", at=3),
    )  # fmt: skip
    assert await opened.identities("d") == {"a", "b", "c", "d"}
    await opened.undo(joining)
    assert await opened.identities("a") == {"a", "b"}
    assert await opened.identities("t1") == {"c", "d"}
    assert (await opened.numbers())[0] == 2
    assert await opened.differences() == {}


async def test_an_alias_of_a_device_is_undone_with_its_link(opened):
    call = alias("ann", tracking_id="t1", at=1)
    await opened.shop.send(page("t1"), call)
    assert await opened.identities("t1") == {"ann"}
    await opened.undo(call)
    assert await opened.identities("t1") == set()
    [listed] = await opened.listed()
    assert (listed.kind, listed.tracking_id, listed.undone_at.seconds > 0) == ("alias", "t1", True)


async def test_undoing_twice_changes_nothing_more(opened):
    link = identify("t1", "ann", at=5)
    await opened.shop.send(link)
    first = await opened.undo(link)
    again = await opened.undo(link)
    assert first == again


async def test_a_dry_run_tells_the_same_and_changes_nothing(opened):
    link = identify("t1", "ann", at=5)
    await opened.shop.send(page("t1"), link)
    looked = await opened.undo(link, dry_run=True)
    assert await opened.identities("t1") == {"ann"}
    assert looked.customers == (await opened.undo(link)).customers


async def test_a_merge_that_is_not_there_is_not_found(opened):
    with pytest.raises(NotFound):
        await opened.undo(page("t1"))
    other = identify("t1", "ann", sandbox=True)
    await opened.shop.send(other)
    with pytest.raises(NotFound):
        await opened.undo(other)


async def test_reports_as_of_before_the_undo_show_what_was_known_then(opened):
    link = identify("t1", "ann", at=5)
    await opened.shop.send(order("o1", identity="ann"), order("o2", tracking_id="t1"), link, arrival=MORNING)
    merged_at = datetime.now(UTC)
    await opened.undo(link)
    assert (await opened.numbers(as_of=merged_at))[0] == 1
    assert (await opened.numbers())[0] == 2
    assert (await opened.numbers(as_of=datetime.now(UTC)))[0] == 2


async def test_the_journal_has_every_call_that_stated_something_and_what_was_refused(opened):
    shop = opened.shop
    calls = [
        identify("t1", "ann", at=1, source="web"),
        alias("anna", identity="ann", at=2),
        identify("t1", "bea", at=3),
    ]
    for minute, call in enumerate(calls):
        await shop.send(call, arrival=MORNING + timedelta(minutes=minute))
    taken = alias("bea", identity="ann", at=9, source="shop")
    await shop.send(taken, expected=[CONFLICT], arrival=MORNING + timedelta(hours=1))
    await shop.send(identify("t1", "ann", at=7))
    listed = await opened.listed()
    assert [each.state for each in listed] == [
        admin_pb2.MERGE_STATE_REFUSED,
        admin_pb2.MERGE_STATE_NOT_MERGED,
        admin_pb2.MERGE_STATE_JOINED,
        admin_pb2.MERGE_STATE_JOINED,
    ]
    refused, shared, further, first = listed
    assert (refused.identity, refused.existing_identity, refused.source) == ("bea", "ann", "shop")
    assert (shared.tracking_id, shared.identity) == ("t1", "bea")
    assert (further.existing_identity, further.identity, further.kind) == ("ann", "anna", "alias")
    assert (first.merge_id, first.source) == (calls[0].event_id, "web")
    assert first.customer_id == (await shop.customer("anna")).customer_id
    assert [each.merge_id for each in await opened.listed(state=admin_pb2.MERGE_STATE_REFUSED)] == [
        refused.merge_id
    ]


async def test_the_journal_comes_in_pages_and_by_customer(opened):
    calls = [identify(f"t{number}", f"p{number % 3}", at=number) for number in range(7)]
    await opened.shop.send(*calls)
    token, seen, totals = "", [], []
    for _ in itertools.count():
        answer = await opened.merges.list_merges(
            PROJECT, admin_pb2.ListMergesRequest(page_size=2, page_token=token)
        )
        seen += [each.merge_id for each in answer.merges]
        totals.append(answer.total_merges)
        token = answer.next_page_token
        if not token:
            break
    assert sorted(seen) == sorted(call.event_id for call in calls)
    # The first page says how many there are.
    assert totals == [len(calls), *[0] * (len(totals) - 1)]
    one = admin_pb2.ListMergesRequest(customer=reports_pb2.CustomerSelector(identity="p1"), page_size=1)
    assert (await opened.merges.list_merges(PROJECT, one)).total_merges == 2
    of_one = await opened.listed(customer=reports_pb2.CustomerSelector(identity="p1"))
    assert sorted(each.tracking_id for each in of_one) == ["t1", "t4"]


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[tuple[Running, Shop]]:
    async with serve_shop(database_url) as opened:
        yield opened


def request(kind, **fields):
    call = kind(event_id=str(uuid4()), dry_run=True, **fields)
    call.occurred_at.GetCurrentTime()
    return call


async def test_a_dry_run_of_identify_tells_what_would_move_and_writes_nothing(served):
    server, shop = served
    await shop.send(page("t1"), order("o1", tracking_id="t1"), order("o2", identity="ann"))
    call = request(collector_pb2.IdentifyRequest, identity="ann", tracking_id="t1")
    key = server.key(KeyClass.SERVER)
    looked = await server.collector.Identify(call, metadata=key)
    assert looked.outcome == collector_pb2.LINK_OUTCOME_MERGED
    assert (list(looked.preview.identities), looked.preview.events, looked.preview.orders) == (["ann"], 2, 1)
    assert list((await shop.customer(tracking_id="t1")).identities) == []
    call.dry_run = False
    done = await server.collector.Identify(call, metadata=key)
    assert (done.outcome, done.customer_id) == (looked.outcome, looked.customer_id)
    assert not done.HasField("preview")
    call.dry_run = True
    again = await server.collector.Identify(call, metadata=key)
    assert (again.outcome, again.preview.events) == (collector_pb2.LINK_OUTCOME_ALREADY_LINKED, 0)


async def test_a_dry_run_of_alias_tells_who_would_be_one_or_that_it_is_taken(served):
    server, shop = served
    await shop.send(order("o1", identity="ann"), order("o2", identity="bea"), identify("t9", "bea"))
    key = server.key(KeyClass.SERVER)
    fresh = request(collector_pb2.AliasRequest, identity="anna", existing_identity="ann")
    looked = await server.collector.Alias(fresh, metadata=key)
    assert (list(looked.preview.identities), looked.preview.events) == (["ann", "anna"], 0)
    taken = request(collector_pb2.AliasRequest, identity="bea", existing_identity="ann")
    error = await error_of(server.collector.Alias(taken, metadata=key))
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS
    quarantined = await server.admin.ListQuarantine(
        admin_pb2.ListQuarantineRequest(), metadata=server.key(KeyClass.ADMIN)
    )
    assert list(quarantined.events) == []


async def test_a_public_key_may_not_look_ahead(served):
    server, _ = served
    call = request(collector_pb2.IdentifyRequest, identity="ann", tracking_id="t1")
    error = await error_of(server.collector.Identify(call, metadata=server.key(KeyClass.BROWSER)))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_merges_are_listed_and_undone_by_call(served):
    server, shop = served
    link = identify("t1", "ann")
    await shop.send(link)
    listed = await server.admin.ListMerges(
        admin_pb2.ListMergesRequest(), metadata=server.key(KeyClass.REPORTS)
    )
    undo = admin_pb2.UndoMergeRequest(merge_id=listed.merges[0].merge_id)
    error = await error_of(server.admin.UndoMerge(undo, metadata=server.key(KeyClass.REPORTS)))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    done = await server.admin.UndoMerge(undo, metadata=server.key(KeyClass.ADMIN))
    assert done.merge.merge_id == link.event_id
