"""Events as bytes, most of them right, and some wrong in a place or two, by a seeded generator.

What may be in a field is taken from the generated tables: values at its limits and
just beyond come up often enough that no rule can be read wrongly unnoticed.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.message import DecodeError

from laws.full_events import FULL
from shopalytic.events.decoding import decode_properties, uuid7
from shopalytic.v1 import tables
from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest.native import LARGEST_EVENT_BYTES
from shopalytic_server.domain.ingest.preparation import Admitted
from shopalytic_server.domain.privacy.addresses import AddressLevel
from shopalytic_server.domain.privacy.network_places import NetworkPlace
from shopalytic_server.domain.projects import EVENT_TYPES, DeniedConsent, KeyClass, Project

_EVENT_TAG = bytes([TrackRequest.EVENTS_FIELD_NUMBER << 3 | 2])
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
KINDS = tuple(kind for kind in FULL if kind != "undecoded")
ROWS = {name: {row["name"]: row for row in rows} for name, rows, _, _ in tables.MESSAGES}
ROWS["Event"] = {row["name"]: row for row in tables.ENVELOPE}

_TEXTS = (
    *(
        "",
        " ",
        "a",
        "0",
        "9.99",
        "9.99999",
        "123456789012345",
        "1.",
        ".5",
        "00.5",
        "EUR",
        "eur",
        "EURO",
        "ＥＵＲ",
    ),
    *(
        "full",
        "partial",
        "Full",
        "dhl",
        "DHL",
        "custom",
        "granted",
        "denied",
        "a@b",
        "a b@c",
        "a@b\n",
        "a@@b",
        "@",
    ),
    *(
        "null",
        " NULL\t",
        "\x0bnone",
        "\xa0null",
        "[object Object]",
        "guest",
        "gueſt",
        "id",
        "ıd",
        "user",
        "-1",
    ),
    *(
        "000-00",
        "-",
        "--1",
        "false",
        "falſe",
        "anonymous",
        "a" * 15,
        "id" + " " * 30,
        "\u2028",
        "é",
        "😀",
        "\0",
        "a\0b",
    ),
    *(
        '"',
        "\\",
        "\x01\x1f\x7f\b\f\n\r\t",
        "</script>",
        "٣",
        "\u00ad",
        "9\n",
        "1e3",
        "198.51.100.7",
        "2001:db8::1",
    ),
)
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
    "Googlebot/2.1",
    "curl/8.0",
    "python-requests/2.31",
    "Shop App/1.0",
    "x" * 401,
)
_ADDRESSES = (
    "198.51.100.0",
    "198.51.100.7",
    "2001:db8::",
    "2001:db8::1",
    "nowhere",
    "",
    "::ffff:198.51.100.0",
)
_ORIGINS = ("https://shop.example", "https://other.example", "")


def _locate(address: str) -> NetworkPlace | None:
    return {"198.51.100.7": NetworkPlace("DEU", "Bavaria"), "2001:db8::1": NetworkPlace("FRA")}.get(address)


class EventInputs:
    """An endless source of events, as bytes."""

    def __init__(self, seed: int, focus: tuple[str, str] | None = None) -> None:
        """`focus`: a message and its field that every event has another value in."""
        self._pick = random.Random(seed)
        self._focus = focus
        self._kinds = tuple(kind for kind in KINDS if focus is None or list(_places(_full(kind), focus[0])))

    def event(self, changes: int | None = None) -> bytes:
        """The next one, changed in so many places; None: in a few."""
        pick = self._pick
        event = self._right(pick.choice(self._kinds))
        if self._focus is not None:
            owner, name = self._focus
            for message in _places(event, owner):
                for row in ROWS[owner].values():
                    if not row["required"] and pick.random() < 0.3:
                        message.ClearField(row["name"])
                if pick.random() < 0.2:
                    message.ClearField(name)
                else:
                    self._set(message, name, owner)
            changes = 0
        for _ in range(pick.choice((0, 1, 1, 1, 2)) if changes is None else changes):
            self._change(event, "Event")
        data = event.SerializeToString()
        return self._torn(data) if changes is None and pick.random() < 0.1 else data

    def request(self, count: int) -> bytes:
        """A TrackRequest of so many."""
        frames = b""
        while count:
            data = self.event()
            # Requests with a larger one go another way as a whole.
            if len(data) <= LARGEST_EVENT_BYTES:
                frames += _EVENT_TAG + _varint(len(data)) + data
                count -= 1
        return frames

    def admitted(self) -> Admitted:
        """Who sends: any project, key and clock."""
        pick = self._pick
        skew = pick.choice(
            (None, *[timedelta()] * 4, timedelta(seconds=8), timedelta(minutes=9), timedelta(days=15_000))
        )
        project = Project(
            pick.choice((1, 7, 1_000_000)),
            "shop",
            pick.choice(("EUR", "EUR", "USD")),
            pick.choice(("UTC", "Asia/Tokyo")),
            frozenset(pick.sample(EVENT_TYPES, pick.choice((3, 8, len(EVENT_TYPES))))),
            NOW,
            changed_from=pick.choice((*[None] * 7, "GBP")),
            currency_open=pick.random() < 0.05,
            own_user_agents=pick.choice(((), ("Shop App",))),
            allowed_origins=pick.choice((frozenset(), frozenset({"https://shop.example"}))),
            respect_privacy_signals=pick.random() < 0.5,
            signed_identify=pick.random() < 0.05,
            identity_secrets=("shop_identity_x",),
            denied_consent=pick.choice(list(DeniedConsent)),
            anonymous_salt=b"salt",
        )
        return Admitted(
            project.currency,
            NOW,
            None if skew is None else NOW - skew,
            project=project,
            key_class=pick.choice((KeyClass.SERVER, KeyClass.SERVER, KeyClass.BROWSER, KeyClass.ADMIN)),
            addresses=pick.choice(list(AddressLevel)),
            locate=pick.choice((None, None, _locate)),
        )

    def _right(self, kind: str) -> Event:
        pick = self._pick
        event = Event(event_id=uuid7())
        moment = NOW - timedelta(seconds=pick.random() * 86_400 * pick.choice((1, 1, 1, 12_000)))
        event.occurred_at.FromDatetime(moment.replace(microsecond=pick.choice((0, 123_000, 123_456))))
        if pick.random() < 0.9:
            event.tracking_id = f"visitor-{pick.randrange(100)}"
        if pick.random() < 0.3 or not event.tracking_id:
            event.identity = f"customer-{pick.randrange(100)}"
        if pick.random() < 0.7:
            event.source = "web"
        event.sandbox = pick.random() < 0.1
        event.timed_on_arrival = pick.random() < 0.1
        if pick.random() < 0.1:
            event.tie_breaker = pick.choice((0, 1, -1, 2**63 - 1, -(2**63)))
        if pick.random() < 0.8:
            self._context(event.context)
        payload = getattr(event, kind)
        payload.CopyFrom(decode_properties(kind, FULL[kind]))
        self._thin(payload)
        if kind == "identify" and event.identity:
            event.identity = payload.identity
        return event

    def _thin(self, message: Any) -> None:
        """Leaves out of a message and of those within what need not be there."""
        for field, value in message.ListFields():
            if not ROWS[message.DESCRIPTOR.name][field.name]["required"] and self._pick.random() < 0.4:
                message.ClearField(field.name)
            elif field.message_type and field.message_type.name in ROWS:
                for each in value if field.is_repeated else (value,):
                    self._thin(each)

    def _context(self, context: Any) -> None:
        pick = self._pick
        for name, row in pick.sample(list(ROWS["Context"].items()), pick.randrange(6)):
            if row["kind"] == "string" and pick.random() < 0.8:
                setattr(context, name, pick.choice(row["choices"] or ("a", "é", "de-AT")))
            else:
                self._set(context, name, "Context")
        if pick.random() < 0.7:
            context.user_agent = pick.choice((_AGENTS[0], _AGENTS[0], *_AGENTS))
        if context.HasField("automated") and pick.random() < 0.8:
            context.ClearField("automated")
        for name, values in (("address", _ADDRESSES), ("origin", _ORIGINS)):
            if context.HasField(name):
                setattr(context, name, pick.choice(values))

    def _change(self, message: Any, owner: str) -> None:
        """One place of a message is another."""
        pick = self._pick
        fields = [field for field in message.DESCRIPTOR.fields if field.name in ROWS.get(owner, ())]
        inside = [
            field
            for field, _ in message.ListFields()
            if field.message_type and field.message_type.name in ROWS
        ]
        if inside and pick.random() < (0.8 if owner == "Event" else 0.4):
            field = pick.choice(inside)
            value = getattr(message, field.name)
            self._change(pick.choice(value) if field.is_repeated else value, field.message_type.name)
        elif pick.random() < 0.25:
            message.ClearField(pick.choice(fields).name)
        else:
            self._set(message, pick.choice(fields).name, owner)

    def _set(self, message: Any, name: str, owner: str) -> None:
        pick, row = self._pick, ROWS[owner][name]
        field = message.DESCRIPTOR.fields_by_name[name]
        if row["kind"] == "message" or row["repeated"]:
            self._fill(message, row)
        elif row["kind"] == "struct":
            getattr(message, name).update({"a": pick.choice((1, 0.5, "b", None, [1], {}))})
        elif row["kind"] == "timestamp":
            self._set_time(getattr(message, name), row)
        elif row["kind"] == "bool":
            setattr(message, name, pick.random() < 0.5)
        elif field.cpp_type == field.CPPTYPE_STRING:
            setattr(message, name, self._text(row))
        else:
            low, high = row["low"], row["high"]
            value = pick.choice((0, 1, -1, low - 1, low, low + 1, high, high + 1, 2**31 - 1, 7))
            setattr(message, name, max(-(2**31), min(2**31 - 1, value)))

    def _fill(self, message: Any, row: dict[str, Any]) -> None:
        pick = self._pick
        message.ClearField(row["name"])
        value = getattr(message, row["name"])
        if row["kind"] == "message" and not row["repeated"]:
            value.SetInParent()
            if pick.random() < 0.8:
                _fill_least(value)
            return
        most = row["most"] if row["most"] <= 100 else 3
        for _ in range(pick.choice((0, 1, 2, most, most + 1))):
            if row["kind"] == "message":
                _fill_least(value.add())
            else:
                value.append("a" if pick.random() < 0.99 else self._text(row))

    def _set_time(self, time: Any, row: dict[str, Any]) -> None:
        pick = self._pick
        ahead = (86_400, 86_401, 300 * 86_400, 366 * 86_400, 800 * 86_400, -1)
        now = int(NOW.timestamp())
        by_limit = (
            row["low"] - 1,
            row["low"],
            row["low"] + 1,
            row["high"] - 1,
            row["high"],
            0,
            -1,
            631_152_000,
        )
        time.seconds = max(-(2**63), min(2**63 - 1, pick.choice((*by_limit, *(now + by for by in ahead)))))
        time.nanos = pick.choice((0, 0, 1, 999, 1_000, 999_999_999, 10**9, -1, 120_000_000, 123_456_789))

    def _text(self, row: dict[str, Any]) -> str:
        pick = self._pick
        if row["shortest"] and pick.random() < 0.2:
            return ""
        if row["choices"] and pick.random() < 0.5:
            return pick.choice((*row["choices"], row["choices"][0].upper(), row["choices"][0] + "x"))
        if row["name"] in ("user_agent", "address", "origin") and pick.random() < 0.6:
            return pick.choice(
                {"user_agent": _AGENTS, "address": _ADDRESSES, "origin": _ORIGINS}[row["name"]]
            )
        if row["form"] == "email" and pick.random() < 0.4:
            return "a" * (row["longest"] - 2 + pick.choice((-1, 0, 1))) + "@b"
        if row["longest"] and pick.random() < 0.4:
            letter = pick.choice("aé😀") if row["longest"] <= 2_000 else "a"
            return letter * (row["longest"] + pick.choice((-1, 0, 1)))
        return pick.choice(_TEXTS)

    def _torn(self, data: bytes) -> bytes:
        """Bytes that no sender of ours makes; most are still an event."""
        pick = self._pick
        at = pick.randrange(len(data) + 1)
        kind = pick.randrange(6)
        if kind == 0:
            return data[:at] + bytes([pick.randrange(256)]) + data[at + 1 :]
        if kind == 1:
            return data[:at]
        if kind == 2:
            return data[:at] + bytes([pick.randrange(256)]) + data[at:]
        if kind == 3:  # a field that nobody knows
            return data + pick.choice((b"\xf8\x07\x01", b"\xfa\x07\x01a", b"\xfd\x07abcd", b"\x03\x04"))
        if kind == 4:  # a field twice
            return data + pick.choice(
                (data, b"\x2a\x01b", b"\x30\x01", b"\x30\x00", b"\x1a\x01v", b"\x3a\x00")
            )
        return _longer(data, at)


def _fill_least(message: Any) -> None:
    """Gives a message within another what it must have, and no more."""
    for row in ROWS[message.DESCRIPTOR.name].values():
        if row["required"] or row["name"] in ("sku", "qty"):
            text = {"money": "1", "capitals": "DEU"}.get(row["form"], "a")
            setattr(message, row["name"], max(1, row["low"]) if row["kind"] == "int32" else text)


def _full(kind: str) -> Event:
    return Event(context={}, **{kind: decode_properties(kind, FULL[kind])})


def _places(message: Any, owner: str) -> Iterator[Any]:
    """The messages of a name in another, or that one itself."""
    if message.DESCRIPTOR.name == owner:
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type and field.message_type.name in ROWS:
            for each in value if field.is_repeated else (value,):
                yield from _places(each, owner)


def _longer(data: bytes, at: int) -> bytes:
    """One byte that may be a number, with a zero that says nothing."""
    at = min(at, len(data) - 1)
    return data[:at] + bytes([data[at] | 128, 0]) + data[at + 1 :] if at >= 0 else data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def parsed(data: bytes) -> Event | None:
    """The event; None: it is none."""
    try:
        return Event.FromString(data)
    except DecodeError:
        return None
