"""Reads Google Analytics 4: the Measurement Protocol's JSON, and what `gtag` sends to `/g/collect`.

The protocol of `gtag` is not published by Google; its parameters are named here
as every version 2 hit has them.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from shopalytic_server.gateway.compatibility.message import (
    Message,
    device_of,
    identity_of,
    misshapen,
    unused_of,
)
from shopalytic_server.gateway.compatibility.tools.context import context_of
from shopalytic_server.gateway.compatibility.values import country, from_epoch, mapping, words

_MOST_PARAMETERS = 1_000
_ITEM_FIELDS = {
    "id": "item_id",
    "nm": "item_name",
    "pr": "price",
    "qt": "quantity",
    "br": "item_brand",
    "ca": "item_category",
    "c2": "item_category2",
    "c3": "item_category3",
    "c4": "item_category4",
    "c5": "item_category5",
    "va": "item_variant",
    "cp": "coupon",
    "ds": "discount",
    "lp": "index",
    "li": "item_list_id",
    "ln": "item_list_name",
    "af": "affiliation",
}
_ITEM = re.compile("pr[0-9]{1,3}")
_SCREEN = re.compile("([0-9]{1,6})x([0-9]{1,6})")
_NUMBERS = ("cid", "sid", "_p", "_s", "en", "_et", "dl")
_CONSENT = re.compile("G1.([01])")


def read_event(item: dict[str, Any], _kind: str | None, request: dict[str, Any]) -> Message:
    """The message in one of the Measurement Protocol's events; `request` is what stands beside them."""
    params = mapping(item.get("params"))
    name = words(item.get("name"), 1_000) or ""
    device, identity = device_of(request.get("client_id")), identity_of(request.get("user_id"))
    micros = item.get("timestamp_micros") or request.get("timestamp_micros")
    return Message(
        kind="page" if name == "page_view" else "track",
        name="" if name == "page_view" else name,
        properties=params,
        identity=identity,
        tracking_id=device or device_of(request.get("app_instance_id")),
        sent_id=None,
        occurred_at=from_epoch(micros),
        content=item,
        context=_context(params, request),
        misshapen=misshapen(item.get("params")),
        unused=unused_of(request, {"client_id": device, "user_id": identity})
        + (("user_properties",) if request.get("user_properties") else ()),
        session=words(str(params.get("session_id") or params.get("ga_session_id") or ""), 70),
    )


def _context(params: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    device, place = mapping(request.get("device")), mapping(request.get("user_location"))
    screen = _SCREEN.fullmatch(str(params.get("screen_resolution") or device.get("screen_resolution")))
    return context_of(
        url=params.get("page_location"),
        referrer=params.get("page_referrer"),
        language=params.get("language") or device.get("language"),
        user_agent=request.get("user_agent"),
        screen_width=screen and int(screen[1]),
        screen_height=screen and int(screen[2]),
        country=country(place.get("country_id")),
        region=place.get("region_id"),
        city=place.get("city"),
    )


def parameters_in(query: str, lines: Sequence[str]) -> int:
    """How many parameters the hits of one request have: each line has those of the address, too."""
    return query.count("&") * (len(lines) + 1) + sum(line.count("&") + 1 for line in lines)


def read_hits(query: str, lines: Sequence[str]) -> Iterator[Message]:
    """The messages of one request of `gtag`: one in the address, or one in each line of the body.

    Read one by one, for each line has all that is in the address, too. Raises
    ValueError where one has too many parameters.
    """
    shared = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS))
    if shared.get("en"):
        yield _hit(shared)
    for line in lines:
        hit = shared | dict(parse_qsl(line, max_num_fields=_MOST_PARAMETERS))
        if hit.get("en"):
            yield _hit(hit)


def lines_of(body: str) -> list[str]:
    """The lines of a body that may each be a hit."""
    return [line for line in body.splitlines() if line.strip()]


def _hit(hit: dict[str, str]) -> Message:
    name = hit["en"]
    properties = _properties(hit)
    screen = _SCREEN.fullmatch(hit.get("sr", ""))
    consent = _CONSENT.match(hit.get("gcs", ""))
    context = context_of(
        url=hit.get("dl"),
        referrer=hit.get("dr"),
        language=hit.get("ul"),
        screen_width=screen and int(screen[1]),
        screen_height=screen and int(screen[2]),
        library_name="gtag",
        analytics_consent="denied" if consent and consent[1] == "0" else None,
    )
    is_page = name == "page_view"
    if is_page:
        properties |= {"url": hit.get("dl"), "referrer": hit.get("dr"), "title": hit.get("dt")}
    return Message(
        kind="page" if is_page else "track",
        name="" if is_page else name,
        properties={key: value for key, value in properties.items() if value is not None},
        identity=identity_of(hit.get("uid")),
        tracking_id=device_of(hit.get("cid")),
        sent_id=_number_of(hit),
        occurred_at=None,
        content=hit,
        context=context,
        session=words(hit.get("sid"), 70),
    )


def _number_of(hit: dict[str, str]) -> str | None:
    """What tells a hit from every other: the page's load, the hit's number there, and what it says."""
    if "_p" not in hit or "_s" not in hit:
        return None
    told = [
        f"{key}={value}"
        for key, value in sorted(hit.items())
        if key in _NUMBERS or key.startswith(("ep.", "epn.", "pr"))
    ]
    return sha256("&".join(told).encode("utf-8", "surrogatepass")).hexdigest()


def _properties(hit: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    items: list[dict[str, Any]] = []
    for key, value in hit.items():
        if key.startswith("ep."):
            found[key[3:]] = value
        elif key.startswith("epn."):
            found[key[4:]] = _decimal(value)
        elif key == "cu":
            found["currency"] = value
        elif _ITEM.fullmatch(key):
            items.append(_item(value))
    if items:
        found["items"] = items
    return found


def _item(text: str) -> dict[str, Any]:
    item: dict[str, Any] = {}
    for part in text.split("~"):
        field = _ITEM_FIELDS.get(part[:2])
        if field is not None:
            # A ~ within a value is written as two.
            item[field] = (
                _decimal(part[2:]) if field in ("price", "quantity", "discount", "index") else part[2:]
            )
    return item


def _decimal(text: str) -> Any:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    return value if value.is_finite() and abs(value.adjusted()) < 30 else text


def user_of(message: Message) -> Message | None:
    """Who uses the device, where an event says it: Google's surfaces have no call for that."""
    if message.identity is None or message.tracking_id is None:
        return None
    when = message.occurred_at or message.sent_id
    return Message(
        kind="identify",
        name="",
        properties={},
        identity=message.identity,
        tracking_id=message.tracking_id,
        sent_id=None if when is None else _short(f"{message.tracking_id}/{message.identity}/{when}"),
        occurred_at=message.occurred_at,
        content={},
    )


def _short(text: str) -> str:
    return f"identify:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
