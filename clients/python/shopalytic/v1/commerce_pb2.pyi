from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class LineItem(_message.Message):
    __slots__ = ("sku", "price", "qty", "cost", "name", "quantity")
    SKU_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QTY_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    sku: str
    price: str
    qty: int
    cost: str
    name: str
    quantity: str
    def __init__(self, sku: _Optional[str] = ..., price: _Optional[str] = ..., qty: _Optional[int] = ..., cost: _Optional[str] = ..., name: _Optional[str] = ..., quantity: _Optional[str] = ...) -> None: ...

class Address(_message.Message):
    __slots__ = ("city", "zipcode", "country", "state")
    CITY_FIELD_NUMBER: _ClassVar[int]
    ZIPCODE_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    city: str
    zipcode: str
    country: str
    state: str
    def __init__(self, city: _Optional[str] = ..., zipcode: _Optional[str] = ..., country: _Optional[str] = ..., state: _Optional[str] = ...) -> None: ...

class Discount(_message.Message):
    __slots__ = ("code", "value")
    CODE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    code: str
    value: str
    def __init__(self, code: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class ListItem(_message.Message):
    __slots__ = ("sku", "position")
    SKU_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    sku: str
    position: int
    def __init__(self, sku: _Optional[str] = ..., position: _Optional[int] = ...) -> None: ...
