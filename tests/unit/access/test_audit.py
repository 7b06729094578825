"""What the audit log tells of a call: of each that it tells of, whatever the call's request has."""

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from shopalytic.v1 import admin_pb2, collector_pb2, notifications_pb2, reports_pb2
from shopalytic_server.domain.access.audit import ACTIONS, is_told, subject_of, told_action

FILES = (admin_pb2, collector_pb2, notifications_pb2, reports_pb2)
METHODS = [
    method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    if method.name in ACTIONS
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_each_call_has_a_subject_or_none_also_when_its_request_is_empty(method: MethodDescriptor) -> None:
    request: Message = GetMessageClass(method.input_type)()
    assert is_told(method.name, request)
    assert subject_of(method.name, request) == ""
    assert told_action(method.name, request) == method.name
    if "customer" in method.input_type.fields_by_name:
        request.customer.any = "jane@shop.example"  # type: ignore[attr-defined] # a message's field
        assert subject_of(method.name, request) == "jane@shop.example"


def test_calls_that_look_at_customers_are_told() -> None:
    assert {"GetCustomer", "ListCustomers", "ListEvents"} <= {method.name for method in METHODS}
