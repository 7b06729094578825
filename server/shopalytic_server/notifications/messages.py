"""Digests and alerts as they are kept: JSON of the contract's message, without what the server sets."""

from copy import deepcopy
from datetime import datetime
from typing import Any

from google.protobuf import json_format

from shopalytic.v1 import notifications_pb2
from shopalytic_server.domain.notifications.records import OpenIncident, StoredAlert, StoredDigest

DEFAULT_HOUR = 7

_SET_BY_SERVER = ("webhook_secret", "next_at", "sent_at", "incidents")


def kept(message: notifications_pb2.Digest | notifications_pb2.Alert) -> dict[str, Any]:
    """What is kept of a digest or alert that a caller has sent."""
    own = deepcopy(message)
    for name in _SET_BY_SERVER:
        if name in own.DESCRIPTOR.fields_by_name:
            own.ClearField(name)
    return json_format.MessageToDict(own, preserving_proto_field_name=True)


def digest_message(content: dict[str, Any]) -> notifications_pb2.Digest:
    """A digest that was kept. What a later version kept besides is left out."""
    return json_format.ParseDict(content, notifications_pb2.Digest(), ignore_unknown_fields=True)


def alert_message(content: dict[str, Any]) -> notifications_pb2.Alert:
    """An alert that was kept, in the same way."""
    return json_format.ParseDict(content, notifications_pb2.Alert(), ignore_unknown_fields=True)


def is_weekly(digest: notifications_pb2.Digest) -> bool:
    """Whether it comes on Mondays."""
    return digest.period != notifications_pb2.DIGEST_PERIOD_DAILY


def hour_of(digest: notifications_pb2.Digest) -> int:
    """From which hour on it is sent."""
    return digest.hour if digest.HasField("hour") else DEFAULT_HOUR


def answered_digest(stored: StoredDigest, *, with_secret: bool = False) -> notifications_pb2.Digest:
    """A digest as callers see it."""
    message = digest_message(stored.content)
    message.next_at.FromDatetime(stored.next_at)
    if stored.sent_at is not None:
        message.sent_at.FromDatetime(stored.sent_at)
    if with_secret:
        message.webhook_secret = stored.webhook_secret
    return message


def answered_alert(
    stored: StoredAlert, incidents: list[OpenIncident], *, with_secret: bool = False
) -> notifications_pb2.Alert:
    """An alert as callers see it."""
    message = alert_message(stored.content)
    for each in incidents:
        if each.alert == stored.name:
            message.incidents.append(incident(each.value, each.number, each.opened_at))
    if with_secret:
        message.webhook_secret = stored.webhook_secret
    return message


def incident(value: str, number: str, at: datetime) -> notifications_pb2.Incident:
    """An incident as callers see it."""
    message = notifications_pb2.Incident(value=value, number=number)
    message.opened_at.FromDatetime(at)
    return message
