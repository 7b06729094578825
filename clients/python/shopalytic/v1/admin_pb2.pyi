import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from shopalytic.v1 import collector_pb2 as _collector_pb2
from shopalytic.v1 import events_pb2 as _events_pb2
from shopalytic.v1 import reports_pb2 as _reports_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class KeyClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_CLASS_UNSPECIFIED: _ClassVar[KeyClass]
    KEY_CLASS_BROWSER: _ClassVar[KeyClass]
    KEY_CLASS_SERVER: _ClassVar[KeyClass]
    KEY_CLASS_REPORTS: _ClassVar[KeyClass]
    KEY_CLASS_ADMIN: _ClassVar[KeyClass]

class DeniedConsent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DENIED_CONSENT_UNSPECIFIED: _ClassVar[DeniedConsent]
    DENIED_CONSENT_KEEP: _ClassVar[DeniedConsent]
    DENIED_CONSENT_ANONYMIZE: _ClassVar[DeniedConsent]
    DENIED_CONSENT_DROP: _ClassVar[DeniedConsent]

class MergeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MERGE_STATE_UNSPECIFIED: _ClassVar[MergeState]
    MERGE_STATE_JOINED: _ClassVar[MergeState]
    MERGE_STATE_NOT_MERGED: _ClassVar[MergeState]
    MERGE_STATE_UNDONE: _ClassVar[MergeState]
    MERGE_STATE_REFUSED: _ClassVar[MergeState]
    MERGE_STATE_EMAIL_LOST: _ClassVar[MergeState]
KEY_CLASS_UNSPECIFIED: KeyClass
KEY_CLASS_BROWSER: KeyClass
KEY_CLASS_SERVER: KeyClass
KEY_CLASS_REPORTS: KeyClass
KEY_CLASS_ADMIN: KeyClass
DENIED_CONSENT_UNSPECIFIED: DeniedConsent
DENIED_CONSENT_KEEP: DeniedConsent
DENIED_CONSENT_ANONYMIZE: DeniedConsent
DENIED_CONSENT_DROP: DeniedConsent
MERGE_STATE_UNSPECIFIED: MergeState
MERGE_STATE_JOINED: MergeState
MERGE_STATE_NOT_MERGED: MergeState
MERGE_STATE_UNDONE: MergeState
MERGE_STATE_REFUSED: MergeState
MERGE_STATE_EMAIL_LOST: MergeState

