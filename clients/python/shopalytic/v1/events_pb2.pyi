import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from shopalytic.v1 import commerce_pb2 as _commerce_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Event(_message.Message):
    __slots__ = ("event_id", "occurred_at", "tracking_id", "identity", "source", "sandbox", "context", "timed_on_arrival", "identity_signature", "alias_signature", "tie_breaker", "plain_dates", "customer_register", "customer_update", "cart_add", "cart_modify", "order", "refund", "shipment", "shipment_delivered", "product_view", "page_view", "identify", "alias", "undecoded", "search", "product_list_view", "checkout_step", "coupon", "wishlist_add", "wishlist_remove", "review", "order_cancel", "subscription", "custom")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    TRACKING_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    TIMED_ON_ARRIVAL_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    ALIAS_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    TIE_BREAKER_FIELD_NUMBER: _ClassVar[int]
    PLAIN_DATES_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_REGISTER_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_UPDATE_FIELD_NUMBER: _ClassVar[int]
    CART_ADD_FIELD_NUMBER: _ClassVar[int]
    CART_MODIFY_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    REFUND_FIELD_NUMBER: _ClassVar[int]
    SHIPMENT_FIELD_NUMBER: _ClassVar[int]
    SHIPMENT_DELIVERED_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_VIEW_FIELD_NUMBER: _ClassVar[int]
    PAGE_VIEW_FIELD_NUMBER: _ClassVar[int]
    IDENTIFY_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    UNDECODED_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_LIST_VIEW_FIELD_NUMBER: _ClassVar[int]
    CHECKOUT_STEP_FIELD_NUMBER: _ClassVar[int]
    COUPON_FIELD_NUMBER: _ClassVar[int]
    WISHLIST_ADD_FIELD_NUMBER: _ClassVar[int]
    WISHLIST_REMOVE_FIELD_NUMBER: _ClassVar[int]
    REVIEW_FIELD_NUMBER: _ClassVar[int]
    ORDER_CANCEL_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    occurred_at: _timestamp_pb2.Timestamp
    tracking_id: str
    identity: str
    source: str
    sandbox: bool
    context: Context
    timed_on_arrival: bool
    identity_signature: str
    alias_signature: str
    tie_breaker: int
    plain_dates: _containers.RepeatedScalarFieldContainer[str]
    customer_register: CustomerRegister
    customer_update: CustomerUpdate
    cart_add: CartAdd
    cart_modify: CartModify
    order: Order
    refund: Refund
    shipment: Shipment
    shipment_delivered: ShipmentDelivered
    product_view: ProductView
    page_view: PageView
    identify: Identify
    alias: Alias
    undecoded: Undecoded
    search: Search
    product_list_view: ProductListView
    checkout_step: CheckoutStep
    coupon: Coupon
    wishlist_add: WishlistAdd
    wishlist_remove: WishlistRemove
    review: Review
    order_cancel: OrderCancel
    subscription: Subscription
    custom: Custom
    def __init__(self, event_id: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tracking_id: _Optional[str] = ..., identity: _Optional[str] = ..., source: _Optional[str] = ..., sandbox: _Optional[bool] = ..., context: _Optional[_Union[Context, _Mapping]] = ..., timed_on_arrival: _Optional[bool] = ..., identity_signature: _Optional[str] = ..., alias_signature: _Optional[str] = ..., tie_breaker: _Optional[int] = ..., plain_dates: _Optional[_Iterable[str]] = ..., customer_register: _Optional[_Union[CustomerRegister, _Mapping]] = ..., customer_update: _Optional[_Union[CustomerUpdate, _Mapping]] = ..., cart_add: _Optional[_Union[CartAdd, _Mapping]] = ..., cart_modify: _Optional[_Union[CartModify, _Mapping]] = ..., order: _Optional[_Union[Order, _Mapping]] = ..., refund: _Optional[_Union[Refund, _Mapping]] = ..., shipment: _Optional[_Union[Shipment, _Mapping]] = ..., shipment_delivered: _Optional[_Union[ShipmentDelivered, _Mapping]] = ..., product_view: _Optional[_Union[ProductView, _Mapping]] = ..., page_view: _Optional[_Union[PageView, _Mapping]] = ..., identify: _Optional[_Union[Identify, _Mapping]] = ..., alias: _Optional[_Union[Alias, _Mapping]] = ..., undecoded: _Optional[_Union[Undecoded, _Mapping]] = ..., search: _Optional[_Union[Search, _Mapping]] = ..., product_list_view: _Optional[_Union[ProductListView, _Mapping]] = ..., checkout_step: _Optional[_Union[CheckoutStep, _Mapping]] = ..., coupon: _Optional[_Union[Coupon, _Mapping]] = ..., wishlist_add: _Optional[_Union[WishlistAdd, _Mapping]] = ..., wishlist_remove: _Optional[_Union[WishlistRemove, _Mapping]] = ..., review: _Optional[_Union[Review, _Mapping]] = ..., order_cancel: _Optional[_Union[OrderCancel, _Mapping]] = ..., subscription: _Optional[_Union[Subscription, _Mapping]] = ..., custom: _Optional[_Union[Custom, _Mapping]] = ...) -> None: ...

