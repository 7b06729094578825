"""What of an event tells whose it is, and what is left of it when nobody may know."""

import hmac
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from google.protobuf.message import Message

from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.formats.order_numbers import Groups, order_key
from shopalytic_server.domain.formats.plain_forms import plain_form

# Longer texts are no identifiers: their limits are 200 and 254 characters.
_LONGEST = 254
# Each text of an unreadable event costs three hashes, and strangers write such events: no event that
# somebody sent by mistake names more identifiers.
_MOST_TEXTS = 200
# Shorter numbers stand in any text, as a quantity or a price.
_SHORTEST_ORDER_ID = 4
# What stands between the cells, words and values of texts that are no JSON.
_CELLS = re.compile(r"""[",;\t|\r\n]+""")
_WORDS = re.compile(r"""[\s"',;|<>(){}\[\]=]+""")

# Types that say which order they are of.
_OF_ORDERS = frozenset(
    field.name
    for field in Event.DESCRIPTOR.oneofs_by_name["payload"].fields
    if field.message_type is not None and "order_id" in field.message_type.fields_by_name
)

KEPT_OF_ORDERS = (
    "total",
    "subtotal",
    "line_items",
    "order_date",
    "total_tax",
    "total_shipping",
    "total_discount",
    "currency",
)
"""What stays of an order beside its ids and countries."""
KEPT_OF_REFUNDS = (
    "refund_type",
    "total_refund",
    "subtotal_refund",
    "line_items",
    "tax_refund",
    "shipping_refund",
    "discount_refund",
    "currency",
    "default_currency",
)
"""What stays of a refund beside its order's id."""


def identity_mark(identity: str) -> str:
    """The text that stands for an identity among marks."""
    return "i:" + identity


def tracking_mark(tracking_id: str) -> str:
    """The text that stands for a tracking id among marks."""
    return "t:" + tracking_id


def email_mark(email: str) -> str:
    """The text that stands for an e-mail address among marks; case and outer space do not matter."""
    return "e:" + plain_form(email).lower()


def _identity_marks(identity: str) -> dict[str, None]:
    """The marks of an identity in the form that it has, and in the plain one."""
    return dict.fromkeys(map(identity_mark, (identity, plain_form(identity))))


def order_mark(order_id: str) -> str:
    """The text that stands for an order of somebody erased among marks."""
    return "o:" + order_id


def kept_order_mark(order_id: str) -> str:
    """The same, if the order was kept as nobody's."""
    return "k:" + order_id


def kept_refund_mark(event_id: str) -> str:
    """The text that stands for a refund that was kept as nobody's, so that it is not counted again."""
    return "r:" + event_id


def kept_order_id(order_id: str, salt: bytes) -> str:
    """The id of an order that is kept as nobody's. Without the salt nobody can find it by trying ids."""
    return f"erased-{hmac.digest(salt, b'order ' + order_id.encode(), 'sha256').hex()[:24]}"


def person_marks(identities: Iterable[str], tracking_ids: Iterable[str], emails: Iterable[str]) -> set[str]:
    """All marks of a person. An e-mail address is often an identity too, so it counts as both."""
    names = set(identities)
    addresses = {name for name in (*names, *emails) if "@" in name}
    names |= addresses | {address.lower() for address in addresses} | set(map(plain_form, addresses))
    return {
        *map(identity_mark, names),
        *map(tracking_mark, tracking_ids),
        *map(email_mark, addresses),
    }


def hashed(mark: str, salt: bytes) -> UUID:
    """A mark as it may be kept: without the salt nobody can find it by trying names."""
    return UUID(bytes=hmac.digest(salt, mark.encode(), "sha256")[:16])


@dataclass(frozen=True, slots=True)
class Marks:
    """What an event says of whose it is."""

    own: dict[str, str]
    """Marks of the person it is of or names, each with its field."""
    device: str | None = None
    """The mark of a device that it came from, when an identity says whose it is."""


def marks_of(event: Event, groups: Groups = ()) -> Marks:
    """The marks of an event as it was sent, whether valid or not.

    `groups` are the sources of its project that number their orders apart.
    """
    own: dict[str, str] = {}
    kind = event.WhichOneof("payload") or ""
    if kind == "undecoded":
        return Marks(dict.fromkeys(_marks_in(event.undecoded.json), ""))
    if event.identity:
        own |= dict.fromkeys(_identity_marks(event.identity), "identity")
    if kind in ("identify", "alias") and (named := getattr(event, kind).identity):
        own |= dict.fromkeys(_identity_marks(named), f"{kind}.identity")
    if kind in ("customer_register", "customer_update") and (email := getattr(event, kind).email):
        own[email_mark(email)] = f"{kind}.email"
    if kind in _OF_ORDERS:
        own[order_mark(order_key_of(event, groups))] = f"{kind}.order_id"
    if kind == "refund":
        own[kept_refund_mark(event.event_id)] = "event_id"
    if not event.tracking_id:
        return Marks(own)
    device = tracking_mark(event.tracking_id)
    if event.identity or kind == "identify":
        return Marks(own, device)
    return Marks({device: "tracking_id", **own})


