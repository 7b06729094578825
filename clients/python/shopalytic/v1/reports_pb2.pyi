import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Interval(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INTERVAL_UNSPECIFIED: _ClassVar[Interval]
    INTERVAL_DAY: _ClassVar[Interval]
    INTERVAL_WEEK: _ClassVar[Interval]
    INTERVAL_MONTH: _ClassVar[Interval]
INTERVAL_UNSPECIFIED: Interval
INTERVAL_DAY: Interval
INTERVAL_WEEK: Interval
INTERVAL_MONTH: Interval

class CustomerSelector(_message.Message):
    __slots__ = ("identity", "tracking_id", "email", "customer_id", "any")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    TRACKING_ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    identity: str
    tracking_id: str
    email: str
    customer_id: str
    any: str
    def __init__(self, identity: _Optional[str] = ..., tracking_id: _Optional[str] = ..., email: _Optional[str] = ..., customer_id: _Optional[str] = ..., any: _Optional[str] = ...) -> None: ...

class GetCustomerRequest(_message.Message):
    __slots__ = ("customer", "sandbox")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    customer: CustomerSelector
    sandbox: bool
    def __init__(self, customer: _Optional[_Union[CustomerSelector, _Mapping]] = ..., sandbox: _Optional[bool] = ...) -> None: ...

class GetCustomerResponse(_message.Message):
    __slots__ = ("customer",)
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ...) -> None: ...

class Customer(_message.Message):
    __slots__ = ("customer_id", "identities", "tracking_ids", "profile", "values", "first_seen", "last_seen", "links")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    TRACKING_IDS_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    identities: _containers.RepeatedScalarFieldContainer[str]
    tracking_ids: _containers.RepeatedScalarFieldContainer[str]
    profile: Profile
    values: _containers.RepeatedCompositeFieldContainer[CustomerValue]
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    links: _containers.RepeatedCompositeFieldContainer[Link]
    def __init__(self, customer_id: _Optional[str] = ..., identities: _Optional[_Iterable[str]] = ..., tracking_ids: _Optional[_Iterable[str]] = ..., profile: _Optional[_Union[Profile, _Mapping]] = ..., values: _Optional[_Iterable[_Union[CustomerValue, _Mapping]]] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., links: _Optional[_Iterable[_Union[Link, _Mapping]]] = ...) -> None: ...

class Profile(_message.Message):
    __slots__ = ("email", "first_name", "last_name", "join_date")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    FIRST_NAME_FIELD_NUMBER: _ClassVar[int]
    LAST_NAME_FIELD_NUMBER: _ClassVar[int]
    JOIN_DATE_FIELD_NUMBER: _ClassVar[int]
    email: str
    first_name: str
    last_name: str
    join_date: _timestamp_pb2.Timestamp
    def __init__(self, email: _Optional[str] = ..., first_name: _Optional[str] = ..., last_name: _Optional[str] = ..., join_date: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CustomerValue(_message.Message):
    __slots__ = ("currency", "orders", "gross", "refunds", "net")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    GROSS_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    NET_FIELD_NUMBER: _ClassVar[int]
    currency: str
    orders: int
    gross: str
    refunds: str
    net: str
    def __init__(self, currency: _Optional[str] = ..., orders: _Optional[int] = ..., gross: _Optional[str] = ..., refunds: _Optional[str] = ..., net: _Optional[str] = ...) -> None: ...

class Link(_message.Message):
    __slots__ = ("tracking_id", "identity", "kind", "occurred_at", "event_id", "existing_identity", "owner")
    TRACKING_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EXISTING_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    tracking_id: str
    identity: str
    kind: str
    occurred_at: _timestamp_pb2.Timestamp
    event_id: str
    existing_identity: str
    owner: bool
    def __init__(self, tracking_id: _Optional[str] = ..., identity: _Optional[str] = ..., kind: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., event_id: _Optional[str] = ..., existing_identity: _Optional[str] = ..., owner: _Optional[bool] = ...) -> None: ...

class ListCustomersRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "sandbox")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    sandbox: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., sandbox: _Optional[bool] = ...) -> None: ...

