import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from shopalytic.v1 import dimensions_pb2 as _dimensions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DigestPeriod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIGEST_PERIOD_UNSPECIFIED: _ClassVar[DigestPeriod]
    DIGEST_PERIOD_DAILY: _ClassVar[DigestPeriod]
    DIGEST_PERIOD_WEEKLY: _ClassVar[DigestPeriod]

class NotificationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTIFICATION_STATE_UNSPECIFIED: _ClassVar[NotificationState]
    NOTIFICATION_STATE_WAITING: _ClassVar[NotificationState]
    NOTIFICATION_STATE_SENT: _ClassVar[NotificationState]
    NOTIFICATION_STATE_FAILED: _ClassVar[NotificationState]
DIGEST_PERIOD_UNSPECIFIED: DigestPeriod
DIGEST_PERIOD_DAILY: DigestPeriod
DIGEST_PERIOD_WEEKLY: DigestPeriod
NOTIFICATION_STATE_UNSPECIFIED: NotificationState
NOTIFICATION_STATE_WAITING: NotificationState
NOTIFICATION_STATE_SENT: NotificationState
NOTIFICATION_STATE_FAILED: NotificationState

class Recipients(_message.Message):
    __slots__ = ("emails", "webhooks")
    EMAILS_FIELD_NUMBER: _ClassVar[int]
    WEBHOOKS_FIELD_NUMBER: _ClassVar[int]
    emails: _containers.RepeatedScalarFieldContainer[str]
    webhooks: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, emails: _Optional[_Iterable[str]] = ..., webhooks: _Optional[_Iterable[str]] = ...) -> None: ...

class Digest(_message.Message):
    __slots__ = ("name", "period", "hour", "recipients", "filters", "currency", "webhook_secret", "next_at", "sent_at")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    HOUR_FIELD_NUMBER: _ClassVar[int]
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_SECRET_FIELD_NUMBER: _ClassVar[int]
    NEXT_AT_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    name: str
    period: DigestPeriod
    hour: int
    recipients: Recipients
    filters: _containers.RepeatedCompositeFieldContainer[_dimensions_pb2.Filter]
    currency: str
    webhook_secret: str
    next_at: _timestamp_pb2.Timestamp
    sent_at: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., period: _Optional[_Union[DigestPeriod, str]] = ..., hour: _Optional[int] = ..., recipients: _Optional[_Union[Recipients, _Mapping]] = ..., filters: _Optional[_Iterable[_Union[_dimensions_pb2.Filter, _Mapping]]] = ..., currency: _Optional[str] = ..., webhook_secret: _Optional[str] = ..., next_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ShopHours(_message.Message):
    __slots__ = ("first_weekday", "last_weekday", "from_hour", "to_hour")
    FIRST_WEEKDAY_FIELD_NUMBER: _ClassVar[int]
    LAST_WEEKDAY_FIELD_NUMBER: _ClassVar[int]
    FROM_HOUR_FIELD_NUMBER: _ClassVar[int]
    TO_HOUR_FIELD_NUMBER: _ClassVar[int]
    first_weekday: int
    last_weekday: int
    from_hour: int
    to_hour: int
    def __init__(self, first_weekday: _Optional[int] = ..., last_weekday: _Optional[int] = ..., from_hour: _Optional[int] = ..., to_hour: _Optional[int] = ...) -> None: ...

class AlertGuard(_message.Message):
    __slots__ = ("number", "at_least")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    number: str
    at_least: str
    def __init__(self, number: _Optional[str] = ..., at_least: _Optional[str] = ...) -> None: ...

class Alert(_message.Message):
    __slots__ = ("name", "report", "number", "hours", "days", "below", "above", "percent_under_median", "percent_over_median", "by", "guard", "filters", "currency", "shop_hours", "recipients", "webhook_secret", "incidents")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    BELOW_FIELD_NUMBER: _ClassVar[int]
    ABOVE_FIELD_NUMBER: _ClassVar[int]
    PERCENT_UNDER_MEDIAN_FIELD_NUMBER: _ClassVar[int]
    PERCENT_OVER_MEDIAN_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    GUARD_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    SHOP_HOURS_FIELD_NUMBER: _ClassVar[int]
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_SECRET_FIELD_NUMBER: _ClassVar[int]
    INCIDENTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    report: str
    number: str
    hours: int
    days: int
    below: str
    above: str
    percent_under_median: int
    percent_over_median: int
    by: str
    guard: AlertGuard
    filters: _containers.RepeatedCompositeFieldContainer[_dimensions_pb2.Filter]
    currency: str
    shop_hours: ShopHours
    recipients: Recipients
    webhook_secret: str
    incidents: _containers.RepeatedCompositeFieldContainer[Incident]
    def __init__(self, name: _Optional[str] = ..., report: _Optional[str] = ..., number: _Optional[str] = ..., hours: _Optional[int] = ..., days: _Optional[int] = ..., below: _Optional[str] = ..., above: _Optional[str] = ..., percent_under_median: _Optional[int] = ..., percent_over_median: _Optional[int] = ..., by: _Optional[str] = ..., guard: _Optional[_Union[AlertGuard, _Mapping]] = ..., filters: _Optional[_Iterable[_Union[_dimensions_pb2.Filter, _Mapping]]] = ..., currency: _Optional[str] = ..., shop_hours: _Optional[_Union[ShopHours, _Mapping]] = ..., recipients: _Optional[_Union[Recipients, _Mapping]] = ..., webhook_secret: _Optional[str] = ..., incidents: _Optional[_Iterable[_Union[Incident, _Mapping]]] = ...) -> None: ...

