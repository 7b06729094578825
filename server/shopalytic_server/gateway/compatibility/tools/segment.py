"""Reads what the SDKs of Segment and RudderStack send.

Both speak Segment's HTTP API (https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/).
RudderStack's Python SDK puts a customer's traits into the context.
"""

from typing import Any

from shopalytic_server.gateway.compatibility.message import (
    Message,
    device_of,
    identity_of,
    misshapen,
    unused_of,
)
from shopalytic_server.gateway.compatibility.tools.context import segments
from shopalytic_server.gateway.compatibility.translation import merged, previous_of
from shopalytic_server.gateway.compatibility.values import mapping, moment, words

KINDS = ("track", "identify", "page", "screen", "group", "alias")
SHORT = {"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias"}
"""The paths of the browser's SDK for one event."""


def read_message(item: dict[str, Any], kind: str | None, request: dict[str, Any]) -> Message:
    """The message in one JSON object; `kind` is what the path says, `request` what stands beside a batch."""
    stated = item.get("type")
    kind = kind or (stated if stated in KINDS else "track")
    context = merged(request.get("context"), item.get("context"))
    identity, device = identity_of(item.get("userId")), device_of(item.get("anonymousId"))
    message = Message(
        kind=kind,
        name=words(item.get("event") if kind == "track" else item.get("name"), 1_000) or "",
        properties=mapping(item.get("properties")),
        identity=identity,
        tracking_id=device,
        sent_id=item.get("messageId"),
        occurred_at=moment(item.get("timestamp") or item.get("originalTimestamp")),
        content=item,
        context=segments(context),
        traits=merged(context.get("traits"), item.get("traits")),
        misshapen=misshapen(item.get("properties")),
        unused=unused_of(item, {"userId": identity, "anonymousId": device}, ("context", "traits")),
        session=words(str(context.get("sessionId") or ""), 70),
    )
    if kind == "group":
        message.properties = {**message.properties, "group_id": item.get("groupId")}
    if kind == "alias":
        message.previous_id, message.previous_is_device = previous_of(item.get("previousId"))
    if kind == "page" and (category := words(item.get("category"), 100)) and not message.name:
        message.name = category
    return message
