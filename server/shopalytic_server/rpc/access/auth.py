"""Who calls and whether they may: keys from the metadata, remembered for a few seconds."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from shopalytic_server.domain.access.people import is_session_token
from shopalytic_server.domain.access.roles import may_call
from shopalytic_server.domain.errors import (
    Overloaded,
    PermissionDenied,
    StoreUnavailable,
    Unauthenticated,
)
from shopalytic_server.domain.projects import Key, KeyClass, Project, hash_secret, is_secret
from shopalytic_server.rpc.access.limits import Context, Limits
from shopalytic_server.rpc.ports import KeyFinder

COLLECTOR_SERVICE = "shopalytic.v1.CollectorService"
REPORT_SERVICE = "shopalytic.v1.ReportService"
ADMIN_SERVICE = "shopalytic.v1.AdminService"
NOTIFICATION_SERVICE = "shopalytic.v1.NotificationService"
USER_SERVICE = "shopalytic.v1.UserService"

# The methods of AdminService that change nothing and show no key.
ADMIN_READING = f"{ADMIN_SERVICE} (reading)"

# Calls whose callers' roles are looked at; other services have a rule of their own.
_CONTRACT = "shopalytic.v1."

SESSION_ENDED = "The session has ended; sign in again."
"""What a person is told whose session is over."""

_READING_METHODS = frozenset({"GetProject", "ListQuarantine", "GetQuarantinedEvent", "ListMerges"})

# Which key classes may call the methods of each service.
RIGHTS: dict[str, frozenset[KeyClass]] = {
    COLLECTOR_SERVICE: frozenset({KeyClass.BROWSER, KeyClass.SERVER}),
    REPORT_SERVICE: frozenset({KeyClass.REPORTS, KeyClass.ADMIN}),
    ADMIN_SERVICE: frozenset({KeyClass.ADMIN}),
    NOTIFICATION_SERVICE: frozenset({KeyClass.ADMIN}),
    USER_SERVICE: frozenset({KeyClass.ADMIN}),
    ADMIN_READING: frozenset({KeyClass.REPORTS, KeyClass.ADMIN}),
}

# A revoked key is refused everywhere after this long; the contract promises it.
FRESH_SECONDS = 5.0
# A key that was valid goes on working this long while the store is away:
# requests then get the store's own answer rather than one about their key.
STALE_SECONDS = 300.0
# How soon the store is asked again after it did not answer.
RETRY_SECONDS = 1.0
LOOKUP_SECONDS = 2.0
MAX_ENTRIES = 10_000
# Keys that are not known yet are looked up a few at a time: who invents keys
# takes no connection from those who have one.
NEW_AT_ONCE = 2
MAX_NEW = 100


class Caller(NamedTuple):
    """Whose key came with a call."""

    key: Key
    project: Project


@dataclass(slots=True)
class _Entry:
    caller: Caller | None
    found_at: float
    fresh_until: float
    ends_at: float


Metadata = Iterable[tuple[str, str | bytes]]

# Who was let in with the call of this task: gRPC runs each call in one of its own.
_entered: ContextVar[Caller | None] = ContextVar("entered", default=None)


def now() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


class KeyCache:
    """Remembers what the store said of keys, so that a call costs no query.

    A key that is in use is looked up every few seconds. `used` has the times of
    these look-ups: near enough to when the key was last used, and no call pays.
    """

    def __init__(
        self,
        finder: KeyFinder,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], datetime] = now,
        max_entries: int = MAX_ENTRIES,
        lookup_seconds: float = LOOKUP_SECONDS,
    ) -> None:
        """`clock` measures how old an answer is; `wall_clock` tells whether a key has expired."""
        self.used: dict[UUID, datetime] = {}
        self._finder = finder
        self._clock = clock
        self._wall_clock = wall_clock
        self._max_entries = max_entries
        self._lookup_seconds = lookup_seconds
        # Valid and unknown keys apart: a flood of wrong keys pushes out no right one.
        self._valid: OrderedDict[bytes, _Entry] = OrderedDict()
        self._unknown: OrderedDict[bytes, _Entry] = OrderedDict()
        self._lookups: dict[bytes, asyncio.Task[Caller | None]] = {}
        self._new = 0
        self._new_room = asyncio.Semaphore(NEW_AT_ONCE)

    def known(self, secret_hash: bytes) -> Caller | None:
        """Whose key this is, if that was looked up just now."""
        entry = self._valid.get(secret_hash)
        return entry.caller if entry is not None and self._clock() < entry.fresh_until else None

    async def find(self, secret_hash: bytes) -> Caller | None:
        """Whose key this is, or None.

        Raises StoreUnavailable if neither store nor memory knows, Overloaded
        when too many new keys come at once.
        """
        entry = self._valid.get(secret_hash) or self._unknown.get(secret_hash)
        if entry is not None and self._clock() < entry.fresh_until:
            return entry.caller
        lookup = self._lookups.get(secret_hash)
        if lookup is None:
            lookup = asyncio.ensure_future(self._begin_lookup(secret_hash))
            self._lookups[secret_hash] = lookup
            lookup.add_done_callback(lambda done: self._end_lookup(secret_hash, done))
        # Shielded, because others may wait for the same look-up.
        return await asyncio.shield(lookup)

    def forget(self, secret_hash: bytes) -> None:
        """Looks a key up at its next call, however short a time ago that was."""
        self._valid.pop(secret_hash, None)

    def _begin_lookup(self, secret_hash: bytes) -> "Coroutine[Any, Any, Caller | None]":
        if secret_hash in self._valid:
            return self._look_up(secret_hash)
        if self._new >= MAX_NEW:
            raise Overloaded("Too many unknown keys come at the moment; send this again after the delay.")
        self._new += 1
        return self._look_up_new(secret_hash)

    async def _look_up_new(self, secret_hash: bytes) -> Caller | None:
        try:
            try:
                async with asyncio.timeout(self._lookup_seconds):
                    await self._new_room.acquire()
            except TimeoutError as error:
                raise StoreUnavailable from error
            try:
                return await self._look_up(secret_hash)
            finally:
                self._new_room.release()
        finally:
            self._new -= 1

    async def _look_up(self, secret_hash: bytes) -> Caller | None:
        asked = asyncio.ensure_future(self._finder.find_key(secret_hash))
        # Not by asyncio.timeout, which would wait until the cancelled question
        # has ended; with a store that is silent that takes many seconds.
        await asyncio.wait({asked}, timeout=self._lookup_seconds)
        try:
            if not asked.done():
                raise TimeoutError
            found = asked.result()
        except (StoreUnavailable, TimeoutError) as error:
            _give_up(asked)
            return self._stale(secret_hash, error)
        caller = Caller(*found) if found is not None else None
        self._remember(secret_hash, caller)
        return caller

    def _stale(self, secret_hash: bytes, error: Exception) -> Caller:
        entry, now = self._valid.get(secret_hash), self._clock()
        if entry is None or entry.caller is None or now >= min(entry.found_at + STALE_SECONDS, entry.ends_at):
            raise StoreUnavailable from error
        entry.fresh_until = min(now + RETRY_SECONDS, entry.ends_at)
        return entry.caller

    def _remember(self, secret_hash: bytes, caller: Caller | None) -> None:
        now, ends_at = self._clock(), math.inf
        self._valid.pop(secret_hash, None)
        self._unknown.pop(secret_hash, None)
        entries = self._unknown if caller is None else self._valid
        if caller is not None:
            moment = self._wall_clock()
            self.used[caller.key.key_id] = moment
            if caller.key.expires_at is not None:
                ends_at = now + (caller.key.expires_at - moment).total_seconds()
        entries[secret_hash] = _Entry(caller, now, min(now + FRESH_SECONDS, ends_at), ends_at)
        if len(entries) > self._max_entries:
            entries.popitem(last=False)

    def _end_lookup(self, secret_hash: bytes, lookup: "asyncio.Task[Caller | None]") -> None:
        del self._lookups[secret_hash]
        if not lookup.cancelled():
            # Marks the error as seen: every waiting call may have gone by now.
            lookup.exception()


def _give_up(asked: "asyncio.Future[Any]") -> None:
    """Cancels a question, and lets it end in its own time without a word."""
    asked.cancel()
    asked.add_done_callback(lambda done: done.cancelled() or done.exception())


class Authenticator:
    """Admits calls by their key."""

    def __init__(self, cache: KeyCache, limits: Limits) -> None:
        self._cache = cache
        self.limits = limits

    async def enter(self, method: str, metadata: Metadata, *, once: bool) -> Caller:
        """Who calls a method, by the headers alone: before a byte of the request is read.

        `once`: the call is one request, so that `admit` need not look at the
        key again. Raises Unauthenticated and PermissionDenied.
        """
        caller = await self._find(metadata, _service_of(method))
        _check_role(caller, method)
        if once:
            _entered.set(caller)
        return caller

    async def admit(self, context: Context, service: str, events: int = 1, size: int = 0) -> Caller:
        """The caller of a method of `service`, who sends so many events, of `size` bytes together.

        Raises Unauthenticated, PermissionDenied or RateLimited.
        """
        caller = await self.identify(context, service)
        self.limits.charge(caller.key, context, events, size)
        return caller

    async def identify(self, context: Context, service: str | None = None) -> Caller:
        """The same for nothing: raises Unauthenticated or PermissionDenied, and counts nothing.

        Without `service` a key of any class will do.
        """
        caller = _entered.get()
        if caller is None:
            return await self._find(context.invocation_metadata() or (), service)
        _check_class(caller.key, service)
        return caller

    async def still(self, caller: Caller, context: Context) -> None:
        """Returns as long as a caller's session goes on: a call that stays asks before each answer.

        Raises Unauthenticated. What a key has begun goes on.
        """
        if caller.key.person is not None:
            now = await self._find(context.invocation_metadata() or (), None)
            if now.key.person != caller.key.person:
                raise Unauthenticated(SESSION_ENDED)

    async def _find(self, metadata: Metadata, service: str | None) -> Caller:
        secret = _bearer(metadata)
        caller = None
        if is_secret(secret):
            secret_hash = hash_secret(secret)
            caller = self._cache.known(secret_hash) or await self._cache.find(secret_hash)
        if caller is None and is_session_token(secret):
            raise Unauthenticated(SESSION_ENDED)
        if caller is None:
            raise Unauthenticated(
                "The key is unknown, was revoked or has expired; "
                "look the project's keys up and use a valid one."
            )
        _check_class(caller.key, service)
        return caller


@cache
def _service_of(method: str) -> str:
    """Where RIGHTS has the key classes of a method, such as "/shopalytic.v1.AdminService/ListKeys"."""
    service, _, name = method.lstrip("/").partition("/")
    return ADMIN_READING if service == ADMIN_SERVICE and name in _READING_METHODS else service


def _bearer(metadata: Metadata) -> str:
    for name, value in metadata:
        if name == "authorization" and isinstance(value, str):
            scheme, _, secret = value.strip().partition(" ")
            if scheme.lower() == "bearer":
                return secret.strip()
            raise Unauthenticated("The authorization is not of the form `Bearer KEY`; send it so.")
    raise Unauthenticated


def _check_class(key: Key, service: str | None) -> None:
    """Any class may call what RIGHTS does not name: such a service has a rule of its own."""
    rights = RIGHTS.get(service) if service is not None else None
    if service is None or rights is None or key.key_class in rights:
        return
    short_name = service.rpartition(".")[2]
    if key.person is not None:
        raise PermissionDenied(f"The role {key.person.role} may not call {short_name}.")
    allowed = " or ".join(name for name in KeyClass if name in rights)
    raise PermissionDenied(
        f"A key of class {key.key_class} may not call {short_name}; use one of class {allowed}."
    )


def _check_role(caller: Caller, method: str) -> None:
    """What the caller's role may not call is refused: all of the contract that its table does not name."""
    path = method.lstrip("/")
    person = caller.key.person
    if person is None or not path.startswith(_CONTRACT) or may_call(person.role, path):
        return
    name = path.removeprefix(_CONTRACT).replace("/", ".")
    raise PermissionDenied(f"The role {person.role} may not call {name}; ask an owner of the project.")
