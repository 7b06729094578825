"""Whose an email is: what a public key says of it is not taken for what a backend says."""

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laws.ingest_answers import A, C, stored, words
from running.length import either
from shopalytic import sign_identity
from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.errors import NotFound
from shopalytic_server.domain.ingest.preparation import prepare
from shopalytic_server.domain.projects import DEFAULT_BROWSER_EVENT_TYPES, KeyClass
from shopalytic_server.storage.customers.merges import Merges
from shopalytic_server.storage.ingest.transaction import Ingest
from shopalytic_server.storage.privacy.erasure import Erasures
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import NOW, PROJECT, Shop, event, identify, open_shop

SECRET = "shop_identity_x"
SIGNING = replace(
    PROJECT,
    signed_identify=True,
    identity_secrets=(SECRET,),
    browser_event_types=DEFAULT_BROWSER_EVENT_TYPES,
)
MAIL = "ann@shop.test"


class Sent(NamedTuple):
    """An event and the key that it comes with."""

    event: Event
    by: KeyClass


def register(
    email: str, by: KeyClass = KeyClass.BROWSER, kind: str = "customer_register", **envelope: Any
) -> Sent:
    made = event(kind, {"email": email, "first_name": "Ann", "last_name": "Smith"}, **envelope)
    if by is KeyClass.BROWSER and made.identity:
        made.identity_signature = sign_identity(SECRET, made.identity)
    return Sent(made, by)


def backend(email: str, identity: str, kind: str = "customer_register", **envelope: Any) -> Sent:
    return register(email, KeyClass.SERVER, kind, identity=identity, **envelope)


def stranger(email: str, tracking_id: str = "T", **envelope: Any) -> Sent:
    return register(email, tracking_id=tracking_id, **envelope)


def signed(email: str, identity: str, **envelope: Any) -> Sent:
    return register(email, identity=identity, **envelope)


async def send(shop: Shop, *sent: Sent, at: datetime = NOW, together: bool = False) -> list[str]:
    """The verdicts; each event is a request of its own unless all are sent together."""
    items = []
    for each in sent:
        copy = Event()
        copy.CopyFrom(each.event)
        items.append(prepare(copy, project=SIGNING, key_class=each.by, received_at=at, sent_at=at))
    if together:
        return words(list(await shop.writer.submit(items)))
    return [word for item in items for word in words(list(await shop.writer.submit([item])))]


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


async def email_of(shop: Shop, **by: str) -> str:
    return (await shop.customer(**by)).profile.email


async def lost(shop: Shop) -> list[tuple[str, str]]:
    """(who, email) of the journal."""
    state = admin_pb2.MERGE_STATE_EMAIL_LOST
    found = await Merges(shop.pool).list_merges(PROJECT, admin_pb2.ListMergesRequest(state=state))
    assert all(merge.kind == "email" and merge.email_customer_id for merge in found.merges)
    return sorted((merge.identity or merge.tracking_id, merge.email) for merge in found.merges)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("first", ["stranger", "backend"])
async def test_the_backend_s_customer_has_the_email_whoever_said_so_before(
    shop, database_url, first, together
):
    events = [stranger(MAIL.upper(), at=5), backend(MAIL, "ann", at=9)]
    if first == "backend":
        events.reverse()
    assert await send(shop, *events, together=together) == [A, A]
    assert (await shop.customer(email=MAIL)).identities == ["ann"]
    assert await email_of(shop, identity="ann") == MAIL
    assert await email_of(shop, tracking_id="T") == ""
    assert await lost(shop) == [("T", MAIL.upper())]
    [merge] = (await Merges(shop.pool).list_merges(PROJECT, admin_pb2.ListMergesRequest())).merges
    assert merge.email_customer_id == (await shop.customer(email=MAIL)).customer_id
    assert not any((await rebuild(database_url, check=True)).differences.values())


async def test_while_nobody_claims_it_an_unproved_email_is_shown_and_found(shop):
    assert await send(shop, stranger(MAIL), stranger(MAIL, "T2", at=9)) == [A, A]
    assert await email_of(shop, tracking_id="T") == MAIL
    assert (await shop.customer(email=MAIL)).tracking_ids == ["T"]
    assert await lost(shop) == []


