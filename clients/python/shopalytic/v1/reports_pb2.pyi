import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from shopalytic.v1 import collector_pb2 as _collector_pb2
from shopalytic.v1 import dimensions_pb2 as _dimensions_pb2
from shopalytic.v1 import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CustomerOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CUSTOMER_ORDER_UNSPECIFIED: _ClassVar[CustomerOrder]
    CUSTOMER_ORDER_LAST_SEEN: _ClassVar[CustomerOrder]
    CUSTOMER_ORDER_NET: _ClassVar[CustomerOrder]
    CUSTOMER_ORDER_ORDERS: _ClassVar[CustomerOrder]
    CUSTOMER_ORDER_LAST_ORDER: _ClassVar[CustomerOrder]
    CUSTOMER_ORDER_RFM: _ClassVar[CustomerOrder]

class Interval(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INTERVAL_UNSPECIFIED: _ClassVar[Interval]
    INTERVAL_DAY: _ClassVar[Interval]
    INTERVAL_WEEK: _ClassVar[Interval]
    INTERVAL_MONTH: _ClassVar[Interval]
    INTERVAL_HOUR: _ClassVar[Interval]

class FunnelSplit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FUNNEL_SPLIT_UNSPECIFIED: _ClassVar[FunnelSplit]
    FUNNEL_SPLIT_SOURCE: _ClassVar[FunnelSplit]
    FUNNEL_SPLIT_CAMPAIGN: _ClassVar[FunnelSplit]

class ProductOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRODUCT_ORDER_UNSPECIFIED: _ClassVar[ProductOrder]
    PRODUCT_ORDER_NET: _ClassVar[ProductOrder]
    PRODUCT_ORDER_VIEWS: _ClassVar[ProductOrder]
    PRODUCT_ORDER_CARTS: _ClassVar[ProductOrder]
    PRODUCT_ORDER_ORDERS: _ClassVar[ProductOrder]
    PRODUCT_ORDER_UNITS: _ClassVar[ProductOrder]
    PRODUCT_ORDER_GROSS: _ClassVar[ProductOrder]
    PRODUCT_ORDER_REFUNDS: _ClassVar[ProductOrder]
    PRODUCT_ORDER_VIEWERS: _ClassVar[ProductOrder]
    PRODUCT_ORDER_VIEW_TO_ORDER_RATE: _ClassVar[ProductOrder]
    PRODUCT_ORDER_SKU: _ClassVar[ProductOrder]
    PRODUCT_ORDER_RETURNS: _ClassVar[ProductOrder]
    PRODUCT_ORDER_DISCOUNTS: _ClassVar[ProductOrder]
    PRODUCT_ORDER_QUANTITY_RETURNED: _ClassVar[ProductOrder]
    PRODUCT_ORDER_RETURN_RATE: _ClassVar[ProductOrder]

class CartOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CART_ORDER_UNSPECIFIED: _ClassVar[CartOrder]
    CART_ORDER_CHANGED: _ClassVar[CartOrder]
    CART_ORDER_CREATED: _ClassVar[CartOrder]
    CART_ORDER_VALUE: _ClassVar[CartOrder]

class TrafficOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRAFFIC_ORDER_UNSPECIFIED: _ClassVar[TrafficOrder]
    TRAFFIC_ORDER_SESSIONS: _ClassVar[TrafficOrder]
    TRAFFIC_ORDER_VISITORS: _ClassVar[TrafficOrder]
    TRAFFIC_ORDER_FIRST_TOUCH_REVENUE: _ClassVar[TrafficOrder]
    TRAFFIC_ORDER_LAST_TOUCH_REVENUE: _ClassVar[TrafficOrder]
    TRAFFIC_ORDER_VALUE: _ClassVar[TrafficOrder]

class CouponOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COUPON_ORDER_UNSPECIFIED: _ClassVar[CouponOrder]
    COUPON_ORDER_ORDERS: _ClassVar[CouponOrder]
    COUPON_ORDER_CUSTOMERS: _ClassVar[CouponOrder]
    COUPON_ORDER_NEW_CUSTOMERS: _ClassVar[CouponOrder]
    COUPON_ORDER_DISCOUNTS: _ClassVar[CouponOrder]
    COUPON_ORDER_TOTAL_SALES: _ClassVar[CouponOrder]
    COUPON_ORDER_AVERAGE_ORDER: _ClassVar[CouponOrder]
    COUPON_ORDER_COUPON: _ClassVar[CouponOrder]

class SegmentCustomerOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEGMENT_CUSTOMER_ORDER_UNSPECIFIED: _ClassVar[SegmentCustomerOrder]
    SEGMENT_CUSTOMER_ORDER_NET_OF_REFUNDS: _ClassVar[SegmentCustomerOrder]
    SEGMENT_CUSTOMER_ORDER_ORDERS: _ClassVar[SegmentCustomerOrder]
    SEGMENT_CUSTOMER_ORDER_LAST_ORDER: _ClassVar[SegmentCustomerOrder]

class SearchOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEARCH_ORDER_UNSPECIFIED: _ClassVar[SearchOrder]
    SEARCH_ORDER_SEARCHES: _ClassVar[SearchOrder]
    SEARCH_ORDER_VISITORS: _ClassVar[SearchOrder]
    SEARCH_ORDER_WITHOUT_RESULTS: _ClassVar[SearchOrder]
    SEARCH_ORDER_ORDERS: _ClassVar[SearchOrder]
    SEARCH_ORDER_TOTAL_SALES: _ClassVar[SearchOrder]
    SEARCH_ORDER_QUERY: _ClassVar[SearchOrder]
CUSTOMER_ORDER_UNSPECIFIED: CustomerOrder
CUSTOMER_ORDER_LAST_SEEN: CustomerOrder
CUSTOMER_ORDER_NET: CustomerOrder
CUSTOMER_ORDER_ORDERS: CustomerOrder
CUSTOMER_ORDER_LAST_ORDER: CustomerOrder
CUSTOMER_ORDER_RFM: CustomerOrder
INTERVAL_UNSPECIFIED: Interval
INTERVAL_DAY: Interval
INTERVAL_WEEK: Interval
INTERVAL_MONTH: Interval
INTERVAL_HOUR: Interval
FUNNEL_SPLIT_UNSPECIFIED: FunnelSplit
FUNNEL_SPLIT_SOURCE: FunnelSplit
FUNNEL_SPLIT_CAMPAIGN: FunnelSplit
PRODUCT_ORDER_UNSPECIFIED: ProductOrder
PRODUCT_ORDER_NET: ProductOrder
PRODUCT_ORDER_VIEWS: ProductOrder
PRODUCT_ORDER_CARTS: ProductOrder
PRODUCT_ORDER_ORDERS: ProductOrder
PRODUCT_ORDER_UNITS: ProductOrder
PRODUCT_ORDER_GROSS: ProductOrder
PRODUCT_ORDER_REFUNDS: ProductOrder
PRODUCT_ORDER_VIEWERS: ProductOrder
PRODUCT_ORDER_VIEW_TO_ORDER_RATE: ProductOrder
PRODUCT_ORDER_SKU: ProductOrder
PRODUCT_ORDER_RETURNS: ProductOrder
PRODUCT_ORDER_DISCOUNTS: ProductOrder
PRODUCT_ORDER_QUANTITY_RETURNED: ProductOrder
PRODUCT_ORDER_RETURN_RATE: ProductOrder
CART_ORDER_UNSPECIFIED: CartOrder
CART_ORDER_CHANGED: CartOrder
CART_ORDER_CREATED: CartOrder
CART_ORDER_VALUE: CartOrder
TRAFFIC_ORDER_UNSPECIFIED: TrafficOrder
TRAFFIC_ORDER_SESSIONS: TrafficOrder
TRAFFIC_ORDER_VISITORS: TrafficOrder
TRAFFIC_ORDER_FIRST_TOUCH_REVENUE: TrafficOrder
TRAFFIC_ORDER_LAST_TOUCH_REVENUE: TrafficOrder
TRAFFIC_ORDER_VALUE: TrafficOrder
COUPON_ORDER_UNSPECIFIED: CouponOrder
COUPON_ORDER_ORDERS: CouponOrder
COUPON_ORDER_CUSTOMERS: CouponOrder
COUPON_ORDER_NEW_CUSTOMERS: CouponOrder
COUPON_ORDER_DISCOUNTS: CouponOrder
COUPON_ORDER_TOTAL_SALES: CouponOrder
COUPON_ORDER_AVERAGE_ORDER: CouponOrder
COUPON_ORDER_COUPON: CouponOrder
SEGMENT_CUSTOMER_ORDER_UNSPECIFIED: SegmentCustomerOrder
SEGMENT_CUSTOMER_ORDER_NET_OF_REFUNDS: SegmentCustomerOrder
SEGMENT_CUSTOMER_ORDER_ORDERS: SegmentCustomerOrder
SEGMENT_CUSTOMER_ORDER_LAST_ORDER: SegmentCustomerOrder
SEARCH_ORDER_UNSPECIFIED: SearchOrder
SEARCH_ORDER_SEARCHES: SearchOrder
SEARCH_ORDER_VISITORS: SearchOrder
SEARCH_ORDER_WITHOUT_RESULTS: SearchOrder
SEARCH_ORDER_ORDERS: SearchOrder
SEARCH_ORDER_TOTAL_SALES: SearchOrder
SEARCH_ORDER_QUERY: SearchOrder

class CustomerSelector(_message.Message):
    __slots__ = ("identity", "tracking_id", "email", "customer_id", "any", "order_id", "parcel")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    TRACKING_ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    PARCEL_FIELD_NUMBER: _ClassVar[int]
    identity: str
    tracking_id: str
    email: str
    customer_id: str
    any: str
    order_id: str
    parcel: str
    def __init__(self, identity: _Optional[str] = ..., tracking_id: _Optional[str] = ..., email: _Optional[str] = ..., customer_id: _Optional[str] = ..., any: _Optional[str] = ..., order_id: _Optional[str] = ..., parcel: _Optional[str] = ...) -> None: ...

class GetCustomerRequest(_message.Message):
    __slots__ = ("customer", "sandbox", "currency")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    customer: CustomerSelector
    sandbox: bool
    currency: str
    def __init__(self, customer: _Optional[_Union[CustomerSelector, _Mapping]] = ..., sandbox: _Optional[bool] = ..., currency: _Optional[str] = ...) -> None: ...

class GetCustomerResponse(_message.Message):
    __slots__ = ("customer",)
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    customer: Customer
    def __init__(self, customer: _Optional[_Union[Customer, _Mapping]] = ...) -> None: ...

class Customer(_message.Message):
    __slots__ = ("customer_id", "identities", "tracking_ids", "profile", "values", "first_seen", "last_seen", "links", "orders", "first_touch", "last_touch", "devices", "days_between_orders", "rfm", "last_order_at", "country")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    TRACKING_IDS_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOUCH_FIELD_NUMBER: _ClassVar[int]
    LAST_TOUCH_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    DAYS_BETWEEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    RFM_FIELD_NUMBER: _ClassVar[int]
    LAST_ORDER_AT_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    identities: _containers.RepeatedScalarFieldContainer[str]
    tracking_ids: _containers.RepeatedScalarFieldContainer[str]
    profile: Profile
    values: _containers.RepeatedCompositeFieldContainer[CustomerValue]
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    links: _containers.RepeatedCompositeFieldContainer[Link]
    orders: _containers.RepeatedCompositeFieldContainer[CustomerOrderDetail]
    first_touch: Touch
    last_touch: Touch
    devices: _containers.RepeatedCompositeFieldContainer[Device]
    days_between_orders: str
    rfm: RfmClass
    last_order_at: _timestamp_pb2.Timestamp
    country: str
    def __init__(self, customer_id: _Optional[str] = ..., identities: _Optional[_Iterable[str]] = ..., tracking_ids: _Optional[_Iterable[str]] = ..., profile: _Optional[_Union[Profile, _Mapping]] = ..., values: _Optional[_Iterable[_Union[CustomerValue, _Mapping]]] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., links: _Optional[_Iterable[_Union[Link, _Mapping]]] = ..., orders: _Optional[_Iterable[_Union[CustomerOrderDetail, _Mapping]]] = ..., first_touch: _Optional[_Union[Touch, _Mapping]] = ..., last_touch: _Optional[_Union[Touch, _Mapping]] = ..., devices: _Optional[_Iterable[_Union[Device, _Mapping]]] = ..., days_between_orders: _Optional[str] = ..., rfm: _Optional[_Union[RfmClass, _Mapping]] = ..., last_order_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., country: _Optional[str] = ...) -> None: ...

class CustomerOrderDetail(_message.Message):
    __slots__ = ("order_id", "ordered_at", "currency", "total", "lines", "refunds", "parcels", "revisions", "status", "email", "first_name", "last_name")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDERED_AT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    PARCELS_FIELD_NUMBER: _ClassVar[int]
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    FIRST_NAME_FIELD_NUMBER: _ClassVar[int]
    LAST_NAME_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    ordered_at: _timestamp_pb2.Timestamp
    currency: str
    total: str
    lines: _containers.RepeatedCompositeFieldContainer[OrderLine]
    refunds: _containers.RepeatedCompositeFieldContainer[OrderRefund]
    parcels: _containers.RepeatedCompositeFieldContainer[Parcel]
    revisions: int
    status: str
    email: str
    first_name: str
    last_name: str
    def __init__(self, order_id: _Optional[str] = ..., ordered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., currency: _Optional[str] = ..., total: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[OrderLine, _Mapping]]] = ..., refunds: _Optional[_Iterable[_Union[OrderRefund, _Mapping]]] = ..., parcels: _Optional[_Iterable[_Union[Parcel, _Mapping]]] = ..., revisions: _Optional[int] = ..., status: _Optional[str] = ..., email: _Optional[str] = ..., first_name: _Optional[str] = ..., last_name: _Optional[str] = ...) -> None: ...