class Project(_message.Message):
    __slots__ = ("name", "currency", "currency_open", "time_zone", "browser_event_types", "created_at", "browser_event_types_by_default", "allowed_origins", "respect_privacy_signals", "signed_identify", "denied_consent", "retention", "own_user_agents", "order_number_groups")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_OPEN_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    BROWSER_EVENT_TYPES_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    BROWSER_EVENT_TYPES_BY_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_ORIGINS_FIELD_NUMBER: _ClassVar[int]
    RESPECT_PRIVACY_SIGNALS_FIELD_NUMBER: _ClassVar[int]
    SIGNED_IDENTIFY_FIELD_NUMBER: _ClassVar[int]
    DENIED_CONSENT_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    OWN_USER_AGENTS_FIELD_NUMBER: _ClassVar[int]
    ORDER_NUMBER_GROUPS_FIELD_NUMBER: _ClassVar[int]
    name: str
    currency: str
    currency_open: bool
    time_zone: str
    browser_event_types: _containers.RepeatedScalarFieldContainer[str]
    created_at: _timestamp_pb2.Timestamp
    browser_event_types_by_default: bool
    allowed_origins: _containers.RepeatedScalarFieldContainer[str]
    respect_privacy_signals: bool
    signed_identify: bool
    denied_consent: DeniedConsent
    retention: _containers.RepeatedCompositeFieldContainer[Retention]
    own_user_agents: _containers.RepeatedScalarFieldContainer[str]
    order_number_groups: _containers.RepeatedCompositeFieldContainer[Sources]
    def __init__(self, name: _Optional[str] = ..., currency: _Optional[str] = ..., currency_open: _Optional[bool] = ..., time_zone: _Optional[str] = ..., browser_event_types: _Optional[_Iterable[str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., browser_event_types_by_default: _Optional[bool] = ..., allowed_origins: _Optional[_Iterable[str]] = ..., respect_privacy_signals: _Optional[bool] = ..., signed_identify: _Optional[bool] = ..., denied_consent: _Optional[_Union[DeniedConsent, str]] = ..., retention: _Optional[_Iterable[_Union[Retention, _Mapping]]] = ..., own_user_agents: _Optional[_Iterable[str]] = ..., order_number_groups: _Optional[_Iterable[_Union[Sources, _Mapping]]] = ...) -> None: ...

class Sources(_message.Message):
    __slots__ = ("sources",)
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    sources: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, sources: _Optional[_Iterable[str]] = ...) -> None: ...

class SourceGroups(_message.Message):
    __slots__ = ("groups",)
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[Sources]
    def __init__(self, groups: _Optional[_Iterable[_Union[Sources, _Mapping]]] = ...) -> None: ...

class Retention(_message.Message):
    __slots__ = ("event_type", "days", "forever")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    FOREVER_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    days: int
    forever: bool
    def __init__(self, event_type: _Optional[str] = ..., days: _Optional[int] = ..., forever: _Optional[bool] = ...) -> None: ...

class Key(_message.Message):
    __slots__ = ("key_id", "key_class", "label", "hint", "created_at", "revoked_at", "expires_at", "last_used_at")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_CLASS_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    REVOKED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_USED_AT_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    key_class: KeyClass
    label: str
    hint: str
    created_at: _timestamp_pb2.Timestamp
    revoked_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    last_used_at: _timestamp_pb2.Timestamp
    def __init__(self, key_id: _Optional[str] = ..., key_class: _Optional[_Union[KeyClass, str]] = ..., label: _Optional[str] = ..., hint: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revoked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_used_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateProjectRequest(_message.Message):
    __slots__ = ("name", "currency", "time_zone")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    name: str
    currency: str
    time_zone: str
    def __init__(self, name: _Optional[str] = ..., currency: _Optional[str] = ..., time_zone: _Optional[str] = ...) -> None: ...

class CreateProjectResponse(_message.Message):
    __slots__ = ("project", "keys")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    project: Project
    keys: _containers.RepeatedCompositeFieldContainer[CreatedKey]
    def __init__(self, project: _Optional[_Union[Project, _Mapping]] = ..., keys: _Optional[_Iterable[_Union[CreatedKey, _Mapping]]] = ...) -> None: ...

class CreatedKey(_message.Message):
    __slots__ = ("key", "secret")
    KEY_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    key: Key
    secret: str
    def __init__(self, key: _Optional[_Union[Key, _Mapping]] = ..., secret: _Optional[str] = ...) -> None: ...

class GetProjectRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetProjectResponse(_message.Message):
    __slots__ = ("project",)
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    project: Project
    def __init__(self, project: _Optional[_Union[Project, _Mapping]] = ...) -> None: ...

class UpdateProjectRequest(_message.Message):
    __slots__ = ("time_zone", "browser_event_types", "allowed_origins", "respect_privacy_signals", "signed_identify", "currency", "denied_consent", "retention", "own_user_agents", "order_number_groups")
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    BROWSER_EVENT_TYPES_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_ORIGINS_FIELD_NUMBER: _ClassVar[int]
    RESPECT_PRIVACY_SIGNALS_FIELD_NUMBER: _ClassVar[int]
    SIGNED_IDENTIFY_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    DENIED_CONSENT_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    OWN_USER_AGENTS_FIELD_NUMBER: _ClassVar[int]
    ORDER_NUMBER_GROUPS_FIELD_NUMBER: _ClassVar[int]
    time_zone: str
    browser_event_types: EventTypes
    allowed_origins: Origins
    respect_privacy_signals: bool
    signed_identify: bool
    currency: str
    denied_consent: DeniedConsent
    retention: _containers.RepeatedCompositeFieldContainer[Retention]
    own_user_agents: UserAgents
    order_number_groups: SourceGroups
    def __init__(self, time_zone: _Optional[str] = ..., browser_event_types: _Optional[_Union[EventTypes, _Mapping]] = ..., allowed_origins: _Optional[_Union[Origins, _Mapping]] = ..., respect_privacy_signals: _Optional[bool] = ..., signed_identify: _Optional[bool] = ..., currency: _Optional[str] = ..., denied_consent: _Optional[_Union[DeniedConsent, str]] = ..., retention: _Optional[_Iterable[_Union[Retention, _Mapping]]] = ..., own_user_agents: _Optional[_Union[UserAgents, _Mapping]] = ..., order_number_groups: _Optional[_Union[SourceGroups, _Mapping]] = ...) -> None: ...

class UserAgents(_message.Message):
    __slots__ = ("user_agents",)
    USER_AGENTS_FIELD_NUMBER: _ClassVar[int]
    user_agents: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, user_agents: _Optional[_Iterable[str]] = ...) -> None: ...

class Origins(_message.Message):
    __slots__ = ("origins",)
    ORIGINS_FIELD_NUMBER: _ClassVar[int]
    origins: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, origins: _Optional[_Iterable[str]] = ...) -> None: ...

