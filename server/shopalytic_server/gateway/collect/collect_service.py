"""Takes the events of one browser request: who sent them, which visitor it is, and what became of them."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
from starlette.types import Scope

from shopalytic.v1.collector_pb2 import Delivery, EventResult, EventStatus
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.privacy.consent import is_denied
from shopalytic_server.domain.privacy.network_places import NOT_ASKED, NetworkPlace
from shopalytic_server.domain.projects import KeyClass, class_of
from shopalytic_server.gateway.access.admission import REFUSALS, Admission
from shopalytic_server.gateway.access.rate import AddressLimit
from shopalytic_server.gateway.collect.events import (
    Sender,
    assign_tracking_id,
    decode_deliveries,
    decode_events,
    decode_sent_at,
)
from shopalytic_server.gateway.collect.joiner import Joiner
from shopalytic_server.gateway.errors import Refusal, collect_refusal
from shopalytic_server.gateway.http.answers import Header
from shopalytic_server.gateway.metrics import Metrics
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.requests.addresses import (
    client_address,
    host_of,
    is_https,
    raw_address,
    without_port,
)
from shopalytic_server.gateway.requests.bodies import header
from shopalytic_server.gateway.requests.cookies import (
    MAX_AGE_SECONDS,
    is_tracking_id,
    new_tracking_id,
    read_cookie,
    set_cookie,
    shared_domain,
)
from shopalytic_server.gateway.requests.payload import Payload
from shopalytic_server.gateway.work import Work

_ORIGIN_OF_PAGE = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
_SERVICE = "shopalytic.v1.CollectorService"
_STATUS_NAMES = {number: name.removeprefix("EVENT_STATUS_") for name, number in EventStatus.items()}


@dataclass(slots=True)
class Collected:
    """What a request is answered with."""

    tracking_id: str
    cookie: list[Header]
    results: list[EventResult]


class CollectService:
    """What /collect and its no-script picture share."""

    def __init__(
        self,
        joiner: Joiner,
        metrics: Metrics,
        options: GatewayOptions,
        limit: AddressLimit,
        admission: Admission,
        work: Work,
    ) -> None:
        self._joiner = joiner
        self._metrics = metrics
        self._options = options
        self._limit = limit
        self._admission = admission
        self._work = work

    def charge(self, scope: Scope) -> None:
        """Counts a request, before it is read; raises Refusal when its sender sends too many."""
        self._limit.charge(scope)

    def owe(self, scope: Scope, size: int) -> None:
        """Counts what was read of a request that had no valid key."""
        self._limit.owe(scope, size)

    def owe_for_nothing(self, scope: Scope, size: int) -> None:
        """Counts bytes that were looked at and could not be used, whoever sent them."""
        self._limit.owe_for_nothing(scope, size)

    def knows(self, key: str) -> bool:
        """Whether `admit` decides about a key without a question."""
        return self._admission.remembers(key, _SERVICE)

    async def admit(self, scope: Scope, key: str, size: int = 0) -> None:
        """Returns if a key may send events, else raises Refusal. `size` is what was read to find it."""
        try:
            await self._admission.admit(key, _SERVICE)
        except grpc.aio.AioRpcError as error:
            if error.code() in REFUSALS:
                self.owe(scope, size)
            raise collect_refusal(error) from error
        except Refusal:
            self.owe(scope, size)
            raise

    async def take(self, scope: Scope, key: str, payload: Payload, size: int) -> Collected:
        """Stores a request's events. Returns after COMMIT, or raises Refusal. `key` was admitted."""
        token = payload.token or key
        if token != key:
            await self.admit(scope, token)
        self.charge_events(scope, token, payload.count, size)
        sent_at = decode_sent_at(payload.sent_at)
        # Numbers of a public key count nothing, so its requests go on with others.
        numbered = class_of(token) is KeyClass.SERVER
        deliveries = decode_deliveries(payload.deliveries) if numbered else []
        sender = self.sender(scope, token)
        events = await decode_events(payload, sender, self._work)
        known = None if payload.reset else read_cookie(scope, self._options.cookie_name)
        tracking_id = known or _new_visitor(token, payload, events)
        assign_tracking_id(events, tracking_id, even_if_identified=known is not None or payload.cookie)
        results = await self.submit(scope, token, events, sent_at, size, deliveries) if events else []
        if not events and sender.privacy_signal:
            # Only a verdict would tell whether the project respects the signal.
            # The cookie is forgotten; the next event's answer may bring another.
            return Collected(tracking_id, self._end_cookie(scope, payload), results)
        if _is_nobodys(results):
            return Collected(tracking_id, self._end_cookie(scope, payload), results)
        unwanted = _unwanted(results) or any(map(is_denied, events))
        cookie = [] if unwanted else self._cookie(scope, payload, tracking_id)
        return Collected(tracking_id, cookie, results)

    def sender(self, scope: Scope, key: str) -> Sender:
        """What the connection of a request with this key says about its sender."""
        address = client_address(scope, self._options.trusted_proxies, self._options.client_addresses)
        return _sender(scope, address, self._place(scope, key), key)

    def _place(self, scope: Scope, key: str) -> NetworkPlace | None:
        """Where the visitor's address is, before it is cut."""
        locate = self._options.locate
        if locate is None:
            return None
        if class_of(key) is KeyClass.SERVER:
            # The address is the backend's.
            return NOT_ASKED
        address = raw_address(scope, self._options.trusted_proxies)
        return None if address is None else locate(address)

    def project_of(self, key: str) -> str:
        """What tells the project of an admitted key from others."""
        return self._admission.project_of(key, _SERVICE)

    def charge_events(self, scope: Scope, key: str, count: int, size: int) -> None:
        """Counts the events of a request but the first, which `charge` counted; and a public key's bytes."""
        self._limit.charge_events(scope, key, count, size)

    async def submit(
        self,
        scope: Scope,
        token: str,
        events: list[Event],
        sent_at: float | None,
        size: int,
        deliveries: Sequence[Delivery] = (),
    ) -> list[EventResult]:
        """Stores events and counts their verdicts. Returns these after COMMIT, or raises Refusal."""
        try:
            results = await self._joiner.track(token, events, sent_at, size, deliveries)
        except Refusal as refusal:
            if refusal.status == 401:
                self._admission.forget(token, _SERVICE)
            raise
        self._limit.owe_for_unused(scope, token, results)
        verdicts = Counter(
            (status_name(result), event.WhichOneof("payload") or "none")
            for event, result in zip(events, results, strict=True)
        )
        self._metrics.verdicts(verdicts, results)
        return results

    def _end_cookie(self, scope: Scope, payload: Payload) -> list[Header]:
        known = read_cookie(scope, self._options.cookie_name)
        return [] if known is None else self._cookie(scope, payload, known, seconds=0)

    def _cookie(
        self, scope: Scope, payload: Payload, tracking_id: str, seconds: int = MAX_AGE_SECONDS
    ) -> list[Header]:
        if not payload.cookie:
            return []
        value = set_cookie(
            self._options.cookie_name,
            tracking_id,
            domain=self._domain(scope) if payload.cross_subdomain_cookie else None,
            secure=is_https(scope, self._options.trusted_proxies),
            seconds=seconds,
        )
        return [(b"set-cookie", value)]

    def _domain(self, scope: Scope) -> str | None:
        origin = _origin(scope)
        page = without_port(origin.partition("://")[2]) if origin is not None else None
        one_site = header(scope, b"sec-fetch-site") in ("same-origin", "same-site")
        return shared_domain(host_of(scope, self._options.trusted_proxies), page, one_site=one_site)


