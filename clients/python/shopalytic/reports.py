"""Asks a service's reports: one typed call per question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, TypeVar, Unpack

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.filters import report_attribution, report_comparison, report_filters
from shopalytic.sending.connection import Endpoint
from shopalytic.v1 import reports_pb2, reports_pb2_grpc

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")

Interval = Literal["hour", "day", "week", "month"]
CustomerOrder = Literal["last_seen", "net", "orders", "last_order", "rfm"]
FunnelSplit = Literal["source", "campaign"]


class Scope(TypedDict, total=False):
    """What every report takes, as `ReportScope` of the contract defines it. Nothing needs to be given."""

    start: datetime
    """Begin of the range, inclusive."""
    end: datetime
    """End of the range, exclusive."""
    time_zone: str
    currency: str
    source: str
    include_sandbox: bool
    include_bots: bool
    as_of: datetime
    filters: Sequence[str]
    """What has to hold: "country=DEU", "channel!=direct", "landing_page~sale"."""
    by: Sequence[str]
    """Up to two dimensions by which the rows are broken down."""
    compare: Literal["previous", "last-year"] | tuple[datetime, datetime]
    same_time: bool
    """Compare only what has passed of a range that has not ended, to the same time of the clock."""
    attribution: Literal["first", "last", "last-non-direct", "linear"]
    segment: str
    """Only customers of this segment ("at risk")."""
    breakdown_limit: int
    without_free_orders: bool
    """Leave orders with a total of 0 out, as if they were none."""


class Reports:
    """Asks reports from any thread; needs a key of class reports or admin.

    Answers are the messages of the contract. A failed call raises grpc.RpcError
    whose code and details say what to do. Close it, or use it as a context
    manager.
    """

    def __init__(
        self,
        target: str | None = None,
        key: str | None = None,
        *,
        tls: bool | grpc.ChannelCredentials = False,
        timeout: float = 120.0,
        channel_options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        """Connects when the first question is asked.

        `target` ("host:port") is SHOPALYTIC_TARGET if absent, else
        127.0.0.1:50051; `key` is SHOPALYTIC_KEY if absent. Each call may take
        `timeout` seconds.
        """
        self._endpoint = Endpoint.of(target, key, tls, channel_options)
        self._channel = self._endpoint.open()
        self._stub = reports_pb2_grpc.ReportServiceStub(self._channel)
        self._timeout = timeout

    def customer(
        self, name: str | None = None, *, currency: str | None = None, sandbox: bool = False, **by: str
    ) -> reports_pb2.GetCustomerResponse:
        """Everything known of one customer.

        `name` may be a customer id, identity, tracking id, email, order number or
        parcel number; or say which: `customer(email="jane@example.com")`. `rfm`
        weighs money in `currency`, or else in the project's.
        """
        request = reports_pb2.GetCustomerRequest(
            customer=_selector(name, by), currency=currency, sandbox=sandbox
        )
        return self._ask(self._stub.GetCustomer, request)

    def customers(
        self,
        *,
        order_by: CustomerOrder | None = None,
        seen_after: datetime | None = None,
        seen_before: datetime | None = None,
        **fields: Any,
    ) -> reports_pb2.ListCustomersResponse:
        """A page of the identified customers; `fields` are those of ListCustomersRequest (search="jane")."""
        request = reports_pb2.ListCustomersRequest(**fields)
        if order_by is not None:
            request.order_by = getattr(reports_pb2, f"CUSTOMER_ORDER_{order_by.upper()}")
        for name, moment in (("seen_after", seen_after), ("seen_before", seen_before)):
            if moment is not None:
                getattr(request, name).CopyFrom(_timestamp(name, moment))
        return self._ask(self._stub.ListCustomers, request)

    def customer_orders(
        self,
        name: str | None = None,
        *,
        page_size: int = 0,
        page_token: str = "",
        sandbox: bool = False,
        **by: str,
    ) -> reports_pb2.ListCustomerOrdersResponse:
        """A page of a customer's orders with all that happened to them, newest first."""
        request = reports_pb2.ListCustomerOrdersRequest(
            customer=_selector(name, by), page_size=page_size, page_token=page_token, sandbox=sandbox
        )
        return self._ask(self._stub.ListCustomerOrders, request)

    def customer_events(
        self,
        name: str | None = None,
        *,
        types: Sequence[str] = (),
        page_size: int = 0,
        page_token: str = "",
        sandbox: bool = False,
        **by: str,
    ) -> reports_pb2.ListCustomerEventsResponse:
        """A page of a customer's timeline, newest first."""
        request = reports_pb2.ListCustomerEventsRequest(
            customer=_selector(name, by),
            types=types,
            page_size=page_size,
            page_token=page_token,
            sandbox=sandbox,
        )
        return self._ask(self._stub.ListCustomerEvents, request)

    def orders(
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        **fields: Any,
    ) -> reports_pb2.ListOrdersResponse:
        """A page of orders, oldest first; `fields` are those of ListOrdersRequest (order_ids=["1001"])."""
        request = reports_pb2.ListOrdersRequest(**fields)
        for name, moment in (("from", start), ("to", end)):
            if moment is not None:
                getattr(request, name).CopyFrom(_timestamp(name, moment))
        return self._ask(self._stub.ListOrders, request)

    def events(
        self, explain: str, *, page_size: int = 0, page_token: str = ""
    ) -> reports_pb2.ListEventsResponse:
        """A page of the events behind a number, by the `explain` that stands beside it."""
        request = reports_pb2.ListEventsRequest(explain=explain, page_size=page_size, page_token=page_token)
        return self._ask(self._stub.ListEvents, request)

    def sales(
        self, *, interval: Interval | None = None, **scope: Unpack[Scope]
    ) -> reports_pb2.GetSalesReportResponse:
        """Orders, units, gross, refunds and net per interval and currency."""
        request = reports_pb2.GetSalesReportRequest(
            scope=report_scope(**scope), interval=report_interval(interval)
        )
        return self._ask(self._stub.GetSalesReport, request)

    def funnel(
        self,
        steps: Sequence[str] = (),
        *,
        window: timedelta | None = None,
        split: FunnelSplit | None = None,
        **scope: Unpack[Scope],
    ) -> reports_pb2.GetFunnelReportResponse:
        """Customers and median times per step.

        A step is an event type, or "page_view:" and a page type; without steps
        product_view, cart_add, order. Whole seconds of `window` count.
        """
        request = reports_pb2.GetFunnelReportRequest(
            scope=report_scope(**scope),
            steps=[funnel_step(step) for step in steps],
            window_seconds=0 if window is None else window // timedelta(seconds=1),
            split=funnel_split(split),
        )
        return self._ask(self._stub.GetFunnelReport, request)

    def retention(
        self,
        *,
        interval: Literal["week", "month"] | None = None,
        include_visitors: bool = False,
        **scope: Unpack[Scope],
    ) -> reports_pb2.GetRetentionReportResponse:
        """Who orders again, by when they ordered first."""
        request = reports_pb2.GetRetentionReportRequest(
            scope=report_scope(**scope), interval=report_interval(interval), include_visitors=include_visitors
        )
        return self._ask(self._stub.GetRetentionReport, request)

    def products(
        self,
        *,
        limit: int = 0,
        offset: int = 0,
        order_by: str = "net",
        ascending: bool = False,
        search: str = "",
        **scope: Unpack[Scope],
    ) -> reports_pb2.GetProductReportResponse:
        """Views, carts, orders and refunds per product, and what is bought together.

        `order_by` is one of ProductOrder of the contract, such as "net" or "refunds". Raises ValueError.
        """
        request = reports_pb2.GetProductReportRequest(
            scope=report_scope(**scope),
            limit=limit,
            offset=offset,
            order_by=f"PRODUCT_ORDER_{order_by.upper()}",
            ascending=ascending,
            search=search,
        )
        return self._ask(self._stub.GetProductReport, request)

    def carts(
        self,
        *,
        abandoned_after_hours: int = 0,
        limit: int = 0,
        offset: int = 0,
        order_by: str = "changed",
        ascending: bool = False,
        min_value: str | None = None,
        **scope: Unpack[Scope],
    ) -> reports_pb2.GetCartReportResponse:
        """Carts, and those that were left.

        `order_by` is "changed", "created" or "value". Raises ValueError.
        """
        request = reports_pb2.GetCartReportRequest(
            scope=report_scope(**scope),
            abandoned_after_hours=abandoned_after_hours,
            limit=limit,
            offset=offset,
            order_by=f"CART_ORDER_{order_by.upper()}",
            ascending=ascending,
            min_value=min_value,
        )
        return self._ask(self._stub.GetCartReport, request)

    def fulfilment(
        self, *, promised_days: int = 0, **scope: Unpack[Scope]
    ) -> reports_pb2.GetFulfilmentReportResponse:
        """How long parcels take, and how many are late."""
        request = reports_pb2.GetFulfilmentReportRequest(
            scope=report_scope(**scope), promised_days=promised_days
        )
        return self._ask(self._stub.GetFulfilmentReport, request)

    def traffic(
        self,
        *,
        interval: Interval | None = None,
        limit: int = 0,
        offset: int = 0,
        order_by: str = "sessions",
        ascending: bool = False,
        **scope: Unpack[Scope],
    ) -> reports_pb2.GetTrafficReportResponse:
        """Page views, visitors and sessions, where they come from and what they buy.

        `order_by` is one of TrafficOrder of the contract, such as "visitors". Raises ValueError.
        """
        request = reports_pb2.GetTrafficReportRequest(
            scope=report_scope(**scope),
            interval=report_interval(interval),
            limit=limit,
            offset=offset,
            order_by=f"TRAFFIC_ORDER_{order_by.upper()}",
            ascending=ascending,
        )
        return self._ask(self._stub.GetTrafficReport, request)

    def conversion(
        self, *, interval: Interval | None = None, **scope: Unpack[Scope]
    ) -> reports_pb2.GetConversionReportResponse:
        """What becomes of visits: carts, checkouts, orders, rates and value per visit."""
        request = reports_pb2.GetConversionReportRequest(
            scope=report_scope(**scope), interval=report_interval(interval)
        )
        return self._ask(self._stub.GetConversionReport, request)

    def coupons(
        self,
        *,
        limit: int = 0,
        offset: int = 0,
        order_by: str = "orders",
        ascending: bool = False,
        **scope: Unpack[Scope],
    ) -> reports_pb2.GetCouponReportResponse:
        """What coupons are used for, and what they cost.

        `order_by` is one of CouponOrder of the contract, such as "discounts". Raises ValueError.
        """
        request = reports_pb2.GetCouponReportRequest(
            scope=report_scope(**scope),
            limit=limit,
            offset=offset,
            order_by=f"COUPON_ORDER_{order_by.upper()}",
            ascending=ascending,
        )
        return self._ask(self._stub.GetCouponReport, request)

    def segments(
        self,
        *,
        listed: str = "",
        limit: int = 0,
        offset: int = 0,
        order_by: str = "net_of_refunds",
        ascending: bool = False,
        **scope: Unpack[Scope],
    ) -> reports_pb2.GetSegmentReportResponse:
        """Customers by recency, frequency and money; `listed` names the segment whose customers are told.

        `order_by` is one of SegmentCustomerOrder of the contract, such as "last_order". Raises ValueError.
        """
        request = reports_pb2.GetSegmentReportRequest(
            scope=report_scope(**scope),
            list=listed,
            limit=limit,
            offset=offset,
            order_by=f"SEGMENT_CUSTOMER_ORDER_{order_by.upper()}",
            ascending=ascending,
        )
        return self._ask(self._stub.GetSegmentReport, request)

    def searches(
        self,
        *,
        limit: int = 0,
        offset: int = 0,
        order_by: str = "searches",
        ascending: bool = False,
        only_without_results: bool = False,
        **scope: Unpack[Scope],
    ) -> reports_pb2.GetSearchReportResponse:
        """What people look for in the shop, and what they find.

        `order_by` is one of SearchOrder of the contract, such as "total_sales". Raises ValueError.
        """
        request = reports_pb2.GetSearchReportRequest(
            scope=report_scope(**scope),
            limit=limit,
            offset=offset,
            order_by=f"SEARCH_ORDER_{order_by.upper()}",
            ascending=ascending,
            only_without_results=only_without_results,
        )
        return self._ask(self._stub.GetSearchReport, request)

    def lifetime(
        self,
        *,
        interval: Literal["week", "month"] | None = None,
        include_visitors: bool = False,
        **scope: Unpack[Scope],
    ) -> reports_pb2.GetLifetimeReportResponse:
        """What customers are worth per head, by when and how they came."""
        request = reports_pb2.GetLifetimeReportRequest(
            scope=report_scope(**scope), interval=report_interval(interval), include_visitors=include_visitors
        )
        return self._ask(self._stub.GetLifetimeReport, request)

    def delivery(self, **scope: Unpack[Scope]) -> reports_pb2.GetDeliveryReportResponse:
        """What senders got through and what never arrived, per source and hour of arrival."""
        request = reports_pb2.GetDeliveryReportRequest(scope=report_scope(**scope))
        return self._ask(self._stub.GetDeliveryReport, request)

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, call: grpc.UnaryUnaryMultiCallable[_Request, _Answer], request: _Request) -> _Answer:
        return call(request, metadata=self._endpoint.metadata, timeout=self._timeout)


