"""What is remembered of keys, and for how long."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from shopalytic_server.domain.errors import Overloaded, StoreUnavailable
from shopalytic_server.domain.projects import Key, KeyClass, Project
from shopalytic_server.rpc.access.auth import (
    FRESH_SECONDS,
    MAX_NEW,
    NEW_AT_ONCE,
    RETRY_SECONDS,
    STALE_SECONDS,
    KeyCache,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROJECT = Project(1, "shop", "GBP", "UTC", frozenset(), NOW)
KEY = Key(uuid4(), 1, KeyClass.SERVER, "", "shop_server_abcd", NOW)
HASH = b"h" * 32


@dataclass
class Store:
    """A store of one key, whose reach the test decides, with a clock that the test moves."""

    time: float = 1000.0
    known: bool = True
    key: Key = KEY
    away: bool = False
    gate: asyncio.Event | None = None
    lookups: list[bytes] = field(default_factory=list)

    async def find_key(self, secret_hash: bytes) -> tuple[Key, Project] | None:
        self.lookups.append(secret_hash)
        if self.gate is not None:
            await self.gate.wait()
        if self.away:
            raise StoreUnavailable
        return (self.key, PROJECT) if self.known and secret_hash == HASH else None

    async def record_key_use(self, uses: Mapping[UUID, datetime]) -> None:
        raise AssertionError("the cache writes nothing")

    def clock(self) -> float:
        return self.time


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def cache(store: Store) -> KeyCache:
    return KeyCache(store, clock=store.clock, max_entries=3, lookup_seconds=0.05)


async def test_a_valid_key_is_looked_up_once_in_five_seconds(store: Store, cache: KeyCache) -> None:
    for _ in range(3):
        caller = await cache.find(HASH)
        assert caller is not None
        assert caller == (KEY, PROJECT)
    assert len(store.lookups) == 1
    store.time += FRESH_SECONDS
    await cache.find(HASH)
    assert len(store.lookups) == 2


async def test_a_revoked_key_is_refused_after_five_seconds(store: Store, cache: KeyCache) -> None:
    await cache.find(HASH)
    store.known = False
    assert await cache.find(HASH) is not None
    store.time += FRESH_SECONDS
    assert await cache.find(HASH) is None


async def test_a_revoked_key_does_not_come_back_when_the_store_goes_away(
    store: Store, cache: KeyCache
) -> None:
    await cache.find(HASH)
    store.known = False
    store.time += FRESH_SECONDS
    assert await cache.find(HASH) is None
    store.away = True
    store.time += FRESH_SECONDS
    with pytest.raises(StoreUnavailable):
        await cache.find(HASH)


async def test_an_unknown_key_costs_one_look_up(store: Store, cache: KeyCache) -> None:
    assert await cache.find(b"x") is None
    assert await cache.find(b"x") is None
    assert store.lookups == [b"x"]


async def test_a_flood_of_wrong_keys_is_bounded_and_pushes_out_no_right_one(
    store: Store, cache: KeyCache
) -> None:
    await cache.find(HASH)
    for number in range(50):
        await cache.find(b"wrong %d" % number)
    assert len(cache._unknown) == 3
    await cache.find(HASH)
    assert store.lookups.count(HASH) == 1


async def test_many_calls_at_once_share_one_look_up(store: Store, cache: KeyCache) -> None:
    store.gate = asyncio.Event()
    calls = [asyncio.ensure_future(cache.find(HASH)) for _ in range(20)]
    await asyncio.sleep(0)
    store.gate.set()
    assert await asyncio.gather(*calls) == [(KEY, PROJECT)] * 20
    assert len(store.lookups) == 1


async def test_a_caller_that_gives_up_does_not_spoil_the_look_up_of_others(
    store: Store, cache: KeyCache
) -> None:
    store.gate = asyncio.Event()
    first, second = asyncio.ensure_future(cache.find(HASH)), asyncio.ensure_future(cache.find(HASH))
    await asyncio.sleep(0)
    first.cancel()
    store.gate.set()
    assert await second == (KEY, PROJECT)


async def test_a_known_key_goes_on_working_for_five_minutes_while_the_store_is_away(
    store: Store, cache: KeyCache
) -> None:
    await cache.find(HASH)
    store.away = True
    store.time += STALE_SECONDS - 1
    assert await cache.find(HASH) == (KEY, PROJECT)
    store.time += 1
    with pytest.raises(StoreUnavailable):
        await cache.find(HASH)


async def test_while_the_store_is_away_it_is_not_asked_by_every_call(store: Store, cache: KeyCache) -> None:
    await cache.find(HASH)
    store.away = True
    store.time += FRESH_SECONDS
    for _ in range(5):
        await cache.find(HASH)
    assert len(store.lookups) == 2
    store.time += RETRY_SECONDS
    await cache.find(HASH)
    assert len(store.lookups) == 3


async def test_a_key_never_seen_is_unavailable_rather_than_wrong_while_the_store_is_away(
    store: Store, cache: KeyCache
) -> None:
    store.away = True
    with pytest.raises(StoreUnavailable):
        await cache.find(HASH)
    store.away = False
    assert await cache.find(HASH) == (KEY, PROJECT)


async def test_a_store_that_does_not_answer_counts_as_away(store: Store, cache: KeyCache) -> None:
    await cache.find(HASH)
    store.gate = asyncio.Event()
    store.time += FRESH_SECONDS
    assert await cache.find(HASH) == (KEY, PROJECT)
    with pytest.raises(StoreUnavailable):
        await cache.find(b"another")


async def test_a_question_that_does_not_end_when_it_is_cancelled_holds_no_call_up() -> None:
    released = asyncio.Event()

    class Silent(Store):
        stuck = asyncio.Event()
        stuck.set()

        async def find_key(self, secret_hash: bytes) -> tuple[Key, Project] | None:
            try:
                await self.stuck.wait()
            except asyncio.CancelledError:
                # As a driver does that asks a silent database to cancel.
                await released.wait()
            return await super().find_key(secret_hash)

    store = Silent()
    cache = KeyCache(store, clock=store.clock, lookup_seconds=0.05)
    known = await cache.find(HASH)
    store.stuck.clear()
    store.time += FRESH_SECONDS
    async with asyncio.timeout(120):
        assert await cache.find(HASH) == known
    released.set()


async def test_a_key_that_expires_is_valid_neither_afterwards_nor_while_the_store_is_away(
    store: Store,
) -> None:
    store.key = replace(KEY, expires_at=NOW + timedelta(seconds=2))
    cache = KeyCache(store, clock=store.clock, wall_clock=lambda: NOW)
    assert await cache.find(HASH) is not None
    store.away = True
    store.time += 1.9
    assert await cache.find(HASH) is not None
    assert len(store.lookups) == 1
    store.time += 0.2
    with pytest.raises(StoreUnavailable):
        await cache.find(HASH)
    assert len(store.lookups) == 2


async def test_a_key_in_use_is_noted_with_the_time_of_its_last_look_up(store: Store) -> None:
    cache = KeyCache(store, clock=store.clock, wall_clock=lambda: NOW + timedelta(seconds=store.time))
    await cache.find(HASH)
    assert cache.used == {KEY.key_id: NOW + timedelta(seconds=1000)}
    store.time += FRESH_SECONDS
    await cache.find(HASH)
    assert cache.used == {KEY.key_id: NOW + timedelta(seconds=1005)}
    store.known = False
    await cache.find(b"x" * 32)
    assert len(cache.used) == 1


async def all_that_can_go_on() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_invented_keys_are_looked_up_two_at_a_time_and_past_a_hundred_are_refused(store: Store) -> None:
    cache = KeyCache(store, clock=store.clock, lookup_seconds=20)
    assert await cache.find(HASH) is not None
    store.lookups.clear()
    store.gate = asyncio.Event()
    invented = [asyncio.ensure_future(cache.find(number.to_bytes(32))) for number in range(MAX_NEW)]
    await all_that_can_go_on()
    with pytest.raises(Overloaded):
        await cache.find(MAX_NEW.to_bytes(32))
    assert len(store.lookups) == NEW_AT_ONCE
    # A key that is known is looked up beside them all.
    store.time += FRESH_SECONDS
    known = asyncio.ensure_future(cache.find(HASH))
    await all_that_can_go_on()
    assert HASH in store.lookups
    store.gate.set()
    assert await known is not None
    assert await asyncio.gather(*invented) == [None] * MAX_NEW
    assert await cache.find(MAX_NEW.to_bytes(32)) is None


async def test_an_invented_key_waits_no_longer_for_its_turn_than_for_the_store(
    store: Store, cache: KeyCache
) -> None:
    store.gate = asyncio.Event()
    lookups = [cache.find(number.to_bytes(32)) for number in range(5)]
    failures = await asyncio.gather(*lookups, return_exceptions=True)
    assert [type(failure) for failure in failures] == [StoreUnavailable] * 5
