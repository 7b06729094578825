"""What makes a whole request unusable."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shopalytic.v1 import admin_pb2, collector_pb2, reports_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import EVENT_TYPES
from shopalytic_server.rpc.validation import check_event_types, check_request, check_time_zone, check_track


def broken(check: Callable[..., Any], *arguments: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as caught:
        check(*arguments)
    return [(violation.field, violation.rule_id) for violation in caught.value.violations]


def customer(**by: str) -> reports_pb2.CustomerSelector:
    return reports_pb2.CustomerSelector(**by)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (reports_pb2.GetCustomerRequest(), ("customer", "required")),
        (reports_pb2.GetCustomerRequest(customer=customer()), ("customer.by", "required")),
        (reports_pb2.GetCustomerRequest(customer=customer(any="")), ("customer.any", "string.min_len")),
        (
            reports_pb2.GetCustomerRequest(customer=customer(customer_id="1")),
            ("customer.customer_id", "string.uuid"),
        ),
        (
            reports_pb2.GetCustomerRequest(customer=customer(identity="a\0b")),
            ("customer.identity", "string.no_nul"),
        ),
        (reports_pb2.ListCustomersRequest(page_size=1001), ("page_size", "int32.gte_lte")),
        (reports_pb2.GetSalesReportRequest.FromString(b"\x10\x09"), ("interval", "enum.defined_only")),
        (admin_pb2.CreateProjectRequest(name="My Shop"), ("name", "string.pattern")),
        (admin_pb2.CreateKeyRequest(), ("key_class", "required")),
        (
            admin_pb2.UpdateProjectRequest(browser_event_types=admin_pb2.EventTypes(types=["\0"])),
            ("browser_event_types.types[0]", "string.no_nul"),
        ),
    ],
)
def test_a_request_that_breaks_a_rule_is_told_the_field_and_the_rule(request_: Any, expected: Any) -> None:
    assert broken(check_request, request_) == [expected]


@pytest.mark.parametrize(("seconds", "nanos"), [(2**62, 0), (-(2**62), 0), (0, -1), (0, 10**9)])
def test_a_time_that_is_none_is_told(seconds: int, nanos: int) -> None:
    request = reports_pb2.GetSalesReportRequest()
    getattr(request.scope, "from").seconds = seconds
    getattr(request.scope, "from").nanos = nanos
    assert broken(check_request, request) == [("scope.from", "timestamp.range")]


def test_a_good_request_passes() -> None:
    request = reports_pb2.GetSalesReportRequest(interval=reports_pb2.INTERVAL_DAY)
    getattr(request.scope, "from").FromDatetime(datetime(2010, 12, 1, tzinfo=UTC))
    check_request(request)


@pytest.mark.parametrize(("count", "rule"), [(0, "repeated.min_items"), (1001, "repeated.max_items")])
def test_a_batch_has_1_to_1000_events(count: int, rule: str) -> None:
    request = collector_pb2.TrackRequest(events=[Event()] * count)
    assert broken(lambda batch: check_track(batch, count), request) == [("events", rule)]


def test_bad_events_do_not_make_a_batch_bad() -> None:
    assert check_track(collector_pb2.TrackRequest(events=[Event()] * 1000), 1000) is None


def test_the_sender_s_clock_is_kept_to_the_microsecond() -> None:
    request = collector_pb2.TrackRequest(events=[Event()])
    request.sent_at.FromJsonString("2026-01-31T12:00:00.123456789Z")
    assert check_track(request, len(request.events)) == datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(-63_000_000_000, 0), (254_000_000_000, 0), (2**62, 0), (1, -1), (1, 10**9)]
)
def test_a_sender_s_clock_that_cannot_be_is_as_none(seconds: int, nanos: int) -> None:
    request = collector_pb2.TrackRequest(events=[Event()])
    request.sent_at.seconds, request.sent_at.nanos = seconds, nanos
    assert check_track(request, len(request.events)) is None


@pytest.mark.parametrize("name", ["UTC", "Europe/London", "America/Argentina/Ushuaia", "Etc/GMT+5"])
def test_iana_time_zones_are_known(name: str) -> None:
    check_time_zone("time_zone", name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("europe/berlin", "did you mean 'Europe/Berlin'?"),
        ("Europe/Berln", "did you mean 'Europe/Berlin'?"),
        ("+02:00", "send one such as 'Europe/Berlin'"),
        ("../../etc/passwd", "send one such as 'Europe/Berlin'"),
        ("localtime", "is not an IANA time zone"),
        ("Factory", "is not an IANA time zone"),
    ],
)
def test_other_time_zones_are_refused_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(InvalidRequest, match="time_zone: is not an IANA time zone") as caught:
        check_time_zone("time_zone", name)
    assert hint in str(caught.value)


def test_all_event_types_of_the_catalogue_are_known() -> None:
    check_event_types("types", EVENT_TYPES)


def test_unknown_event_types_are_named_with_their_place_and_the_nearest_known() -> None:
    assert broken(check_event_types, "types", ["order", "pageview", "undecoded"]) == [
        ("types[1]", "event_type.known"),
        ("types[2]", "event_type.known"),
    ]
    with pytest.raises(InvalidRequest, match="did you mean 'page_view'"):
        check_event_types("types", ["pageview"])


@pytest.mark.parametrize(
    ("request_", "field", "word"),
    [
        (
            reports_pb2.GetSalesReportRequest(scope=reports_pb2.ReportScope(currency="gbp")),
            "scope.currency",
            "EUR",
        ),
        (reports_pb2.ListCustomersRequest(min_net="1,50", currency="EUR"), "min_net", "1234.50"),
    ],
)
def test_a_pattern_is_told_in_words_with_an_example(request_, field, word):
    with pytest.raises(InvalidRequest) as caught:
        check_request(request_)
    [violation] = caught.value.violations
    assert (violation.field, violation.rule_id) == (field, "string.pattern")
    assert word in violation.message
    assert "regex" not in violation.message


def test_a_list_that_is_too_long_is_told_its_bound_in_our_words():
    request = reports_pb2.GetSalesReportRequest()
    request.scope.breakdowns.extend(["device", "os", "browser"])
    with pytest.raises(InvalidRequest) as refused:
        check_request(request)
    assert [(v.field, v.message) for v in refused.value.violations] == [
        ("scope.breakdowns", "must have at most 2 values; this has 3")
    ]