def order_key_of(event: Event, groups: Groups) -> str:
    """What the store knows the order by that an event is of."""
    number: str = getattr(event, event.WhichOneof("payload") or "").order_id
    return order_key(number, event.source if event.HasField("source") else None, groups)


def _marks_in(source: str) -> Iterator[str]:
    """What a text that could not be read as an event may say of whose it is."""
    texts, order_ids = _texts(source)
    for text in texts:
        yield from _identity_marks(text)
        yield tracking_mark(text)
        yield email_mark(text)
    yield from map(order_mark, order_ids)


def _texts(source: str) -> tuple[list[str], list[str]]:
    """The texts of a JSON document that may be identifiers, and its order ids, a bounded number of each.

    Of a text that is no JSON: its cells and words, addresses first.
    """
    try:
        todo: list[tuple[str, Any]] = [("", json.loads(source))]
    except (ValueError, RecursionError):
        pieces = dict.fromkeys(piece.strip() for piece in (*_CELLS.split(source), *_WORDS.split(source)))
        texts = _likeliest(pieces)
        return texts, [text for text in texts if len(text) >= _SHORTEST_ORDER_ID]
    found: dict[str, None] = {}
    order_ids: dict[str, None] = {}
    while todo:
        name, value = todo.pop()
        if isinstance(value, dict):
            todo += value.items()
        elif isinstance(value, list):
            todo += ((name, each) for each in value)
        elif isinstance(value, str | int) and not isinstance(value, bool):
            found[str(value)] = None
            if name == "order_id":
                order_ids[str(value)] = None
    return _likeliest(found), list(order_ids)[:_MOST_TEXTS]


def _likeliest(texts: Iterable[str]) -> list[str]:
    short = [text for text in texts if text and len(text) <= _LONGEST]
    return sorted(short, key=lambda text: "@" not in text)[:_MOST_TEXTS]


def names_person(event: Event, names: Iterable[str], order_ids: Iterable[str]) -> bool:
    """Whether the text of an unreadable event names one of these identifiers or orders, in any case.

    An identifier is a whole word or cell: "ada" does not stand in "canada".
    """
    source = event.undecoded.json
    try:
        # The text's own escapes, such as \\u0040, hide nothing.
        plain = json.dumps(json.loads(source), ensure_ascii=False)
    except (ValueError, RecursionError):
        plain = source
    wanted = [*names, *(order_id for order_id in order_ids if len(order_id) >= _SHORTEST_ORDER_ID)]
    haystack = plain.casefold()
    return any(
        re.search(rf"(?<![\w.@+-]){re.escape(name.casefold())}(?![\w@+-]|\.\w)", haystack)
        for name in wanted
        if name.casefold() in haystack
    )


def anonymous_order(properties: dict[str, Any], order_id: str, cart_id: str | None) -> dict[str, Any]:
    """An order that keeps its amounts, lines, time and countries, and gets other ids."""
    kept: dict[str, Any] = {"order_id": order_id}
    if cart_id is not None:
        kept["cart_id"] = cart_id
    kept |= {name: properties[name] for name in KEPT_OF_ORDERS if name in properties}
    for name in ("billing", "shipping"):
        if name in properties:
            kept[name] = {"country": properties[name]["country"]}
    return kept


def keep_fields(message: Message, names: Iterable[str]) -> None:
    """Takes all other fields out of a message."""
    message.DiscardUnknownFields()
    for descriptor, _ in message.ListFields():
        if descriptor.name not in names:
            message.ClearField(descriptor.name)


def strip_late_refund(event: Event, order_id: str) -> None:
    """Leaves of a refund that comes after the erasure what would have been kept of it."""
    keep_fields(
        event, ("event_id", "occurred_at", "source", "sandbox", "timed_on_arrival", "plain_dates", "refund")
    )
    keep_fields(event.refund, KEPT_OF_REFUNDS)
    event.refund.order_id = order_id


def anonymous_refund(properties: dict[str, Any], order_id: str) -> dict[str, Any]:
    """A refund that keeps its amounts and lines, of an order with another id."""
    return {"order_id": order_id} | {name: properties[name] for name in KEPT_OF_REFUNDS if name in properties}