class Context(_message.Message):
    __slots__ = ("url", "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "user_agent", "language", "screen_width", "screen_height", "time_zone", "library_name", "library_version", "address", "automated", "origin", "privacy_signal", "analytics_consent", "country", "region", "city", "network_country", "network_region", "network_city")
    URL_FIELD_NUMBER: _ClassVar[int]
    REFERRER_FIELD_NUMBER: _ClassVar[int]
    UTM_SOURCE_FIELD_NUMBER: _ClassVar[int]
    UTM_MEDIUM_FIELD_NUMBER: _ClassVar[int]
    UTM_CAMPAIGN_FIELD_NUMBER: _ClassVar[int]
    UTM_TERM_FIELD_NUMBER: _ClassVar[int]
    UTM_CONTENT_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    SCREEN_WIDTH_FIELD_NUMBER: _ClassVar[int]
    SCREEN_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    LIBRARY_NAME_FIELD_NUMBER: _ClassVar[int]
    LIBRARY_VERSION_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AUTOMATED_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    PRIVACY_SIGNAL_FIELD_NUMBER: _ClassVar[int]
    ANALYTICS_CONSENT_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    CITY_FIELD_NUMBER: _ClassVar[int]
    NETWORK_COUNTRY_FIELD_NUMBER: _ClassVar[int]
    NETWORK_REGION_FIELD_NUMBER: _ClassVar[int]
    NETWORK_CITY_FIELD_NUMBER: _ClassVar[int]
    url: str
    referrer: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_term: str
    utm_content: str
    user_agent: str
    language: str
    screen_width: int
    screen_height: int
    time_zone: str
    library_name: str
    library_version: str
    address: str
    automated: bool
    origin: str
    privacy_signal: bool
    analytics_consent: str
    country: str
    region: str
    city: str
    network_country: str
    network_region: str
    network_city: str
    def __init__(self, url: _Optional[str] = ..., referrer: _Optional[str] = ..., utm_source: _Optional[str] = ..., utm_medium: _Optional[str] = ..., utm_campaign: _Optional[str] = ..., utm_term: _Optional[str] = ..., utm_content: _Optional[str] = ..., user_agent: _Optional[str] = ..., language: _Optional[str] = ..., screen_width: _Optional[int] = ..., screen_height: _Optional[int] = ..., time_zone: _Optional[str] = ..., library_name: _Optional[str] = ..., library_version: _Optional[str] = ..., address: _Optional[str] = ..., automated: _Optional[bool] = ..., origin: _Optional[str] = ..., privacy_signal: _Optional[bool] = ..., analytics_consent: _Optional[str] = ..., country: _Optional[str] = ..., region: _Optional[str] = ..., city: _Optional[str] = ..., network_country: _Optional[str] = ..., network_region: _Optional[str] = ..., network_city: _Optional[str] = ...) -> None: ...

class CustomerRegister(_message.Message):
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

class CustomerUpdate(_message.Message):
    __slots__ = ("email", "first_name", "last_name")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    FIRST_NAME_FIELD_NUMBER: _ClassVar[int]
    LAST_NAME_FIELD_NUMBER: _ClassVar[int]
    email: str
    first_name: str
    last_name: str
    def __init__(self, email: _Optional[str] = ..., first_name: _Optional[str] = ..., last_name: _Optional[str] = ...) -> None: ...

class CartAdd(_message.Message):
    __slots__ = ("cart_id", "sku", "price", "qty", "modified_date", "currency", "quantity")
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    SKU_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QTY_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_DATE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    cart_id: str
    sku: str
    price: str
    qty: int
    modified_date: _timestamp_pb2.Timestamp
    currency: str
    quantity: str
    def __init__(self, cart_id: _Optional[str] = ..., sku: _Optional[str] = ..., price: _Optional[str] = ..., qty: _Optional[int] = ..., modified_date: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., currency: _Optional[str] = ..., quantity: _Optional[str] = ...) -> None: ...

class CartModify(_message.Message):
    __slots__ = ("cart_id", "sku", "qty", "price", "modified_date", "currency", "quantity", "qty_removed")
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    SKU_FIELD_NUMBER: _ClassVar[int]
    QTY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_DATE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    QTY_REMOVED_FIELD_NUMBER: _ClassVar[int]
    cart_id: str
    sku: str
    qty: int
    price: str
    modified_date: _timestamp_pb2.Timestamp
    currency: str
    quantity: str
    qty_removed: int
    def __init__(self, cart_id: _Optional[str] = ..., sku: _Optional[str] = ..., qty: _Optional[int] = ..., price: _Optional[str] = ..., modified_date: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., currency: _Optional[str] = ..., quantity: _Optional[str] = ..., qty_removed: _Optional[int] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("order_id", "cart_id", "total", "subtotal", "line_items", "order_date", "billing", "shipping", "total_tax", "total_shipping", "payment_type", "discounts", "total_discount", "currency", "email", "first_name", "last_name", "status")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    SUBTOTAL_FIELD_NUMBER: _ClassVar[int]
    LINE_ITEMS_FIELD_NUMBER: _ClassVar[int]
    ORDER_DATE_FIELD_NUMBER: _ClassVar[int]
    BILLING_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TAX_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SHIPPING_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    DISCOUNTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    FIRST_NAME_FIELD_NUMBER: _ClassVar[int]
    LAST_NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    cart_id: str
    total: str
    subtotal: str
    line_items: _containers.RepeatedCompositeFieldContainer[_commerce_pb2.LineItem]
    order_date: _timestamp_pb2.Timestamp
    billing: _commerce_pb2.Address
    shipping: _commerce_pb2.Address
    total_tax: str
    total_shipping: str
    payment_type: str
    discounts: _containers.RepeatedCompositeFieldContainer[_commerce_pb2.Discount]
    total_discount: str
    currency: str
    email: str
    first_name: str
    last_name: str
    status: str
    def __init__(self, order_id: _Optional[str] = ..., cart_id: _Optional[str] = ..., total: _Optional[str] = ..., subtotal: _Optional[str] = ..., line_items: _Optional[_Iterable[_Union[_commerce_pb2.LineItem, _Mapping]]] = ..., order_date: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., billing: _Optional[_Union[_commerce_pb2.Address, _Mapping]] = ..., shipping: _Optional[_Union[_commerce_pb2.Address, _Mapping]] = ..., total_tax: _Optional[str] = ..., total_shipping: _Optional[str] = ..., payment_type: _Optional[str] = ..., discounts: _Optional[_Iterable[_Union[_commerce_pb2.Discount, _Mapping]]] = ..., total_discount: _Optional[str] = ..., currency: _Optional[str] = ..., email: _Optional[str] = ..., first_name: _Optional[str] = ..., last_name: _Optional[str] = ..., status: _Optional[str] = ...) -> None: ...

class Refund(_message.Message):
    __slots__ = ("order_id", "refund_type", "total_refund", "subtotal_refund", "line_items", "tax_refund", "shipping_refund", "discount_refund", "currency")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REFUND_TYPE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_REFUND_FIELD_NUMBER: _ClassVar[int]
    SUBTOTAL_REFUND_FIELD_NUMBER: _ClassVar[int]
    LINE_ITEMS_FIELD_NUMBER: _ClassVar[int]
    TAX_REFUND_FIELD_NUMBER: _ClassVar[int]
    SHIPPING_REFUND_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_REFUND_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    refund_type: str
    total_refund: str
    subtotal_refund: str
    line_items: _containers.RepeatedCompositeFieldContainer[_commerce_pb2.LineItem]
    tax_refund: str
    shipping_refund: str
    discount_refund: str
    currency: str
    def __init__(self, order_id: _Optional[str] = ..., refund_type: _Optional[str] = ..., total_refund: _Optional[str] = ..., subtotal_refund: _Optional[str] = ..., line_items: _Optional[_Iterable[_Union[_commerce_pb2.LineItem, _Mapping]]] = ..., tax_refund: _Optional[str] = ..., shipping_refund: _Optional[str] = ..., discount_refund: _Optional[str] = ..., currency: _Optional[str] = ...) -> None: ...

class Shipment(_message.Message):
    __slots__ = ("order_id", "shipment_id", "carrier", "tracking_number", "date_shipped", "date_delivered")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SHIPMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    TRACKING_NUMBER_FIELD_NUMBER: _ClassVar[int]
    DATE_SHIPPED_FIELD_NUMBER: _ClassVar[int]
    DATE_DELIVERED_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    shipment_id: str
    carrier: str
    tracking_number: str
    date_shipped: _timestamp_pb2.Timestamp
    date_delivered: _timestamp_pb2.Timestamp
    def __init__(self, order_id: _Optional[str] = ..., shipment_id: _Optional[str] = ..., carrier: _Optional[str] = ..., tracking_number: _Optional[str] = ..., date_shipped: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., date_delivered: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ShipmentDelivered(_message.Message):
    __slots__ = ("order_id", "shipment_id", "date_delivered", "date_shipped")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SHIPMENT_ID_FIELD_NUMBER: _ClassVar[int]
    DATE_DELIVERED_FIELD_NUMBER: _ClassVar[int]
    DATE_SHIPPED_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    shipment_id: str
    date_delivered: _timestamp_pb2.Timestamp
    date_shipped: _timestamp_pb2.Timestamp
    def __init__(self, order_id: _Optional[str] = ..., shipment_id: _Optional[str] = ..., date_delivered: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., date_shipped: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ProductView(_message.Message):
    __slots__ = ("sku", "name", "price", "categories", "logged_in", "currency")
    SKU_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    LOGGED_IN_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    sku: str
    name: str
    price: str
    categories: _containers.RepeatedScalarFieldContainer[str]
    logged_in: bool
    currency: str
    def __init__(self, sku: _Optional[str] = ..., name: _Optional[str] = ..., price: _Optional[str] = ..., categories: _Optional[_Iterable[str]] = ..., logged_in: _Optional[bool] = ..., currency: _Optional[str] = ...) -> None: ...

class PageView(_message.Message):
    __slots__ = ("url", "referrer", "logged_in", "page_type", "title")
    URL_FIELD_NUMBER: _ClassVar[int]
    REFERRER_FIELD_NUMBER: _ClassVar[int]
    LOGGED_IN_FIELD_NUMBER: _ClassVar[int]
    PAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    url: str
    referrer: str
    logged_in: bool
    page_type: str
    title: str
    def __init__(self, url: _Optional[str] = ..., referrer: _Optional[str] = ..., logged_in: _Optional[bool] = ..., page_type: _Optional[str] = ..., title: _Optional[str] = ...) -> None: ...

class Identify(_message.Message):
    __slots__ = ("identity",)
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    identity: str
    def __init__(self, identity: _Optional[str] = ...) -> None: ...

class Alias(_message.Message):
    __slots__ = ("identity",)
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    identity: str
    def __init__(self, identity: _Optional[str] = ...) -> None: ...

class Search(_message.Message):
    __slots__ = ("query", "results", "filters")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    query: str
    results: int
    filters: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, query: _Optional[str] = ..., results: _Optional[int] = ..., filters: _Optional[_Iterable[str]] = ...) -> None: ...

class ProductListView(_message.Message):
    __slots__ = ("list", "items")
    LIST_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    list: str
    items: _containers.RepeatedCompositeFieldContainer[_commerce_pb2.ListItem]
    def __init__(self, list: _Optional[str] = ..., items: _Optional[_Iterable[_Union[_commerce_pb2.ListItem, _Mapping]]] = ...) -> None: ...

class CheckoutStep(_message.Message):
    __slots__ = ("step", "option", "cart_id")
    STEP_FIELD_NUMBER: _ClassVar[int]
    OPTION_FIELD_NUMBER: _ClassVar[int]
    CART_ID_FIELD_NUMBER: _ClassVar[int]
    step: str
    option: str
    cart_id: str
    def __init__(self, step: _Optional[str] = ..., option: _Optional[str] = ..., cart_id: _Optional[str] = ...) -> None: ...

class Coupon(_message.Message):
    __slots__ = ("code", "accepted", "reason", "value", "currency")
    CODE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    code: str
    accepted: bool
    reason: str
    value: str
    currency: str
    def __init__(self, code: _Optional[str] = ..., accepted: _Optional[bool] = ..., reason: _Optional[str] = ..., value: _Optional[str] = ..., currency: _Optional[str] = ...) -> None: ...

class WishlistAdd(_message.Message):
    __slots__ = ("sku",)
    SKU_FIELD_NUMBER: _ClassVar[int]
    sku: str
    def __init__(self, sku: _Optional[str] = ...) -> None: ...

class WishlistRemove(_message.Message):
    __slots__ = ("sku",)
    SKU_FIELD_NUMBER: _ClassVar[int]
    sku: str
    def __init__(self, sku: _Optional[str] = ...) -> None: ...

class Review(_message.Message):
    __slots__ = ("sku", "rating")
    SKU_FIELD_NUMBER: _ClassVar[int]
    RATING_FIELD_NUMBER: _ClassVar[int]
    sku: str
    rating: int
    def __init__(self, sku: _Optional[str] = ..., rating: _Optional[int] = ...) -> None: ...

class OrderCancel(_message.Message):
    __slots__ = ("order_id", "reason")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    reason: str
    def __init__(self, order_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Subscription(_message.Message):
    __slots__ = ("subscription_id", "state", "amount", "interval", "currency")
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    subscription_id: str
    state: str
    amount: str
    interval: str
    currency: str
    def __init__(self, subscription_id: _Optional[str] = ..., state: _Optional[str] = ..., amount: _Optional[str] = ..., interval: _Optional[str] = ..., currency: _Optional[str] = ...) -> None: ...

class Custom(_message.Message):
    __slots__ = ("name", "properties")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    name: str
    properties: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., properties: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Undecoded(_message.Message):
    __slots__ = ("json", "field", "message", "rule_id")
    JSON_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    json: str
    field: str
    message: str
    rule_id: str
    def __init__(self, json: _Optional[str] = ..., field: _Optional[str] = ..., message: _Optional[str] = ..., rule_id: _Optional[str] = ...) -> None: ...
