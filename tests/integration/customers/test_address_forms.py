"""Identities that are one e-mail address in several forms are one customer's."""

import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from yoyo.migrations import MigrationList

from shopalytic.v1 import admin_pb2, collector_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.customers import identity
from shopalytic_server.domain.customers.identity import identity_subject
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.customers.form_joiner import join_stored_forms
from shopalytic_server.storage.customers.merges import Merges
from shopalytic_server.storage.ingest import decisions, identities
from shopalytic_server.storage.privacy.erasure import Erasures
from shopalytic_server.storage.privacy.export import Exports
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shopalytic_server.storage.schema import migrate as migrating
from shops.report_shop import NOW, PROJECT, Shop, alias, event, identify, open_shop, order, page

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/customers/plain_forms.json").read_text())
PLAIN, CAPITALS, SPACED = "ada@shop.test", "Ada@Shop.test", " ADA@shop.test\u200b"
FORMS = (PLAIN, CAPITALS, SPACED)
KEY = UUID(int=7)
CONFLICT, REJECTED = collector_pb2.EVENT_STATUS_CONFLICT, collector_pb2.EVENT_STATUS_REJECTED


@dataclass
class Opened:
    shop: Shop
    url: str

    async def statuses(self, *events: Event) -> list[int]:
        items = [
            prepare(each, project=PROJECT, key_class=KeyClass.SERVER, received_at=NOW, sent_at=NOW)
            for each in events
        ]
        return [result.status for result in await self.shop.writer.submit(items)]

    async def merges(self) -> list[admin_pb2.Merge]:
        listed = await Merges(self.shop.pool).list_merges(PROJECT, admin_pb2.ListMergesRequest())
        return list(listed.merges)

    async def undo(self, merge: admin_pb2.Merge) -> admin_pb2.UndoMergeResponse:
        request = admin_pb2.UndoMergeRequest(merge_id=merge.merge_id)
        return await Merges(self.shop.pool).undo_merge(PROJECT, KEY, request)

    async def differences(self) -> dict[str, int]:
        return {name: n for name, n in (await rebuild(self.url, check=True)).differences.items() if n}


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Opened]:
    async with open_shop(database_url) as shop:
        yield Opened(shop, database_url)


def register(form: str, email: str, **envelope) -> Event:
    names = {"email": email, "first_name": "Ada", "last_name": "L"}
    return event("customer_register", names, identity=form, **envelope)


def test_the_database_and_the_service_agree_on_the_plain_form(database_url: str):
    with psycopg.connect(database_url) as conn:
        for vector in VECTORS:
            row = conn.execute("SELECT plain_identity(%s)", [vector["identity"]]).fetchone()
            assert row == (vector["plain"],), vector["name"]


@pytest.mark.parametrize("forms", list(itertools.permutations(FORMS)))
async def test_all_forms_are_one_customer_whatever_carries_them_first(opened, forms):
    first, second, third = forms
    await opened.shop.send(page("t1", identity=first, at=1))
    await opened.shop.send(identify("t2", second, at=2), order("o1", "10.00", identity=third, at=3))
    await opened.shop.send(page("t2", at=4), order("o2", "5.00", identity=first, at=5))
    customers = (await opened.shop.customers()).customers
    assert [each.customer_id for each in customers] == [str(identity_subject(PLAIN))]
    assert set(customers[0].identities) == set(FORMS)
    [value] = customers[0].values
    assert (value.orders, value.gross) == (2, "15.00")
    assert not await opened.differences()


@pytest.mark.parametrize("said", [*FORMS, "ADA@SHOP.TEST", "\tada@shop.test "])
async def test_every_look_up_finds_a_customer_by_any_form(opened, said):
    await opened.shop.send(page("t1", identity=CAPITALS), register("c-7", "Bo@Mail.test"))
    for by in ("any", "identity"):
        assert (await opened.shop.customer(**{by: said})).customer_id == str(identity_subject(PLAIN))
    assert len((await opened.shop.customers(search=said)).customers) == 1
    assert (await opened.shop.customer(email=" BO@mail.test ")).identities == ["c-7"]
    request = admin_pb2.ExportCustomerRequest(customer=reports_pb2.CustomerSelector(any=said))
    exported = [part async for part in Exports(opened.shop.pool).export_customer(PROJECT, request)]
    assert exported


