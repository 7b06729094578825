"""The names of questions that are asked of facts, by their requests.

Processes that serve gRPC know only these: what answers them is in `registry`,
and brings DuckDB with it.
"""

from collections.abc import Mapping

from google.protobuf.message import Message

from shopalytic.v1 import reports_pb2

NAMES: Mapping[type[Message], str] = {
    reports_pb2.GetCartReportRequest: "carts",
    reports_pb2.GetConversionReportRequest: "conversion",
    reports_pb2.GetCouponReportRequest: "coupons",
    reports_pb2.GetFulfilmentReportRequest: "fulfilment",
    reports_pb2.GetFunnelReportRequest: "funnel",
    reports_pb2.GetLifetimeReportRequest: "lifetime",
    reports_pb2.GetProductReportRequest: "products",
    reports_pb2.GetRetentionReportRequest: "retention",
    reports_pb2.GetSalesReportRequest: "sales",
    reports_pb2.GetSearchReportRequest: "searches",
    reports_pb2.GetSegmentReportRequest: "segments",
    reports_pb2.GetTrafficReportRequest: "traffic",
    reports_pb2.ListEventsRequest: "events",
}
