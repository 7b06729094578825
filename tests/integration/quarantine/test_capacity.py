"""Quarantine has bounds: what is past them is refused with the reason, and nothing valid is touched."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from laws.ingest_answers import A, C, Q, R, prepared, rules, stored, words
from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic.v1.collector_pb2 import EventResult
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.projects import DEFAULT_BROWSER_EVENT_TYPES, KeyClass
from shopalytic_server.domain.quarantine import Bounds
from shopalytic_server.process.metrics import ServerMetrics
from shopalytic_server.storage.ingest.quarantine_capacity import QuarantineRoom
from shopalytic_server.storage.ingest.writer import Writer
from shopalytic_server.storage.privacy.data_retention_loop import Expirer
from shopalytic_server.storage.privacy.erasure import Erasures
from shopalytic_server.storage.quarantine.repair import Repairs
from shops.report_shop import NOW, Shop, event, open_shop, page

ROOM = 2_000
FULL = ("", "quarantine.full")
AGE = timedelta(days=90)


@dataclass
class Opened:
    shop: Shop
    room: QuarantineRoom
    metrics: ServerMetrics
    url: str

    async def send(self, *events: Event, by: KeyClass = KeyClass.BROWSER) -> list[EventResult]:
        return list(await self.shop.writer.submit(prepared(self.shop, *events, key_class=by)))

    async def replay(self, **fields) -> admin_pb2.ReplayQuarantineResponse:
        request = admin_pb2.ReplayQuarantineRequest(**fields)
        return await Repairs(self.shop.pool).replay_quarantine(self.shop.project, request)

    def account(self) -> list[tuple[str, int, int]]:
        """What is written down and what there is must be the same; (class, events, bytes)."""
        counted = stored(
            self.url,
            "SELECT dataset_id, key_class, count(*), sum(length(event)) FROM quarantine"
            " WHERE key_class IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2",
        )
        written = stored(
            self.url,
            "SELECT dataset_id, key_class, events, bytes FROM quarantine_use WHERE events > 0 ORDER BY 1, 2",
        )
        assert written == counted
        return [row[1:] for row in written]


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Opened]:
    room, metrics = QuarantineRoom(Bounds(ROOM, 0, AGE)), ServerMetrics()
    metrics.watch_quarantine(room.fill)
    async with open_shop(database_url) as shop:
        writer = Writer(shop.pool, room=room, on_group=metrics.on_group)
        await writer.start()
        project = replace(shop.project, browser_event_types=DEFAULT_BROWSER_EVENT_TYPES)
        try:
            yield Opened(replace(shop, writer=writer, project=project), room, metrics, database_url)
        finally:
            await writer.close()


def broken(number: int, size: int = 300, **envelope) -> Event:
    """An invalid event of about so many bytes."""
    made = page(f"T{number}", **envelope)
    made.page_view.url, made.page_view.title = "", "x" * size
    return made


async def test_what_there_is_no_room_for_is_refused_with_the_reason_and_all_else_goes_on(opened):
    events = [broken(number) for number in range(9)]
    results = await opened.send(*events, page("T"))
    kept = words(results).count(Q)
    assert 0 < kept < 9
    assert words(results) == [Q] * kept + [R] * (9 - kept) + [A]
    assert [found for _, found in rules(results[8])][-1] == "quarantine.full"
    assert len(rules(results[8])) == 1 + len(rules(results[0]))
    [(key_class, count, size)] = opened.account()
    assert (key_class, count) == ("browser", kept)
    assert size <= ROOM
    # What is kept is not refused when it comes again; what is smaller may still fit.
    assert words(await opened.send(events[0], events[8], page("T2"))) == [Q, R, A]
    assert words(await opened.send(*events, by=KeyClass.SERVER)) == [Q] * 9
    fill = {"key_class": "browser"}
    sample = opened.metrics.registry.get_sample_value
    assert 0.5 < sample("shopalytic_server_quarantine_fill_ratio", fill) <= 1
    assert sample("shopalytic_server_quarantine_refused_events_total", fill) == 9 - kept + 1
    [refused] = stored(opened.url, "SELECT refused FROM quarantine_use WHERE key_class = 'browser'")
    assert refused == (9 - kept + 1,)


async def test_a_conflict_that_there_is_no_room_for_is_refused_too(opened):
    first = page("T")
    await opened.send(first)
    other = page("T")
    other.event_id, other.context.user_agent = first.event_id, "x" * ROOM
    [result] = await opened.send(other)
    assert words([result]) == [R]
    assert rules(result) == [("event_id", "event_id.conflict"), FULL]
    other.context.user_agent = "x"
    assert words(await opened.send(other)) == [C]


async def test_the_sandbox_and_others_have_room_of_their_own(opened):
    await opened.send(*[broken(number) for number in range(9)])
    assert words(await opened.send(broken(1, sandbox=True))) == [Q]


async def test_a_replay_and_an_erasure_make_room(opened):
    await opened.send(*[broken(number) for number in range(9)])
    patch = '[{"op": "add", "path": "/page_view/url", "value": "https://shop.test/"}]'
    await opened.replay(patch=patch, dry_run=True)
    assert words(await opened.send(broken(50))) == [R]
    assert (await opened.replay()).accepted == 0
    assert opened.account()[0][0] == "browser"
    assert (await opened.replay(patch=patch)).accepted > 0
    assert opened.account() == []
    assert words(await opened.send(broken(50))) == [Q]
    await opened.shop.send(page("T50"))
    who = reports_pb2.CustomerSelector(tracking_id="T50")
    erase = Erasures(opened.shop.pool).erase_customer
    await erase(opened.shop.project, admin_pb2.EraseCustomerRequest(customer=who))
    assert opened.account() == []


async def test_what_was_trusted_and_failed_again_still_counts_as_its_sender_s(opened):
    await opened.send(broken(1))
    [(fingerprint,)] = stored(opened.url, "SELECT fingerprint::text FROM quarantine")
    assert (await opened.replay(quarantine_ids=[fingerprint], as_server=True)).failed == 1
    assert [row[0] for row in opened.account()] == ["browser"]


async def test_several_requests_at_once_pass_the_bound_by_little_and_the_account_is_right(opened):
    results = await asyncio.gather(*(opened.send(broken(number), page("T")) for number in range(30)))
    assert all(words(pair)[1] == A for pair in results)
    [(_, count, size)] = opened.account()
    assert size <= ROOM
    assert count == sum(words(pair)[0] == Q for pair in results)


async def test_a_pass_removes_what_is_too_old_and_mends_the_account(opened, caplog, monkeypatch):
    monkeypatch.setattr("shopalytic_server.storage.privacy.data_retention_loop._FIRST_SECONDS", (0.0, 0.01))
    caplog.set_level("INFO")
    await opened.send(*[broken(number) for number in range(3)])
    await opened.send(*[broken(number) for number in range(10, 13)], by=KeyClass.SERVER)
    await change(opened, "UPDATE quarantine SET received_at = now() - interval '91 days'")
    # The version before wrote no class, and no account.
    one = "(SELECT fingerprint FROM quarantine WHERE key_class = 'browser' LIMIT 1)"
    await change(opened, f"UPDATE quarantine SET key_class = NULL WHERE fingerprint = {one}")
    await opened.send(broken(20))
    done = asyncio.Event()
    told = []

    def on_quarantine_expired(counts) -> None:
        told.append(dict(counts))
        opened.metrics.on_quarantine_expired(counts)
        done.set()

    expirer = Expirer(opened.url, opened.metrics.on_expired, opened.room, on_quarantine_expired)
    expirer.start()
    await asyncio.wait_for(done.wait(), 60)
    await expirer.stop()
    assert told == [{"browser": 2}]
    assert "2 of browser keys. [quarantine_expired]" in caplog.text
    left = stored(opened.url, "SELECT key_class, count(*) FROM quarantine GROUP BY 1 ORDER BY 1")
    assert left == [("browser", 1), ("server", 3), (None, 1)]
    assert [row[:2] for row in opened.account()] == [("browser", 1), ("server", 3)]
    [(expired,)] = stored(opened.url, "SELECT expired FROM quarantine_use WHERE key_class = 'browser'")
    assert expired == 2


async def change(opened: Opened, statement: str) -> None:
    async with opened.shop.pool.connection() as conn:
        await conn.execute(statement.encode())


async def test_without_bounds_there_is_always_room(database_url):
    async with open_shop(database_url) as shop:
        assert QuarantineRoom().fill("browser") == 0
        await shop.send(*[broken(number, 5_000) for number in range(9)], expected=[3 + 1] * 9)


async def test_events_of_any_age_by_their_sender_s_clock_count_by_their_arrival(opened):
    late = event("page_view", {"url": "", "referrer": ""}, tracking_id="T", at=NOW - 9 * AGE)
    assert words(await opened.send(late)) == [Q]
    async with opened.shop.pool.connection() as conn:
        assert not await opened.room.expire(conn, NOW + AGE - timedelta(seconds=1))
        assert await opened.room.expire(conn, NOW + AGE + timedelta(seconds=1)) == {"browser": 1}
