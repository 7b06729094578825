"""What the middlewares have in common: a request's visitor, and who was identified just now."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shopalytic.client import Client
from shopalytic.current import Request

COOKIE = "shopalytic_id"
_VALID_ID = re.compile(r"[0-9A-Za-z_-]{16,64}")
_MOST_REMEMBERED = 10_000
_LIMITS = {"url": 8_192, "referrer": 8_192, "user_agent": 2_000, "language": 100, "address": 64}


@dataclass(slots=True)
class Visits:
    """Reads visits by one project's settings."""

    client: Client
    cookie: str = COOKIE
    _identified: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)
    _lock: Any = field(default_factory=threading.Lock)

    def request(
        self,
        cookies: str,
        identity: Callable[[], Any] | None,
        consent: Callable[[], bool | None] | None,
        **context: str | None,
    ) -> Request:
        """The request that `shopalytic.track` belongs to.

        `cookies` is the Cookie header, `identity` gives who is signed in or None, and
        `consent` whether the visitor agreed to analytics, None where that is not known.
        """
        known = {name: value[: _LIMITS[name]] for name, value in context.items() if value}
        if consent is not None and (agreed := consent()) is not None:
            known["analytics_consent"] = "granted" if agreed else "denied"
        who = identity() if identity is not None else None
        name = None if who is None or who == "" else str(who)
        found = Request(self.client, tracking_id_in(cookies, self.cookie), name, known)
        self._identify(found)
        return found

    def _identify(self, request: Request) -> None:
        """Links device and customer, the first time that this process sees them together."""
        if request.identity is None or request.tracking_id is None:
            return
        pair = (request.tracking_id, request.identity)
        with self._lock:
            if pair in self._identified:
                self._identified.move_to_end(pair)
                return
            self._identified[pair] = None
            if len(self._identified) > _MOST_REMEMBERED:
                self._identified.popitem(last=False)
        self.client.identify(
            request.identity, tracking_id=request.tracking_id, context=request.context or None
        )


def tracking_id_in(cookies: str, name: str = COOKIE) -> str | None:
    """The visitor's tracking id out of a Cookie header; None if there is none, or none that is valid."""
    for part in cookies.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name and _VALID_ID.fullmatch(value):
            return value
    return None