class OrderLine(_message.Message):
    __slots__ = ("sku", "name", "price", "qty", "quantity")
    SKU_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QTY_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    sku: str
    name: str
    price: str
    qty: int
    quantity: str
    def __init__(self, sku: _Optional[str] = ..., name: _Optional[str] = ..., price: _Optional[str] = ..., qty: _Optional[int] = ..., quantity: _Optional[str] = ...) -> None: ...

class OrderRefund(_message.Message):
    __slots__ = ("occurred_at", "refund_type", "amount", "currency", "flag")
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    REFUND_TYPE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    FLAG_FIELD_NUMBER: _ClassVar[int]
    occurred_at: _timestamp_pb2.Timestamp
    refund_type: str
    amount: str
    currency: str
    flag: str
    def __init__(self, occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., refund_type: _Optional[str] = ..., amount: _Optional[str] = ..., currency: _Optional[str] = ..., flag: _Optional[str] = ...) -> None: ...

class Parcel(_message.Message):
    __slots__ = ("shipment_id", "carrier", "tracking_number", "date_shipped", "date_delivered")
    SHIPMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    TRACKING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    DATE_SHIPPED_FIELD_NUMBER: _ClassVar[int]
    DATE_DELIVERED_FIELD_NUMBER: _ClassVar[int]
    shipment_id: str
    carrier: str
    tracking_number: str
    date_shipped: _timestamp_pb2.Timestamp
    date_delivered: _timestamp_pb2.Timestamp
    def __init__(self, shipment_id: _Optional[str] = ..., carrier: _Optional[str] = ..., tracking_number: _Optional[str] = ..., date_shipped: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., date_delivered: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Touch(_message.Message):
    __slots__ = ("occurred_at", "referrer", "source", "medium", "campaign", "landing_page")
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    REFERRER_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    MEDIUM_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    LANDING_PAGE_FIELD_NUMBER: _ClassVar[int]
    occurred_at: _timestamp_pb2.Timestamp
    referrer: str
    source: str
    medium: str
    campaign: str
    landing_page: str
    def __init__(self, occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., referrer: _Optional[str] = ..., source: _Optional[str] = ..., medium: _Optional[str] = ..., campaign: _Optional[str] = ..., landing_page: _Optional[str] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("tracking_id", "first_seen", "last_seen", "user_agent_family", "joined_by")
    TRACKING_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FAMILY_FIELD_NUMBER: _ClassVar[int]
    JOINED_BY_FIELD_NUMBER: _ClassVar[int]
    tracking_id: str
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    user_agent_family: str
    joined_by: Link
    def __init__(self, tracking_id: _Optional[str] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., user_agent_family: _Optional[str] = ..., joined_by: _Optional[_Union[Link, _Mapping]] = ...) -> None: ...

class RfmClass(_message.Message):
    __slots__ = ("recency", "frequency", "money", "currency")
    RECENCY_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    MONEY_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    recency: int
    frequency: int
    money: int
    currency: str
    def __init__(self, recency: _Optional[int] = ..., frequency: _Optional[int] = ..., money: _Optional[int] = ..., currency: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("page_size", "page_token", "sandbox", "search", "min_orders", "min_net", "currency", "seen_after", "seen_before", "country", "order_by", "ascending")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    MIN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    MIN_NET_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    SEEN_AFTER_FIELD_NUMBER: _ClassVar[int]
    SEEN_BEFORE_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    ASCENDING_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    sandbox: bool
    search: str
    min_orders: int
    min_net: str
    currency: str
    seen_after: _timestamp_pb2.Timestamp
    seen_before: _timestamp_pb2.Timestamp
    country: str
    order_by: CustomerOrder
    ascending: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., sandbox: _Optional[bool] = ..., search: _Optional[str] = ..., min_orders: _Optional[int] = ..., min_net: _Optional[str] = ..., currency: _Optional[str] = ..., seen_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seen_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., country: _Optional[str] = ..., order_by: _Optional[_Union[CustomerOrder, str]] = ..., ascending: _Optional[bool] = ...) -> None: ...

class ListCustomersResponse(_message.Message):
    __slots__ = ("customers", "next_page_token", "total_customers", "currency")
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    customers: _containers.RepeatedCompositeFieldContainer[Customer]
    next_page_token: str
    total_customers: int
    currency: str
    def __init__(self, customers: _Optional[_Iterable[_Union[Customer, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_customers: _Optional[int] = ..., currency: _Optional[str] = ...) -> None: ...

class ListCustomerOrdersRequest(_message.Message):
    __slots__ = ("customer", "page_size", "page_token", "sandbox")
    CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    customer: CustomerSelector
    page_size: int
    page_token: str
    sandbox: bool
    def __init__(self, customer: _Optional[_Union[CustomerSelector, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., sandbox: _Optional[bool] = ...) -> None: ...

class ListCustomerOrdersResponse(_message.Message):
    __slots__ = ("orders", "next_page_token", "total_orders")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ORDERS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[CustomerOrderDetail]
    next_page_token: str
    total_orders: int
    def __init__(self, orders: _Optional[_Iterable[_Union[CustomerOrderDetail, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_orders: _Optional[int] = ...) -> None: ...

class ListOrdersRequest(_message.Message):
    __slots__ = ("to", "order_ids", "page_size", "page_token", "sandbox", "disputed", "source")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    DISPUTED_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    to: _timestamp_pb2.Timestamp
    order_ids: _containers.RepeatedScalarFieldContainer[str]
    page_size: int
    page_token: str
    sandbox: bool
    disputed: bool
    source: str
    def __init__(self, to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., order_ids: _Optional[_Iterable[str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., sandbox: _Optional[bool] = ..., disputed: _Optional[bool] = ..., source: _Optional[str] = ..., **kwargs) -> None: ...

class ListOrdersResponse(_message.Message):
    __slots__ = ("orders", "next_page_token", "erased_order_ids")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ERASED_ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[ListedOrder]
    next_page_token: str
    erased_order_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, orders: _Optional[_Iterable[_Union[ListedOrder, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., erased_order_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ListedOrder(_message.Message):
    __slots__ = ("order_id", "ordered_at", "currency", "total", "event_id", "source", "status", "claimed_by")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDERED_AT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_BY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    ordered_at: _timestamp_pb2.Timestamp
    currency: str
    total: str
    event_id: str
    source: str
    status: str
    claimed_by: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, order_id: _Optional[str] = ..., ordered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., currency: _Optional[str] = ..., total: _Optional[str] = ..., event_id: _Optional[str] = ..., source: _Optional[str] = ..., status: _Optional[str] = ..., claimed_by: _Optional[_Iterable[str]] = ...) -> None: ...

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
    __slots__ = ("events", "next_page_token", "total_events")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[StoredEvent]
    next_page_token: str
    total_events: int
    def __init__(self, events: _Optional[_Iterable[_Union[StoredEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_events: _Optional[int] = ...) -> None: ...

class StoredEvent(_message.Message):
    __slots__ = ("event_id", "type", "occurred_at", "received_at", "corrected_at", "tracking_id", "identity", "source", "properties", "context", "counted_at", "robot", "event")
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
    COUNTED_AT_FIELD_NUMBER: _ClassVar[int]
    ROBOT_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
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
    counted_at: _timestamp_pb2.Timestamp
    robot: bool
    event: _events_pb2.Event
    def __init__(self, event_id: _Optional[str] = ..., type: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., corrected_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tracking_id: _Optional[str] = ..., identity: _Optional[str] = ..., source: _Optional[str] = ..., properties: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., counted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., robot: _Optional[bool] = ..., event: _Optional[_Union[_events_pb2.Event, _Mapping]] = ...) -> None: ...

class DataOutside(_message.Message):
    __slots__ = ("to", "events")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    to: _timestamp_pb2.Timestamp
    events: int
    def __init__(self, to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., events: _Optional[int] = ..., **kwargs) -> None: ...

class ReportScope(_message.Message):
    __slots__ = ("to", "time_zone", "currency", "source", "include_sandbox", "include_bots", "as_of", "filters", "breakdowns", "compare", "attribution", "segment", "breakdown_limit", "without_free_orders")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SANDBOX_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_BOTS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    BREAKDOWNS_FIELD_NUMBER: _ClassVar[int]
    COMPARE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    BREAKDOWN_LIMIT_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_FREE_ORDERS_FIELD_NUMBER: _ClassVar[int]
    to: _timestamp_pb2.Timestamp
    time_zone: str
    currency: str
    source: str
    include_sandbox: bool
    include_bots: bool
    as_of: _timestamp_pb2.Timestamp
    filters: _containers.RepeatedCompositeFieldContainer[_dimensions_pb2.Filter]
    breakdowns: _containers.RepeatedScalarFieldContainer[str]
    compare: _dimensions_pb2.Comparison
    attribution: _dimensions_pb2.Attribution
    segment: str
    breakdown_limit: int
    without_free_orders: bool
    def __init__(self, to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_zone: _Optional[str] = ..., currency: _Optional[str] = ..., source: _Optional[str] = ..., include_sandbox: _Optional[bool] = ..., include_bots: _Optional[bool] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., filters: _Optional[_Iterable[_Union[_dimensions_pb2.Filter, _Mapping]]] = ..., breakdowns: _Optional[_Iterable[str]] = ..., compare: _Optional[_Union[_dimensions_pb2.Comparison, _Mapping]] = ..., attribution: _Optional[_Union[_dimensions_pb2.Attribution, str]] = ..., segment: _Optional[str] = ..., breakdown_limit: _Optional[int] = ..., without_free_orders: _Optional[bool] = ..., **kwargs) -> None: ...

class GetSalesReportRequest(_message.Message):
    __slots__ = ("scope", "interval")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    interval: Interval
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., interval: _Optional[_Union[Interval, str]] = ...) -> None: ...

class GetSalesReportResponse(_message.Message):
    __slots__ = ("reports", "outside", "compared", "robots", "unfinished_since")
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_SINCE_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[SalesReport]
    outside: _containers.RepeatedCompositeFieldContainer[DataOutside]
    compared: _dimensions_pb2.TimeRange
    robots: int
    unfinished_since: _timestamp_pb2.Timestamp
    def __init__(self, reports: _Optional[_Iterable[_Union[SalesReport, _Mapping]]] = ..., outside: _Optional[_Iterable[_Union[DataOutside, _Mapping]]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., robots: _Optional[int] = ..., unfinished_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SalesReport(_message.Message):
    __slots__ = ("currency", "rows", "total", "more_rows")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    MORE_ROWS_FIELD_NUMBER: _ClassVar[int]
    currency: str
    rows: _containers.RepeatedCompositeFieldContainer[SalesRow]
    total: SalesRow
    more_rows: int
    def __init__(self, currency: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[SalesRow, _Mapping]]] = ..., total: _Optional[_Union[SalesRow, _Mapping]] = ..., more_rows: _Optional[int] = ...) -> None: ...

class SalesRow(_message.Message):
    __slots__ = ("start", "orders", "units", "gross", "refunds", "net", "customers", "average_order", "discounts", "tax", "shipping", "cost", "margin", "new_customers", "returning_customers", "explain", "gross_sales", "returns", "net_sales", "total_sales", "net_of_refunds", "known_customers", "repeat_customers", "guest_orders", "quantity", "net_margin", "cost_known", "dimensions", "previous", "compared", "tax_refunds", "shipping_refunds")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    START_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    GROSS_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    NET_FIELD_NUMBER: _ClassVar[int]
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_ORDER_FIELD_NUMBER: _ClassVar[int]
    DISCOUNTS_FIELD_NUMBER: _ClassVar[int]
    TAX_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    NEW_CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    RETURNING_CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    GROSS_SALES_FIELD_NUMBER: _ClassVar[int]
    RETURNS_FIELD_NUMBER: _ClassVar[int]
    NET_SALES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SALES_FIELD_NUMBER: _ClassVar[int]
    NET_OF_REFUNDS_FIELD_NUMBER: _ClassVar[int]
    KNOWN_CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    REPEAT_CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    GUEST_ORDERS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    NET_MARGIN_FIELD_NUMBER: _ClassVar[int]
    COST_KNOWN_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    TAX_REFUNDS_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_REFUNDS_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    orders: int
    units: int
    gross: str
    refunds: str
    net: str
    customers: int
    average_order: str
    discounts: str
    tax: str
    shipping: str
    cost: str
    margin: str
    new_customers: int
    returning_customers: int
    explain: str
    gross_sales: str
    returns: str
    net_sales: str
    total_sales: str
    net_of_refunds: str
    known_customers: int
    repeat_customers: int
    guest_orders: int
    quantity: str
    net_margin: str
    cost_known: str
    dimensions: _containers.ScalarMap[str, str]
    previous: SalesRow
    compared: _dimensions_pb2.TimeRange
    tax_refunds: str
    shipping_refunds: str
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., orders: _Optional[int] = ..., units: _Optional[int] = ..., gross: _Optional[str] = ..., refunds: _Optional[str] = ..., net: _Optional[str] = ..., customers: _Optional[int] = ..., average_order: _Optional[str] = ..., discounts: _Optional[str] = ..., tax: _Optional[str] = ..., shipping: _Optional[str] = ..., cost: _Optional[str] = ..., margin: _Optional[str] = ..., new_customers: _Optional[int] = ..., returning_customers: _Optional[int] = ..., explain: _Optional[str] = ..., gross_sales: _Optional[str] = ..., returns: _Optional[str] = ..., net_sales: _Optional[str] = ..., total_sales: _Optional[str] = ..., net_of_refunds: _Optional[str] = ..., known_customers: _Optional[int] = ..., repeat_customers: _Optional[int] = ..., guest_orders: _Optional[int] = ..., quantity: _Optional[str] = ..., net_margin: _Optional[str] = ..., cost_known: _Optional[str] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., previous: _Optional[_Union[SalesRow, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., tax_refunds: _Optional[str] = ..., shipping_refunds: _Optional[str] = ...) -> None: ...

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

class ListEventsRequest(_message.Message):
    __slots__ = ("explain", "page_size", "page_token")
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    explain: str
    page_size: int
    page_token: str
    def __init__(self, explain: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEventsResponse(_message.Message):
    __slots__ = ("events", "next_page_token", "total_events")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[StoredEvent]
    next_page_token: str
    total_events: int
    def __init__(self, events: _Optional[_Iterable[_Union[StoredEvent, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_events: _Optional[int] = ...) -> None: ...

class FunnelStep(_message.Message):
    __slots__ = ("event_type", "page_type", "custom_name")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_NAME_FIELD_NUMBER: _ClassVar[int]
    event_type: str
    page_type: str
    custom_name: str
    def __init__(self, event_type: _Optional[str] = ..., page_type: _Optional[str] = ..., custom_name: _Optional[str] = ...) -> None: ...

class GetFunnelReportRequest(_message.Message):
    __slots__ = ("scope", "steps", "window_seconds", "split")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_SECONDS_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    steps: _containers.RepeatedCompositeFieldContainer[FunnelStep]
    window_seconds: int
    split: FunnelSplit
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., steps: _Optional[_Iterable[_Union[FunnelStep, _Mapping]]] = ..., window_seconds: _Optional[int] = ..., split: _Optional[_Union[FunnelSplit, str]] = ...) -> None: ...

class GetFunnelReportResponse(_message.Message):
    __slots__ = ("funnels", "outside", "compared", "robots", "more_rows", "unfinished_since")
    FUNNELS_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    MORE_ROWS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_SINCE_FIELD_NUMBER: _ClassVar[int]
    funnels: _containers.RepeatedCompositeFieldContainer[Funnel]
    outside: _containers.RepeatedCompositeFieldContainer[DataOutside]
    compared: _dimensions_pb2.TimeRange
    robots: int
    more_rows: int
    unfinished_since: _timestamp_pb2.Timestamp
    def __init__(self, funnels: _Optional[_Iterable[_Union[Funnel, _Mapping]]] = ..., outside: _Optional[_Iterable[_Union[DataOutside, _Mapping]]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., robots: _Optional[int] = ..., more_rows: _Optional[int] = ..., unfinished_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Funnel(_message.Message):
    __slots__ = ("value", "steps", "dimensions")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VALUE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    value: str
    steps: _containers.RepeatedCompositeFieldContainer[FunnelStepResult]
    dimensions: _containers.ScalarMap[str, str]
    def __init__(self, value: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[FunnelStepResult, _Mapping]]] = ..., dimensions: _Optional[_Mapping[str, str]] = ...) -> None: ...

class FunnelStepResult(_message.Message):
    __slots__ = ("step", "customers", "conversion", "median_seconds", "explain", "previous", "compared")
    STEP_FIELD_NUMBER: _ClassVar[int]
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    CONVERSION_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    step: str
    customers: int
    conversion: str
    median_seconds: str
    explain: str
    previous: FunnelStepResult
    compared: _dimensions_pb2.TimeRange
    def __init__(self, step: _Optional[str] = ..., customers: _Optional[int] = ..., conversion: _Optional[str] = ..., median_seconds: _Optional[str] = ..., explain: _Optional[str] = ..., previous: _Optional[_Union[FunnelStepResult, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ...) -> None: ...

class GetProductReportRequest(_message.Message):
    __slots__ = ("scope", "limit", "order_by", "offset", "ascending", "search")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ASCENDING_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    limit: int
    order_by: ProductOrder
    offset: int
    ascending: bool
    search: str
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., limit: _Optional[int] = ..., order_by: _Optional[_Union[ProductOrder, str]] = ..., offset: _Optional[int] = ..., ascending: _Optional[bool] = ..., search: _Optional[str] = ...) -> None: ...

class GetProductReportResponse(_message.Message):
    __slots__ = ("reports", "outside", "compared", "robots", "unfinished_since")
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_SINCE_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[ProductReport]
    outside: _containers.RepeatedCompositeFieldContainer[DataOutside]
    compared: _dimensions_pb2.TimeRange
    robots: int
    unfinished_since: _timestamp_pb2.Timestamp
    def __init__(self, reports: _Optional[_Iterable[_Union[ProductReport, _Mapping]]] = ..., outside: _Optional[_Iterable[_Union[DataOutside, _Mapping]]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., robots: _Optional[int] = ..., unfinished_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ProductReport(_message.Message):
    __slots__ = ("currency", "rows", "bought_together", "total_products", "unassigned")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    BOUGHT_TOGETHER_FIELD_NUMBER: _ClassVar[int]
    TOTAL_PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    UNASSIGNED_FIELD_NUMBER: _ClassVar[int]
    currency: str
    rows: _containers.RepeatedCompositeFieldContainer[ProductRow]
    bought_together: _containers.RepeatedCompositeFieldContainer[ProductPair]
    total_products: int
    unassigned: UnassignedSales
    def __init__(self, currency: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[ProductRow, _Mapping]]] = ..., bought_together: _Optional[_Iterable[_Union[ProductPair, _Mapping]]] = ..., total_products: _Optional[int] = ..., unassigned: _Optional[_Union[UnassignedSales, _Mapping]] = ...) -> None: ...

class ProductRow(_message.Message):
    __slots__ = ("sku", "name", "views", "viewers", "carts", "orders", "units", "gross", "refunds", "net", "view_to_order_rate", "explain", "gross_sales", "returns", "net_sales", "quantity", "dimensions", "previous", "compared", "discounts", "quantity_returned", "return_rate")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SKU_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    VIEWERS_FIELD_NUMBER: _ClassVar[int]
    CARTS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    GROSS_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    NET_FIELD_NUMBER: _ClassVar[int]
    VIEW_TO_ORDER_RATE_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    GROSS_SALES_FIELD_NUMBER: _ClassVar[int]
    RETURNS_FIELD_NUMBER: _ClassVar[int]
    NET_SALES_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    DISCOUNTS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_RETURNED_FIELD_NUMBER: _ClassVar[int]
    RETURN_RATE_FIELD_NUMBER: _ClassVar[int]
    sku: str
    name: str
    views: int
    viewers: int
    carts: int
    orders: int
    units: int
    gross: str
    refunds: str
    net: str
    view_to_order_rate: str
    explain: str
    gross_sales: str
    returns: str
    net_sales: str
    quantity: str
    dimensions: _containers.ScalarMap[str, str]
    previous: ProductRow
    compared: _dimensions_pb2.TimeRange
    discounts: str
    quantity_returned: str
    return_rate: str
    def __init__(self, sku: _Optional[str] = ..., name: _Optional[str] = ..., views: _Optional[int] = ..., viewers: _Optional[int] = ..., carts: _Optional[int] = ..., orders: _Optional[int] = ..., units: _Optional[int] = ..., gross: _Optional[str] = ..., refunds: _Optional[str] = ..., net: _Optional[str] = ..., view_to_order_rate: _Optional[str] = ..., explain: _Optional[str] = ..., gross_sales: _Optional[str] = ..., returns: _Optional[str] = ..., net_sales: _Optional[str] = ..., quantity: _Optional[str] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., previous: _Optional[_Union[ProductRow, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., discounts: _Optional[str] = ..., quantity_returned: _Optional[str] = ..., return_rate: _Optional[str] = ...) -> None: ...

class UnassignedSales(_message.Message):
    __slots__ = ("gross_sales", "discounts", "returns", "net_sales")
    GROSS_SALES_FIELD_NUMBER: _ClassVar[int]
    DISCOUNTS_FIELD_NUMBER: _ClassVar[int]
    RETURNS_FIELD_NUMBER: _ClassVar[int]
    NET_SALES_FIELD_NUMBER: _ClassVar[int]
    gross_sales: str
    discounts: str
    returns: str
    net_sales: str
    def __init__(self, gross_sales: _Optional[str] = ..., discounts: _Optional[str] = ..., returns: _Optional[str] = ..., net_sales: _Optional[str] = ...) -> None: ...

class ProductPair(_message.Message):
    __slots__ = ("sku", "other_sku", "orders", "lift")
    SKU_FIELD_NUMBER: _ClassVar[int]
    OTHER_SKU_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    LIFT_FIELD_NUMBER: _ClassVar[int]
    sku: str
    other_sku: str
    orders: int
    lift: str
    def __init__(self, sku: _Optional[str] = ..., other_sku: _Optional[str] = ..., orders: _Optional[int] = ..., lift: _Optional[str] = ...) -> None: ...

class GetRetentionReportRequest(_message.Message):
    __slots__ = ("scope", "interval", "include_visitors")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_VISITORS_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    interval: Interval
    include_visitors: bool
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., interval: _Optional[_Union[Interval, str]] = ..., include_visitors: _Optional[bool] = ...) -> None: ...

class GetRetentionReportResponse(_message.Message):
    __slots__ = ("cohorts", "outside", "compared", "robots", "more_rows", "unfinished_since")
    COHORTS_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    MORE_ROWS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_SINCE_FIELD_NUMBER: _ClassVar[int]
    cohorts: _containers.RepeatedCompositeFieldContainer[Cohort]
    outside: _containers.RepeatedCompositeFieldContainer[DataOutside]
    compared: _dimensions_pb2.TimeRange
    robots: int
    more_rows: int
    unfinished_since: _timestamp_pb2.Timestamp
    def __init__(self, cohorts: _Optional[_Iterable[_Union[Cohort, _Mapping]]] = ..., outside: _Optional[_Iterable[_Union[DataOutside, _Mapping]]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., robots: _Optional[int] = ..., more_rows: _Optional[int] = ..., unfinished_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Cohort(_message.Message):
    __slots__ = ("start", "size", "periods", "dimensions", "previous", "compared")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    START_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    PERIODS_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    size: int
    periods: _containers.RepeatedCompositeFieldContainer[RetentionPeriod]
    dimensions: _containers.ScalarMap[str, str]
    previous: Cohort
    compared: _dimensions_pb2.TimeRange
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., size: _Optional[int] = ..., periods: _Optional[_Iterable[_Union[RetentionPeriod, _Mapping]]] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., previous: _Optional[_Union[Cohort, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ...) -> None: ...

class RetentionPeriod(_message.Message):
    __slots__ = ("index", "customers", "share", "net", "explain")
    class NetEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    INDEX_FIELD_NUMBER: _ClassVar[int]
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    NET_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    index: int
    customers: int
    share: str
    net: _containers.ScalarMap[str, str]
    explain: str
    def __init__(self, index: _Optional[int] = ..., customers: _Optional[int] = ..., share: _Optional[str] = ..., net: _Optional[_Mapping[str, str]] = ..., explain: _Optional[str] = ...) -> None: ...

class GetCartReportRequest(_message.Message):
    __slots__ = ("scope", "abandoned_after_hours", "limit", "offset", "order_by", "ascending", "min_value")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ABANDONED_AFTER_HOURS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    ASCENDING_FIELD_NUMBER: _ClassVar[int]
    MIN_VALUE_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    abandoned_after_hours: int
    limit: int
    offset: int
    order_by: CartOrder
    ascending: bool
    min_value: str
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., abandoned_after_hours: _Optional[int] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ..., order_by: _Optional[_Union[CartOrder, str]] = ..., ascending: _Optional[bool] = ..., min_value: _Optional[str] = ...) -> None: ...

class GetCartReportResponse(_message.Message):
    __slots__ = ("reports", "outside", "compared", "robots", "unfinished_since")
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_SINCE_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[CartReport]
    outside: _containers.RepeatedCompositeFieldContainer[DataOutside]
    compared: _dimensions_pb2.TimeRange
    robots: int
    unfinished_since: _timestamp_pb2.Timestamp
    def __init__(self, reports: _Optional[_Iterable[_Union[CartReport, _Mapping]]] = ..., outside: _Optional[_Iterable[_Union[DataOutside, _Mapping]]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., robots: _Optional[int] = ..., unfinished_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CartReport(_message.Message):
    __slots__ = ("currency", "created", "ordered", "abandoned", "open", "abandonment_rate", "abandoned_value", "carts", "explain", "emptied", "total_carts", "rows", "previous", "compared", "more_rows")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    ORDERED_FIELD_NUMBER: _ClassVar[int]
    ABANDONED_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    ABANDONMENT_RATE_FIELD_NUMBER: _ClassVar[int]
    ABANDONED_VALUE_FIELD_NUMBER: _ClassVar[int]
    CARTS_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    EMPTIED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_CARTS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    MORE_ROWS_FIELD_NUMBER: _ClassVar[int]
    currency: str
    created: int
    ordered: int
    abandoned: int
    open: int
    abandonment_rate: str
    abandoned_value: str
    carts: _containers.RepeatedCompositeFieldContainer[AbandonedCart]
    explain: str
    emptied: int
    total_carts: int
    rows: _containers.RepeatedCompositeFieldContainer[CartRow]
    previous: CartRow
    compared: _dimensions_pb2.TimeRange
    more_rows: int
    def __init__(self, currency: _Optional[str] = ..., created: _Optional[int] = ..., ordered: _Optional[int] = ..., abandoned: _Optional[int] = ..., open: _Optional[int] = ..., abandonment_rate: _Optional[str] = ..., abandoned_value: _Optional[str] = ..., carts: _Optional[_Iterable[_Union[AbandonedCart, _Mapping]]] = ..., explain: _Optional[str] = ..., emptied: _Optional[int] = ..., total_carts: _Optional[int] = ..., rows: _Optional[_Iterable[_Union[CartRow, _Mapping]]] = ..., previous: _Optional[_Union[CartRow, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., more_rows: _Optional[int] = ...) -> None: ...

class CartRow(_message.Message):
    __slots__ = ("dimensions", "created", "ordered", "abandoned", "open", "abandonment_rate", "abandoned_value", "previous", "compared", "explain", "emptied")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    ORDERED_FIELD_NUMBER: _ClassVar[int]
    ABANDONED_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    ABANDONMENT_RATE_FIELD_NUMBER: _ClassVar[int]
    ABANDONED_VALUE_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    EMPTIED_FIELD_NUMBER: _ClassVar[int]
    dimensions: _containers.ScalarMap[str, str]
    created: int
    ordered: int
    abandoned: int
    open: int
    abandonment_rate: str
    abandoned_value: str
    previous: CartRow
    compared: _dimensions_pb2.TimeRange
    explain: str
    emptied: int
    def __init__(self, dimensions: _Optional[_Mapping[str, str]] = ..., created: _Optional[int] = ..., ordered: _Optional[int] = ..., abandoned: _Optional[int] = ..., open: _Optional[int] = ..., abandonment_rate: _Optional[str] = ..., abandoned_value: _Optional[str] = ..., previous: _Optional[_Union[CartRow, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., explain: _Optional[str] = ..., emptied: _Optional[int] = ...) -> None: ...

class AbandonedCart(_message.Message):
    __slots__ = ("cart_id", "created_at", "changed_at", "value", "lines", "customer_id", "email", "identity")
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    cart_id: str
    created_at: _timestamp_pb2.Timestamp
    changed_at: _timestamp_pb2.Timestamp
    value: str
    lines: _containers.RepeatedCompositeFieldContainer[OrderLine]
    customer_id: str
    email: str
    identity: str
    def __init__(self, cart_id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., changed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., value: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[OrderLine, _Mapping]]] = ..., customer_id: _Optional[str] = ..., email: _Optional[str] = ..., identity: _Optional[str] = ...) -> None: ...

class GetFulfilmentReportRequest(_message.Message):
    __slots__ = ("scope", "promised_days")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    PROMISED_DAYS_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    promised_days: int
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., promised_days: _Optional[int] = ...) -> None: ...

class GetFulfilmentReportResponse(_message.Message):
    __slots__ = ("carriers", "total", "outside", "compared", "robots", "more_rows", "unfinished_since")
    CARRIERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    MORE_ROWS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_SINCE_FIELD_NUMBER: _ClassVar[int]
    carriers: _containers.RepeatedCompositeFieldContainer[CarrierRow]
    total: CarrierRow
    outside: _containers.RepeatedCompositeFieldContainer[DataOutside]
    compared: _dimensions_pb2.TimeRange
    robots: int
    more_rows: int
    unfinished_since: _timestamp_pb2.Timestamp
    def __init__(self, carriers: _Optional[_Iterable[_Union[CarrierRow, _Mapping]]] = ..., total: _Optional[_Union[CarrierRow, _Mapping]] = ..., outside: _Optional[_Iterable[_Union[DataOutside, _Mapping]]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., robots: _Optional[int] = ..., more_rows: _Optional[int] = ..., unfinished_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CarrierRow(_message.Message):
    __slots__ = ("carrier", "parcels", "on_the_way", "delivered", "order_to_shipped_median", "order_to_shipped_p90", "shipped_to_delivered_median", "shipped_to_delivered_p90", "late", "late_rate", "refund_rate_after_late", "explain", "dimensions", "previous", "compared")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    PARCELS_FIELD_NUMBER: _ClassVar[int]
    ON_THE_WAY_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    ORDER_TO_SHIPPED_MEDIAN_FIELD_NUMBER: _ClassVar[int]
    ORDER_TO_SHIPPED_P90_FIELD_NUMBER: _ClassVar[int]
    SHIPPED_TO_DELIVERED_MEDIAN_FIELD_NUMBER: _ClassVar[int]
    SHIPPED_TO_DELIVERED_P90_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    LATE_RATE_FIELD_NUMBER: _ClassVar[int]
    REFUND_RATE_AFTER_LATE_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    carrier: str
    parcels: int
    on_the_way: int
    delivered: int
    order_to_shipped_median: str
    order_to_shipped_p90: str
    shipped_to_delivered_median: str
    shipped_to_delivered_p90: str
    late: int
    late_rate: str
    refund_rate_after_late: str
    explain: str
    dimensions: _containers.ScalarMap[str, str]
    previous: CarrierRow
    compared: _dimensions_pb2.TimeRange
    def __init__(self, carrier: _Optional[str] = ..., parcels: _Optional[int] = ..., on_the_way: _Optional[int] = ..., delivered: _Optional[int] = ..., order_to_shipped_median: _Optional[str] = ..., order_to_shipped_p90: _Optional[str] = ..., shipped_to_delivered_median: _Optional[str] = ..., shipped_to_delivered_p90: _Optional[str] = ..., late: _Optional[int] = ..., late_rate: _Optional[str] = ..., refund_rate_after_late: _Optional[str] = ..., explain: _Optional[str] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., previous: _Optional[_Union[CarrierRow, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ...) -> None: ...

class GetTrafficReportRequest(_message.Message):
    __slots__ = ("scope", "interval", "limit", "offset", "order_by", "ascending")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    ASCENDING_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    interval: Interval
    limit: int
    offset: int
    order_by: TrafficOrder
    ascending: bool
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., interval: _Optional[_Union[Interval, str]] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ..., order_by: _Optional[_Union[TrafficOrder, str]] = ..., ascending: _Optional[bool] = ...) -> None: ...

class GetTrafficReportResponse(_message.Message):
    __slots__ = ("rows", "total", "landing_pages", "referrers", "campaigns", "outside", "total_landing_pages", "total_referrers", "total_campaigns", "compared", "more_rows", "robots", "unfinished_since")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    LANDING_PAGES_FIELD_NUMBER: _ClassVar[int]
    REFERRERS_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGNS_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LANDING_PAGES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_REFERRERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_CAMPAIGNS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    MORE_ROWS_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_SINCE_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[TrafficRow]
    total: TrafficRow
    landing_pages: _containers.RepeatedCompositeFieldContainer[TrafficSource]
    referrers: _containers.RepeatedCompositeFieldContainer[TrafficSource]
    campaigns: _containers.RepeatedCompositeFieldContainer[TrafficSource]
    outside: _containers.RepeatedCompositeFieldContainer[DataOutside]
    total_landing_pages: int
    total_referrers: int
    total_campaigns: int
    compared: _dimensions_pb2.TimeRange
    more_rows: int
    robots: int
    unfinished_since: _timestamp_pb2.Timestamp
    def __init__(self, rows: _Optional[_Iterable[_Union[TrafficRow, _Mapping]]] = ..., total: _Optional[_Union[TrafficRow, _Mapping]] = ..., landing_pages: _Optional[_Iterable[_Union[TrafficSource, _Mapping]]] = ..., referrers: _Optional[_Iterable[_Union[TrafficSource, _Mapping]]] = ..., campaigns: _Optional[_Iterable[_Union[TrafficSource, _Mapping]]] = ..., outside: _Optional[_Iterable[_Union[DataOutside, _Mapping]]] = ..., total_landing_pages: _Optional[int] = ..., total_referrers: _Optional[int] = ..., total_campaigns: _Optional[int] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., more_rows: _Optional[int] = ..., robots: _Optional[int] = ..., unfinished_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TrafficRow(_message.Message):
    __slots__ = ("start", "page_views", "visitors", "sessions", "explain", "dimensions", "previous", "compared")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    START_FIELD_NUMBER: _ClassVar[int]
    PAGE_VIEWS_FIELD_NUMBER: _ClassVar[int]
    VISITORS_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    page_views: int
    visitors: int
    sessions: int
    explain: str
    dimensions: _containers.ScalarMap[str, str]
    previous: TrafficRow
    compared: _dimensions_pb2.TimeRange
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_views: _Optional[int] = ..., visitors: _Optional[int] = ..., sessions: _Optional[int] = ..., explain: _Optional[str] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., previous: _Optional[_Union[TrafficRow, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ...) -> None: ...

class TrafficSource(_message.Message):
    __slots__ = ("value", "sessions", "visitors", "first_touch_revenue", "last_touch_revenue", "explain", "previous", "compared")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    VISITORS_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOUCH_REVENUE_FIELD_NUMBER: _ClassVar[int]
    LAST_TOUCH_REVENUE_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    value: str
    sessions: int
    visitors: int
    first_touch_revenue: str
    last_touch_revenue: str
    explain: str
    previous: TrafficSource
    compared: _dimensions_pb2.TimeRange
    def __init__(self, value: _Optional[str] = ..., sessions: _Optional[int] = ..., visitors: _Optional[int] = ..., first_touch_revenue: _Optional[str] = ..., last_touch_revenue: _Optional[str] = ..., explain: _Optional[str] = ..., previous: _Optional[_Union[TrafficSource, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ...) -> None: ...

class GetDeliveryReportRequest(_message.Message):
    __slots__ = ("scope",)
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ...) -> None: ...

class GetDeliveryReportResponse(_message.Message):
    __slots__ = ("rows", "total")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[DeliveryRow]
    total: DeliveryRow
    def __init__(self, rows: _Optional[_Iterable[_Union[DeliveryRow, _Mapping]]] = ..., total: _Optional[_Union[DeliveryRow, _Mapping]] = ...) -> None: ...

class DeliveryRow(_message.Message):
    __slots__ = ("start", "source", "senders", "received", "missing", "dropped", "unexplained")
    START_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SENDERS_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    UNEXPLAINED_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    source: str
    senders: int
    received: int
    missing: int
    dropped: _collector_pb2.Drops
    unexplained: int
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., senders: _Optional[int] = ..., received: _Optional[int] = ..., missing: _Optional[int] = ..., dropped: _Optional[_Union[_collector_pb2.Drops, _Mapping]] = ..., unexplained: _Optional[int] = ...) -> None: ...

class GetConversionReportRequest(_message.Message):
    __slots__ = ("scope", "interval")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    interval: Interval
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., interval: _Optional[_Union[Interval, str]] = ...) -> None: ...

class GetConversionReportResponse(_message.Message):
    __slots__ = ("rows", "total", "currency", "compared", "more_rows", "outside", "robots", "unfinished_since")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    MORE_ROWS_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_SINCE_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[ConversionRow]
    total: ConversionRow
    currency: str
    compared: _dimensions_pb2.TimeRange
    more_rows: int
    outside: _containers.RepeatedCompositeFieldContainer[DataOutside]
    robots: int
    unfinished_since: _timestamp_pb2.Timestamp
    def __init__(self, rows: _Optional[_Iterable[_Union[ConversionRow, _Mapping]]] = ..., total: _Optional[_Union[ConversionRow, _Mapping]] = ..., currency: _Optional[str] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., more_rows: _Optional[int] = ..., outside: _Optional[_Iterable[_Union[DataOutside, _Mapping]]] = ..., robots: _Optional[int] = ..., unfinished_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ConversionRow(_message.Message):
    __slots__ = ("start", "sessions", "visitors", "carts", "checkouts", "orders", "cart_rate", "checkout_rate", "conversion_rate", "total_sales", "value_per_visit", "dimensions", "previous", "compared", "explain")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    START_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    VISITORS_FIELD_NUMBER: _ClassVar[int]
    CARTS_FIELD_NUMBER: _ClassVar[int]
    CHECKOUTS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    CART_RATE_FIELD_NUMBER: _ClassVar[int]
    CHECKOUT_RATE_FIELD_NUMBER: _ClassVar[int]
    CONVERSION_RATE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SALES_FIELD_NUMBER: _ClassVar[int]
    VALUE_PER_VISIT_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    sessions: int
    visitors: int
    carts: int
    checkouts: int
    orders: int
    cart_rate: str
    checkout_rate: str
    conversion_rate: str
    total_sales: str
    value_per_visit: str
    dimensions: _containers.ScalarMap[str, str]
    previous: ConversionRow
    compared: _dimensions_pb2.TimeRange
    explain: str
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sessions: _Optional[int] = ..., visitors: _Optional[int] = ..., carts: _Optional[int] = ..., checkouts: _Optional[int] = ..., orders: _Optional[int] = ..., cart_rate: _Optional[str] = ..., checkout_rate: _Optional[str] = ..., conversion_rate: _Optional[str] = ..., total_sales: _Optional[str] = ..., value_per_visit: _Optional[str] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., previous: _Optional[_Union[ConversionRow, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., explain: _Optional[str] = ...) -> None: ...

class GetCouponReportRequest(_message.Message):
    __slots__ = ("scope", "limit", "offset", "order_by", "ascending")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    ASCENDING_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    limit: int
    offset: int
    order_by: CouponOrder
    ascending: bool
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ..., order_by: _Optional[_Union[CouponOrder, str]] = ..., ascending: _Optional[bool] = ...) -> None: ...

class GetCouponReportResponse(_message.Message):
    __slots__ = ("reports", "compared", "outside", "robots", "unfinished_since")
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_SINCE_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[CouponReport]
    compared: _dimensions_pb2.TimeRange
    outside: _containers.RepeatedCompositeFieldContainer[DataOutside]
    robots: int
    unfinished_since: _timestamp_pb2.Timestamp
    def __init__(self, reports: _Optional[_Iterable[_Union[CouponReport, _Mapping]]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., outside: _Optional[_Iterable[_Union[DataOutside, _Mapping]]] = ..., robots: _Optional[int] = ..., unfinished_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CouponReport(_message.Message):
    __slots__ = ("currency", "rows", "with_coupon", "without_coupon", "more_rows", "total_rows")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    WITH_COUPON_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_COUPON_FIELD_NUMBER: _ClassVar[int]
    MORE_ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ROWS_FIELD_NUMBER: _ClassVar[int]
    currency: str
    rows: _containers.RepeatedCompositeFieldContainer[CouponRow]
    with_coupon: CouponRow
    without_coupon: CouponRow
    more_rows: int
    total_rows: int
    def __init__(self, currency: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[CouponRow, _Mapping]]] = ..., with_coupon: _Optional[_Union[CouponRow, _Mapping]] = ..., without_coupon: _Optional[_Union[CouponRow, _Mapping]] = ..., more_rows: _Optional[int] = ..., total_rows: _Optional[int] = ...) -> None: ...

class CouponRow(_message.Message):
    __slots__ = ("coupon", "orders", "customers", "new_customers", "discounts", "total_sales", "average_order", "dimensions", "previous", "compared", "explain")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    COUPON_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    NEW_CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    DISCOUNTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SALES_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_ORDER_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    coupon: str
    orders: int
    customers: int
    new_customers: int
    discounts: str
    total_sales: str
    average_order: str
    dimensions: _containers.ScalarMap[str, str]
    previous: CouponRow
    compared: _dimensions_pb2.TimeRange
    explain: str
    def __init__(self, coupon: _Optional[str] = ..., orders: _Optional[int] = ..., customers: _Optional[int] = ..., new_customers: _Optional[int] = ..., discounts: _Optional[str] = ..., total_sales: _Optional[str] = ..., average_order: _Optional[str] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., previous: _Optional[_Union[CouponRow, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., explain: _Optional[str] = ...) -> None: ...

class GetSegmentReportRequest(_message.Message):
    __slots__ = ("scope", "list", "limit", "offset", "order_by", "ascending")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    ASCENDING_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    list: str
    limit: int
    offset: int
    order_by: SegmentCustomerOrder
    ascending: bool
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., list: _Optional[str] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ..., order_by: _Optional[_Union[SegmentCustomerOrder, str]] = ..., ascending: _Optional[bool] = ...) -> None: ...

class GetSegmentReportResponse(_message.Message):
    __slots__ = ("rows", "total", "customers", "currency", "compared", "outside", "robots", "unfinished_since", "total_customers")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_SINCE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[SegmentRow]
    total: SegmentRow
    customers: _containers.RepeatedCompositeFieldContainer[SegmentCustomer]
    currency: str
    compared: _dimensions_pb2.TimeRange
    outside: _containers.RepeatedCompositeFieldContainer[DataOutside]
    robots: int
    unfinished_since: _timestamp_pb2.Timestamp
    total_customers: int
    def __init__(self, rows: _Optional[_Iterable[_Union[SegmentRow, _Mapping]]] = ..., total: _Optional[_Union[SegmentRow, _Mapping]] = ..., customers: _Optional[_Iterable[_Union[SegmentCustomer, _Mapping]]] = ..., currency: _Optional[str] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., outside: _Optional[_Iterable[_Union[DataOutside, _Mapping]]] = ..., robots: _Optional[int] = ..., unfinished_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., total_customers: _Optional[int] = ...) -> None: ...

class SegmentRow(_message.Message):
    __slots__ = ("segment", "customers", "share", "orders", "net_of_refunds", "value_per_head", "previous", "compared", "explain")
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NET_OF_REFUNDS_FIELD_NUMBER: _ClassVar[int]
    VALUE_PER_HEAD_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    segment: str
    customers: int
    share: str
    orders: int
    net_of_refunds: str
    value_per_head: str
    previous: SegmentRow
    compared: _dimensions_pb2.TimeRange
    explain: str
    def __init__(self, segment: _Optional[str] = ..., customers: _Optional[int] = ..., share: _Optional[str] = ..., orders: _Optional[int] = ..., net_of_refunds: _Optional[str] = ..., value_per_head: _Optional[str] = ..., previous: _Optional[_Union[SegmentRow, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., explain: _Optional[str] = ...) -> None: ...

class SegmentCustomer(_message.Message):
    __slots__ = ("customer_id", "email", "last_order_at", "orders", "net_of_refunds", "rfm", "identity")
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    LAST_ORDER_AT_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NET_OF_REFUNDS_FIELD_NUMBER: _ClassVar[int]
    RFM_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    customer_id: str
    email: str
    last_order_at: _timestamp_pb2.Timestamp
    orders: int
    net_of_refunds: str
    rfm: RfmClass
    identity: str
    def __init__(self, customer_id: _Optional[str] = ..., email: _Optional[str] = ..., last_order_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., orders: _Optional[int] = ..., net_of_refunds: _Optional[str] = ..., rfm: _Optional[_Union[RfmClass, _Mapping]] = ..., identity: _Optional[str] = ...) -> None: ...

class GetLifetimeReportRequest(_message.Message):
    __slots__ = ("scope", "interval", "include_visitors")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_VISITORS_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    interval: Interval
    include_visitors: bool
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., interval: _Optional[_Union[Interval, str]] = ..., include_visitors: _Optional[bool] = ...) -> None: ...

class GetLifetimeReportResponse(_message.Message):
    __slots__ = ("rows", "total", "currency", "compared", "more_rows", "outside", "robots", "unfinished_since")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    MORE_ROWS_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_SINCE_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[LifetimeRow]
    total: LifetimeRow
    currency: str
    compared: _dimensions_pb2.TimeRange
    more_rows: int
    outside: _containers.RepeatedCompositeFieldContainer[DataOutside]
    robots: int
    unfinished_since: _timestamp_pb2.Timestamp
    def __init__(self, rows: _Optional[_Iterable[_Union[LifetimeRow, _Mapping]]] = ..., total: _Optional[_Union[LifetimeRow, _Mapping]] = ..., currency: _Optional[str] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., more_rows: _Optional[int] = ..., outside: _Optional[_Iterable[_Union[DataOutside, _Mapping]]] = ..., robots: _Optional[int] = ..., unfinished_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LifetimeRow(_message.Message):
    __slots__ = ("start", "customers", "orders", "repeat_customers", "net_of_refunds", "value_per_head", "orders_per_head", "dimensions", "previous", "compared", "explain")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    START_FIELD_NUMBER: _ClassVar[int]
    CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    REPEAT_CUSTOMERS_FIELD_NUMBER: _ClassVar[int]
    NET_OF_REFUNDS_FIELD_NUMBER: _ClassVar[int]
    VALUE_PER_HEAD_FIELD_NUMBER: _ClassVar[int]
    ORDERS_PER_HEAD_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    customers: int
    orders: int
    repeat_customers: int
    net_of_refunds: str
    value_per_head: str
    orders_per_head: str
    dimensions: _containers.ScalarMap[str, str]
    previous: LifetimeRow
    compared: _dimensions_pb2.TimeRange
    explain: str
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., customers: _Optional[int] = ..., orders: _Optional[int] = ..., repeat_customers: _Optional[int] = ..., net_of_refunds: _Optional[str] = ..., value_per_head: _Optional[str] = ..., orders_per_head: _Optional[str] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., previous: _Optional[_Union[LifetimeRow, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., explain: _Optional[str] = ...) -> None: ...

class GetSearchReportRequest(_message.Message):
    __slots__ = ("scope", "limit", "only_without_results", "offset", "order_by", "ascending")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ONLY_WITHOUT_RESULTS_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    ASCENDING_FIELD_NUMBER: _ClassVar[int]
    scope: ReportScope
    limit: int
    only_without_results: bool
    offset: int
    order_by: SearchOrder
    ascending: bool
    def __init__(self, scope: _Optional[_Union[ReportScope, _Mapping]] = ..., limit: _Optional[int] = ..., only_without_results: _Optional[bool] = ..., offset: _Optional[int] = ..., order_by: _Optional[_Union[SearchOrder, str]] = ..., ascending: _Optional[bool] = ...) -> None: ...

class GetSearchReportResponse(_message.Message):
    __slots__ = ("rows", "total", "currency", "compared", "more_rows", "outside", "robots", "unfinished_since", "total_rows")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    MORE_ROWS_FIELD_NUMBER: _ClassVar[int]
    OUTSIDE_FIELD_NUMBER: _ClassVar[int]
    ROBOTS_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_SINCE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ROWS_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[SearchRow]
    total: SearchRow
    currency: str
    compared: _dimensions_pb2.TimeRange
    more_rows: int
    outside: _containers.RepeatedCompositeFieldContainer[DataOutside]
    robots: int
    unfinished_since: _timestamp_pb2.Timestamp
    total_rows: int
    def __init__(self, rows: _Optional[_Iterable[_Union[SearchRow, _Mapping]]] = ..., total: _Optional[_Union[SearchRow, _Mapping]] = ..., currency: _Optional[str] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., more_rows: _Optional[int] = ..., outside: _Optional[_Iterable[_Union[DataOutside, _Mapping]]] = ..., robots: _Optional[int] = ..., unfinished_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., total_rows: _Optional[int] = ...) -> None: ...

class SearchRow(_message.Message):
    __slots__ = ("query", "searches", "visitors", "without_results", "orders", "total_sales", "dimensions", "previous", "compared", "explain")
    class DimensionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SEARCHES_FIELD_NUMBER: _ClassVar[int]
    VISITORS_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_RESULTS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SALES_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    query: str
    searches: int
    visitors: int
    without_results: int
    orders: int
    total_sales: str
    dimensions: _containers.ScalarMap[str, str]
    previous: SearchRow
    compared: _dimensions_pb2.TimeRange
    explain: str
    def __init__(self, query: _Optional[str] = ..., searches: _Optional[int] = ..., visitors: _Optional[int] = ..., without_results: _Optional[int] = ..., orders: _Optional[int] = ..., total_sales: _Optional[str] = ..., dimensions: _Optional[_Mapping[str, str]] = ..., previous: _Optional[_Union[SearchRow, _Mapping]] = ..., compared: _Optional[_Union[_dimensions_pb2.TimeRange, _Mapping]] = ..., explain: _Optional[str] = ...) -> None: ...