def report_scope(**scope: Unpack[Scope]) -> reports_pb2.ReportScope:
    """A scope as the contract has it; what is wrong, such as a time without a time zone, is a ValueError."""
    given: dict[str, Any] = dict(scope)
    given["filters"] = report_filters(given.pop("filters", ()))
    given["breakdowns"] = given.pop("by", ())
    if "compare" in given:
        given["compare"] = report_comparison(given["compare"], same_time=given.pop("same_time", False))
    elif given.pop("same_time", False):
        raise ValueError("same_time says how to compare, so it needs compare.")
    if "attribution" in given:
        given["attribution"] = report_attribution(given["attribution"])
    times = {name: given.pop(name, None) for name in ("start", "end", "as_of")}
    message = reports_pb2.ReportScope(**given)
    for name, moment in times.items():
        if moment is not None:
            field = {"start": "from", "end": "to"}.get(name, name)
            getattr(message, field).CopyFrom(_timestamp(name, moment))
    return message


def report_interval(name: str | None) -> reports_pb2.Interval:
    """The interval with this name; without one the whole range is one row."""
    if name is None:
        return reports_pb2.INTERVAL_UNSPECIFIED
    if name not in ("hour", "day", "week", "month"):
        raise ValueError(f"{name!r} is no interval; it is hour, day, week or month.")
    interval: reports_pb2.Interval = getattr(reports_pb2, f"INTERVAL_{name.upper()}")
    return interval


