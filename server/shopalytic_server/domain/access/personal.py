"""Takes what is about one person out of answers, for those whose role shows them numbers only."""

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

NAMING = frozenset(
    {
        "claimed_by",
        "customer_id",
        "email",
        "first_name",
        "identity",
        "identities",
        "last_name",
        "phone",
        "tracking_id",
        "tracking_ids",
        # Leads to the events behind a number, which are people's.
        "explain",
    }
)
"""Fields that name a person, or lead to one."""

ABOUT_ONE = frozenset({"SegmentCustomer", "Customer", "StoredEvent"})
"""Messages that are about one person as a whole."""

HIDDEN = "(e-mail address)"
"""What stands in place of an address that is part of a text, such as of a search or a landing page."""

_ADDRESS = re.compile(
    r"[^\s@<>(),;:\"\[\]\\/?&=#]{1,64}(?:@|%40)[^\s@<>(),;:\"\[\]\\/?&=#]{1,200}", re.IGNORECASE
)
# So many fields between two steps.
_STEP = 500


def without_persons(message: Message) -> Iterator[None]:
    """Clears such fields of an answer, in place, in steps of a moment each."""
    waiting, seen = [message], 0
    while waiting:
        each = waiting.pop()
        for field, value in each.ListFields():
            seen += 1
            if seen % _STEP == 0:
                yield
            if field.name in NAMING or (field.message_type and field.message_type.name in ABOUT_ONE):
                each.ClearField(field.name)
            elif field.message_type is not None:
                waiting += _inside(field, field.message_type, value)
            elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING and field.type == field.TYPE_STRING:
                _hide(each, field, value)


def _inside(field: FieldDescriptor, kind: Descriptor, value: Any) -> list[Message]:
    """The messages in a field; of a map of texts its values are cleaned at once."""
    if not kind.GetOptions().map_entry:
        return list(value) if field.is_repeated else [value]
    entry = kind.fields_by_name["value"]
    if entry.message_type is not None:
        return list(value.values())
    if entry.type == entry.TYPE_STRING:
        for key, text in list(value.items()):
            if (hidden := _ADDRESS.sub(HIDDEN, text)) != text:
                value[key] = hidden
    return []


def _hide(message: Message, field: FieldDescriptor, value: Any) -> None:
    if not field.is_repeated:
        if (hidden := _ADDRESS.sub(HIDDEN, value)) != value:
            setattr(message, field.name, hidden)
        return
    for place, text in enumerate(list(value)):
        if (hidden := _ADDRESS.sub(HIDDEN, text)) != text:
            value[place] = hidden
