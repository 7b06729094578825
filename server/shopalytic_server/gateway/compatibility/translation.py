"""Messages of other tools as events in the contract's JSON."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shopalytic_server.gateway.compatibility.catalogue import BY_NAME, Row
from shopalytic_server.gateway.compatibility.given import Given
from shopalytic_server.gateway.compatibility.message import Message, derived_id, identity_of, is_uuid
from shopalytic_server.gateway.compatibility.rules import Rule
from shopalytic_server.gateway.compatibility.values import folded, mapping, words

_LONGEST_NAME = 100
_LONGEST_PERSON_NAME = 200
# Where the catalogue has no place of its own for these, the page that the tool names says them.
_PAGE = {
    "url": ("url", "page_location", "$current_url", "current_url"),
    "referrer": ("referrer", "page_referrer", "$referrer"),
    "title": ("title", "page_title"),
}
# What Google's tools add to each event by themselves; the visit and the page are used.
_OF_SDKS = frozenset(
    {
        *("session_id", "ga_session_id", "ga_session_number", "session_number", "session_engaged"),
        *("engagement_time_msec", "debug_mode", "page_location", "page_referrer", "page_title"),
        *("language", "screen_resolution"),
    }
)
_EMAIL = ("email",)
_FIRST_NAME = ("first_name", "firstname", "given_name")
_LAST_NAME = ("last_name", "lastname", "family_name")


@dataclass(frozen=True, slots=True)
class Translated:
    """One event of ours, and what of the sender's properties has no place in it."""

    event: dict[str, Any]
    left_out: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """Which event of the catalogue it is."""
        return str(self.event["type"])


def translate(message: Message, namespace: uuid.UUID) -> list[Translated]:
    """Our events for one message: at least one, each with an id of its own."""
    bodies = list(_bodies(message))
    made = []
    for number, (kind, properties, left_out) in enumerate(bodies):
        event_id = message.event_id if number == 0 else derived_id(namespace, f"{message.event_id}/{number}")
        made.append(Translated(_envelope(message, namespace, event_id, kind, properties), left_out))
    return made


_Body = tuple[str, dict[str, Any], tuple[str, ...]]


def _bodies(message: Message) -> Iterator[_Body]:
    match message.kind:
        case "identify":
            yield from _identify(message)
        case "alias":
            yield _alias(message)
        case "page":
            yield _page(message)
        case "screen":
            yield _custom(message, f"Viewed {message.name} Screen" if message.name else "Viewed Screen")
        case "group":
            yield _custom(message, "Joined Group")
        case _:
            yield from _track(message)


def _envelope(
    message: Message, namespace: uuid.UUID, event_id: str, kind: str, properties: dict[str, Any]
) -> dict[str, Any]:
    event: dict[str, Any] = {"type": kind, "properties": properties, "event_id": event_id}
    if message.occurred_at is not None:
        event["occurred_at"] = message.occurred_at
    if message.kind == "alias":
        event |= _who_is_renamed(message)
    else:
        event |= {"identity": message.identity, "tracking_id": message.tracking_id}
    if not (event.get("identity") or event.get("tracking_id")):
        # Nobody in particular: a visitor who is seen this once.
        event["tracking_id"] = derived_id(namespace, f"visitor:{message.event_id}")
    if message.context:
        event["context"] = message.context
    return event


def _who_is_renamed(message: Message) -> dict[str, Any]:
    if message.previous_is_device:
        return {"identity": message.identity, "tracking_id": message.previous_id}
    return {"identity": message.previous_id}


def _alias(message: Message) -> _Body:
    """The old name and the new one are one customer's.

    A device that gets a name is identified; a customer who gets a second name is
    aliased under the first.
    """
    if message.identity is None or message.previous_id is None:
        return _custom(message, "alias")
    if message.previous_is_device:
        return "identify", {"identity": message.identity}, ()
    return "alias", {"identity": message.identity}, ()


def _identify(message: Message) -> Iterator[_Body]:
    profile, left_out = _profile(message.traits)
    if message.identity is not None:
        yield "identify", {"identity": message.identity}, () if profile else left_out
    if profile:
        yield "customer_update", profile, left_out
    elif message.identity is None:
        yield _custom(message, "identify")


def _profile(traits: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What of the traits a customer's profile has, and the names of the others."""
    by_name = {folded(name): value for name, value in traits.items()}
    profile: dict[str, Any] = {}
    used: set[str] = set()
    for field, names in (("email", _EMAIL), ("first_name", _FIRST_NAME), ("last_name", _LAST_NAME)):
        for name in names:
            value = words(by_name.get(name), _LONGEST_PERSON_NAME)
            if value is not None:
                profile[field] = value
                used.add(name)
                break
    full = words(by_name.get("name"), 2 * _LONGEST_PERSON_NAME)
    if full is not None and not {"first_name", "last_name"} & profile.keys():
        first, _, last = full.rpartition(" ")
        used.add("name")
        profile |= (
            {"first_name": first[:200], "last_name": last[:200]} if first else {"first_name": last[:200]}
        )
    return profile, tuple(sorted(by_name.keys() - used))


def _page(message: Message) -> _Body:
    given = Given(message)
    context = message.context
    url = words(given.first(_PAGE["url"]), 8_192) or context.get("url")
    if not url:
        return _custom(message, f"Viewed {message.name} Page" if message.name else "Viewed Page")
    referrer = given.first(_PAGE["referrer"])
    referrer = referrer if isinstance(referrer, str) else context.get("referrer", "")
    properties = {"url": url, "referrer": "" if referrer == "$direct" else referrer[:8_192]}
    title = words(given.first(_PAGE["title"]), 1_000)
    if title:
        properties["title"] = title
    if message.name and message.name != title:
        properties["page_type"] = message.name[:_LONGEST_NAME]
    given.first(("path",)), given.first(("search",))  # both are in the address
    return "page_view", properties, _left(given)


def _track(message: Message) -> Iterator[_Body]:
    row = BY_NAME.get(folded(message.name))
    if row is None:
        yield _custom(message, message.name)
        return
    given = Given(message)
    products = given.products if row.each else []
    for each in [given.of_product(product) for product in products] or [given]:
        yield row.event, _properties(row, each), () if products else _left(each)


def _properties(row: Row, given: Given) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, sources in row.fields.items():
        for source in sources:
            value = source.value(given) if isinstance(source, Rule) else given.first((source,))
            if value is not None:
                found[field] = value
                break
    return found


def _left(given: Given) -> tuple[str, ...]:
    # What begins with $ the SDK adds by itself.
    names = given.names - given.used - _OF_SDKS
    lost = ["properties"] if given.message.misshapen is not None else []
    return (*lost, *sorted(name for name in names if not name.startswith("$")))


def _custom(message: Message, name: str) -> _Body:
    if message.misshapen is not None:
        # For the contract to refuse.
        return (
            "custom",
            {"name": words(name, _LONGEST_NAME) or "unnamed", "properties": message.misshapen},
            (),
        )
    properties = dict(message.properties)
    if message.kind in ("identify", "group") and message.traits:
        properties["traits"] = message.traits
    name = words(name, _LONGEST_NAME) or "unnamed"
    return "custom", {"name": name, **({"properties": properties} if properties else {})}, ()


def previous_of(value: Any) -> tuple[str | None, bool]:
    """What a customer was called before, and whether that is a device: SDKs number devices by UUIDs."""
    previous = identity_of(value)
    return previous, is_uuid(previous)


def merged(first: Any, second: Any) -> dict[str, Any]:
    """Two objects in one; what the second says counts."""
    return {**mapping(first), **mapping(second)}
