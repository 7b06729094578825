"""What roles that see numbers only get of an answer: nothing that names a person, wherever it stands."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.access.personal import ABOUT_ONE, HIDDEN, NAMING, without_persons
from shopalytic_server.domain.access.roles import CALLS, SEE_PERSONS

ADDRESS = "Jane.Doe+x@shop.example"
METHODS = [
    method
    for method in reports_pb2.DESCRIPTOR.services_by_name["ReportService"].methods
    if CALLS[f"shopalytic.v1.ReportService/{method.name}"] - SEE_PERSONS
]


def filled(kind: Descriptor, depth: int = 0) -> Message:
    """A message with an e-mail address in each text."""
    message = GetMessageClass(kind)()
    for field in kind.fields:
        _fill(message, field, depth)
    return message


def _fill(message: Message, field: FieldDescriptor, depth: int) -> None:
    value: Any = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        if field.message_type.fields_by_name["value"].type == FieldDescriptor.TYPE_STRING:
            value["landing_page"] = f"/thanks?mail={ADDRESS}"
    elif field.message_type is not None:
        if depth < 3 and field.message_type.file.package == "shopalytic.v1":
            inner = filled(field.message_type, depth + 1)
            value.append(inner) if field.is_repeated else value.CopyFrom(inner)
    elif field.type == FieldDescriptor.TYPE_STRING:
        text = f"say {ADDRESS} to"
        value.append(text) if field.is_repeated else setattr(message, field.name, text)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_no_address_is_left_anywhere(method: Any) -> None:
    answer = filled(method.output_type)
    assert ADDRESS in str(answer)
    for _ in without_persons(answer):
        pass
    assert "shop.example" not in str(answer)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_no_field_that_names_a_person_is_left(method: Any) -> None:
    answer = filled(method.output_type)
    for _ in without_persons(answer):
        pass

    def names(message: Message) -> Iterator[str]:
        for field, value in message.ListFields():
            yield field.name
            if field.message_type is None or field.message_type.GetOptions().map_entry:
                continue
            assert field.message_type.name not in ABOUT_ONE
            for inner in value if field.is_repeated else [value]:
                yield from names(inner)

    assert set(names(answer)) & NAMING == set()


def test_what_names_nobody_stays() -> None:
    report = reports_pb2.GetSearchReportResponse()
    row = report.DESCRIPTOR.fields_by_name["rows"].message_type
    message = GetMessageClass(row)()
    text = next(each.name for each in row.fields if each.type == FieldDescriptor.TYPE_STRING)
    setattr(message, text, "blue socks size 40")
    before = message.SerializeToString()
    for _ in without_persons(message):
        pass
    assert message.SerializeToString() == before


@pytest.mark.parametrize("text", ["?mail=jane%40shop.example", "JANE@SHOP.EXAMPLE", "a jane@shop.example b"])
def test_an_address_within_a_text_is_hidden(text: str) -> None:
    message = reports_pb2.CartRow(dimensions={"landing_page": text})
    for _ in without_persons(message):
        pass
    assert HIDDEN in message.dimensions["landing_page"]
    assert "shop.example" not in message.dimensions["landing_page"].lower()
