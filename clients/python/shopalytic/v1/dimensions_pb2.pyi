import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FilterOperator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FILTER_OPERATOR_UNSPECIFIED: _ClassVar[FilterOperator]
    FILTER_OPERATOR_IS: _ClassVar[FilterOperator]
    FILTER_OPERATOR_IS_NOT: _ClassVar[FilterOperator]
    FILTER_OPERATOR_CONTAINS: _ClassVar[FilterOperator]
    FILTER_OPERATOR_ONE_OF: _ClassVar[FilterOperator]
    FILTER_OPERATOR_IS_SET: _ClassVar[FilterOperator]

class Attribution(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTRIBUTION_UNSPECIFIED: _ClassVar[Attribution]
    ATTRIBUTION_FIRST: _ClassVar[Attribution]
    ATTRIBUTION_LAST: _ClassVar[Attribution]
    ATTRIBUTION_LAST_NON_DIRECT: _ClassVar[Attribution]
    ATTRIBUTION_LINEAR: _ClassVar[Attribution]

class ComparedPeriod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPARED_PERIOD_UNSPECIFIED: _ClassVar[ComparedPeriod]
    COMPARED_PERIOD_PREVIOUS: _ClassVar[ComparedPeriod]
    COMPARED_PERIOD_LAST_YEAR: _ClassVar[ComparedPeriod]
FILTER_OPERATOR_UNSPECIFIED: FilterOperator
FILTER_OPERATOR_IS: FilterOperator
FILTER_OPERATOR_IS_NOT: FilterOperator
FILTER_OPERATOR_CONTAINS: FilterOperator
FILTER_OPERATOR_ONE_OF: FilterOperator
FILTER_OPERATOR_IS_SET: FilterOperator
ATTRIBUTION_UNSPECIFIED: Attribution
ATTRIBUTION_FIRST: Attribution
ATTRIBUTION_LAST: Attribution
ATTRIBUTION_LAST_NON_DIRECT: Attribution
ATTRIBUTION_LINEAR: Attribution
COMPARED_PERIOD_UNSPECIFIED: ComparedPeriod
COMPARED_PERIOD_PREVIOUS: ComparedPeriod
COMPARED_PERIOD_LAST_YEAR: ComparedPeriod

class Filter(_message.Message):
    __slots__ = ("dimension", "operator", "values")
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    dimension: str
    operator: FilterOperator
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, dimension: _Optional[str] = ..., operator: _Optional[_Union[FilterOperator, str]] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class Comparison(_message.Message):
    __slots__ = ("period", "to", "same_time")
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    SAME_TIME_FIELD_NUMBER: _ClassVar[int]
    period: ComparedPeriod
    to: _timestamp_pb2.Timestamp
    same_time: bool
    def __init__(self, period: _Optional[_Union[ComparedPeriod, str]] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., same_time: _Optional[bool] = ..., **kwargs) -> None: ...

class TimeRange(_message.Message):
    __slots__ = ("to",)
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    to: _timestamp_pb2.Timestamp
    def __init__(self, to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., **kwargs) -> None: ...
