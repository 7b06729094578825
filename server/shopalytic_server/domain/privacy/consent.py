"""What becomes of an event whose sender says that the person did not agree to be counted.

What stays is listed, and all else goes: a field that the contract gets later
is not kept by oversight.
"""

import hmac
import json
import re
from datetime import UTC, datetime
from typing import Any

from shopalytic.events.violations import Violation
from shopalytic.v1.events_pb2 import Context, Event
from shopalytic_server.domain.privacy.erasure import KEPT_OF_ORDERS, KEPT_OF_REFUNDS, keep_fields
from shopalytic_server.domain.projects import DeniedConsent

CONSENT_RULE = "privacy.consent"

_FIELD = "analytics_consent"
_ENVELOPE = ("event_id", "occurred_at", "source", "sandbox", "timed_on_arrival", "plain_dates", "context")
_CONTEXT = (
    "url",
    "referrer",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "library_name",
    "library_version",
    "automated",
    "origin",
    "privacy_signal",
    _FIELD,
)
_CART_LINE = ("cart_id", "sku", "price", "qty", "quantity", "qty_removed", "modified_date", "currency")
# The order's own number stays: by it a sale counts once, is found by its
# refunds and parcels, and can be compared with the shop's books.
_PAYLOADS: dict[str, tuple[str, ...]] = {
    "page_view": ("url", "referrer", "logged_in", "page_type"),
    "product_view": ("sku", "name", "price", "categories", "logged_in", "currency"),
    "cart_add": _CART_LINE,
    "cart_modify": _CART_LINE,
    "order": ("order_id", "cart_id", "billing", "shipping", "status", *KEPT_OF_ORDERS),
    "refund": ("order_id", *KEPT_OF_REFUNDS),
    "order_cancel": ("order_id", "reason"),
    # What a person typed or rated is theirs; what was seen or chosen is anybody's.
    "product_list_view": ("list", "items"),
    "checkout_step": ("step", "option", "cart_id"),
    "coupon": ("code", "accepted", "reason", "value", "currency"),
    "wishlist_add": ("sku",),
    "wishlist_remove": ("sku",),
    "shipment": ("order_id", "shipment_id", "carrier", "date_shipped", "date_delivered"),
    "shipment_delivered": ("order_id", "shipment_id", "date_shipped", "date_delivered"),
}
_OF_ORDERS = frozenset({"order", "order_cancel", "refund", "shipment", "shipment_delivered"})

_AUTHORITY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(?:[^/@]*@)*([^/@]*)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PARAMETERS = re.compile(r"[?#;\\].*", re.DOTALL)


def is_denied(event: Event) -> bool:
    """Whether an event says anything of consent but that it was granted."""
    if event.HasField("undecoded"):
        return _text_denies(event.undecoded.json)
    context = event.context
    return context.HasField("analytics_consent") and context.analytics_consent != "granted"


def _text_denies(text: str) -> bool:
    # Most texts say nothing of it; a name may be written with escapes.
    if _FIELD not in text and "\\u" not in text:
        return False
    said: list[Any] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        said.extend(value for name, value in pairs if name == _FIELD and value is not None)

    try:
        json.loads(text, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return _FIELD in text
    return any(value != "granted" for value in said)


def refusal(kind: str, policy: DeniedConsent) -> Violation | None:
    """Why nothing of such an event is kept; None if it is kept as nobody's."""
    if policy is DeniedConsent.DROP:
        message = "consent was denied and the project drops such events; nothing is kept"
    elif kind == "undecoded":
        message = "consent was denied, and what cannot be read cannot be made anonymous; nothing is kept"
    elif kind and kind not in _PAYLOADS:
        message = f"consent was denied, and without the person nothing is left of {kind}; nothing is kept"
    else:
        return None
    return Violation("context.analytics_consent", CONSENT_RULE, message)


def anonymise(event: Event, salt: bytes) -> None:
    """Takes out of a valid event, that `refusal` lets pass, all that tells whose it is.

    A cart gets another name, the same for all its events of the kind, so that
    carts are still counted, and apart from what was sent of it with consent.
    """
    kind = event.WhichOneof("payload") or ""
    payload = getattr(event, kind)
    keep_fields(event, (*_ENVELOPE, kind))
    keep_fields(payload, _PAYLOADS[kind])
    keep_fields(event.context, _CONTEXT)
    _cut_context(event.context)
    if kind == "page_view":
        payload.url, payload.referrer = _page(payload.url) or "/", _site(payload.referrer)
    if "cart_id" in _PAYLOADS[kind] and payload.cart_id:
        payload.cart_id = f"anonymous-{hmac.digest(salt, payload.cart_id.encode(), 'sha256').hex()[:32]}"
    if kind == "order":
        for name in ("billing", "shipping"):
            if payload.HasField(name):
                keep_fields(getattr(payload, name), ("country",))


def nobody(event: Event) -> str:
    """The tracking id of an anonymous event.

    Those who look are one visitor a day, so that visitors are not counted by
    page; whoever orders is one for each order. It says nothing that the event
    does not say itself: one person's events are no closer to each other than to
    anybody's.
    """
    if event.WhichOneof("payload") in _OF_ORDERS:
        return f"anonymous-{event.event_id}"
    return f"anonymous-{datetime.fromtimestamp(event.occurred_at.seconds, UTC):%Y-%m-%d}"


def _cut_context(context: Context) -> None:
    page, site = _page(context.url), _site(context.referrer)
    context.ClearField("url")
    context.ClearField("referrer")
    if page:
        context.url = page
    if site:
        context.referrer = site


def _page(address: str) -> str:
    """An address without user, query, fragment and path parameters."""
    address = _PARAMETERS.sub("", address.strip())
    site = _AUTHORITY.match(address)
    if site is not None:
        return site[1] + site[2] + _without_mail(address[site.end() :])
    scheme = _SCHEME.match(address)
    return scheme[0] if scheme is not None else _without_mail(address)


def _without_mail(path: str) -> str:
    """A path without the parts that may be email addresses."""
    return "/".join("-" if "@" in part or "%40" in part else part for part in path.split("/"))


def _site(address: str) -> str:
    """The scheme and host of an address; empty if it has none."""
    site = _AUTHORITY.match(_PARAMETERS.sub("", address.strip()))
    return f"{site[1]}{site[2]}/" if site is not None else ""