@pytest.mark.parametrize("first", [0, 1])
async def test_a_signed_customer_s_email_goes_before_a_stranger_s_and_behind_a_backend_s(shop, first):
    ours = [signed(MAIL, "ann", at=9), stranger(MAIL, at=1)]
    assert await send(shop, ours[first], ours[1 - first]) == [A, A]
    assert (await shop.customer(email=MAIL)).identities == ["ann"]
    assert await send(shop, backend(MAIL, "bob", at=20)) == [A]
    assert (await shop.customer(email=MAIL)).identities == ["bob"]
    assert await email_of(shop, identity="ann") == ""
    assert await lost(shop) == [("T", MAIL), ("ann", MAIL)]


async def test_claims_of_one_strength_are_first_come_first_served(shop):
    assert await send(shop, signed(MAIL, "ann"), signed(MAIL, "eve", at=9)) == [A, C]
    assert await send(shop, backend("bob@shop.test", "bob"), backend("bob@shop.test", "eve", at=9)) == [A, C]


async def test_a_customer_who_claims_another_s_email_falls_back_to_the_own(shop):
    own = backend("eve@shop.test", "eve")
    assert await send(shop, own, signed(MAIL, "eve", at=9), backend(MAIL, "ann", at=1)) == [A, A, A]
    assert await email_of(shop, identity="eve") == "eve@shop.test"
    assert await send(shop, backend("eve@shop.test", "mallory", at=12)) == [C]


async def test_of_one_customer_s_emails_the_claimed_ones_go_first(shop):
    await shop.send(identify("T", "ann", at=0))
    assert await send(shop, backend(MAIL, "ann", at=1), stranger("typo@shop.test", at=9)) == [A, A]
    assert await email_of(shop, identity="ann") == MAIL
    assert await lost(shop) == []


async def test_nothing_changes_where_no_signatures_are_demanded(shop):
    plain = replace(SIGNING, signed_identify=False)
    items = [
        prepare(each.event, project=plain, key_class=each.by, received_at=NOW, sent_at=NOW)
        for each in (stranger(MAIL), backend(MAIL, "ann", at=9))
    ]
    assert words(list(await shop.writer.submit(items))) == [A, C]


async def test_erasing_a_stranger_does_not_keep_the_email_s_owner_out(shop, database_url):
    await send(shop, stranger(MAIL), backend(MAIL, "ann", at=9))
    erase = Erasures(shop.pool).erase_customer
    who = reports_pb2.CustomerSelector(tracking_id="T")
    await erase(PROJECT, admin_pb2.EraseCustomerRequest(customer=who))
    assert await send(shop, backend(MAIL, "ann", kind="customer_update", at=12)) == [A]
    assert (await shop.customer(email=MAIL)).identities == ["ann"]
    assert not any((await rebuild(database_url, check=True)).differences.values())


async def test_erasing_the_owner_takes_what_strangers_said_with_the_email(shop, database_url):
    await send(shop, stranger(MAIL), signed(MAIL, "eve"), backend(MAIL, "ann", at=9))
    who = reports_pb2.CustomerSelector(identity="ann")
    await Erasures(shop.pool).erase_customer(PROJECT, admin_pb2.EraseCustomerRequest(customer=who))
    assert stored(database_url, "SELECT type FROM events") == []
    with pytest.raises(NotFound):
        await shop.customer(email=MAIL)
    assert not any((await rebuild(database_url, check=True)).differences.values())


# An example tells its history several times over.
EXAMPLES = either(5, 100)
EMAILS = ["a@shop.test", "b@shop.test", "A@shop.test"]


@st.composite
def histories(draw: Any) -> list[Sent]:
    """Events in which each email is claimed by one customer at each strength, and unproved by any."""
    owners = {strength: {mail: draw(st.sampled_from(["P0", "P1"])) for mail in "ab"} for strength in "bs"}
    events = []
    for second in range(draw(st.integers(1, 8))):
        mail = draw(st.sampled_from(EMAILS))
        made = draw(st.sampled_from(["backend", "signed", "stranger", "link"]))
        kind = draw(st.sampled_from(["customer_register", "customer_update"]))
        if made == "link":
            tracking_id, identity = draw(st.sampled_from(["T0", "T1"])), draw(st.sampled_from(["P0", "P1"]))
            events.append(Sent(identify(tracking_id, identity, at=second), KeyClass.SERVER))
        elif made == "stranger":
            events.append(stranger(mail, draw(st.sampled_from(["T0", "T1"])), kind=kind, at=second))
        else:
            whose = owners[made[0]][mail[0].lower()]
            events.append((backend if made == "backend" else signed)(mail, whose, kind=kind, at=second))
    return events