class EventTypes(_message.Message):
    __slots__ = ("types", "default")
    TYPES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    types: _containers.RepeatedScalarFieldContainer[str]
    default: bool
    def __init__(self, types: _Optional[_Iterable[str]] = ..., default: _Optional[bool] = ...) -> None: ...

class UpdateProjectResponse(_message.Message):
    __slots__ = ("project",)
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    project: Project
    def __init__(self, project: _Optional[_Union[Project, _Mapping]] = ...) -> None: ...

class CreateKeyRequest(_message.Message):
    __slots__ = ("key_class", "label", "expires_at")
    KEY_CLASS_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    key_class: KeyClass
    label: str
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, key_class: _Optional[_Union[KeyClass, str]] = ..., label: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateKeyResponse(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: CreatedKey
    def __init__(self, key: _Optional[_Union[CreatedKey, _Mapping]] = ...) -> None: ...

class ListKeysRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListKeysResponse(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[Key]
    def __init__(self, keys: _Optional[_Iterable[_Union[Key, _Mapping]]] = ...) -> None: ...

class RevokeKeyRequest(_message.Message):
    __slots__ = ("key_id",)
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    def __init__(self, key_id: _Optional[str] = ...) -> None: ...

class RevokeKeyResponse(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: Key
    def __init__(self, key: _Optional[_Union[Key, _Mapping]] = ...) -> None: ...

class RotateIdentitySecretRequest(_message.Message):
    __slots__ = ("end_previous",)
    END_PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    end_previous: bool
    def __init__(self, end_previous: _Optional[bool] = ...) -> None: ...

class RotateIdentitySecretResponse(_message.Message):
    __slots__ = ("secret",)
    SECRET_FIELD_NUMBER: _ClassVar[int]
    secret: str
    def __init__(self, secret: _Optional[str] = ...) -> None: ...

class RotateKeyRequest(_message.Message):
    __slots__ = ("key_id", "overlap")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    overlap: _duration_pb2.Duration
    def __init__(self, key_id: _Optional[str] = ..., overlap: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class RotateKeyResponse(_message.Message):
    __slots__ = ("key", "replaced")
    KEY_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    key: CreatedKey
    replaced: Key
    def __init__(self, key: _Optional[_Union[CreatedKey, _Mapping]] = ..., replaced: _Optional[_Union[Key, _Mapping]] = ...) -> None: ...

class ListQuarantineRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "sandbox", "rule_id", "type")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    sandbox: bool
    rule_id: str
    type: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., sandbox: _Optional[bool] = ..., rule_id: _Optional[str] = ..., type: _Optional[str] = ...) -> None: ...

class ListQuarantineResponse(_message.Message):
    __slots__ = ("events", "next_page_token", "total_events")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[QuarantinedEvent]
    next_page_token: str
    total_events: int
    def __init__(self, events: _Optional[_Iterable[_Union[QuarantinedEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_events: _Optional[int] = ...) -> None: ...

class QuarantinedEvent(_message.Message):
    __slots__ = ("quarantine_id", "status", "received_at", "violations", "event", "key_class", "key_id")
    QUARANTINE_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    KEY_CLASS_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    quarantine_id: str
    status: _collector_pb2.EventStatus
    received_at: _timestamp_pb2.Timestamp
    violations: _containers.RepeatedCompositeFieldContainer[_collector_pb2.Violation]
    event: _events_pb2.Event
    key_class: KeyClass
    key_id: str
    def __init__(self, quarantine_id: _Optional[str] = ..., status: _Optional[_Union[_collector_pb2.EventStatus, str]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., violations: _Optional[_Iterable[_Union[_collector_pb2.Violation, _Mapping]]] = ..., event: _Optional[_Union[_events_pb2.Event, _Mapping]] = ..., key_class: _Optional[_Union[KeyClass, str]] = ..., key_id: _Optional[str] = ...) -> None: ...

class Merge(_message.Message):
    __slots__ = ("merge_id", "state", "kind", "occurred_at", "received_at", "identity", "tracking_id", "existing_identity", "customer_id", "source", "undone_at", "email", "email_customer_id")
    MERGE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    TRACKING_ID_FIELD_NUMBER: _ClassVar[int]
    EXISTING_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    UNDONE_AT_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    EMAIL_CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    merge_id: str
    state: MergeState
    kind: str
    occurred_at: _timestamp_pb2.Timestamp
    received_at: _timestamp_pb2.Timestamp
    identity: str
    tracking_id: str
    existing_identity: str
    customer_id: str
    source: str
    undone_at: _timestamp_pb2.Timestamp
    email: str
    email_customer_id: str
    def __init__(self, merge_id: _Optional[str] = ..., state: _Optional[_Union[MergeState, str]] = ..., kind: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., identity: _Optional[str] = ..., tracking_id: _Optional[str] = ..., existing_identity: _Optional[str] = ..., customer_id: _Optional[str] = ..., source: _Optional[str] = ..., undone_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., email: _Optional[str] = ..., email_customer_id: _Optional[str] = ...) -> None: ...

class ListMergesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "sandbox", "customer", "state")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    sandbox: bool
    customer: _reports_pb2.CustomerSelector
    state: MergeState
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., sandbox: _Optional[bool] = ..., customer: _Optional[_Union[_reports_pb2.CustomerSelector, _Mapping]] = ..., state: _Optional[_Union[MergeState, str]] = ...) -> None: ...

class ListMergesResponse(_message.Message):
    __slots__ = ("merges", "next_page_token", "total_merges")
    MERGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MERGES_FIELD_NUMBER: _ClassVar[int]
    merges: _containers.RepeatedCompositeFieldContainer[Merge]
    next_page_token: str
    total_merges: int
    def __init__(self, merges: _Optional[_Iterable[_Union[Merge, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_merges: _Optional[int] = ...) -> None: ...

class UndoMergeRequest(_message.Message):
    __slots__ = ("merge_id", "sandbox", "dry_run")
    MERGE_ID_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    merge_id: str
    sandbox: bool
    dry_run: bool
    def __init__(self, merge_id: _Optional[str] = ..., sandbox: _Optional[bool] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class UndoMergeResponse(_message.Message):
    __slots__ = ("merge", "customers")
    MERGE_FIELD_NUMBER: _ClassVar[int]
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    merge: Merge
    customers: _containers.RepeatedCompositeFieldContainer[CustomerParts]
    def __init__(self, merge: _Optional[_Union[Merge, _Mapping]] = ..., customers: _Optional[_Iterable[_Union[CustomerParts, _Mapping]]] = ...) -> None: ...

class CustomerParts(_message.Message):
    __slots__ = ("customer_id", "identities", "tracking_ids")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    TRACKING_IDS_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    identities: _containers.RepeatedScalarFieldContainer[str]
    tracking_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, customer_id: _Optional[str] = ..., identities: _Optional[_Iterable[str]] = ..., tracking_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ExportCustomerRequest(_message.Message):
    __slots__ = ("customer", "sandbox")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    customer: _reports_pb2.CustomerSelector
    sandbox: bool
    def __init__(self, customer: _Optional[_Union[_reports_pb2.CustomerSelector, _Mapping]] = ..., sandbox: _Optional[bool] = ...) -> None: ...

class ExportCustomerResponse(_message.Message):
    __slots__ = ("lines",)
    LINES_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, lines: _Optional[_Iterable[str]] = ...) -> None: ...

class EraseCustomerRequest(_message.Message):
    __slots__ = ("customer", "sandbox", "keep_order_totals", "dry_run")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    KEEP_ORDER_TOTALS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    customer: _reports_pb2.CustomerSelector
    sandbox: bool
    keep_order_totals: bool
    dry_run: bool
    def __init__(self, customer: _Optional[_Union[_reports_pb2.CustomerSelector, _Mapping]] = ..., sandbox: _Optional[bool] = ..., keep_order_totals: _Optional[bool] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class EraseCustomerResponse(_message.Message):
    __slots__ = ("erased_at", "erased", "anonymised_events", "unlinked_events", "tombstones")
    class ErasedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    ERASED_AT_FIELD_NUMBER: _ClassVar[int]
    ERASED_FIELD_NUMBER: _ClassVar[int]
    ANONYMISED_EVENTS_FIELD_NUMBER: _ClassVar[int]
    UNLINKED_EVENTS_FIELD_NUMBER: _ClassVar[int]
    TOMBSTONES_FIELD_NUMBER: _ClassVar[int]
    erased_at: _timestamp_pb2.Timestamp
    erased: _containers.ScalarMap[str, int]
    anonymised_events: int
    unlinked_events: int
    tombstones: int
    def __init__(self, erased_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., erased: _Optional[_Mapping[str, int]] = ..., anonymised_events: _Optional[int] = ..., unlinked_events: _Optional[int] = ..., tombstones: _Optional[int] = ...) -> None: ...

class GetQuarantinedEventRequest(_message.Message):
    __slots__ = ("quarantine_id", "sandbox")
    QUARANTINE_ID_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    quarantine_id: str
    sandbox: bool
    def __init__(self, quarantine_id: _Optional[str] = ..., sandbox: _Optional[bool] = ...) -> None: ...

class GetQuarantinedEventResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: QuarantinedEvent
    def __init__(self, event: _Optional[_Union[QuarantinedEvent, _Mapping]] = ...) -> None: ...

class ReplayQuarantineRequest(_message.Message):
    __slots__ = ("quarantine_ids", "rule_id", "type", "sandbox", "patch", "dry_run", "as_server")
    QUARANTINE_IDS_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    PATCH_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    AS_SERVER_FIELD_NUMBER: _ClassVar[int]
    quarantine_ids: _containers.RepeatedScalarFieldContainer[str]
    rule_id: str
    type: str
    sandbox: bool
    patch: str
    dry_run: bool
    as_server: bool
    def __init__(self, quarantine_ids: _Optional[_Iterable[str]] = ..., rule_id: _Optional[str] = ..., type: _Optional[str] = ..., sandbox: _Optional[bool] = ..., patch: _Optional[str] = ..., dry_run: _Optional[bool] = ..., as_server: _Optional[bool] = ...) -> None: ...

class ReplayQuarantineResponse(_message.Message):
    __slots__ = ("accepted", "duplicates", "failed", "unpatched", "results", "previews")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    UNPATCHED_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    accepted: int
    duplicates: int
    failed: int
    unpatched: int
    results: _containers.RepeatedCompositeFieldContainer[_collector_pb2.EventResult]
    previews: _containers.RepeatedCompositeFieldContainer[ReplayPreview]
    def __init__(self, accepted: _Optional[int] = ..., duplicates: _Optional[int] = ..., failed: _Optional[int] = ..., unpatched: _Optional[int] = ..., results: _Optional[_Iterable[_Union[_collector_pb2.EventResult, _Mapping]]] = ..., previews: _Optional[_Iterable[_Union[ReplayPreview, _Mapping]]] = ...) -> None: ...

class ReplayPreview(_message.Message):
    __slots__ = ("quarantine_id", "event", "misfit", "result")
    QUARANTINE_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    MISFIT_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    quarantine_id: str
    event: _events_pb2.Event
    misfit: str
    result: _collector_pb2.EventResult
    def __init__(self, quarantine_id: _Optional[str] = ..., event: _Optional[_Union[_events_pb2.Event, _Mapping]] = ..., misfit: _Optional[str] = ..., result: _Optional[_Union[_collector_pb2.EventResult, _Mapping]] = ...) -> None: ...
