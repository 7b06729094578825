"""Writes shopalytic.v1.proto.zip: the protos, and the proto of their rules, for compilers without a network.

The rules' proto is written out of its descriptor, which the protovalidate package
has; what only checkers of rules need (its comments and its own options) is left out.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

NAME = "shopalytic.v1.proto.zip"
RULES = "buf/validate/validate.proto"
# So that the same protos give the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_NO_OTHER = "Out of its descriptor: no comments, and none of the options that only checkers of rules need."


def write_archive(image: FileDescriptorSet, protos: Path) -> bytes:
    """The bytes of the zip."""
    rules = next(file for file in image.file if file.name == RULES)
    texts = {path.relative_to(protos).as_posix(): path.read_text() for path in protos.rglob("*.proto")}
    texts[RULES] = _Printer(rules).text()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(texts.items()):
            info = zipfile.ZipInfo(name, _NO_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, text)
    return buffer.getvalue()


class _Printer:
    """One file's descriptor as a proto that compiles to the same messages."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self._file = file
        self._lines: list[str] = []

    def text(self) -> str:
        """The whole file."""
        file = self._file
        self._line(0, f"// {_NO_OTHER}")
        self._line(0, f'syntax = "{file.syntax or "proto2"}";')
        self._line(0, f"package {file.package};")
        for name in file.dependency:
            self._line(0, f'import "{name}";')
        for field, value in file.options.ListFields():
            if not field.is_extension:
                self._line(0, f"option {field.name} = {_value(value)};")
        for enum in file.enum_type:
            self._enum(0, enum)
        for message in file.message_type:
            self._message(0, message)
        self._extensions(0, list(file.extension))
        return "\n".join(self._lines) + "\n"

    def _line(self, depth: int, text: str) -> None:
        self._lines.append("  " * depth + text)

    def _message(self, depth: int, message: DescriptorProto) -> None:
        self._line(depth, f"message {message.name} {{")
        for enum in message.enum_type:
            self._enum(depth + 1, enum)
        for inner in message.nested_type:
            if not inner.options.map_entry:
                self._message(depth + 1, inner)
        loose = [field for field in message.field if not _in_oneof(field)]
        for field in loose:
            self._line(depth + 1, self._field(message, field, with_label=True))
        for index, oneof in enumerate(message.oneof_decl):
            inside = [field for field in message.field if _in_oneof(field) and field.oneof_index == index]
            if inside:
                self._line(depth + 1, f"oneof {oneof.name} {{")
                for field in inside:
                    self._line(depth + 2, self._field(message, field, with_label=False))
                self._line(depth + 1, "}")
        for span in message.reserved_range:
            self._line(depth + 1, f"reserved {span.start} to {span.end - 1};")
        for name in message.reserved_name:
            self._line(depth + 1, f'reserved "{name}";')
        for each in message.extension_range:
            end = "max" if each.end > 536_870_911 else str(each.end - 1)
            self._line(depth + 1, f"extensions {each.start} to {end};")
        self._extensions(depth + 1, list(message.extension))
        self._line(depth, "}")

    def _extensions(self, depth: int, fields: list[FieldDescriptorProto]) -> None:
        for field in fields:
            self._line(depth, f"extend {field.extendee} {{")
            self._line(depth + 1, self._field(None, field, with_label=True))
            self._line(depth, "}")

    def _enum(self, depth: int, enum: EnumDescriptorProto) -> None:
        self._line(depth, f"enum {enum.name} {{")
        if enum.options.allow_alias:
            self._line(depth + 1, "option allow_alias = true;")
        for value in enum.value:
            self._line(depth + 1, f"{value.name} = {value.number};")
        for span in enum.reserved_range:
            self._line(depth + 1, f"reserved {span.start} to {span.end};")
        for name in enum.reserved_name:
            self._line(depth + 1, f'reserved "{name}";')
        self._line(depth, "}")

    def _field(self, owner: DescriptorProto | None, field: FieldDescriptorProto, *, with_label: bool) -> str:
        kind = field.type_name or _SCALARS[field.type]
        label = _LABELS[field.label] + " "
        for inner in owner.nested_type if owner is not None else ():
            if inner.options.map_entry and field.type_name.endswith(f".{inner.name}"):
                key, value = (self._field(None, each, with_label=False).split()[0] for each in inner.field)
                kind, label = f"map<{key}, {value}>", ""
        if self._file.syntax == "proto3" and label == "optional " and not field.proto3_optional:
            label = ""
        told = f" [default = {field.default_value}]" if field.HasField("default_value") else ""
        return f"{label if with_label else ''}{kind} {field.name} = {field.number}{told};"


def _in_oneof(field: FieldDescriptorProto) -> bool:
    return field.HasField("oneof_index") and not field.proto3_optional


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str) else str(value)


_SCALARS = {number: name.removeprefix("TYPE_").lower() for name, number in FieldDescriptorProto.Type.items()}
_LABELS = {number: name.removeprefix("LABEL_").lower() for name, number in FieldDescriptorProto.Label.items()}
