"""The messages that an Event is made of, as the writers of Python code need them."""

import re
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from generator.image import GenerationError, RuleBook

PACKAGE = "shopalytic.v1"
ROOT = f"{PACKAGE}.Event"
TIMESTAMP = "google.protobuf.Timestamp"
STRUCT = "google.protobuf.Struct"

_KINDS = {
    FieldDescriptorProto.TYPE_STRING: "string",
    FieldDescriptorProto.TYPE_INT32: "int32",
    FieldDescriptorProto.TYPE_INT64: "int64",
    FieldDescriptorProto.TYPE_BOOL: "bool",
    FieldDescriptorProto.TYPE_MESSAGE: "message",
}
_WELL_KNOWN = {TIMESTAMP: "timestamp", STRUCT: "struct"}


@dataclass(frozen=True)
class Field:
    """One field of a message."""

    name: str
    kind: str
    """string, int32, int64, bool, timestamp, struct or message."""
    repeated: bool
    presence: bool
    """Whether absence can be told from an empty value."""
    message: str
    """Full name of the message it holds; empty for other kinds."""
    proto: Any


def snake(name: str) -> str:
    """PageView -> page_view."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def short(name: str) -> str:
    """shopalytic.v1.PageView -> PageView."""
    return name.removeprefix(f"{PACKAGE}.")


class Schema:
    """Fields and order of the messages below Event; `order` has the innermost first."""

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self.order: list[str] = []
        self._visit(ROOT)

    def _visit(self, name: str) -> None:
        if name not in self.book.messages:
            raise GenerationError(f"{name} is used by Event but is not a message of {PACKAGE}")
        for field in self.all_fields(name):
            if field.kind == "message" and field.message not in self.order:
                self._visit(field.message)
        self.order.append(name)

    def all_fields(self, name: str) -> list[Field]:
        """Every field of a message, in the proto's order."""
        return [self._field(name, proto) for proto in self.book.messages[name].field]

    def plain_fields(self, name: str) -> list[Field]:
        """The fields that are not alternatives of a oneof."""
        return [field for field in self.all_fields(name) if not _in_oneof(field.proto)]

    def oneofs(self, name: str) -> list[tuple[Any, list[Field]]]:
        """Each oneof with its alternatives."""
        message = self.book.messages[name]
        groups: list[tuple[Any, list[Field]]] = []
        for index, oneof in enumerate(message.oneof_decl):
            chosen = [
                field
                for field in self.all_fields(name)
                if _in_oneof(field.proto) and field.proto.oneof_index == index
            ]
            if chosen:  # an `optional` field has a oneof of its own inside protobuf
                groups.append((oneof, chosen))
        return groups

    def imports(self, without: tuple[str, ...] = ()) -> str:
        """Import lines for the messages, by module."""
        lines = []
        for module in ("commerce", "events"):
            names = sorted(
                short(n) for n in self.order if self.book.module_of[n] == module and n not in without
            )
            listed = "".join(f"    {name},\n" for name in names)
            lines.append(f"from shopalytic.v1.{module}_pb2 import (\n{listed})\n")
        return "".join(lines)

    def _field(self, owner: str, proto: Any) -> Field:
        message = proto.type_name.removeprefix(".")
        kind = _WELL_KNOWN.get(message) or _KINDS.get(proto.type, "")
        if not kind:
            raise GenerationError(f"{owner}.{proto.name} has a type that the generator does not know")
        repeated = proto.label == FieldDescriptorProto.LABEL_REPEATED
        presence = not repeated and (proto.type == proto.TYPE_MESSAGE or proto.HasField("oneof_index"))
        return Field(proto.name, kind, repeated, presence, message, proto)


def _in_oneof(proto: Any) -> bool:
    return bool(proto.HasField("oneof_index") and not proto.proto3_optional)
