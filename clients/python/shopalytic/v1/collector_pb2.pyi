import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from shopalytic.v1 import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_STATUS_UNSPECIFIED: _ClassVar[EventStatus]
    EVENT_STATUS_ACCEPTED: _ClassVar[EventStatus]
    EVENT_STATUS_DUPLICATE: _ClassVar[EventStatus]
    EVENT_STATUS_CONFLICT: _ClassVar[EventStatus]
    EVENT_STATUS_QUARANTINED: _ClassVar[EventStatus]
    EVENT_STATUS_REJECTED: _ClassVar[EventStatus]

class LinkOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINK_OUTCOME_UNSPECIFIED: _ClassVar[LinkOutcome]
    LINK_OUTCOME_LINKED: _ClassVar[LinkOutcome]
    LINK_OUTCOME_ALREADY_LINKED: _ClassVar[LinkOutcome]
    LINK_OUTCOME_MERGED: _ClassVar[LinkOutcome]
    LINK_OUTCOME_NOT_MERGED: _ClassVar[LinkOutcome]

class NotMergedReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOT_MERGED_REASON_UNSPECIFIED: _ClassVar[NotMergedReason]
    NOT_MERGED_REASON_TRACKING_ID_OWNED_BY_ANOTHER: _ClassVar[NotMergedReason]
    NOT_MERGED_REASON_UNDONE: _ClassVar[NotMergedReason]
EVENT_STATUS_UNSPECIFIED: EventStatus
EVENT_STATUS_ACCEPTED: EventStatus
EVENT_STATUS_DUPLICATE: EventStatus
EVENT_STATUS_CONFLICT: EventStatus
EVENT_STATUS_QUARANTINED: EventStatus
EVENT_STATUS_REJECTED: EventStatus
LINK_OUTCOME_UNSPECIFIED: LinkOutcome
LINK_OUTCOME_LINKED: LinkOutcome
LINK_OUTCOME_ALREADY_LINKED: LinkOutcome
LINK_OUTCOME_MERGED: LinkOutcome
LINK_OUTCOME_NOT_MERGED: LinkOutcome
NOT_MERGED_REASON_UNSPECIFIED: NotMergedReason
NOT_MERGED_REASON_TRACKING_ID_OWNED_BY_ANOTHER: NotMergedReason
NOT_MERGED_REASON_UNDONE: NotMergedReason

class TrackRequest(_message.Message):
    __slots__ = ("events", "sent_at", "deliveries", "answer_together")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    ANSWER_TOGETHER_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_events_pb2.Event]
    sent_at: _timestamp_pb2.Timestamp
    deliveries: _containers.RepeatedCompositeFieldContainer[Delivery]
    answer_together: bool
    def __init__(self, events: _Optional[_Iterable[_Union[_events_pb2.Event, _Mapping]]] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deliveries: _Optional[_Iterable[_Union[Delivery, _Mapping]]] = ..., answer_together: _Optional[bool] = ...) -> None: ...

class Delivery(_message.Message):
    __slots__ = ("instance", "source", "first_sequence", "count", "dropped")
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    instance: str
    source: str
    first_sequence: int
    count: int
    dropped: Drops
    def __init__(self, instance: _Optional[str] = ..., source: _Optional[str] = ..., first_sequence: _Optional[int] = ..., count: _Optional[int] = ..., dropped: _Optional[_Union[Drops, _Mapping]] = ...) -> None: ...

class Drops(_message.Message):
    __slots__ = ("queue_full", "expired", "refused", "too_large")
    QUEUE_FULL_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    TOO_LARGE_FIELD_NUMBER: _ClassVar[int]
    queue_full: int
    expired: int
    refused: int
    too_large: int
    def __init__(self, queue_full: _Optional[int] = ..., expired: _Optional[int] = ..., refused: _Optional[int] = ..., too_large: _Optional[int] = ...) -> None: ...

class TrackResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[EventResult]
    def __init__(self, results: _Optional[_Iterable[_Union[EventResult, _Mapping]]] = ...) -> None: ...

class EventResult(_message.Message):
    __slots__ = ("event_id", "status", "violations", "link", "denied_consent", "robot")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    DENIED_CONSENT_FIELD_NUMBER: _ClassVar[int]
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    status: EventStatus
    violations: _containers.RepeatedCompositeFieldContainer[Violation]
    link: LinkResult
    denied_consent: str
    robot: bool
    def __init__(self, event_id: _Optional[str] = ..., status: _Optional[_Union[EventStatus, str]] = ..., violations: _Optional[_Iterable[_Union[Violation, _Mapping]]] = ..., link: _Optional[_Union[LinkResult, _Mapping]] = ..., denied_consent: _Optional[str] = ..., robot: _Optional[bool] = ...) -> None: ...

