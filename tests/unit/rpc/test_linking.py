"""Identify and Alias calls as events, and verdicts on those as answers."""

import pytest

from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2 import AliasRequest, EventResult, IdentifyRequest
from shopalytic_server.domain.errors import AlreadyExists, InvalidRequest, PermissionDenied, ShopalyticError
from shopalytic_server.rpc.ingest.linking import (
    ALIAS_FIELDS,
    IDENTIFY_FIELDS,
    alias_event,
    identify_event,
    link_of,
)

ID = "0198c0de-0000-7000-8000-000000000001"


def refused(status: "collector_pb2.EventStatus", *violations: tuple[str, str]) -> EventResult:
    result = EventResult(event_id=ID, status=status)
    for field, rule in violations:
        result.violations.add(field=field, rule_id=rule, message="is wrong")
    return result


def outcome(result: EventResult, fields: dict[str, str]) -> ShopalyticError:
    with pytest.raises(ShopalyticError) as caught:
        link_of(result, fields)
    return caught.value


def test_an_identify_call_becomes_an_event_of_its_tracking_id() -> None:
    request = IdentifyRequest(event_id=ID, tracking_id="t", identity="i", source="web", sandbox=True)
    request.occurred_at.seconds = 5
    request.context.url = "https://shop.example/"
    event = identify_event(request)
    assert (event.event_id, event.tracking_id, event.identify.identity) == (ID, "t", "i")
    assert (event.source, event.sandbox, event.context.url, event.occurred_at.seconds) == (
        "web",
        True,
        "https://shop.example/",
        5,
    )
    assert not event.HasField("identity")


def test_an_identify_call_without_a_tracking_id_is_its_identity_s() -> None:
    event = identify_event(IdentifyRequest(event_id=ID, identity="i"))
    assert event.identity == "i"
    assert not event.HasField("tracking_id")
    assert not event.HasField("occurred_at")


def test_an_alias_call_goes_by_the_existing_identity_and_else_by_the_tracking_id() -> None:
    by_identity = alias_event(
        AliasRequest(event_id=ID, existing_identity="old", tracking_id="t", identity="new")
    )
    assert (by_identity.identity, by_identity.alias.identity) == ("old", "new")
    by_device = alias_event(AliasRequest(event_id=ID, tracking_id="t", identity="new"))
    assert (by_device.tracking_id, by_device.alias.identity) == ("t", "new")
    assert not by_device.HasField("identity")


@pytest.mark.parametrize(
    "status", [collector_pb2.EVENT_STATUS_ACCEPTED, collector_pb2.EVENT_STATUS_DUPLICATE]
)
def test_what_is_stored_answers_with_its_link(status: collector_pb2.EventStatus) -> None:
    result = EventResult(status=status, link=collector_pb2.LinkResult(customer_id=ID))
    assert link_of(result, IDENTIFY_FIELDS).customer_id == ID


def test_fields_are_called_as_in_the_request_and_named_once() -> None:
    quarantined = collector_pb2.EVENT_STATUS_QUARANTINED
    error = outcome(
        refused(
            quarantined,
            ("identify.identity", "string.max_len"),
            ("identity", "string.max_len"),
            ("occurred_at", "required"),
        ),
        IDENTIFY_FIELDS,
    )
    assert isinstance(error, InvalidRequest)
    assert [each.field for each in error.violations] == ["identity", "occurred_at"]
    error = outcome(refused(quarantined, ("alias.identity", "required"), ("identity", "a.b")), ALIAS_FIELDS)
    assert isinstance(error, InvalidRequest)
    assert [each.field for each in error.violations] == ["identity", "existing_identity"]


def test_an_alias_of_nobody_is_told_by_the_request_s_own_fields() -> None:
    result = refused(collector_pb2.EVENT_STATUS_QUARANTINED, ("tracking_id", "tracking_id.or_identity"))
    assert "existing_identity" in str(outcome(result, ALIAS_FIELDS))


@pytest.mark.parametrize(
    ("rule", "reason"), [("event_id.conflict", "EVENT_ID_CONFLICT"), ("identity.taken", "IDENTITY_TAKEN")]
)
def test_a_conflict_says_what_is_taken(rule: str, reason: str) -> None:
    error = outcome(refused(collector_pb2.EVENT_STATUS_CONFLICT, ("alias.identity", rule)), ALIAS_FIELDS)
    assert isinstance(error, AlreadyExists)
    assert error.reason == reason


def test_a_type_that_the_key_may_not_send_is_a_matter_of_permission() -> None:
    result = refused(collector_pb2.EVENT_STATUS_REJECTED, ("payload", "key.event_type"))
    assert isinstance(outcome(result, IDENTIFY_FIELDS), PermissionDenied)
    result = refused(collector_pb2.EVENT_STATUS_REJECTED, ("", "event.max_bytes"))
    assert isinstance(outcome(result, IDENTIFY_FIELDS), InvalidRequest)
