"""The traffic report gives the same numbers whether past days are summed up or not."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from busy_month import BEGIN, END, behind, busy_month, store
from report_shop import PROJECT, Shop, event, identify, open_shop, order, page
from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.reports_pb2 import INTERVAL_DAY, INTERVAL_MONTH, INTERVAL_UNSPECIFIED, INTERVAL_WEEK
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage import sealing
from shopalytic_server.storage.erasure import Erasures
from shopalytic_server.storage.rebuild import rebuild
from shopalytic_server.storage.sealing import Sealer, forget_days, seal

SEED = 20261125
# Sealing goes from the first event to now, so most tests happen a few days ago.
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
MIDNIGHT = TODAY - timedelta(days=3)
EXAMPLES = max(10, settings.default.max_examples // 4)
AGENT = "Googlebot/2.1"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def seen(
    minutes: float = 0, tracking_id: str = "t1", url: str = "https://shop.test/", **envelope: Any
) -> Event:
    at = MIDNIGHT + timedelta(minutes=minutes)
    properties = {"url": url, "referrer": envelope.pop("referrer", "")}
    return event("page_view", properties, tracking_id=tracking_id, at=at, **envelope)


async def ask(
    shop: Shop,
    begin: datetime | None = None,
    end: datetime | None = None,
    interval: "reports_pb2.Interval" = INTERVAL_DAY,
    **scope: Any,
) -> reports_pb2.GetTrafficReportResponse:
    request = reports_pb2.GetTrafficReportRequest(
        scope=reports_pb2.ReportScope(**scope), interval=interval, limit=1000
    )
    for name, time in (("from", begin), ("to", end)):
        if time is not None:
            getattr(request.scope, name).FromDatetime(time)
    return await shop.reports.get_traffic_report(shop.project, request)


def numbers(report: reports_pb2.GetTrafficReportResponse) -> list[Message]:
    """All of a report but its tokens."""
    lines = [*report.rows, report.total, *report.landing_pages, *report.referrers, *report.campaigns]
    for line in lines:
        line.ClearField("explain")
    return lines


async def seal_all(shop: Shop) -> None:
    while await seal(shop.pool):
        pass


async def run(shop: Shop, statement: str) -> list[Any]:
    async with shop.pool.connection() as conn:
        cursor = await conn.execute(statement)
        return await cursor.fetchall() if cursor.description else []


async def days(shop: Shop) -> int:
    [[count]] = await run(shop, "SELECT count(*) FROM rollup_days WHERE sealed")
    return count


async def until(asked: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(60):
        while not await asked():  # noqa: ASYNC110 - only PostgreSQL knows
            await asyncio.sleep(0.02)


async def check(shop: Shop, *questions: dict[str, Any]) -> None:
    """Reports with what is sealed give what they give without."""
    summed_up = [numbers(await ask(shop, **question)) for question in questions]
    await run(shop, "DELETE FROM rollup_days")
    for question, found in zip(questions, summed_up, strict=True):
        assert found == numbers(await ask(shop, **question)), question


QUESTIONS: list[dict[str, Any]] = [
    {"interval": INTERVAL_UNSPECIFIED},
    {"interval": INTERVAL_WEEK, "time_zone": "Europe/Berlin", "source": "web"},
    {"interval": INTERVAL_MONTH, "time_zone": "America/New_York", "include_bots": True, "currency": "USD"},
    {"time_zone": "Asia/Kolkata", "include_sandbox": True, "include_bots": True},
    {"begin": BEGIN, "end": END, "time_zone": "Asia/Kathmandu"},
    {"begin": BEGIN + timedelta(days=3, hours=7, minutes=5), "end": END - timedelta(days=2, seconds=17)},
    # Not all of its rows begin at a quarter of an hour.
    {"time_zone": "Africa/Monrovia", "begin": datetime(1971, 12, 25, tzinfo=UTC), "interval": INTERVAL_MONTH},
]


async def test_a_busy_month_is_the_same_summed_up_and_again_after_late_events_and_a_rebuild(
    shop, database_url
):
    sent = busy_month(SEED)
    late = random.Random(SEED).sample(sent, len(sent) // 20)
    late_ids = {each.event_id for each in late}
    await store(shop, [each for each in sent if each.event_id not in late_ids])
    await seal_all(shop)
    whole = await days(shop)
    assert whole > 60
    explained = (await ask(shop)).campaigns
    summed_up = [await behind(shop, each.explain) for each in explained]
    await check(shop, *QUESTIONS)
    assert summed_up == [await behind(shop, each.explain) for each in (await ask(shop)).campaigns]
    await seal_all(shop)
    await store(shop, [*late, *sent])
    assert 0 < await days(shop) < whole
    await check(shop, *QUESTIONS)
    await seal_all(shop)
    assert await days(shop) == whole
    await rebuild(database_url, check=False)
    assert not await days(shop)
    await seal_all(shop)
    await check(shop, *QUESTIONS)


async def test_today_is_not_sealed(shop):
    await shop.send(page("t1", at=datetime.now(UTC)))
    await seal_all(shop)
    assert not await days(shop)


# Who looks at pages, from which quarter of an hour on and in which steps: around midnights, ends of
# quarters, and the half hours in which a session goes on.
HISTORIES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([0, 0, 1440, -1440, -30, 900]),
        st.integers(-1, 4),
        st.lists(st.sampled_from([0, 1e-6 / 60, 1, 14, 16, 29, 30, 30 + 1e-6 / 60]), min_size=1, max_size=6),
        st.sampled_from(["web", "ios", None]),
        st.sampled_from(["", AGENT]),
        st.sampled_from(["https://shop.test/a?utm_campaign=x%20y", "https://other.test/b"]),
        st.sampled_from(["https://other.test/", "https://news.test/x", ""]),
    ),
    min_size=1,
    max_size=8,
)


def test_any_history_is_the_same_summed_up_at_any_time(database_url):
    projects = iter(range(2, 10_000))
    with asyncio.Runner() as runner:

        @settings(max_examples=EXAMPLES)
        @given(first=HISTORIES, late=HISTORIES, joined=st.sets(st.sampled_from("abc")), ordered=st.booleans())
        def holds(first: Any, late: Any, joined: set[str], ordered: bool) -> None:
            project = replace(PROJECT, project_id=next(projects))
            runner.run(_compare(database_url, project, first, late, sorted(joined), ordered))

        holds()


async def _compare(
    url: str, project: Project, first: Any, late: Any, joined: list[str], ordered: bool
) -> None:
    async with open_shop(url) as opened:
        shop = replace(opened, project=project)
        # Only this one is sealed.
        await run(shop, "DELETE FROM projects WHERE project_id <> 1")
        await run(shop, f"UPDATE projects SET project_id = {project.project_id}")
        await shop.send(
            *chain.from_iterable(map(_seen, first)),
            *([order("o", tracking_id="a", at=TODAY)] if ordered else []),
        )
        await seal_all(shop)
        await shop.send(
            *(identify(name, "ann", at=TODAY) for name in joined), *chain.from_iterable(map(_seen, late))
        )
        for _ in range(2):
            await check(
                shop,
                {},
                {"source": "web", "include_bots": True},
                {
                    "begin": MIDNIGHT,
                    "end": MIDNIGHT + timedelta(minutes=45),
                    "interval": INTERVAL_UNSPECIFIED,
                },
                {"begin": MIDNIGHT - timedelta(minutes=14), "time_zone": "Asia/Kolkata"},
            )
            await seal_all(shop)


def _seen(drawn: Any) -> list[Event]:
    tracking_id, base, quarter, steps, source, agent, url, referrer = drawn
    context = {"user_agent": agent} if agent else None
    return [
        seen(base + 15 * quarter + after, tracking_id, url, referrer=referrer, source=source, context=context)
        for after in accumulate(steps)
    ]


ANOTHER_VIEW = """
INSERT INTO events (dataset_id, subject, occurred_at, event_id, received_at, type, bot, properties, source)
SELECT dataset_id, subject, occurred_at, gen_random_uuid(), received_at, type, bot, properties, source
  FROM events