async def test_the_journal_explains_it_and_an_undo_lasts(opened):
    await opened.shop.send(page("t1", identity=PLAIN, at=1), page("t2", identity=CAPITALS, at=2))
    await opened.shop.send(page("t3", identity=SPACED, at=3))
    listed = {merge.identity: merge for merge in await opened.merges()}
    assert {(each.kind, each.existing_identity) for each in listed.values()} == {("address", PLAIN)}
    assert set(listed) == {CAPITALS, SPACED}
    facts = (await opened.shop.customer(PLAIN)).links
    assert {(fact.kind, fact.identity, fact.existing_identity) for fact in facts} == {
        ("address", CAPITALS, PLAIN),
        ("address", SPACED, PLAIN),
    }
    answer = await opened.undo(listed[CAPITALS])
    assert [list(each.identities) for each in answer.customers] == [[SPACED, PLAIN], [CAPITALS]]
    await opened.shop.send(page("t4", identity=CAPITALS, at=0), identify("t5", CAPITALS, at=1))
    assert (await opened.shop.customer(CAPITALS)).identities == [CAPITALS]
    assert set((await opened.shop.customer(PLAIN)).identities) == {PLAIN, SPACED}
    states = {merge.identity: merge.state for merge in await opened.merges() if merge.kind == "address"}
    assert states == {CAPITALS: admin_pb2.MERGE_STATE_UNDONE, SPACED: admin_pb2.MERGE_STATE_JOINED}
    assert not await opened.differences()
    assert await join_stored_forms(opened.url) == 0


async def test_a_form_is_no_second_customer_for_an_email_or_an_alias(opened):
    await opened.shop.send(register(PLAIN, PLAIN, at=1), page("t9", identity="c-9", at=1))
    assert await opened.statuses(register(CAPITALS, SPACED.strip(" \u200b"), at=2)) == [
        collector_pb2.EVENT_STATUS_ACCEPTED
    ]
    assert await opened.statuses(alias(SPACED, identity="c-9", at=5)) == [CONFLICT]
    assert len((await opened.shop.customers()).customers) == 2
    assert not await opened.differences()


async def test_an_erasure_takes_all_forms_and_keeps_all_out(opened):
    await opened.shop.send(page("t1", identity=CAPITALS, at=1), order("o1", identity=SPACED, at=2))
    request = admin_pb2.EraseCustomerRequest(customer=reports_pb2.CustomerSelector(any="ADA@SHOP.test"))
    await Erasures(opened.shop.pool).erase_customer(PROJECT, request)
    with psycopg.connect(opened.url) as conn:
        assert conn.execute("SELECT count(*) FROM identities").fetchone() == (0,)
    later = [page("t1", identity=form, at=9) for form in (*FORMS, "aDa@shop.test")]
    assert await opened.statuses(*later) == [REJECTED] * 4


async def test_an_erasure_leaves_nothing_of_a_form_that_stood_apart(opened):
    await opened.shop.send(page("t1", identity=CAPITALS, at=1))
    [merge] = await opened.merges()
    await opened.undo(merge)
    request = admin_pb2.EraseCustomerRequest(customer=reports_pb2.CustomerSelector(any=CAPITALS))
    await Erasures(opened.shop.pool).erase_customer(PROJECT, request)
    with psycopg.connect(opened.url) as conn:
        assert conn.execute("SELECT count(*) FROM identities").fetchone() == (0,)
    assert not await opened.differences()


async def test_an_upgrade_joins_what_is_stored(empty_database_url: str, monkeypatch: pytest.MonkeyPatch):
    everything = migrating._migrations
    with monkeypatch.context() as before:
        before.setattr(
            migrating,
            "_migrations",
            lambda: MigrationList([each for each in everything() if each.id != "0029_plain_identities"]),
        )
        migrating.migrate(empty_database_url)
        for module in (identity, identities):
            before.setattr(module, "plain_form", str)
        for module in (decisions, identities):
            before.setattr(module, "is_plain", lambda _: True)
        async with open_shop(empty_database_url) as shop:
            await shop.send(page("t1", identity=CAPITALS, at=1), order("o1", identity=SPACED, at=2))
            await shop.send(identify("t2", PLAIN, at=3), alias("c-1", identity=CAPITALS, at=4))
            await shop.send(page("t3", identity="Bo@Shop.test", at=1), page("t4", identity="c-2", at=1))
    assert migrating.migrate(empty_database_url) == ["0029_plain_identities"]
    monkeypatch.setattr("shopalytic_server.storage.customers.form_joiner._AT_ONCE", 1)
    async with open_shop(empty_database_url) as shop:
        opened = Opened(shop, empty_database_url)
        assert (await opened.differences()).keys() == {"identities"}
        assert await join_stored_forms(empty_database_url) == 3
        customers = (await shop.customers()).customers
        assert {frozenset(each.identities) for each in customers} == {
            frozenset({*FORMS, "c-1"}),
            frozenset({"Bo@Shop.test", "bo@shop.test"}),
            frozenset({"c-2"}),
        }
        assert not await opened.differences()
        assert await join_stored_forms(empty_database_url) == 0