class ListCustomersResponse(_message.Message):
    __slots__ = ("customers", "next_page_token")
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    customers: _containers.RepeatedCompositeFieldContainer[Customer]
    next_page_token: str
    def __init__(self, customers: _Optional[_Iterable[_Union[Customer, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListCustomerEventsRequest(_message.Message):
    __slots__ = ("customer", "page_size", "page_token", "sandbox", "types")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    customer: CustomerSelector
    page_size: int
    page_token: str
    sandbox: bool
    types: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, customer: _Optional[_Union[CustomerSelector, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., sandbox: _Optional[bool] = ..., types: _Optional[_Iterable[str]] = ...) -> None: ...

class ListCustomerEventsResponse(_message.Message):
    __slots__ = ("events", "next_page_token")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[StoredEvent]
    next_page_token: str
    def __init__(self, events: _Optional[_Iterable[_Union[StoredEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class StoredEvent(_message.Message):
    __slots__ = ("event_id", "type", "occurred_at", "received_at", "corrected_at", "tracking_id", "identity", "source", "properties", "context")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    CORRECTED_AT_FIELD_NUMBER: _ClassVar[int]
    TRACKING_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    type: str
    occurred_at: _timestamp_pb2.Timestamp
    received_at: _timestamp_pb2.Timestamp
    corrected_at: _timestamp_pb2.Timestamp
    tracking_id: str
    identity: str
    source: str
    properties: _struct_pb2.Struct
    context: _struct_pb2.Struct
    def __init__(self, event_id: _Optional[str] = ..., type: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., corrected_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tracking_id: _Optional[str] = ..., identity: _Optional[str] = ..., source: _Optional[str] = ..., properties: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ReportScope(_message.Message):
    __slots__ = ("to", "time_zone", "currency", "source", "include_sandbox")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SANDBOX_FIELD_NUMBER: _ClassVar[int]
    to: _timestamp_pb2.Timestamp
    time_zone: str
    currency: str
    source: str
    include_sandbox: bool
    def __init__(self, to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_zone: _Optional[str] = ..., currency: _Optional[str] = ..., source: _Optional[str] = ..., include_sandbox: _Optional[bool] = ..., **kwargs) -> None: ...

class GetSalesReportRequest(_message.Message):
    __slots__ = ("scope", "interval")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    interval: Interval
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., interval: _Optional[_Union[Interval, str]] = ...) -> None: ...

class GetSalesReportResponse(_message.Message):
    __slots__ = ("reports",)
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[SalesReport]
    def __init__(self, reports: _Optional[_Iterable[_Union[SalesReport, _Mapping]]] = ...) -> None: ...

class SalesReport(_message.Message):
    __slots__ = ("currency", "rows", "total")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    currency: str
    rows: _containers.RepeatedCompositeFieldContainer[SalesRow]
    total: SalesRow
    def __init__(self, currency: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[SalesRow, _Mapping]]] = ..., total: _Optional[_Union[SalesRow, _Mapping]] = ...) -> None: ...

class SalesRow(_message.Message):
    __slots__ = ("start", "orders", "units", "gross", "refunds", "net", "customers", "average_order")
    START_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    GROSS_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    NET_FIELD_NUMBER: _ClassVar[int]
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_ORDER_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    orders: int
    units: int
    gross: str
    refunds: str
    net: str
    customers: int
    average_order: str
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., orders: _Optional[int] = ..., units: _Optional[int] = ..., gross: _Optional[str] = ..., refunds: _Optional[str] = ..., net: _Optional[str] = ..., customers: _Optional[int] = ..., average_order: _Optional[str] = ...) -> None: ...

class TailEventsRequest(_message.Message):
    __slots__ = ("types", "customer", "sandbox")
    TYPES_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    types: _containers.RepeatedScalarFieldContainer[str]
    customer: CustomerSelector
    sandbox: bool
    def __init__(self, types: _Optional[_Iterable[str]] = ..., customer: _Optional[_Union[CustomerSelector, _Mapping]] = ..., sandbox: _Optional[bool] = ...) -> None: ...

class TailEventsResponse(_message.Message):
    __slots__ = ("event", "missed")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    event: StoredEvent
    missed: int
    def __init__(self, event: _Optional[_Union[StoredEvent, _Mapping]] = ..., missed: _Optional[int] = ...) -> None: ...
