"""The gateway's line to the collector."""

from shopalytic_server.gateway.collector import CHANNEL_OPTIONS
from shopalytic_server.rpc.server import OPTIONS


def test_the_gateway_asks_whether_the_line_is_alive_no_more_often_than_the_server_takes():
    asks, takes = dict(CHANNEL_OPTIONS), dict(OPTIONS)
    assert asks["grpc.keepalive_time_ms"] > takes["grpc.http2.min_ping_interval_without_data_ms"]