def _sender(scope: Scope, address: str | None, place: NetworkPlace | None, key: str) -> Sender:
    asks_for_privacy = header(scope, b"dnt") == "1" or header(scope, b"sec-gpc") == "1"
    # A backend's own library is no visitor's browser.
    user_agent = None if class_of(key) is KeyClass.SERVER else header(scope, b"user-agent")
    return Sender(user_agent, address, _origin(scope), asks_for_privacy, place)


def _origin(scope: Scope) -> str | None:
    """The page's origin. A picture's request has none, but tells the page itself."""
    origin = header(scope, b"origin")
    if origin is not None:
        return origin
    page = _ORIGIN_OF_PAGE.match(header(scope, b"referer") or "")
    return page[0].lower() if page else None


def _unwanted(results: list[EventResult]) -> bool:
    """Whether the visitor, by the project's setting, is not to be known again."""
    return any(found.rule_id == "privacy.signal" for result in results for found in result.violations)


def _is_nobodys(results: list[EventResult]) -> bool:
    """Whether the visitor denied consent where nothing is kept of those who do."""
    return any(result.denied_consent in ("anonymize", "drop") for result in results)


def status_name(result: EventResult) -> str:
    """A verdict's short name: "ACCEPTED"."""
    return _STATUS_NAMES.get(result.status, "UNSPECIFIED")


def _new_visitor(token: str, payload: Payload, events: list[Event]) -> str:
    """The id of a visitor without a cookie: as the tag proposes, or as the first event says, or a new one."""
    if payload.tracking_id is not None and is_tracking_id(payload.tracking_id):
        return payload.tracking_id
    first = events[0] if events else None
    if first is not None and not payload.reset and is_tracking_id(first.tracking_id):
        return str(first.tracking_id)
    return new_tracking_id(token, first.event_id if first is not None else None)