class Incident(_message.Message):
    __slots__ = ("value", "number", "opened_at")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    value: str
    number: str
    opened_at: _timestamp_pb2.Timestamp
    def __init__(self, value: _Optional[str] = ..., number: _Optional[str] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SetDigestRequest(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: Digest
    def __init__(self, digest: _Optional[_Union[Digest, _Mapping]] = ...) -> None: ...

class SetDigestResponse(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: Digest
    def __init__(self, digest: _Optional[_Union[Digest, _Mapping]] = ...) -> None: ...

class ListDigestsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListDigestsResponse(_message.Message):
    __slots__ = ("digests",)
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    digests: _containers.RepeatedCompositeFieldContainer[Digest]
    def __init__(self, digests: _Optional[_Iterable[_Union[Digest, _Mapping]]] = ...) -> None: ...

class DeleteDigestRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteDigestResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SendDigestRequest(_message.Message):
    __slots__ = ("name", "dry_run")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    name: str
    dry_run: bool
    def __init__(self, name: _Optional[str] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class SendDigestResponse(_message.Message):
    __slots__ = ("subject", "text", "html", "queued")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    HTML_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    subject: str
    text: str
    html: str
    queued: int
    def __init__(self, subject: _Optional[str] = ..., text: _Optional[str] = ..., html: _Optional[str] = ..., queued: _Optional[int] = ...) -> None: ...

class SetAlertRequest(_message.Message):
    __slots__ = ("alert",)
    ALERT_FIELD_NUMBER: _ClassVar[int]
    alert: Alert
    def __init__(self, alert: _Optional[_Union[Alert, _Mapping]] = ...) -> None: ...

class SetAlertResponse(_message.Message):
    __slots__ = ("alert",)
    ALERT_FIELD_NUMBER: _ClassVar[int]
    alert: Alert
    def __init__(self, alert: _Optional[_Union[Alert, _Mapping]] = ...) -> None: ...

class ListAlertsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAlertsResponse(_message.Message):
    __slots__ = ("alerts",)
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    alerts: _containers.RepeatedCompositeFieldContainer[Alert]
    def __init__(self, alerts: _Optional[_Iterable[_Union[Alert, _Mapping]]] = ...) -> None: ...

class DeleteAlertRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteAlertResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TestAlertsRequest(_message.Message):
    __slots__ = ("name", "send_test")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SEND_TEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    send_test: bool
    def __init__(self, name: _Optional[str] = ..., send_test: _Optional[bool] = ...) -> None: ...

class TestAlertsResponse(_message.Message):
    __slots__ = ("tests", "queued")
    TESTS_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    tests: _containers.RepeatedCompositeFieldContainer[AlertTest]
    queued: int
    def __init__(self, tests: _Optional[_Iterable[_Union[AlertTest, _Mapping]]] = ..., queued: _Optional[int] = ...) -> None: ...

class AlertTest(_message.Message):
    __slots__ = ("name", "incidents", "finding")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INCIDENTS_FIELD_NUMBER: _ClassVar[int]
    FINDING_FIELD_NUMBER: _ClassVar[int]
    name: str
    incidents: _containers.RepeatedCompositeFieldContainer[Incident]
    finding: str
    def __init__(self, name: _Optional[str] = ..., incidents: _Optional[_Iterable[_Union[Incident, _Mapping]]] = ..., finding: _Optional[str] = ...) -> None: ...

class ListNotificationsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListNotificationsResponse(_message.Message):
    __slots__ = ("notifications", "next_page_token")
    NOTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    notifications: _containers.RepeatedCompositeFieldContainer[Notification]
    next_page_token: str
    def __init__(self, notifications: _Optional[_Iterable[_Union[Notification, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Notification(_message.Message):
    __slots__ = ("name", "recipient", "subject", "created_at", "state", "attempts", "failure")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    name: str
    recipient: str
    subject: str
    created_at: _timestamp_pb2.Timestamp
    state: NotificationState
    attempts: int
    failure: str
    def __init__(self, name: _Optional[str] = ..., recipient: _Optional[str] = ..., subject: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[NotificationState, str]] = ..., attempts: _Optional[int] = ..., failure: _Optional[str] = ...) -> None: ...
