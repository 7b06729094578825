"""Reads what PostHog's SDKs send (https://posthog.com/docs/api/capture).

A `distinct_id` names a customer, unless the SDK says that nobody is known: then
it names the device. PostHog's Node and Python SDKs fill an alias in opposite
directions: Node's `distinctId` is the customer and its `alias` the other name,
Python and the browser send the old name as `distinct_id` and the customer as
`alias`.
"""

from typing import Any

from shopalytic_server.gateway.compatibility.message import (
    Message,
    device_of,
    identity_of,
    is_uuid,
    misshapen,
    unused_of,
)
from shopalytic_server.gateway.compatibility.tools.context import context_of
from shopalytic_server.gateway.compatibility.translation import merged, previous_of
from shopalytic_server.gateway.compatibility.values import mapping, moment, number, words

_SPECIAL = {
    "$identify": "identify",
    "$set": "identify",
    "$create_alias": "alias",
    "$pageview": "page",
    "$screen": "screen",
    "$groupidentify": "group",
}
# A week.
_LONGEST_WAIT_MS = 7 * 86_400_000
# The key and the names of people stand in the properties; neither describes what happened.
_NO_PROPERTIES = frozenset({"token", "distinct_id", "$device_id", "$anon_distinct_id"})


def read_message(item: dict[str, Any], _kind: str | None, _request: dict[str, Any]) -> Message:
    """The message in one JSON object."""
    name = words(item.get("event"), 1_000) or ""
    given = mapping(item.get("properties"))
    kind = _SPECIAL.get(name, "track")
    identity, device = _who(item, given, kind)
    message = Message(
        kind=kind,
        name="" if kind == "page" else name,
        properties={key: value for key, value in given.items() if key not in _NO_PROPERTIES},
        identity=identity,
        tracking_id=device,
        sent_id=item.get("uuid") or given.get("$insert_id"),
        occurred_at=moment(item.get("timestamp")),
        content=item,
        context=_context(given),
        traits=_traits(item, given),
        age=_age(item),
        misshapen=misshapen(item.get("properties")),
        unused=unused_of(item | given, {"distinct_id": identity or device}, ("$set", "$set_once")),
        session=words(given.get("$session_id"), 70),
    )
    if kind == "screen":
        message.name = words(given.get("$screen_name"), 200) or ""
    if kind == "alias":
        _fill_alias(message, item, given)
    return message


def _age(item: dict[str, Any]) -> float | None:
    """The browser's SDK tells how many milliseconds an event waited, in place of its time."""
    waited = number(item.get("offset"))
    return float(waited / 1_000) if waited is not None and 0 < waited <= _LONGEST_WAIT_MS else None


def _who(item: dict[str, Any], given: dict[str, Any], kind: str) -> tuple[str | None, str | None]:
    distinct = item.get("distinct_id") or item.get("$distinct_id") or given.get("distinct_id")
    device = device_of(given.get("$device_id") or given.get("$anon_distinct_id"))
    if kind not in ("identify", "alias") and _is_anonymous(distinct, given):
        return None, device or device_of(distinct)
    return identity_of(distinct), device


def _is_anonymous(distinct: Any, given: dict[str, Any]) -> bool:
    return (
        given.get("$is_identified") is False
        or given.get("$process_person_profile") is False
        or given.get("$user_state") == "anonymous"
        or (distinct is not None and distinct == given.get("$device_id"))
    )


def _traits(item: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    once = merged(item.get("$set_once"), given.get("$set_once"))
    always = merged(item.get("$set"), given.get("$set"))
    # $initial_referrer and the like are the SDK's own.
    return {name: value for name, value in {**once, **always}.items() if not name.startswith("$")}


def _fill_alias(message: Message, item: dict[str, Any], given: dict[str, Any]) -> None:
    """One of the two may be a device: Node's `alias`, and everybody else's `distinct_id`."""
    distinct, alias = given.get("distinct_id") or item.get("distinct_id"), given.get("alias")
    if given.get("$lib") == "posthog-node" and is_uuid(alias):
        distinct, alias = alias, distinct
    message.identity = identity_of(alias)
    message.previous_id, message.previous_is_device = previous_of(distinct)


def _context(given: dict[str, Any]) -> dict[str, Any]:
    return context_of(
        url=given.get("$current_url"),
        referrer=given.get("$referrer"),
        utm_source=given.get("utm_source"),
        utm_medium=given.get("utm_medium"),
        utm_campaign=given.get("utm_campaign"),
        utm_term=given.get("utm_term"),
        utm_content=given.get("utm_content"),
        user_agent=given.get("$raw_user_agent") or given.get("$useragent"),
        language=given.get("$browser_language"),
        screen_width=given.get("$screen_width"),
        screen_height=given.get("$screen_height"),
        time_zone=given.get("$timezone"),
        library_name=given.get("$lib"),
        library_version=given.get("$lib_version"),
    )
