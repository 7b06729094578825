"""Every rule that a request may break is told in our own words, never in those of the library."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from protovalidate import Validator

from shopalytic.v1 import admin_pb2, notifications_pb2, reports_pb2, users_pb2
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.formats.wire import records
from shopalytic_server.rpc import rule_sentences
from shopalytic_server.rpc.validation import check_request

LIBRARY = Validator()
FIELD_RULES = 1159
SERVICES = [
    file.DESCRIPTOR.services_by_name[name]
    for file, name in (
        (reports_pb2, "ReportService"),
        (admin_pb2, "AdminService"),
        (notifications_pb2, "NotificationService"),
        (users_pb2, "UserService"),
    )
]
REQUESTS = [method.input_type for service in SERVICES for method in service.methods]
TEXTS = ("", "a", "A b!", "é" * 70_000)
NUMBERS = (-1, 0, 2**31 - 1)
SECONDS = (-1, 1, 10**10)


def has_rules(field: FieldDescriptor) -> bool:
    options = field.GetOptions().SerializeToString()
    return any(record.number == FIELD_RULES for record in records(options, 0, len(options)))


Way = tuple[FieldDescriptor, ...]


def fields_of(message: Any, parents: Way = ()) -> Iterator[Way]:
    """Every field of a message and of those within, as the way to it."""
    for field in message.fields:
        yield (*parents, field)
        inner = field.message_type
        if (
            inner is not None
            and inner.full_name.startswith("shopalytic.")
            and inner not in (parent.message_type for parent in parents)
        ):
            yield from fields_of(inner, (*parents, field))


def values_of(field: FieldDescriptor) -> tuple[Any, ...]:
    if field.type == FieldDescriptor.TYPE_STRING:
        return TEXTS
    if field.type == FieldDescriptor.TYPE_BOOL:
        return (False,)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return (0, 77)
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        if field.message_type.full_name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
            return tuple({"seconds": seconds} for seconds in SECONDS)
        return ({},)
    return NUMBERS


def requests_with(way: Way) -> Iterator[Any]:
    """Requests with a field that is absent, and with any of some values, once or many times."""
    last = way[-1]
    choices: list[tuple[Any, ...]] = [(value,) for value in values_of(last)]
    if last.is_repeated:
        choices = [(), *choices, values_of(last)[:1] * 2, values_of(last)[:1] * 1_001]
    for choice in ((), *choices):
        request = GetMessageClass(way[0].containing_type)()
        inside = request
        for field in way[:-1]:
            part = getattr(inside, field.name)
            inside = part.add() if field.is_repeated else part
            if not field.is_repeated:
                inside.SetInParent()
        given = choice[0] if choice else None
        if last.is_repeated:
            for value in choice:
                part = getattr(inside, last.name)
                part.add() if isinstance(value, dict) else part.append(value)
        elif isinstance(given, dict):
            part = getattr(inside, last.name)
            part.SetInParent()
            for name, value in given.items():
                setattr(part, name, value)
        elif choice:
            setattr(inside, last.name, given)
        yield request


WAYS = [way for request in REQUESTS for way in fields_of(request) if has_rules(way[-1])]


def name_of(way: Way) -> str:
    return f"{way[0].containing_type.name}.{'.'.join(field.name for field in way)}"


@pytest.mark.parametrize("way", WAYS, ids=name_of)
def test_a_broken_rule_is_told_in_our_words(way: Way) -> None:
    told = 0
    for request in requests_with(way):
        library = {(each.proto.rule_id, each.proto.message) for each in LIBRARY.collect_violations(request)}
        if not library:
            continue
        with pytest.raises(InvalidRequest) as refused:
            check_request(request)
        for violation in refused.value.violations:
            assert (violation.rule_id, violation.message) not in library, violation
            assert violation.field
            assert "regex" not in violation.message
            told += violation.field.rpartition(".")[2].partition("[")[0] == way[-1].name
    assert told


def test_every_pattern_of_the_protos_has_its_words() -> None:
    options = [way[-1].GetOptions().SerializeToString() for way in WAYS]
    for pattern in rule_sentences.PATTERNS:
        assert any(pattern.encode() in each for each in options), pattern


@pytest.mark.parametrize(
    ("request_", "field", "message"),
    [
        (
            reports_pb2.ListCustomersRequest(page_size=1_001),
            "page_size",
            "must be from 0 to 1,000; this is 1,001",
        ),
        (reports_pb2.ListCustomersRequest(min_orders=-1), "min_orders", "must be at least 0; this is -1"),
        (
            reports_pb2.ListCustomersRequest(search="x" * 201),
            "search",
            "must be at most 200 characters; this has 201",
        ),
        (reports_pb2.GetCustomerRequest(), "customer", "is required"),
        (
            reports_pb2.GetFunnelReportRequest(steps=[reports_pb2.FunnelStep()]),
            "steps[0].by",
            "is required: give one of event_type, page_type, custom_name",
        ),
        (
            admin_pb2.CreateKeyRequest(),
            "key_class",
            "is required: give one of "
            "KEY_CLASS_BROWSER, KEY_CLASS_SERVER, KEY_CLASS_REPORTS, KEY_CLASS_ADMIN",
        ),
        (
            admin_pb2.UpdateProjectRequest(own_user_agents=admin_pb2.UserAgents(user_agents=["ab"])),
            "own_user_agents.user_agents[0]",
            "must be at least 3 characters; this has 2",
        ),
    ],
)
def test_what_is_told(request_: Any, field: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_request(request_)
    assert [(each.field, each.message) for each in refused.value.violations] == [(field, message)]
