"""Identify and Alias calls as events, and the verdicts on those events as answers."""

from shopalytic.events.violations import Violation
from shopalytic.v1 import collector_pb2
from shopalytic.v1.events_pb2 import Alias, Event, Identify
from shopalytic_server.domain.customers.signing import EXPIRED_RULE, RULE
from shopalytic_server.domain.errors import AlreadyExists, InvalidRequest, PermissionDenied

EVENT_ID_CONFLICT = "EVENT_ID_CONFLICT"
IDENTITY_TAKEN = "IDENTITY_TAKEN"

# What a field of the event is called in the request.
IDENTIFY_FIELDS = {"identify.identity": "identity"}
ALIAS_FIELDS = {"alias.identity": "identity", "identity": "existing_identity"}


def identify_event(request: collector_pb2.IdentifyRequest) -> Event:
    """The event that an Identify call stands for."""
    event = _envelope(request)
    event.identify.CopyFrom(Identify(identity=request.identity))
    if request.HasField("identity_signature"):
        event.identity_signature = request.identity_signature
    if not request.HasField("tracking_id"):
        event.identity = request.identity
    return event


def alias_event(request: collector_pb2.AliasRequest) -> Event:
    """The event that an Alias call stands for."""
    event = _envelope(request)
    event.alias.CopyFrom(Alias(identity=request.identity))
    if request.HasField("identity_signature"):
        event.alias_signature = request.identity_signature
    if request.HasField("existing_identity_signature"):
        event.identity_signature = request.existing_identity_signature
    if request.HasField("existing_identity"):
        event.identity = request.existing_identity
    return event


def _envelope(request: collector_pb2.IdentifyRequest | collector_pb2.AliasRequest) -> Event:
    event = Event(event_id=request.event_id, sandbox=request.sandbox)
    if request.HasField("occurred_at"):
        event.occurred_at.CopyFrom(request.occurred_at)
    if request.HasField("tracking_id"):
        event.tracking_id = request.tracking_id
    if request.HasField("source"):
        event.source = request.source
    if request.HasField("context"):
        event.context.CopyFrom(request.context)
    return event


def link_of(result: collector_pb2.EventResult, fields: dict[str, str]) -> collector_pb2.LinkResult:
    """What the call did; raises the error that answers a verdict other than accepted or duplicate."""
    if result.status in (collector_pb2.EVENT_STATUS_ACCEPTED, collector_pb2.EVENT_STATUS_DUPLICATE):
        return result.link
    violations = _in_request_terms(result, fields)
    rules = {violation.rule_id for violation in violations}
    if result.status == collector_pb2.EVENT_STATUS_CONFLICT:
        reason = EVENT_ID_CONFLICT if "event_id.conflict" in rules else IDENTITY_TAKEN
        raise AlreadyExists(reason, str(InvalidRequest(violations)))
    if rules & {"key.event_type", RULE, EXPIRED_RULE}:
        raise PermissionDenied(violations[0].message)
    raise InvalidRequest(violations)


def _in_request_terms(result: collector_pb2.EventResult, fields: dict[str, str]) -> list[Violation]:
    """The violations by the request's own field names, without those that then say the same."""
    renamed = (_renamed(violation, fields) for violation in result.violations)
    return list(dict.fromkeys(renamed))


def _renamed(violation: collector_pb2.Violation, fields: dict[str, str]) -> Violation:
    field, message = fields.get(violation.field, violation.field), violation.message
    if violation.rule_id == "tracking_id.or_identity":
        # Only an alias can name nobody: an identify names at least its identity.
        message = "give a tracking_id or an existing_identity of the customer"
    return Violation(field, violation.rule_id, message)