def funnel_step(name: str) -> reports_pb2.FunnelStep:
    """A step by its name: an event type, "page_view:" and a page type, or "custom:" and an event's name."""
    kind, colon, label = name.partition(":")
    if kind == "page_view" and colon:
        return reports_pb2.FunnelStep(page_type=label)
    if kind == "custom" and colon:
        return reports_pb2.FunnelStep(custom_name=label)
    return reports_pb2.FunnelStep(event_type=name)


def funnel_split(name: str | None) -> reports_pb2.FunnelSplit:
    """What a funnel is split by; nothing without a name."""
    if name is None:
        return reports_pb2.FUNNEL_SPLIT_UNSPECIFIED
    if name not in ("source", "campaign"):
        raise ValueError(f"{name!r} is nothing to split by; it is source or campaign.")
    split: reports_pb2.FunnelSplit = getattr(reports_pb2, f"FUNNEL_SPLIT_{name.upper()}")
    return split


def _timestamp(name: str, moment: datetime) -> Timestamp:
    if moment.tzinfo is None:
        raise ValueError(f"{name} has no time zone; give it one, such as datetime.UTC.")
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp


def _selector(name: str | None, by: dict[str, str]) -> reports_pb2.CustomerSelector:
    if (name is None) == (len(by) != 1):
        raise ValueError("Name one customer: by any name, or by identity, tracking_id, email or customer_id.")
    return reports_pb2.CustomerSelector(**(by if name is None else {"any": name}))