class Violation(_message.Message):
    __slots__ = ("field", "rule_id", "message")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    field: str
    rule_id: str
    message: str
    def __init__(self, field: _Optional[str] = ..., rule_id: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class LinkResult(_message.Message):
    __slots__ = ("outcome", "reason", "customer_id", "preview")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    outcome: LinkOutcome
    reason: NotMergedReason
    customer_id: str
    preview: LinkPreview
    def __init__(self, outcome: _Optional[_Union[LinkOutcome, str]] = ..., reason: _Optional[_Union[NotMergedReason, str]] = ..., customer_id: _Optional[str] = ..., preview: _Optional[_Union[LinkPreview, _Mapping]] = ...) -> None: ...

class LinkPreview(_message.Message):
    __slots__ = ("identities", "events", "orders")
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    identities: _containers.RepeatedScalarFieldContainer[str]
    events: int
    orders: int
    def __init__(self, identities: _Optional[_Iterable[str]] = ..., events: _Optional[int] = ..., orders: _Optional[int] = ...) -> None: ...

class IdentifyRequest(_message.Message):
    __slots__ = ("event_id", "occurred_at", "tracking_id", "identity", "source", "sandbox", "context", "sent_at", "dry_run", "identity_signature")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    TRACKING_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    occurred_at: _timestamp_pb2.Timestamp
    tracking_id: str
    identity: str
    source: str
    sandbox: bool
    context: _events_pb2.Context
    sent_at: _timestamp_pb2.Timestamp
    dry_run: bool
    identity_signature: str
    def __init__(self, event_id: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tracking_id: _Optional[str] = ..., identity: _Optional[str] = ..., source: _Optional[str] = ..., sandbox: _Optional[bool] = ..., context: _Optional[_Union[_events_pb2.Context, _Mapping]] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dry_run: _Optional[bool] = ..., identity_signature: _Optional[str] = ...) -> None: ...

class IdentifyResponse(_message.Message):
    __slots__ = ("outcome", "reason", "customer_id", "preview")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    outcome: LinkOutcome
    reason: NotMergedReason
    customer_id: str
    preview: LinkPreview
    def __init__(self, outcome: _Optional[_Union[LinkOutcome, str]] = ..., reason: _Optional[_Union[NotMergedReason, str]] = ..., customer_id: _Optional[str] = ..., preview: _Optional[_Union[LinkPreview, _Mapping]] = ...) -> None: ...

class AliasRequest(_message.Message):
    __slots__ = ("event_id", "occurred_at", "tracking_id", "existing_identity", "identity", "source", "sandbox", "context", "sent_at", "dry_run", "identity_signature", "existing_identity_signature")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    TRACKING_ID_FIELD_NUMBER: _ClassVar[int]
    EXISTING_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    EXISTING_IDENTITY_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    occurred_at: _timestamp_pb2.Timestamp
    tracking_id: str
    existing_identity: str
    identity: str
    source: str
    sandbox: bool
    context: _events_pb2.Context
    sent_at: _timestamp_pb2.Timestamp
    dry_run: bool
    identity_signature: str
    existing_identity_signature: str
    def __init__(self, event_id: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tracking_id: _Optional[str] = ..., existing_identity: _Optional[str] = ..., identity: _Optional[str] = ..., source: _Optional[str] = ..., sandbox: _Optional[bool] = ..., context: _Optional[_Union[_events_pb2.Context, _Mapping]] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dry_run: _Optional[bool] = ..., identity_signature: _Optional[str] = ..., existing_identity_signature: _Optional[str] = ...) -> None: ...

class AliasResponse(_message.Message):
    __slots__ = ("outcome", "customer_id", "reason", "preview")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    outcome: LinkOutcome
    customer_id: str
    reason: NotMergedReason
    preview: LinkPreview
    def __init__(self, outcome: _Optional[_Union[LinkOutcome, str]] = ..., customer_id: _Optional[str] = ..., reason: _Optional[_Union[NotMergedReason, str]] = ..., preview: _Optional[_Union[LinkPreview, _Mapping]] = ...) -> None: ...