class Laboratory:
    """A shop in which histories are told again and again."""

    def __init__(self, runner: asyncio.Runner, url: str) -> None:
        self.runner, self.url = runner, url

    async def _told(self, events: list[Sent], chance: random.Random) -> dict[str, Any]:
        with psycopg.connect(self.url) as connection:
            for table in ("events", "event_keys", "profile_changes", "identities", "tracking_links"):
                connection.execute(f"DELETE FROM {table}".encode())
        async with open_shop(self.url) as shop:
            rest = events + chance.choices(events, k=len(events) // 2)
            chance.shuffle(rest)
            at = NOW
            while rest:
                size = chance.randint(1, len(rest))
                at += timedelta(seconds=chance.randint(-1, 3))
                verdicts = await send(shop, *rest[:size], at=at, together=True)
                assert C not in verdicts
                rest = rest[size:]
            found: dict[str, Any] = {"lost": await lost(shop)}
            for mail in ("a@shop.test", "b@shop.test"):
                try:
                    found[mail] = await shop.customer(email=mail)
                except NotFound:
                    found[mail] = None
        found["profiles"] = sorted(stored(self.url, "SELECT subject, email FROM profiles"), key=repr)
        assert not any((await rebuild(self.url, check=True)).differences.values())
        return found

    def told(self, events: list[Sent], chance: random.Random) -> dict[str, Any]:
        return self.runner.run(self._told(events, chance))


@pytest.fixture
def laboratory(database_url: str) -> Iterator[Laboratory]:
    with asyncio.Runner() as runner:
        yield Laboratory(runner, database_url)


@settings(max_examples=EXAMPLES)
@given(events=histories(), seed=...)
def test_any_order_any_repetition_and_a_rebuild_give_the_same_owners(
    laboratory: Laboratory, events: list[Sent], seed: int
):
    chance = random.Random(seed)
    expected = laboratory.told(events, chance)
    for _ in range(2):
        assert laboratory.told(events, chance) == expected


async def statements_of(shop: Shop, sent: list[Sent]) -> tuple[int, list[str]]:
    """How many statements it takes to store these in one group, and the verdicts."""
    items = [
        prepare(each.event, project=SIGNING, key_class=each.by, received_at=NOW, sent_at=NOW) for each in sent
    ]
    async with shop.pool.connection() as conn:
        with tempfile.TemporaryFile() as told:
            conn.pgconn.trace(told.fileno())
            await Ingest().store(conn, items)
            conn.pgconn.untrace()
            told.seek(0)
            sent_to_store = sum(b"F" in line and (b"Sync" in line or b"Query" in line) for line in told)
    return sent_to_store, words([item.verdict for item in items])


@pytest.mark.parametrize("emails", [1, 7])
async def test_a_thousand_customers_with_one_email_take_as_many_statements_as_a_few(shop, emails: int):
    def batch(many: int, first: int) -> list[Sent]:
        return [backend(f"{n % emails}@{first}.test", f"c{first + n}", at=n) for n in range(many)]

    few, _ = await statements_of(shop, batch(150, 10_000))
    many, verdicts = await statements_of(shop, batch(1_000, 20_000))
    assert verdicts == [A] * emails + [C] * (1_000 - emails)
    assert many < 2 * few


async def test_who_changes_an_email_makes_room_for_the_next_in_the_same_group(shop):
    sent = []
    for number in range(200):
        sent.append(backend(MAIL, f"c{number}", at=2 * number))
        sent.append(backend(f"{number}@shop.test", f"c{number}", at=2 * number + 1, kind="customer_update"))
        sent.append(backend(f"{number}@shop.test", "other", at=2 * number + 1))
    _, verdicts = await statements_of(shop, sent)
    assert verdicts == [A, A, C] * 200