"""


async def test_sealing_waits_for_those_who_asked_before_it_was_announced(shop):
    await shop.send(seen(1))
    async with shop.pool.connection() as conn:
        async with conn.transaction():
            await conn.execute("INSERT INTO event_keys VALUES (2, gen_random_uuid(), gen_random_uuid())")
            await forget_days(conn, [(2, MIDNIGHT)])
            sealing_now = asyncio.create_task(seal(shop.pool))
            await until(lambda: run(shop, "SELECT 1 FROM rollup_days"))
            await conn.execute(ANOTHER_VIEW)
            assert not sealing_now.done()
            assert not await days(shop)
        assert await sealing_now
    assert await run(shop, "SELECT page_views FROM page_quarters") == [(2,)]


async def test_whoever_comes_after_the_announcement_unseals(shop, monkeypatch):
    await shop.send(seen(1))
    announced = asyncio.Event()
    go_on = asyncio.Event()

    async def wait_for_the_test(_conn: Any) -> None:
        announced.set()
        await go_on.wait()

    monkeypatch.setattr(sealing, "older_writers_end", wait_for_the_test)
    sealing_now = asyncio.create_task(seal(shop.pool))
    await announced.wait()
    await shop.send(seen(2))
    go_on.set()
    await sealing_now
    assert (await ask(shop)).total.page_views == 2
    [[unsealed]] = await run(
        shop, f"SELECT count(*) FROM rollup_days WHERE dataset_id = 2 AND day = '{MIDNIGHT:%Y-%m-%d}'"
    )
    assert not unsealed


async def test_sealing_may_race_with_ingest(shop):
    chance = random.Random(SEED)

    async def visit(number: int) -> None:
        views = [seen(chance.uniform(-1440, 1440), f"t{chance.randrange(5)}") for _ in range(4)]
        await shop.send(*views, identify(f"t{number % 5}", f"i{number % 3}", at=TODAY))

    for _ in range(6):
        visits = [asyncio.create_task(visit(number)) for number in range(8)]
        await asyncio.gather(seal(shop.pool), seal(shop.pool), *visits)
        await seal(shop.pool, limit=3)
        await check(shop, {}, {"interval": INTERVAL_UNSPECIFIED})
    await seal_all(shop)
    assert (await ask(shop)).total.page_views == 6 * 8 * 4


async def test_the_past_is_not_read_from_what_is_summed_up_now(shop):
    early, later = (datetime.now(UTC) - timedelta(hours=hours) for hours in (2, 1))
    await shop.send(seen(1), arrival=early)
    await shop.send(seen(2), arrival=later)
    await seal_all(shop)
    assert (await ask(shop, as_of=early)).total.page_views == 1


async def test_what_is_summed_up_of_somebody_goes_with_their_events(shop):
    await shop.send(seen(1), seen(2, "t2"))
    await seal_all(shop)
    [[subject]] = await run(shop, "SELECT subject FROM events WHERE tracking_id = 't1'")
    request = admin_pb2.EraseCustomerRequest(customer=reports_pb2.CustomerSelector(tracking_id="t1"))
    await Erasures(shop.pool).erase_customer(shop.project, request)
    assert not await run(shop, f"SELECT 1 FROM page_quarters WHERE subject = '{subject}'")
    assert (await ask(shop)).total.page_views == 1
    await seal_all(shop)
    assert (await ask(shop)).total.page_views == 1


async def test_a_service_seals_by_itself(shop, monkeypatch):
    monkeypatch.setattr(sealing, "INTERVAL_SECONDS", 0.01)
    await shop.send(seen(1))
    sealer = Sealer(shop.pool)
    sealer.start()
    await until(lambda: days(shop))
    await sealer.stop()
    assert (await ask(shop)).total.page_views == 1


async def test_a_long_history_is_sealed_without_waiting_for_the_next_pass(shop, monkeypatch):
    monkeypatch.setattr(sealing, "INTERVAL_SECONDS", 0.01)
    monkeypatch.setattr(sealing, "_NEXT_SECONDS", 0.01)
    await shop.send(seen(-500 * 24 * 60))
    sealer = Sealer(shop.pool)
    sealer.start()
    await until(lambda: days(shop))
    # Only a pass that was not full is followed by the usual pause.
    monkeypatch.setattr(sealing, "INTERVAL_SECONDS", 3600.0)

    async def all_sealed() -> bool:
        return await days(shop) >= 500

    await until(all_sealed)
    await sealer.stop()
